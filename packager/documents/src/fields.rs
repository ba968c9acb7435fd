//! Reading a mapping key by key, strictly.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::error::{Error, Place, Result};
use crate::node::{Entry, Node, Position, Value};
use crate::{Document, Scalar, nearest};

/// A value and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// From 1; 0 for a value that no file holds.
    pub line: usize,
}

/// The keys of one mapping. A key whose value is null or an empty text counts as not given.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    document: &'a Document,
    /// The keys that lead here, each with a dot behind it.
    prefix: String,
    at: Position,
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// Opens the outermost mapping of a document, whose keys must be among `known`.
    ///
    /// # Errors
    /// [`Error::NotAMapping`] or [`Error::UnknownKey`].
    pub fn open(document: &'a Document, known: &[&'static str]) -> Result<Self> {
        let fields = Self::of(document)?;
        fields.check(known)?;
        Ok(fields)
    }

    /// The same, for keys that are checked later because one of them decides about the others.
    ///
    /// # Errors
    /// [`Error::NotAMapping`].
    pub fn of(document: &'a Document) -> Result<Self> {
        let Node { at, value } = &document.root;
        match value {
            Value::Map(entries) => Ok(Self { document, prefix: String::new(), at: *at, entries }),
            _ => {
                Err(Error::NotAMapping { place: document.place(*at), found: document.root.kind() })
            }
        }
    }

    /// Refuses keys that are not among `known`.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] for the first one.
    pub fn check(&self, known: &[&'static str]) -> Result<()> {
        match self.entries.iter().find(|entry| !known.contains(&&*entry.key)) {
            Some(entry) => Err(self.unknown(entry, known)),
            None => Ok(()),
        }
    }

    /// Returns the error of a key that is not among `known`.
    pub fn unknown(&self, entry: &Entry, known: &[&'static str]) -> Error {
        let near = nearest(&entry.key, known.iter().copied());
        Error::UnknownKey {
            place: self.document.place(entry.at),
            key: self.dotted(&entry.key),
            // The constant, so that the error can keep it.
            nearest: known.iter().copied().find(|key| Some(*key) == near),
            known: known.to_vec(),
        }
    }

    /// Returns a position in the document.
    pub fn place(&self, at: Position) -> Place {
        self.document.place(at)
    }

    /// The entries in the order written.
    pub fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    /// Returns the value of an entry as a document of the same file.
    pub fn document_of(&self, entry: &Entry) -> Document {
        Document { path: self.document.path.clone(), root: entry.node.clone() }
    }

    /// A key with the keys that lead to it, as in `docker.baseImage`.
    pub fn dotted(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Returns the entry of a key whose value is neither null nor an empty text.
    pub fn entry(&self, key: &str) -> Option<&'a Entry> {
        let found = self.entries.iter().find(|entry| entry.key == key);
        found.filter(|entry| entry.is_given())
    }

    /// Returns the line of a key, or 0.
    pub fn line(&self, key: &str) -> usize {
        self.entries.iter().find(|entry| entry.key == key).map_or(0, |entry| entry.at.line)
    }

    fn read<T>(
        &self,
        key: &str,
        expected: impl Display,
        read: impl FnOnce(&'a Node) -> Option<T>,
    ) -> Result<Option<Located<T>>> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        match read(&entry.node) {
            Some(value) => Ok(Some(Located { value, line: entry.at.line })),
            None => Err(self.wrong_type(entry, expected)),
        }
    }

    /// Reads text.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for another type.
    pub fn text(&self, key: &str) -> Result<Option<Located<String>>> {
        self.read(key, "text", |node| match &node.value {
            Value::Scalar(scalar) if scalar.boolean().is_none() && !scalar.is_number() => {
                Some(scalar.text.clone())
            }
            _ => None,
        })
    }

    /// Reads text under one of two spellings.
    ///
    /// # Errors
    /// As [`Fields::text`], and [`Error::DuplicateKey`] if both are given.
    pub fn text_spelled(&self, one: &str, other: &str) -> Result<Option<Located<String>>> {
        if let (Some(one), Some(other)) = (self.entry(one), self.entry(other)) {
            let (first, second) = if one.at <= other.at { (one, other) } else { (other, one) };
            return Err(Error::DuplicateKey {
                place: self.document.place(second.at),
                key: self.dotted(&second.key),
                first: self.dotted(&first.key),
                first_line: first.at.line,
            });
        }
        Ok(self.text(one)?.or(self.text(other)?))
    }

    /// Reads a scalar of any type as it is written; versions are often not quoted.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for a list or a mapping.
    pub fn written(&self, key: &str) -> Result<Option<Located<String>>> {
        self.read(key, "text", |node| node.scalar().map(str::to_owned))
    }

    /// Reads a boolean.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for another type.
    pub fn boolean(&self, key: &str) -> Result<Option<Located<bool>>> {
        self.read(key, "true or false", |node| match &node.value {
            Value::Scalar(scalar) => scalar.boolean(),
            _ => None,
        })
    }

    /// Reads a whole number, also when it is written as `2.0`.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for another type or a number out of range.
    pub fn whole(&self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>> {
        let (least, most) = (*range.start(), *range.end());
        let expected = match most {
            u32::MAX => format!("a whole number of at least {least}"),
            _ => format!("a whole number from {least} to {most}"),
        };
        let valid = |number: &f64| {
            number.fract() == 0.0 && (f64::from(least)..=f64::from(most)).contains(number)
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        Ok(self.number(key, &expected, valid)?.map(|number| number as u32))
    }

    /// Reads a number above zero.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for another type or a number out of range.
    pub fn positive(&self, key: &str) -> Result<Option<f64>> {
        self.number(key, "a number above 0", |number| *number > 0.0)
    }

    fn number(
        &self,
        key: &str,
        expected: &str,
        valid: impl Fn(&f64) -> bool,
    ) -> Result<Option<f64>> {
        let found = self.read(key, expected, |node| match &node.value {
            Value::Scalar(scalar) => scalar.number(),
            _ => None,
        })?;
        match found.map(|found| found.value) {
            Some(number) if !valid(&number) => Err(self.invalid(key, expected)),
            found => Ok(found),
        }
    }

    /// Reads a list of anything.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for another type.
    pub fn list(&self, key: &str) -> Result<Option<Located<&'a [Node]>>> {
        self.read(key, "a list", |node| match &node.value {
            Value::List(items) => Some(items.as_slice()),
            _ => None,
        })
    }

    /// Reads a mapping whose keys must be among `known`.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for another type, or [`Error::UnknownKey`].
    pub fn mapping(&self, key: &str, known: &[&'static str]) -> Result<Option<Fields<'a>>> {
        let Some(fields) = self.free_mapping(key)? else { return Ok(None) };
        fields.check(known)?;
        Ok(Some(fields))
    }

    /// Reads a mapping whose keys are the user's.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for another type.
    pub fn free_mapping(&self, key: &str) -> Result<Option<Fields<'a>>> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        let Value::Map(entries) = &entry.node.value else {
            return Err(self.wrong_type(entry, "a mapping"));
        };
        let prefix = format!("{}.", self.dotted(key));
        Ok(Some(Self { document: self.document, prefix, at: entry.at, entries }))
    }

    /// Reads a list of mappings whose keys must be among `known`; none if the key is not given.
    ///
    /// # Errors
    /// As [`Fields::mapping`].
    pub fn mappings(&self, key: &str, known: &[&'static str]) -> Result<Vec<Fields<'a>>> {
        const EXPECTED: &str = "a list of mappings";
        let Some(entry) = self.entry(key) else { return Ok(Vec::new()) };
        let Value::List(items) = &entry.node.value else {
            return Err(self.wrong_type(entry, EXPECTED));
        };
        let mut found = Vec::with_capacity(items.len());
        for (index, Node { at, value }) in items.iter().enumerate() {
            let Value::Map(entries) = value else { return Err(self.wrong_type(entry, EXPECTED)) };
            let prefix = format!("{}[{index}].", self.dotted(key));
            let fields = Self { document: self.document, prefix, at: *at, entries };
            fields.check(known)?;
            found.push(fields);
        }
        Ok(found)
    }

    /// Reads a mapping of names to scalars, such as environment variables, in its order. Values are
    /// taken as they are written, a null as empty text.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for another type.
    pub fn pairs(&self, key: &str) -> Result<Vec<(String, String)>> {
        let Some(fields) = self.free_mapping(key)? else { return Ok(Vec::new()) };
        let pair = |entry: &Entry| match &entry.node.value {
            Value::Null => Ok((entry.key.clone(), String::new())),
            Value::Scalar(Scalar { text, .. }) => Ok((entry.key.clone(), text.clone())),
            _ => Err(fields.wrong_type(entry, "text")),
        };
        fields.entries.iter().map(pair).collect()
    }

    /// Returns the error of a value of the wrong type.
    pub fn wrong_type(&self, entry: &Entry, expected: impl Display) -> Error {
        let (found, expected) = (entry.node.kind(), expected.to_string());
        let hint = match &entry.node.value {
            Value::Scalar(scalar) if expected == "text" && !scalar.quoted => {
                Some("put the value in quotes")
            }
            Value::Scalar(scalar)
                if expected.contains("number") && Scalar::plain(&scalar.text).is_number() =>
            {
                Some("write the number without quotes")
            }
            _ => None,
        };
        let place = self.document.place(entry.at);
        let key = self.dotted(&entry.key);
        Error::InvalidValue { place, key, expected: expected.into(), found: found.into(), hint }
    }

    /// Returns the error of a given value of the right type that is not valid. The value is shown.
    pub fn invalid(&self, key: &str, expected: impl Display) -> Error {
        let entry = self.entry(key);
        let text = entry.and_then(|entry| entry.node.scalar());
        let kind = entry.map_or("nothing", |entry| entry.node.kind());
        Error::InvalidValue {
            place: self.document.place(entry.map_or(self.at, |entry| entry.at)),
            key: self.dotted(key),
            expected: expected.to_string().into(),
            found: text.map_or_else(|| kind.into(), |text| format!("`{text}`").into()),
            hint: None,
        }
    }

    /// Returns the error of a key that is required.
    pub fn missing(&self, key: &str) -> Error {
        Error::MissingKey { place: self.document.place(self.at), key: self.dotted(key) }
    }

    /// Returns the error of a broken rule about several keys; `key` is the one to point at.
    pub fn conflict(&self, key: &str, reason: impl Into<String>) -> Error {
        let at = self.entry(key).map_or(self.at, |entry| entry.at);
        Error::Conflict { place: self.document.place(at), reason: reason.into() }
    }
}
