//! Parsing YAML.

use std::collections::HashMap;
use std::path::Path;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use crate::error::{Error, Place};
use crate::limits::{DEPTH, NODES, VALUE_BYTES};
use crate::node::{Entry, Node, Position, Value};
use crate::{Result, Scalar};

/// The key whose mappings are merged into the one around it (YAML 1.1, "Merge Key").
const MERGE: &str = "<<";

/// Parses the one document of a text.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Node> {
    let events = Parser::new_from_str(text);
    let mut composer =
        Composer { path, text, events, anchors: HashMap::new(), size: Size::default() };
    let node = match composer.next()? {
        (Event::StreamEnd, _) => return Ok(Node { at: Position::START, value: Value::Null }),
        (Event::DocumentStart(..), _) => {
            let first = composer.next()?;
            composer.node(first, 0)?
        }
        (_, span) => return Err(composer.error(span, "expected a document")),
    };
    composer.next()?;
    match composer.next()? {
        (Event::StreamEnd, _) => Ok(node),
        (_, span) => Err(composer.error(span, "expected one document, found a second one")),
    }
}

/// Refuses lines that are indented by a tab. Where YAML allows the tab it joins the line to the one
/// before, which is never meant.
///
/// # Errors
/// [`Error::Syntax`] for the first such line.
pub fn refuse_tabs(path: &Path, text: &str) -> Result<()> {
    for (index, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        let indent = &line[..line.len() - bare.len()];
        if let Some(column) = indent.find('\t')
            && !bare.is_empty()
            && !bare.starts_with('#')
        {
            let at = Position { line: index + 1, column: column + 1 };
            let error = Error::Syntax {
                place: Place::new(path, at),
                reason: "a tab is used to indent".to_owned(),
                hint: Some("indent with spaces; YAML does not allow tabs there".to_owned()),
                mended: None,
            };
            return Err(error);
        }
    }
    Ok(())
}

/// Returns what the usual slip is in a line that the parser stopped at, the part of the line that has it, and the part as
/// it was meant.
fn slip(text: &str, line: usize) -> Option<(String, (String, String))> {
    let line = text.lines().nth(line.checked_sub(1)?)?.trim();
    let dash =
        line.strip_prefix('-').filter(|rest| !rest.starts_with([' ', '-']) && !rest.is_empty());
    if let Some(item) = dash {
        let reason = format!("`{line}`: a space is missing after the dash");
        return Some((reason, (line.to_owned(), format!("- {item}"))));
    }
    let (key, value) = line.trim_start_matches("- ").split_once(':')?;
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let joined = !key.is_empty()
        && key.chars().all(is_key)
        && !value.starts_with([' ', '/'])
        && !value.is_empty();
    joined.then(|| {
        let reason = format!("`{line}`: a space is missing after the colon");
        (reason, (format!("{key}:{value}"), format!("{key}: {value}")))
    })
}

struct Composer<'a> {
    path: &'a Path,
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    size: Size,
}

/// How much a document is, once its aliases are followed.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
}

impl Size {
    fn of(node: &Node) -> Self {
        let mut size = Self { nodes: 1, bytes: 0 };
        match &node.value {
            Value::Null => {}
            Value::Scalar(scalar) => size.bytes = scalar.text.len(),
            Value::List(items) => items.iter().for_each(|item| size.add(Self::of(item))),
            Value::Map(entries) => {
                for entry in entries {
                    size.bytes += entry.key.len();
                    size.add(Self::of(&entry.node));
                }
            }
        }
        size
    }

    fn add(&mut self, other: Self) {
        self.nodes += other.nodes;
        self.bytes += other.bytes;
    }

    fn is_too_large(self) -> bool {
        self.nodes > NODES || self.bytes > VALUE_BYTES
    }
}

impl<'a> Composer<'a> {
    fn error(&self, span: Span, reason: &str) -> Error {
        let place = Place::new(self.path, position(span));
        Error::Syntax { place, reason: reason.to_owned(), hint: None, mended: None }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span)> {
        loop {
            match self.events.next_event() {
                Some(Ok((Event::StreamStart | Event::Comment(..) | Event::Anchor(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    let marker = error.marker();
                    let at = Position { line: marker.line(), column: marker.col() + 1 };
                    let text = error.to_string();
                    let place = Place::new(self.path, at);
                    if let Some((reason, (from, to))) = slip(self.text, at.line) {
                        let (hint, mended) =
                            (Some(format!("write `{to}`")), Some((from, to).into()));
                        return Err(Error::Syntax { place, reason, hint, mended });
                    }
                    // The parser appends its own position.
                    let reason = text.split(" at ").next().unwrap_or(&text).to_owned();
                    return Err(Error::Syntax { place, reason, hint: None, mended: None });
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Result<Node> {
        self.size.nodes += 1;
        if self.size.is_too_large() || depth > DEPTH {
            return Err(self.error(span, "the file is too large or nested too deeply"));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text_tag = tag.is_some_and(|tag| matches!(tag.suffix(), "str" | ""));
                let quoted = style != ScalarStyle::Plain || text_tag;
                self.size.bytes += text.len();
                let scalar = Scalar { text: text.into_owned(), quoted };
                let value = if scalar.is_null() { Value::Null } else { Value::Scalar(scalar) };
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
            Event::MappingStart(_, anchor, _) => (anchor, Value::Map(self.entries(depth)?)),
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    return Err(self.error(span, "an alias points into itself"));
                };
                self.size.add(Size::of(node));
                if self.size.is_too_large() {
                    return Err(
                        self.error(span, "the file is too large with what its aliases repeat")
                    );
                }
                return Ok(node.clone());
            }
            _ => return Err(self.error(span, "expected a value")),
        };
        let node = Node { at: position(span), value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        loop {
            let (key, at, plain) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(text, style, ..), span) => {
                    (text.into_owned(), position(span), style == ScalarStyle::Plain)
                }
                (_, span) => return Err(self.error(span, "a key must be a scalar")),
            };
            let value = self.next()?;
            let span = value.1;
            let node = self.node(value, depth + 1)?;
            if plain && key == MERGE {
                match node.value {
                    Value::Map(more) => merged.extend(more),
                    Value::List(items) => {
                        for item in items {
                            let Value::Map(more) = item.value else {
                                return Err(self
                                    .error(span, "`<<` must be a mapping or a list of mappings"));
                            };
                            merged.extend(more);
                        }
                    }
                    _ => {
                        return Err(
                            self.error(span, "`<<` must be a mapping or a list of mappings")
                        );
                    }
                }
                continue;
            }
            insert(self.path, &mut entries, Entry { key, at, node })?;
        }
        // Keys of the mapping itself win over merged ones, and earlier merged ones over later.
        for entry in merged {
            if entries.iter().all(|other| other.key != entry.key) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

/// Adds a key to a mapping that must not have it yet.
pub(crate) fn insert(path: &Path, entries: &mut Vec<Entry>, entry: Entry) -> Result<()> {
    if let Some(first) = entries.iter().find(|other| other.key == entry.key) {
        return Err(Error::DuplicateKey {
            place: Place::new(path, entry.at),
            first: first.key.clone(),
            first_line: first.at.line,
            key: entry.key,
        });
    }
    entries.push(entry);
    Ok(())
}

fn position(span: Span) -> Position {
    Position { line: span.start.line(), column: span.start.col() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_slips_are_named() {
        let found = |text: &str| {
            let error = parse(Path::new("e.yml"), text).unwrap_err();
            (error.to_string(), error.hint().unwrap_or_default())
        };
        let slip = |place: &str, what: &str, hint: &str| {
            (format!("e.yml:{place}: {what}"), hint.to_owned())
        };
        assert_eq!(
            found("a:\n  - b=1\n  -numpy\n"),
            slip("3:3", "`-numpy`: a space is missing after the dash", "write `- numpy`")
        );
        assert_eq!(
            found("a:\n  - b=1\n  -pip:\n    - c\n"),
            slip("3:3", "`-pip:`: a space is missing after the dash", "write `- pip:`")
        );
        assert_eq!(
            found("a: b\nruntime:python\n"),
            slip(
                "2:1",
                "`runtime:python`: a space is missing after the colon",
                "write `runtime: python`"
            )
        );
        assert_eq!(found("a: b\nhttp://x\n").1, "");
    }
}
