//! YAML with lines. Scalars stay as they are written: `3.10` must not become `3.1`.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::{Error, Node, Result, Value};

pub(super) fn parse(path: &Path, text: &str) -> Result<Node> {
    let spanned: Spanned<Yaml> =
        serde_saphyr::from_str(text).map_err(|error| yaml_error(path, &error))?;
    Ok(from_yaml(spanned, text, None))
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
