//! Removing what was not used for long, or what is too much.

use std::fs;
use std::io;

use mlpack_oci::Progress;
use mlpack_oci::pending::PendingFolder;
use serde::Serialize;

use crate::{CacheFolder, Entry, Error, Result, Summary};

/// What may stay.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// Entries that were not used since then are removed; in seconds since 1970.
    pub since: Option<i64>,
    /// Of the rest, those that were not used for longest are removed until it has at most so many
    /// bytes.
    pub bytes: Option<u64>,
}

/// What was removed, and what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Removed entries by kind.
    pub removed: Vec<Summary>,
    /// Bytes that are free again.
    pub bytes: u64,
    /// Bytes of the entries that stay.
    pub left: u64,
}

impl CacheFolder {
    /// Removes what is out of bounds, once no mlpack uses the cache. What a killed run leaves of an
    /// entry is removed by the next run.
    ///
    /// # Errors
    /// The system's.
    pub fn prune(&self, bounds: &Bounds, progress: &dyn Progress) -> Result<Pruned> {
        let _alone = self.hold_alone(progress)?;
        let (removed, kept) = bounds.split(self.entries()?);
        self.remove(&removed)?;
        let sum = |entries: &[Entry]| entries.iter().map(|entry| entry.bytes).sum();
        Ok(Pruned { removed: Self::summaries(&removed), bytes: sum(&removed), left: sum(&kept) })
    }

    /// Removes entries; each is away at once.
    pub(crate) fn remove(&self, entries: &[Entry]) -> Result<()> {
        let parent = self.path.join("stage");
        PendingFolder::sweep(&parent);
        if entries.is_empty() {
            return Ok(());
        }
        let folder = PendingFolder::new_in(&parent).map_err(Error::io("write to", &parent))?;
        for (number, entry) in entries.iter().enumerate() {
            match fs::rename(&entry.path, folder.path().join(number.to_string())) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &entry.path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Bounds {
    /// Returns the entries to remove and those to keep.
    fn split(&self, entries: Vec<Entry>) -> (Vec<Entry>, Vec<Entry>) {
        let is_old = |entry: &Entry| self.since.is_some_and(|since| entry.used < since);
        let (mut removed, mut kept): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_old);
        if let Some(most) = self.bytes {
            // The latest first, and what needs no room at the front.
            kept.sort_by(|one, other| {
                (other.used, one.bytes, &one.path).cmp(&(one.used, other.bytes, &other.path))
            });
            let mut total = 0;
            let fits = |entry: &&Entry| {
                total += entry.bytes;
                total <= most
            };
            let count = kept.iter().take_while(fits).count();
            removed.extend(kept.split_off(count));
        }
        (removed, kept)
    }
}

#[cfg(test)]
mod tests {
    use mlpack_oci::Silent;

    use super::*;

    fn entry(name: &str, bytes: u64, used: i64) -> Entry {
        Entry { kind: "wheels", path: name.into(), bytes, used }
    }

    #[test]
    fn old_entries_go_first_and_then_the_least_recent_ones() {
        let all = || vec![entry("a", 10, 100), entry("b", 20, 300), entry("c", 30, 200)];
        let removed = |since, bytes| {
            let (removed, kept) = Bounds { since, bytes }.split(all());
            assert_eq!(removed.len() + kept.len(), 3);
            removed.into_iter().map(|entry| entry.path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(removed(None, None), Vec::<String>::new());
        assert_eq!(removed(Some(200), None), ["a"]);
        assert_eq!(removed(None, Some(60)), Vec::<String>::new());
        assert_eq!(removed(None, Some(59)), ["a"]);
        assert_eq!(removed(None, Some(20)), ["c", "a"]);
        assert_eq!(removed(Some(200), Some(20)), ["a", "c"]);
        assert_eq!(removed(None, Some(0)), ["b", "c", "a"]);
    }

    #[test]
    fn nothing_but_entries_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        let cache = CacheFolder::open(&path).unwrap();
        let hex = "ab".repeat(32);
        for file in [
            &format!("wheels/{hex}/a.whl"),
            "wheels/precious/a.whl",
            "precious/a.whl",
            "uv/0.8-x86_64/uv",
            "stage/precious/file",
        ] {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "x").unwrap();
        }
        let pruned = cache.prune(&Bounds { since: None, bytes: Some(0) }, &Silent).unwrap();
        let kinds: Vec<_> = pruned.removed.iter().map(|of| (of.kind, of.entries)).collect();
        assert_eq!(kinds, [("wheels", 1), ("uv", 1)]);
        assert!(pruned.bytes > 0 && pruned.left == 0);
        assert!(!path.join("wheels").join(hex).exists());
        for kept in ["wheels/precious/a.whl", "precious/a.whl", "stage/precious/file"] {
            assert!(path.join(kept).exists(), "{kept}");
        }
        assert_eq!(fs::read_dir(path.join("stage")).unwrap().count(), 1);
    }
}
