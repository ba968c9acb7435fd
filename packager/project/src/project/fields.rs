//! Reads an object key by key, strictly: unknown keys, wrong types and doubles are errors that
//! name file, line and key.

use std::path::Path;

use super::document::{Node, Value};
use super::{Error, Result};

/// A value and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// From 1; 0 for a value that was given as a flag.
    pub line: usize,
}

/// The entries of one object that have not been taken yet.
pub(super) struct Fields<'a> {
    path: &'a Path,
    prefix: String,
    entries: Vec<(String, Node)>,
}

impl<'a> Fields<'a> {
    /// Opens an object whose keys must be among `known`.
    pub(super) fn open(
        path: &'a Path,
        prefix: &str,
        node: Node,
        known: &[&'static str],
    ) -> Result<Self> {
        let Value::Map(entries) = node.value else {
            return Err(Error::WrongType {
                path: path.to_owned(),
                line: node.line,
                key: if prefix.is_empty() { "the document".to_owned() } else { prefix.to_owned() },
                expected: "an object",
                found: node.value.kind(),
            });
        };
        let fields = Self { path, prefix: prefix.to_owned(), entries };
        for (index, (key, node)) in fields.entries.iter().enumerate() {
            if !known.contains(&key.as_str()) {
                return Err(Error::UnknownKey {
                    path: path.to_owned(),
                    line: node.line,
                    key: fields.dotted(key),
                    nearest: nearest(key, known),
                    known: known.to_vec(),
                });
            }
            if let Some((first, other)) = fields.entries[..index].iter().find(|(k, _)| k == key) {
                return Err(fields.twice(key, node.line, first, other.line));
            }
        }
        Ok(fields)
    }

    pub(super) fn dotted(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}.{key}", self.prefix) }
    }

    /// `file:line: ` of a fault.
    pub(super) fn place(&self, line: usize) -> String {
        format!("{}:{line}: ", self.path.display())
    }

    fn twice(&self, key: &str, line: usize, first: &str, first_line: usize) -> Error {
        Error::KeyTwice {
            path: self.path.to_owned(),
            line,
            key: self.dotted(key),
            first: self.dotted(first),
            first_line,
        }
    }

    pub(super) fn wrong(&self, key: &str, node: &Node, expected: &'static str) -> Error {
        Error::WrongType {
            path: self.path.to_owned(),
            line: node.line,
            key: self.dotted(key),
            expected,
            found: node.value.kind(),
        }
    }

    /// A value that is still there.
    pub(super) fn peek(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The line of a key that is still there, else 0.
    pub(super) fn line(&self, key: &str) -> usize {
        self.peek(key).map_or(0, |node| node.line)
    }

    /// Takes a value; a null is as good as none.
    pub(super) fn take(&mut self, key: &str) -> Option<Node> {
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        let (_, node) = self.entries.remove(index);
        (node.value != Value::Null).then_some(node)
    }

    /// Takes text.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<Located<String>>> {
        let Some(node) = self.take(key) else { return Ok(None) };
        match node.value {
            Value::Text(value) => Ok(Some(Located { value, line: node.line })),
            _ => Err(self.wrong(key, &node, "text")),
        }
    }

    /// Takes text under one of two spellings.
    pub(super) fn text_spelled(
        &mut self,
        one: &str,
        other: &str,
    ) -> Result<Option<Located<String>>> {
        match (self.text(one)?, self.text(other)?) {
            (Some(a), Some(b)) if a.line <= b.line => Err(self.twice(other, b.line, one, a.line)),
            (Some(a), Some(b)) => Err(self.twice(one, a.line, other, b.line)),
            (a, b) => Ok(a.or(b)),
        }
    }

    /// Takes text or a number, as it is written: versions are often not quoted.
    pub(super) fn version(&mut self, key: &str) -> Result<Option<Located<String>>> {
        let Some(node) = self.take(key) else { return Ok(None) };
        match node.value {
            Value::Text(value) | Value::Number(value) => {
                Ok(Some(Located { value, line: node.line }))
            }
            _ => Err(self.wrong(key, &node, "text")),
        }
    }

    /// Takes true or false.
    pub(super) fn truth(&mut self, key: &str) -> Result<Option<Located<bool>>> {
        let Some(node) = self.take(key) else { return Ok(None) };
        match node.value {
            Value::Bool(value, _) => Ok(Some(Located { value, line: node.line })),
            _ => Err(self.wrong(key, &node, "true or false")),
        }
    }

    /// Takes a list of anything and says whether something is in it.
    pub(super) fn list(&mut self, key: &str) -> Result<Option<Located<usize>>> {
        let Some(node) = self.take(key) else { return Ok(None) };
        match &node.value {
            Value::List(items) => Ok(Some(Located { value: items.len(), line: node.line })),
            _ => Err(self.wrong(key, &node, "a list")),
        }
    }

    /// Takes an object whose keys must be among `known`.
    pub(super) fn object(
        &mut self,
        key: &str,
        known: &[&'static str],
    ) -> Result<Option<Fields<'a>>> {
        let Some(node) = self.take(key) else { return Ok(None) };
        Fields::open(self.path, &self.dotted(key), node, known).map(Some)
    }

    /// Takes an object of names and scalars, such as environment variables, in its order.
    pub(super) fn pairs(&mut self, key: &str) -> Result<Vec<(String, String)>> {
        let Some(node) = self.take(key) else { return Ok(Vec::new()) };
        let Value::Map(entries) = node.value else {
            return Err(self.wrong(key, &node, "an object"));
        };
        let mut pairs: Vec<(String, String)> = Vec::with_capacity(entries.len());
        for (name, node) in entries {
            let value = match node.value {
                Value::Text(text) | Value::Number(text) | Value::Bool(_, text) => text,
                Value::Null => String::new(),
                _ => return Err(self.wrong(&format!("{key}.{name}"), &node, "text")),
            };
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(self.twice(
                    &format!("{key}.{name}"),
                    node.line,
                    &format!("{key}.{name}"),
                    node.line,
                ));
            }
            pairs.push((name, value));
        }
        Ok(pairs)
    }
}

/// The known word that is spelled most like `word`, if any is near.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = word.to_lowercase();
    known
        .iter()
        .map(|&candidate| (strsim::jaro_winkler(&lower, &candidate.to_lowercase()), candidate))
        .filter(|&(score, _)| score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Result<Fields<'static>> {
        let path = Path::new("c.yml");
        Fields::open(path, "docker", Node::parse(path, text)?, &["baseImage", "shmSize"])
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest() {
        let error = open("shmSize: 2g\nbaseImge: x\n").err().unwrap();
        assert_eq!(error.to_string(), "c.yml:2: unknown key `docker.baseImge`");
        assert_eq!(error.hint().unwrap(), "did you mean `baseImage`?");
        let error = open("nonsense: x\n").err().unwrap();
        assert_eq!(error.hint().unwrap(), "the keys that may stand there are baseImage, shmSize");
    }

    #[test]
    fn a_wrong_type_is_named() {
        let error = open("baseImage: [a]\n").unwrap().text("baseImage").unwrap_err();
        assert_eq!(error.to_string(), "c.yml:1: `docker.baseImage` is a list; it must be text");
        let error = open("[a]").err().unwrap();
        assert_eq!(error.to_string(), "c.yml:1: `docker` is a list; it must be an object");
    }

    #[test]
    fn a_null_is_as_good_as_none() {
        assert_eq!(open("baseImage: null\n").unwrap().text("baseImage").unwrap(), None);
    }
}
