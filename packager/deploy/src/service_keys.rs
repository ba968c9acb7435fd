//! The two keys of a service that callers authenticate with.

use std::fmt;
use std::str::FromStr;

use mlpack_oci::Secret;
use rustls::crypto::ring::default_provider;
use serde::{Serialize, Serializer};

use crate::config::Keys;
use crate::{Error, Result};

/// Length of a generated key, as Azure ML's (docs/azureml-2019.md#5).
const LENGTH: usize = 32;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// One of the two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyName {
    /// The primary key.
    Primary,
    /// The secondary key, for callers while the primary one is replaced.
    Secondary,
}

impl FromStr for KeyName {
    type Err = &'static str;

    /// Parses a name in any case, as Azure's command line does.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "primary" => Ok(Self::Primary),
            "secondary" => Ok(Self::Secondary),
            _ => Err("expected `primary` or `secondary`"),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        })
    }
}

/// Both keys. Serialised with their texts, which is what `get-keys` is for; `Debug` hides them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceKeys {
    /// The primary key.
    #[serde(serialize_with = "revealed")]
    pub primary_key: Secret,
    /// The secondary key.
    #[serde(serialize_with = "revealed")]
    pub secondary_key: Secret,
}

fn revealed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
}

impl ServiceKeys {
    /// Takes the keys of a configuration and generates those that are not given.
    ///
    /// # Errors
    /// [`Error::Key`] for one that cannot be sent in a header.
    pub(crate) fn of(keys: &Keys) -> Result<Self> {
        let key = |given: &Option<Secret>| match given {
            Some(key) => valid(key.clone()),
            None => generate(),
        };
        Ok(Self { primary_key: key(&keys.primary_key)?, secondary_key: key(&keys.secondary_key)? })
    }

    /// Returns the keys with one replaced: by `key`, or by a generated one.
    ///
    /// # Errors
    /// As [`ServiceKeys::of`].
    pub(crate) fn with(self, name: KeyName, key: Option<Secret>) -> Result<Self> {
        let key = key.map_or_else(generate, valid)?;
        Ok(match name {
            KeyName::Primary => Self { primary_key: key, ..self },
            KeyName::Secondary => Self { secondary_key: key, ..self },
        })
    }

    /// Returns the text of the front door's file: one key a line.
    pub(crate) fn to_lines(&self) -> String {
        format!("{}\n{}\n", self.primary_key.reveal(), self.secondary_key.reveal())
    }

    /// Reads the text of the front door's file.
    pub(crate) fn of_lines(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(Secret::new);
        Some(Self { primary_key: lines.next()?, secondary_key: lines.next()? })
    }
}

/// Checks that a key is one word of visible ASCII (RFC 6750, section 2.1).
fn valid(key: Secret) -> Result<Secret> {
    let text = key.reveal();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Key);
    }
    Ok(key)
}

fn generate() -> Result<Secret> {
    let random = default_provider().secure_random;
    let mut key = String::with_capacity(LENGTH);
    while key.len() < LENGTH {
        let mut bytes = [0; LENGTH];
        random.fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
        // 248 is the largest multiple of 62 in a byte: each character is equally likely.
        let chars =
            bytes.iter().filter(|byte| **byte < 248).map(|byte| ALPHABET[usize::from(byte % 62)]);
        key.extend(chars.map(char::from).take(LENGTH - key.len()));
    }
    Ok(Secret::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_not_given_are_generated() {
        let given = Keys { primary_key: Some(Secret::new("mine")), secondary_key: None };
        let keys = ServiceKeys::of(&given).unwrap();
        let other = ServiceKeys::of(&given).unwrap();
        assert_eq!(keys.primary_key.reveal(), "mine");
        let generated = keys.secondary_key.reveal();
        assert!(
            generated.len() == 32 && generated.bytes().all(|byte| byte.is_ascii_alphanumeric())
        );
        assert_ne!(keys.secondary_key, other.secondary_key);
        assert_eq!(ServiceKeys::of_lines(&keys.to_lines()), Some(keys.clone()));
        let changed = keys.clone().with(KeyName::Primary, None).unwrap();
        assert_ne!(changed.primary_key, keys.primary_key);
        assert_eq!(changed.secondary_key, keys.secondary_key);
    }

    #[test]
    fn a_key_that_no_header_can_have_is_refused() {
        for bad in ["", "two words", "line\nbreak", "schlüssel"] {
            let keys = Keys { primary_key: Some(Secret::new(bad)), secondary_key: None };
            let error = ServiceKeys::of(&keys).unwrap_err();
            assert_eq!(
                error.to_string(),
                "a key of the service is not one word of printable ASCII"
            );
        }
    }
}
