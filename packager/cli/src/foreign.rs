//! Text from outside on its way to a person: registries, images, packages and services wrote it.

use std::borrow::Cow;

use mlpack_requirements::redact;

/// The longest message that is shown whole, in bytes.
const LONGEST: usize = 32 << 10;

/// The longest line of a message that is shown whole, in bytes.
const LONGEST_LINE: usize = 4 << 10;

/// Parameters of a query that are secrets: signed addresses of Azure, Amazon and Google, and tokens.
const SECRETS: [&str; 10] = [
    "access_token",
    "api_key",
    "apikey",
    "password",
    "sig",
    "signature",
    "token",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-signature",
];

/// Whether a character would act on the terminal instead of being shown: controls, and marks that turn the direction of a
/// line around (Unicode TR 36, "Bidirectional Text Spoofing").
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Shows characters that would act on the terminal by their numbers; lines and tabs stay, and so do `codes`.
pub(crate) fn printable<'a>(text: &'a str, codes: &[&str]) -> Cow<'a, str> {
    let harmful = |c: char| acts(c) && !matches!(c, '\n' | '\t');
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(harmful) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = codes.iter().find(|code| rest.starts_with(**code));
        let length = match (code, rest.chars().next()) {
            (Some(code), _) => {
                shown.push_str(code);
                code.len()
            }
            (None, Some(c)) => {
                shown.extend(c.escape_unicode());
                c.len_utf8()
            }
            (None, None) => break,
        };
        rest = &rest[length..];
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// As [`printable`], for one cell of a table: it stays on its line.
pub(crate) fn cell(text: &str) -> String {
    let escaped = |c: char| if acts(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

/// Leaves out the middle of lines, and of a whole, that are too long to be read.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_LINE {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text.split('\n').map(|line| without_middle(line, LONGEST_LINE)).collect();
    Cow::Owned(without_middle(&lines.join("\n"), LONGEST).into_owned())
}

fn without_middle(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    let head = text.floor_char_boundary(longest / 2);
    let tail = text.ceil_char_boundary(text.len() - longest / 2);
    Cow::Owned(format!("{} [... {} bytes ...] {}", &text[..head], tail - head, &text[tail..]))
}

/// Hides user names, passwords, signatures and tokens of addresses in a text.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let text = redact(text);
    let mut rest = &*text;
    while let Some((before, after)) = rest.split_once("://") {
        safe.push_str(before);
        safe.push_str("://");
        let end = after
            .find(|c: char| c.is_whitespace() || "\"'`<>\\".contains(c))
            .unwrap_or(after.len());
        hide(&mut safe, &after[..end]);
        rest = &after[end..];
    }
    safe.push_str(rest);
    Cow::Owned(safe)
}

/// Adds the rest of an address without its secrets.
fn hide(safe: &mut String, address: &str) {
    let (place, query) = match address.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (address, None),
    };
    // A token in the path of a conda channel.
    match place.split_once("/t/") {
        Some((host, path)) if !host.contains('/') => {
            let path = path.find('/').map_or("", |at| &path[at..]);
            safe.push_str(&format!("{host}/t/***{path}"));
        }
        _ => safe.push_str(place),
    }
    let Some(query) = query else { return };
    for (number, parameter) in query.split('&').enumerate() {
        safe.push(if number == 0 { '?' } else { '&' });
        match parameter.split_once('=') {
            Some((name, _)) if SECRETS.contains(&&*name.to_ascii_lowercase()) => {
                safe.push_str(&format!("{name}=***"));
            }
            _ => safe.push_str(parameter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_shown() {
        assert_eq!(printable("plain ü\n\tline", &[]), "plain ü\n\tline");
        let text = "a\x1b[2Jb\rc\u{7f}\u{9b}1m\u{202e}d";
        assert_eq!(printable(text, &[]), "a\\u{1b}[2Jb\\u{d}c\\u{7f}\\u{9b}1m\\u{202e}d");
        assert_eq!(printable("\x1b[1mbold\x1b[2J", &["\x1b[1m"]), "\x1b[1mbold\\u{1b}[2J");
        assert_eq!(cell("a\nb\tc"), "a\\u{a}b\\u{9}c");
    }

    #[test]
    fn long_messages_lose_their_middle() {
        let text = format!("begin{}end", "ü".repeat(LONGEST));
        let short = shortened(&text);
        assert!(
            short.len() < LONGEST + 100 && short.starts_with("begin") && short.ends_with("end")
        );
        assert!(shortened(&"line\n".repeat(LONGEST)).len() < LONGEST + 100);
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn secrets_of_addresses_are_hidden() {
        let hidden = without_secrets(
            "cannot get https://me:pw@h/a?sv=1&sig=abc%3D&x=1: see `https://h/t/tk-1/main/x?token=t` and a?sig=b",
        );
        assert_eq!(
            hidden,
            "cannot get https://h/a?sv=1&sig=***&x=1: see `https://h/t/***/main/x?token=***` and a?sig=b"
        );
        assert_eq!(without_secrets("https://h/a/t/b?c"), "https://h/a/t/b?c");
    }
}
