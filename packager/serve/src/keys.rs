//! Keys of callers: `Authorization: Bearer KEY`, compared in constant time against SHA-256 hashes.
//!
//! The keys themselves are not kept. A file of keys is read again when its modification time or size changes, so a key
//! can be replaced without a restart: both the old and the new one are in the file for a while.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use ring::digest::{Digest, SHA256, digest};
use subtle::{Choice, ConstantTimeEq as _};

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The key is right, or none is needed.
    Granted,
    /// No key, or not in the form `Bearer KEY`.
    Missing,
    /// Another key.
    Wrong,
}

/// The keys that count now.
#[derive(Debug)]
pub(crate) struct Keys {
    fixed: Vec<Digest>,
    file: Option<PathBuf>,
    hashes: ArcSwap<Vec<Digest>>,
}

fn hash(key: &str) -> Digest {
    digest(&SHA256, key.as_bytes())
}

impl Keys {
    /// Hashes `keys` and reads `file`.
    ///
    /// # Errors
    /// If the file cannot be read or has no key.
    pub(crate) fn new(keys: &[String], file: Option<PathBuf>) -> std::io::Result<Arc<Self>> {
        let keys = Self {
            fixed: keys.iter().map(|key| hash(key)).collect(),
            file,
            hashes: ArcSwap::default(),
        };
        keys.reload()?;
        Ok(Arc::new(keys))
    }

    /// Reads the file again. What was read before stays if it cannot be read or has no key.
    ///
    /// # Errors
    /// The system's reason.
    pub(crate) fn reload(&self) -> std::io::Result<()> {
        let mut hashes = self.fixed.clone();
        if let Some(file) = &self.file {
            let text = std::fs::read_to_string(file)?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let before = hashes.len();
            hashes.extend(lines.map(hash));
            if hashes.len() == before {
                return Err(std::io::Error::other("the file has no key"));
            }
        }
        self.hashes.store(Arc::new(hashes));
        Ok(())
    }

    /// The file that may change.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Whether a key is needed.
    pub(crate) fn are_set(&self) -> bool {
        !self.hashes.load().is_empty()
    }

    /// Checks the value of an `Authorization` header.
    pub(crate) fn check(&self, authorization: Option<&str>) -> Access {
        let hashes = self.hashes.load();
        if hashes.is_empty() {
            return Access::Granted;
        }
        let bearer = authorization.and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
        let Some(key) = bearer.filter(|key| !key.is_empty()) else { return Access::Missing };
        let found = hash(key);
        // Every hash is compared, whichever is equal.
        let equal = hashes
            .iter()
            .fold(Choice::from(0), |equal, hash| equal | hash.as_ref().ct_eq(found.as_ref()));
        if bool::from(equal) { Access::Granted } else { Access::Wrong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_key_grants_access_and_another_does_not() {
        let keys = Keys::new(&["one".to_owned(), "two".to_owned()], None).unwrap();
        assert_eq!(keys.check(Some("Bearer one")), Access::Granted);
        assert_eq!(keys.check(Some("bearer two")), Access::Granted);
        assert_eq!(keys.check(Some("Bearer three")), Access::Wrong);
        assert_eq!(keys.check(Some("Basic one")), Access::Missing);
        assert_eq!(keys.check(Some("Bearer ")), Access::Missing);
        assert_eq!(keys.check(None), Access::Missing);
    }

    #[test]
    fn without_keys_everyone_has_access() {
        assert_eq!(Keys::new(&[], None).unwrap().check(None), Access::Granted);
    }

    #[test]
    fn an_emptied_file_leaves_the_keys_that_were_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys");
        std::fs::write(&file, "old\n").unwrap();
        let keys = Keys::new(&[], Some(file.clone())).unwrap();
        std::fs::write(&file, "old\nnew\n").unwrap();
        keys.reload().unwrap();
        assert_eq!(keys.check(Some("Bearer new")), Access::Granted);
        std::fs::write(&file, "\n").unwrap();
        assert!(keys.reload().is_err());
        assert_eq!(keys.check(Some("Bearer old")), Access::Granted);
    }
}
