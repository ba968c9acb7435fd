//! Typed reading of a mapping's keys, with messages that name the key and what was expected.

use serde_json::{Map, Value};

use crate::{Error, Result};

/// The keys of one mapping of the document.
pub(super) struct Fields<'a> {
    place: &'a str,
    /// Keys that lead here, with a dot behind them.
    prefix: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// Refuses keys that are not `known`.
    pub(super) fn new(
        place: &'a str,
        map: &'a Map<String, Value>,
        known: &[&'static str],
    ) -> Result<Self> {
        Self::within(place, String::new(), map, known)
    }

    fn within(
        place: &'a str,
        prefix: String,
        map: &'a Map<String, Value>,
        known: &[&'static str],
    ) -> Result<Self> {
        if let Some(unknown) = map.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(Error::UnknownKey {
                place: place.to_owned(),
                key: format!("{prefix}{unknown}"),
                nearest: nearest(unknown, known).map(|key| format!("{prefix}{key}")),
                known: known.to_vec(),
            });
        }
        Ok(Self { place, prefix, map })
    }

    /// A value that is there and not null.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn value_error(&self, key: &str, value: &Value, expected: &str) -> Error {
        Error::Value {
            place: self.place.to_owned(),
            key: format!("{}{key}", self.prefix),
            found: described(value),
            expected: expected.to_owned(),
        }
    }

    /// A broken rule about a key that is there.
    pub(super) fn bad(&self, key: &str, expected: &str) -> Error {
        self.value_error(key, self.map.get(key).unwrap_or(&Value::Null), expected)
    }

    /// A broken rule about several keys.
    pub(super) fn conflict(&self, reason: impl Into<String>) -> Error {
        Error::Conflict { place: self.place.to_owned(), reason: reason.into() }
    }

    pub(super) fn missing(&self, key: &str) -> Error {
        Error::MissingKey { place: self.place.to_owned(), key: format!("{}{key}", self.prefix) }
    }

    /// Text; an empty one counts as not given.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| self.value_error(key, value, "text"))?;
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.value_error(key, value, "true or false"))
    }

    /// A whole number within a range, both ends included.
    pub(super) fn whole(&self, key: &str, least: u32, most: u32) -> Result<Option<u32>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let expected = if most == u32::MAX {
            format!("a whole number of at least {least}")
        } else {
            format!("a whole number from {least} to {most}")
        };
        whole(value)
            .filter(|number| (least..=most).contains(number))
            .map(Some)
            .ok_or_else(|| self.value_error(key, value, &expected))
    }

    /// A whole number above zero.
    pub(super) fn count(&self, key: &str, default: u32) -> Result<u32> {
        Ok(self.whole(key, 1, u32::MAX)?.unwrap_or(default))
    }

    /// A number above zero.
    pub(super) fn amount(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value
            .as_f64()
            .filter(|number| number.is_finite() && *number > 0.0)
            .map(Some)
            .ok_or_else(|| self.value_error(key, value, "a number above 0"))
    }

    /// A mapping with keys of its own.
    pub(super) fn mapping(&self, key: &str, known: &[&'static str]) -> Result<Option<Fields<'a>>> {
        let Some(map) = self.free_mapping(key)? else { return Ok(None) };
        Fields::within(self.place, format!("{}{key}.", self.prefix), map, known).map(Some)
    }

    /// A mapping whose keys are the user's own.
    pub(super) fn free_mapping(&self, key: &str) -> Result<Option<&'a Map<String, Value>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_object().map(Some).ok_or_else(|| self.value_error(key, value, "keys with values"))
    }

    /// A list of mappings; none if the key is not there.
    pub(super) fn mappings(&self, key: &str, known: &[&'static str]) -> Result<Vec<Fields<'a>>> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let expected = "a list of keys with values";
        let list = value.as_array().ok_or_else(|| self.value_error(key, value, expected))?;
        list.iter()
            .enumerate()
            .map(|(at, item)| {
                let map = item.as_object().ok_or_else(|| self.value_error(key, value, expected))?;
                let prefix = format!("{}{key}[{at}].", self.prefix);
                Fields::within(self.place, prefix, map, known)
            })
            .collect()
    }

    /// Any JSON value.
    pub(super) fn any(&self, key: &str) -> Option<&'a Value> {
        self.get(key)
    }
}

/// A whole number, also when it is written as `2.0`.
fn whole(value: &Value) -> Option<u32> {
    if let Some(number) = value.as_u64() {
        return number.try_into().ok();
    }
    let number = value.as_f64()?;
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    is_whole.then_some(number as u32)
}

/// A value as messages show it.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => {
            let short: String = text.chars().take(60).collect();
            format!("the text {short:?}")
        }
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "keys with values".to_owned(),
    }
}

/// The known key most like `unknown`, if one is like it at all.
fn nearest<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    let unknown = unknown.to_lowercase();
    known
        .iter()
        .map(|&key| (strsim::jaro_winkler(&unknown, &key.to_lowercase()), key))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}
