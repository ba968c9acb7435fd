//! The text of a requirements file.

use crate::comment::without_comment;

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
}
