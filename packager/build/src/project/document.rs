//! A JSON or YAML document as a tree that knows its lines.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::{Error, Result};

/// One value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Line of the value, or of its key where it has one; from 1.
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// What a value is. Scalars keep the text as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool, String),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Value {
    /// What it is, with article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Bool(..) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }
}

impl Node {
    /// Reads a document: JSON if the file is called `.json` or begins with a brace, else YAML.
    ///
    /// # Errors
    /// [`Error::Syntax`] with line and column.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let named_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        if named_json || text.trim_start().starts_with('{') {
            return parse_json(path, text);
        }
        let spanned: Spanned<Yaml> =
            serde_saphyr::from_str(text).map_err(|error| yaml_error(path, &error))?;
        Ok(from_yaml(spanned, text, None))
    }

    /// The value as JSON, for readers that take text.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value, _) => (*value).into(),
            Value::Number(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
            }
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|(key, node)| (key.clone(), node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

fn yaml_error(path: &Path, error: &serde_saphyr::Error) -> Error {
    let error = error.without_snippet();
    let (line, column) =
        error.location().map_or((1, 1), |at| (at.line() as usize, at.column() as usize));
    // The parser's own text ends with the place, which this error says itself.
    let text = error.to_string();
    let reason = text.lines().next().unwrap_or_default();
    let reason = reason.split(" at line ").next().unwrap_or(reason).to_owned();
    Error::Syntax { path: path.to_owned(), line, column, reason }
}

/// A YAML value before its lines are known to the tree.
enum Yaml {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Spanned<Yaml>>),
    Map(Vec<(Spanned<String>, Spanned<Yaml>)>),
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }
    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Number(value.to_string()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Yaml, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Yaml::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Yaml, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Yaml::Map(entries))
    }
}

fn from_yaml(yaml: Spanned<Yaml>, source: &str, key_line: Option<usize>) -> Node {
    // `3.10` must not become `3.1`: scalars are taken as they are written.
    let span = yaml.defined.span();
    let written = || {
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
        Some(source.get(start..end)?.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let line = key_line.unwrap_or(yaml.referenced.line() as usize);
    let value = match yaml.value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value, written().unwrap_or_else(|| value.to_string())),
        Yaml::Number(text) => Value::Number(written().unwrap_or(text)),
        Yaml::Text(text) => Value::Text(text),
        Yaml::List(items) => {
            Value::List(items.into_iter().map(|item| from_yaml(item, source, None)).collect())
        }
        Yaml::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let line = key.referenced.line() as usize;
                    (key.value, from_yaml(value, source, Some(line)))
                })
                .collect(),
        ),
    };
    Node { line, value }
}

/// Gives the bytes away one by one and counts the lines, so that the JSON visitor knows where the
/// parser is.
struct Lines<'a> {
    rest: &'a [u8],
    line: &'a Cell<usize>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let (Some(first), Some((byte, rest))) = (buf.first_mut(), self.rest.split_first()) else {
            return Ok(0);
        };
        if *byte == b'\n' {
            self.line.set(self.line.get() + 1);
        }
        *first = *byte;
        self.rest = rest;
        Ok(1)
    }
}

fn parse_json(path: &Path, text: &str) -> Result<Node> {
    let line = Cell::new(1);
    let mut json =
        serde_json::Deserializer::from_reader(Lines { rest: text.as_bytes(), line: &line });
    JsonSeed { line: &line, key_line: Some(1) }
        .deserialize(&mut json)
        .and_then(|node| json.end().map(|()| node))
        .map_err(|error| {
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
            let (line, column) = (error.line().max(1), error.column().max(1));
            Error::Syntax { path: path.to_owned(), line, column, reason }
        })
}

#[derive(Clone, Copy)]
struct JsonSeed<'a> {
    line: &'a Cell<usize>,
    key_line: Option<usize>,
}

impl JsonSeed<'_> {
    fn node(self, value: Value) -> Node {
        Node { line: self.key_line.unwrap_or(self.line.get()), value }
    }
}

impl<'de> DeserializeSeed<'de> for JsonSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonSeed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(self.node(Value::Null))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(self.node(Value::Bool(value, value.to_string())))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(self.node(Value::Number(value.to_string())))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(self.node(Value::Number(value.to_string())))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(self.node(Value::Number(serde_json::Value::from(value).to_string())))
    }
    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(self.node(Value::Text(value.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let line = self.key_line.unwrap_or(self.line.get());
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Self { key_line: None, ..self })? {
            items.push(item);
        }
        Ok(Node { line, value: Value::List(items) })
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let line = self.key_line.unwrap_or(self.line.get());
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let key_line = Some(self.line.get());
            entries.push((key, map.next_value_seed(Self { key_line, ..self })?));
        }
        Ok(Node { line, value: Value::Map(entries) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: usize, text: &str) -> Node {
        Node { line, value: Value::Text(text.to_owned()) }
    }

    #[test]
    fn json_and_yaml_give_the_same_tree() {
        let json = "{\n  \"a\": \"x\",\n  \"b\": {\"c\": [\"y\",\n    3.10],\n  \"d\": null}, \"e\": true}";
        let yaml = "a: x\nb:\n  c: [\"y\",\n    3.10]\n  d:\ne: yes\n";
        let tree = |lines: [usize; 7], number: &str, truth: &str| Node {
            line: lines[0],
            value: Value::Map(vec![
                ("a".to_owned(), text(lines[1], "x")),
                (
                    "b".to_owned(),
                    Node {
                        line: lines[2],
                        value: Value::Map(vec![
                            (
                                "c".to_owned(),
                                Node {
                                    line: lines[3],
                                    value: Value::List(vec![
                                        text(lines[3], "y"),
                                        Node {
                                            line: lines[4],
                                            value: Value::Number(number.to_owned()),
                                        },
                                    ]),
                                },
                            ),
                            ("d".to_owned(), Node { line: lines[5], value: Value::Null }),
                        ]),
                    },
                ),
                (
                    "e".to_owned(),
                    Node { line: lines[6], value: Value::Bool(true, truth.to_owned()) },
                ),
            ]),
        };
        assert_eq!(
            Node::parse(Path::new("c.json"), json).unwrap(),
            tree([1, 2, 3, 3, 4, 5, 5], "3.1", "true")
        );
        assert_eq!(
            Node::parse(Path::new("c.yml"), yaml).unwrap(),
            tree([1, 1, 2, 3, 4, 5, 6], "3.10", "yes")
        );
    }

    #[test]
    fn syntax_errors_have_a_place() {
        for (name, document, expected) in [
            ("c.json", "{\n  \"a\": 1,\n}", "c.json:3:1: trailing comma"),
            ("c.json", "{\"a\": 1", "c.json:1:7: EOF while parsing an object"),
            ("c.yml", "a: 1\nb: [1\n", "c.yml:2:4: unclosed bracket '['"),
            ("c.yml", "a: 1\na: 2\n", "c.yml:2:1: duplicate"),
        ] {
            let error = Node::parse(Path::new(name), document).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
