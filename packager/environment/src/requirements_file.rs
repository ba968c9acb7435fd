//! The text of a requirements file, and what of a line is taken as written by somebody else.

use std::collections::BTreeMap;
use std::fmt;

/// Lines as meant, each with the number of its first: continued ones joined, comments and empty
/// ones left out (pip, "Requirements File Format").
pub(crate) fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let comment = line.trim_start().starts_with('#');
        let (first, mut joined) = open.take().unwrap_or((index + 1, String::new()));
        match line.strip_suffix('\\') {
            Some(rest) if !comment => {
                joined.push_str(rest);
                open = Some((first, joined));
            }
            _ => {
                // A comment ends what is continued, as an empty line would.
                joined.push_str(if comment { "" } else { line });
                lines.push((first, joined));
            }
        }
    }
    lines.extend(open);
    lines
        .into_iter()
        .map(|(line, text)| (line, without_comment(&text).to_owned()))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

/// A line without what follows a `#` at its beginning or after a space; `#egg=` stays.
pub(crate) fn without_comment(text: &str) -> &str {
    let mut before = ' ';
    for (place, character) in text.char_indices() {
        if character == '#' && before.is_whitespace() {
            return text[..place].trim();
        }
        before = character;
    }
    text.trim()
}

/// Environment variables that a list may name as `${NAME}`. Their values are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// A text with every `${NAME}` replaced; the error is the name that is not set. As pip has it,
    /// names are of capitals, digits and underscores, and `$NAME` is left alone.
    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            expanded.push_str(before);
            let name = after.split('}').next().unwrap_or_default();
            let is_name = !name.is_empty()
                && name.len() < after.len()
                && name.chars().all(|c| matches!(c, 'A'..='Z' | '0'..='9' | '_'));
            if is_name {
                expanded.push_str(self.0.get(name).ok_or(name)?);
                rest = &after[name.len() + 1..];
            } else {
                expanded.push_str("${");
                rest = after;
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A text as it may be shown: addresses in it without user and password.
pub(crate) fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        safe.push_str(before);
        safe.push_str("://");
        let end = after
            .find(|c: char| {
                c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | ',')
            })
            .unwrap_or(after.len());
        let host = after[..end].rfind('@').map_or(0, |at| at + 1);
        safe.push_str(&after[host..end]);
        rest = &after[end..];
    }
    safe.push_str(rest);
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_comments_left_out() {
        let text = "\u{feff}# head \\\na==1 \\\n  --hash=sha256:00 \\\n  # why\nb # note\n\n\t# c\nd @ git+https://h/d#egg=d\t# e\ne \\";
        assert_eq!(
            logical_lines(text),
            [
                (2, "a==1   --hash=sha256:00".to_owned()),
                (5, "b".to_owned()),
                (8, "d @ git+https://h/d#egg=d".to_owned()),
                (9, "e".to_owned()),
            ]
        );
    }

    #[test]
    fn variables_are_replaced_and_never_shown() {
        let variables: Variables =
            [("TOKEN".to_owned(), "s3cret".to_owned())].into_iter().collect();
        assert_eq!(
            variables.expand("https://me:${TOKEN}@h/${x}/$TOKEN/${TOKEN"),
            Ok("https://me:s3cret@h/${x}/$TOKEN/${TOKEN".to_owned())
        );
        assert_eq!(variables.expand("${NONE}"), Err("NONE".to_owned()));
        assert_eq!(format!("{variables:?}"), "{\"TOKEN\"}");
    }

    #[test]
    fn passwords_are_taken_out_of_texts() {
        assert_eq!(
            shown("a @ https://me:p@ss@h.example/a.whl, git+ssh://git@h/x@v1 and ./a@b"),
            "a @ https://h.example/a.whl, git+ssh://h/x@v1 and ./a@b"
        );
    }
}
