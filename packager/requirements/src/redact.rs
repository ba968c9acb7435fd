//! Texts and addresses without user names and passwords.

use url::Url;

/// Returns an address without user and password.
pub fn redact_url(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.into()
}

/// Returns a text whose addresses have no user and password.
pub fn redact(text: &str) -> String {
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
    fn passwords_are_removed_from_texts() {
        assert_eq!(
            redact("a @ https://me:p@ss@h.example/a.whl, git+ssh://git@h/x@v1 and ./a@b"),
            "a @ https://h.example/a.whl, git+ssh://h/x@v1 and ./a@b"
        );
    }
}
