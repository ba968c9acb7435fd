//! YAML as written: text, lists and mappings, each with its line.
//!
//! Scalars stay text, so that `3.10` is not the number 3.1 and `yes` not a boolean.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span};

/// What one node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing after the key or dash, `~` or `null`.
    Empty,
    /// Any other scalar, unquoted.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written; keys are scalars.
    Map(Vec<(Key, Node)>),
}

/// A node and its line, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// From 1.
    pub line: usize,
    /// What it holds.
    pub value: Value,
}

/// A mapping's key and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// From 1.
    pub line: usize,
    /// As written, unquoted.
    pub name: String,
}

/// A fault of the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// More nodes than any real file has; stops files whose aliases multiply.
const MAX_NODES: usize = 20_000;
/// Deeper than any real file is.
const MAX_DEPTH: usize = 32;

impl Value {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "nothing",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// Reads the one document of a file; an empty file is an empty node.
///
/// # Errors
/// A [`Fault`] of the text.
pub fn parse(text: &str) -> Result<Node, Fault> {
    if let Some((index, _)) = text.lines().enumerate().find(|(_, line)| indented_by_tab(line)) {
        return Err(Fault {
            line: index + 1,
            reason: "a tab is used to indent".to_owned(),
            hint: Some("indent with spaces; YAML does not allow tabs there"),
        });
    }
    let mut composer =
        Composer { events: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    let node = match composer.next()? {
        (Event::StreamEnd, _) => return Ok(Node { line: 1, value: Value::Empty }),
        (Event::DocumentStart(..), _) => {
            let first = composer.next()?;
            composer.node(first, 0)?
        }
        (_, span) => return Err(fault(span, "a document was expected")),
    };
    composer.next()?;
    match composer.next()? {
        (Event::StreamEnd, _) => Ok(node),
        (_, span) => Err(fault(span, "a second document begins here; only one is read")),
    }
}

fn indented_by_tab(line: &str) -> bool {
    let indent = &line[..line.len() - line.trim_start().len()];
    indent.contains('\t') && !line.trim().is_empty() && !line.trim_start().starts_with('#')
}

fn fault(span: Span, reason: &str) -> Fault {
    Fault { line: span.start.line(), reason: reason.to_owned(), hint: None }
}

struct Composer<'a> {
    events: Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        loop {
            match self.events.next_event() {
                Some(Ok((Event::StreamStart | Event::Comment(..) | Event::Anchor(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    let marker = *error.marker();
                    let text = error.to_string();
                    // The parser appends its own position; the line is reported separately.
                    let reason = text.split(" at ").next().unwrap_or(&text).to_owned();
                    return Err(Fault { line: marker.line(), reason, hint: None });
                }
                None => {
                    return Ok((Event::StreamEnd, Span::default()));
                }
            }
        }
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Result<Node, Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            return Err(fault(span, "the file is too large or nested too deeply"));
        }
        let line = span.start.line();
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let empty = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if empty { Value::Empty } else { Value::Text(text.into_owned()) };
                (anchor, value)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        item => items.push(self.node(item, depth + 1)?),
                    }
                }
                (anchor, Value::List(items))
            }
            Event::MappingStart(_, anchor, _) => {
                let mut entries: Vec<(Key, Node)> = Vec::new();
                loop {
                    let key = match self.next()? {
                        (Event::MappingEnd, _) => break,
                        (Event::Scalar(text, ..), span) => {
                            Key { line: span.start.line(), name: text.into_owned() }
                        }
                        (_, span) => return Err(fault(span, "a key must be plain text")),
                    };
                    if entries.iter().any(|(other, _)| other.name == key.name) {
                        return Err(Fault {
                            line: key.line,
                            reason: format!("duplicate key `{}`", key.name),
                            hint: None,
                        });
                    }
                    let value = self.next()?;
                    entries.push((key, self.node(value, depth + 1)?));
                }
                (anchor, Value::Map(entries))
            }
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    return Err(fault(span, "an alias points into itself"));
                };
                self.nodes += count(&node);
                return Ok(node);
            }
            _ => return Err(fault(span, "a value was expected")),
        };
        let node = Node { line, value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::Empty | Value::Text(_) => 0,
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(entries) => entries.iter().map(|(_, node)| count(node)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_text_and_know_their_line() {
        let node = parse("a: 3.10\n# note\nb:\n  - yes\n  - ~\n").unwrap();
        let text = |line, text: &str| Node { line, value: Value::Text(text.to_owned()) };
        let key = |line, name: &str| Key { line, name: name.to_owned() };
        let list = Value::List(vec![text(4, "yes"), Node { line: 5, value: Value::Empty }]);
        assert_eq!(
            node.value,
            Value::Map(vec![
                (key(1, "a"), text(1, "3.10")),
                (key(3, "b"), Node { line: 4, value: list }),
            ])
        );
    }

    #[test]
    fn faults_name_the_line() {
        let line = |text: &str| parse(text).unwrap_err().line;
        assert_eq!(line("a: 1\n\tb: 2\n"), 2);
        assert_eq!(line("a: 1\na: 2\n"), 2);
        assert_eq!(line("a: 1\n---\nb: 2\n"), 2);
        assert_eq!(line("a: 1\nb: [\n"), 2);
        assert_eq!(parse("").unwrap().value, Value::Empty);
    }

    #[test]
    fn aliases_are_followed_but_not_without_end() {
        let node = parse("a: &x 1\nb: *x\n").unwrap();
        let Value::Map(entries) = node.value else { panic!("not a map") };
        assert_eq!(entries[1].1.value, Value::Text("1".to_owned()));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let p = n - 1;
            bomb += &format!("a{n}: &a{n} [*a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}]\n");
        }
        assert_eq!(parse(&bomb).unwrap_err().reason, "the file is too large or nested too deeply");
    }
}
