//! The records of a tar's pax headers (POSIX pax, "pax Extended Header"): `LENGTH KEY=VALUE\n`. A value may hold any byte,
//! also a line break.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Keys and values in the order in which they are stored.
pub(crate) type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// The records of the entry that a [`BoundedTar`](crate::BoundedTar) was read to.
#[derive(Debug, Clone, Default)]
pub(crate) struct EntryRecords(Arc<Mutex<Records>>);

impl EntryRecords {
    pub(crate) fn set(&self, records: Records) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = records;
    }

    /// Returns them, once.
    pub(crate) fn take(&self) -> Records {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads the records of a header.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] if they are none, as in every runtime.
pub(crate) fn parse(mut header: &[u8]) -> io::Result<Records> {
    let mut records = Vec::new();
    while !header.is_empty() {
        let Some((key, value, length)) = first(header) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a pax header without records"));
        };
        records.push((key.to_vec(), value.to_vec()));
        header = &header[length..];
    }
    Ok(records)
}

/// Returns key, value and length of the first record.
fn first(header: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let space = header.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&header[..space]).ok()?.parse().ok()?;
    let record = header.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], length))
}

/// Returns the last value of a key: a later record replaces an earlier one.
pub(crate) fn value<'a>(records: &'a Records, key: &str) -> Option<&'a [u8]> {
    let mut found = records.iter().rev().filter(|(name, _)| name == key.as_bytes());
    found.next().map(|(_, value)| &**value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_line_breaks() {
        let records = parse(b"15 path=a\nb=c\n\n9 path=d\n").unwrap();
        assert_eq!(records[0], (b"path".to_vec(), b"a\nb=c\n".to_vec()));
        assert_eq!(value(&records, "path"), Some(&b"d"[..]));
        assert_eq!(value(&records, "size"), None);
        for bad in ["5", "x a=b\n", "99 a=b\n", "7 a=b\n", "5 ab\n", "0 a=b\n", "3 \n"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
