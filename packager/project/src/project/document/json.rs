//! JSON with lines.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Error, Node, Result, Value};

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

pub(super) fn parse(path: &Path, text: &str) -> Result<Node> {
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
