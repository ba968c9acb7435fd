//! Parsing JSON. `serde_json` checks the text; a second pass over the valid text finds where each
//! value begins, which `serde_json` does not report.

use std::path::Path;

use crate::error::{Error, Place};
use crate::node::{Entry, Node, Position, Value};
use crate::yaml::insert;
use crate::{Result, Scalar};

/// Parses a text.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Node> {
    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
        let message = error.to_string();
        let reason = message.split(" at line ").next().unwrap_or(&message).to_owned();
        let at = Position { line: error.line().max(1), column: error.column().max(1) };
        return Err(Error::Syntax {
            place: Place::new(path, at),
            reason,
            hint: None,
            mended: None,
        });
    }
    Scanner { path, rest: text, at: Position::START }.node()
}

/// Walks over a text that is valid JSON.
struct Scanner<'a> {
    path: &'a Path,
    rest: &'a str,
    at: Position,
}

impl<'a> Scanner<'a> {
    /// Takes the first `length` bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        for character in taken.chars() {
            match character {
                '\n' => self.at = Position { line: self.at.line + 1, column: 1 },
                _ => self.at.column += 1,
            }
        }
        self.rest = rest;
        taken
    }

    /// Skips blanks and, between values, the comma or colon; returns the next character.
    fn next(&mut self) -> char {
        let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n' | ',' | ':');
        self.take(self.rest.len() - self.rest.trim_start_matches(blank).len());
        self.rest.chars().next().unwrap_or_default()
    }

    fn node(&mut self) -> Result<Node> {
        let first = self.next();
        let at = self.at;
        let value = match first {
            '{' => Value::Map(self.entries()?),
            '[' => {
                let mut items = Vec::new();
                self.take(1);
                while self.next() != ']' {
                    items.push(self.node()?);
                }
                self.take(1);
                Value::List(items)
            }
            '"' => Value::Scalar(Scalar::quoted(self.string())),
            _ => {
                let end = self.rest.find([',', ']', '}', ' ', '\t', '\r', '\n']);
                match self.take(end.unwrap_or(self.rest.len())) {
                    "null" => Value::Null,
                    text => Value::Scalar(Scalar::plain(text)),
                }
            }
        };
        Ok(Node { at, value })
    }

    fn entries(&mut self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.take(1);
        while self.next() != '}' {
            let at = self.at;
            let key = self.string();
            let node = self.node()?;
            insert(self.path, &mut entries, Entry { key, at, node })?;
        }
        self.take(1);
        Ok(entries)
    }

    /// Takes a string with its quotes.
    fn string(&mut self) -> String {
        let mut escaped = false;
        let end = self.rest[1..].find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let quoted = self.take(end.map_or(self.rest.len(), |end| end + 2));
        serde_json::from_str(quoted).unwrap_or_default()
    }
}
