//! A JSON or YAML document as a tree that knows its lines.

mod json;
mod yaml;

use std::path::Path;

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
            return json::parse(path, text);
        }
        yaml::parse(path, text)
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
