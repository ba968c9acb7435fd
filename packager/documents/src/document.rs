//! A whole document and the file it is from.

use std::path::{Path, PathBuf};

use crate::error::Place;
use crate::node::{Node, Position, Value};
use crate::{Result, Scalar, json, yaml};

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file, for messages.
    pub path: PathBuf,
    /// The outermost value.
    pub root: Node,
}

/// The language of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON (RFC 8259).
    Json,
    /// YAML 1.2 with the booleans of YAML 1.1 and merge keys.
    Yaml,
}

impl Format {
    /// JSON for a text that begins with a brace, else YAML.
    fn of_text(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with('{') { Self::Json } else { Self::Yaml }
    }
}

impl Document {
    /// Parses a text; `path` is only used in messages. A byte order mark is ignored, an empty YAML
    /// text is a null.
    ///
    /// # Errors
    /// [`crate::Error::Syntax`] or [`crate::Error::DuplicateKey`].
    pub fn parse(path: &Path, text: &str, format: Format) -> Result<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let root = match format {
            Format::Json => json::parse(path, text)?,
            Format::Yaml => yaml::parse(path, text)?,
        };
        Ok(Self { path: path.to_owned(), root })
    }

    /// Parses a configuration as the Azure CLI does: as YAML, whatever the file is called. YAML includes JSON and allows
    /// comments and a comma after the last value, but not all of JSON's escapes and tabs, so that a text which begins with
    /// a brace is then read as JSON, whose messages are about JSON.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_configuration(path: &Path, text: &str) -> Result<Self> {
        match (Self::parse(path, text, Format::Yaml), Format::of_text(text)) {
            (Err(_), Format::Json) => Self::parse(path, text, Format::Json),
            (outcome, _) => outcome,
        }
    }

    /// Returns a document without keys, to which [`Document::set`] adds; `path` names its source.
    pub fn empty(path: &Path) -> Self {
        let root = Node { at: Position::NONE, value: Value::Map(Vec::new()) };
        Self { path: path.to_owned(), root }
    }

    /// Sets the value that a path of keys leads to, as a flag that overrides the file does. Mappings on the way are
    /// created. Another value on the way stays as it is, for the reader to refuse.
    pub fn set(&mut self, keys: &[&str], scalar: Scalar) {
        self.root.set(keys, Value::Scalar(scalar));
    }

    /// Returns a position in this document.
    pub fn place(&self, at: Position) -> Place {
        Place::new(&self.path, at)
    }
}
