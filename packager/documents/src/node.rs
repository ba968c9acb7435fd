//! The tree of a document.

use crate::Scalar;

/// A place in a text. Values that no file holds are at [`Position::NONE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The first character of the value.
    pub at: Position,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// Any other scalar.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written, each key once.
    Map(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, unquoted.
    pub key: String,
    /// The first character of the key.
    pub at: Position,
    /// The value.
    pub node: Node,
}

impl Entry {
    /// Whether the value is neither null nor an empty text.
    pub(crate) fn is_given(&self) -> bool {
        match &self.node.value {
            Value::Null => false,
            Value::Scalar(scalar) => !scalar.text.is_empty(),
            Value::Map(_) | Value::List(_) => true,
        }
    }
}

impl Position {
    /// The place of a value that no file holds, such as one from the command line.
    pub const NONE: Self = Self { line: 0, column: 0 };

    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

impl Node {
    /// Names the type with its article, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar(scalar) if scalar.boolean().is_some() => "a boolean",
            Value::Scalar(scalar) if scalar.is_number() => "a number",
            Value::Scalar(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Returns the text of a scalar as it is written, whatever its type.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// Sets the value that keys lead to.
    pub(crate) fn set(&mut self, keys: &[&str], value: Value) {
        let Some((key, rest)) = keys.split_first() else {
            *self = Self { at: Position::NONE, value };
            return;
        };
        if self.value == Value::Null {
            self.value = Value::Map(Vec::new());
        }
        let Value::Map(entries) = &mut self.value else { return };
        let known = entries.iter().position(|entry| entry.key == *key);
        let index = known.unwrap_or_else(|| {
            let node = Self { at: Position::NONE, value: Value::Null };
            entries.push(Entry { key: (*key).to_owned(), at: Position::NONE, node });
            entries.len() - 1
        });
        entries[index].at = if rest.is_empty() { Position::NONE } else { entries[index].at };
        entries[index].node.set(rest, value);
    }

    /// Returns the same value for JSON writers.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Scalar(scalar) => scalar.to_json(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}
