//! From lines of text to instructions: continuations joined, comments and empty lines removed.

/// One instruction's text and where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LogicalLine {
    /// From 1.
    pub(super) number: usize,
    pub(super) text: String,
}

/// Joins lines that end with a backslash. Comments and empty lines inside a continuation are
/// skipped (Dockerfile reference, "Format" and "escape").
pub(super) fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut lines = Vec::new();
    let mut open: Option<LogicalLine> = None;
    for (index, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let bare = raw.trim_start();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let trimmed = raw.trim_end();
        let (part, goes_on) = match trimmed.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (trimmed, false),
        };
        let line =
            open.get_or_insert_with(|| LogicalLine { number: index + 1, text: String::new() });
        line.text.push_str(if line.text.is_empty() { part.trim_start() } else { part });
        if !goes_on {
            lines.extend(open.take());
        }
    }
    lines.extend(open);
    lines.retain(|line| !line.text.trim().is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuations_are_joined_and_comments_are_removed() {
        let text =
            "# a comment\n\n  ENV a=1 \\\n  # inside\n\n    b=2\r\nUSER x # kept\nLABEL a=\\\nb \\";
        let lines: Vec<_> = logical_lines(text).into_iter().map(|l| (l.number, l.text)).collect();
        let expected = [(3, "ENV a=1     b=2"), (7, "USER x # kept"), (8, "LABEL a=b ")];
        assert_eq!(lines, expected.map(|(number, text)| (number, text.to_owned())));
    }
}
