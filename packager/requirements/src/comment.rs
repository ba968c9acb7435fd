//! Comments in requirement files and conda lines.

/// Returns a line without the comment that a `#` at its beginning or after a blank begins; `#egg=` in
/// an address is not one.
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
