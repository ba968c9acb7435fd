//! The names of a tar's entries.

use std::io::{self, Read};

use crate::limits::{LimitExceeded, PATH_BYTES};
use crate::pax::{self, Records};

/// Path and link target of an entry.
pub(super) struct Names {
    pub(super) path: Vec<u8>,
    /// Empty if it has none.
    pub(super) link: Vec<u8>,
}

impl Names {
    /// Returns the names of an entry with these pax records.
    ///
    /// # Errors
    /// [`LimitExceeded`].
    pub(super) fn of(records: &Records, entry: &tar::Entry<'_, impl Read>) -> io::Result<Self> {
        let record = |key| pax::value(records, key).map(<[u8]>::to_vec);
        let path = record("path").unwrap_or_else(|| entry.path_bytes().into_owned());
        let link = record("linkpath").or_else(|| Some(entry.link_name_bytes()?.into_owned()));
        let link = link.unwrap_or_default();
        for name in [&path, &link] {
            LimitExceeded::check("a path", name.len() as u64, PATH_BYTES)?;
        }
        Ok(Self { path, link })
    }
}

/// Normalises `./a//b/` to `a/b`. Returns `None` for a path with `..`, which runtimes refuse too.
pub(super) fn normal(path: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(path);
    let mut names = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => return None,
            name => names.push(name),
        }
    }
    (!names.is_empty()).then(|| names.join("/"))
}

/// The names of a path, without empty ones and `.`.
pub(super) fn names(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty() && *name != ".")
}
