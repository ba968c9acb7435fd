//! Why an entry script cannot be read at all.

use std::io;
use std::path::{Path, PathBuf};

/// Result of reading an entry script.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of reading an entry script. [`Error::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The entry script.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is not UTF-8 and declares no other encoding (PEP 263).
    #[error("{}:{line}: the file is not UTF-8", path.display())]
    Encoding {
        /// The entry script.
        path: PathBuf,
        /// Line of the first invalid byte, from 1.
        line: usize,
    },
}

impl Error {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Read { .. } => "check the path and its permissions".to_owned(),
            Self::Encoding { .. } => "save the file as UTF-8".to_owned(),
        }
    }
}

/// Decodes a file: UTF-8, or Latin-1 if one of the first two lines declares it (PEP 263).
pub(super) fn decode(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let head: Vec<_> = bytes.split(|byte| *byte == b'\n').take(2).collect();
        let says_latin = head.iter().any(|line| {
            let line = String::from_utf8_lossy(line).to_lowercase();
            line.trim_start().starts_with('#')
                && ["latin-1", "latin1", "iso-8859-1"].iter().any(|name| line.contains(name))
        });
        if says_latin {
            return Ok(bytes.into_iter().map(char::from).collect());
        }
        let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
        Err(Error::Encoding { path: path.to_owned(), line })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_utf8_or_declared() {
        let path = Path::new("s.py");
        assert_eq!(decode(path, b"x = '\xc3\xa9'".to_vec()).unwrap(), "x = 'é'");
        let latin = b"# -*- coding: latin-1 -*-\nx = '\xe9'".to_vec();
        assert_eq!(decode(path, latin).unwrap(), "# -*- coding: latin-1 -*-\nx = 'é'");
        let error = decode(path, b"\n\nx = '\xe9'".to_vec()).unwrap_err();
        assert_eq!(error.to_string(), "s.py:3: the file is not UTF-8");
    }
}
