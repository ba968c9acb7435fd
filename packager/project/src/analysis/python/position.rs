//! From byte offsets to lines and columns.

use ruff_text_size::{TextRange, TextSize};

/// Where each line of a text begins.
pub(super) struct Positions<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Positions<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(index, _)| index + 1)).collect();
        Self { text, starts }
    }

    /// Line and column from 1, the column in characters.
    pub(super) fn at(&self, offset: TextSize) -> (usize, usize) {
        let offset = offset.to_usize().min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.wrapping_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |part| part.chars().count());
        (line.max(1), column + 1)
    }

    /// Returns what is written in a range.
    pub(super) fn written(&self, range: TextRange) -> &'a str {
        self.text.get(range.start().to_usize()..range.end().to_usize()).unwrap_or_default()
    }

    /// Returns the line of an offset, from 1.
    pub(super) fn line(&self, offset: TextSize) -> usize {
        self.at(offset).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let positions = Positions::new("a\nüb\n");
        let at = |offset| positions.at(TextSize::new(offset));
        assert_eq!(
            [at(0), at(1), at(2), at(4), at(5), at(9)],
            [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1)]
        );
    }
}
