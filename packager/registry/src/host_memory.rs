//! What past pushes found out about a registry: how it accepts uploads, and which repositories
//! contain a blob, so that it can be mounted from there.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use mlpack_oci::Digest;
use mlpack_oci::pending::{sweep, write_atomically};

use crate::upload_strategy::UploadStrategy;

/// The most repositories recorded per blob.
const REPOSITORIES: usize = 3;

/// A folder per registry. What is lost is found out again.
#[derive(Debug)]
pub(crate) struct HostMemory {
    dir: PathBuf,
    /// Folders that were searched for files of killed writers.
    swept: Mutex<HashSet<PathBuf>>,
}

impl HostMemory {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, swept: Mutex::default() }
    }

    /// Returns how the registry accepted the last upload that had to be adapted.
    pub(crate) fn strategy(&self, registry: &str) -> Option<UploadStrategy> {
        let text = fs::read_to_string(self.host(registry).join("upload")).ok()?;
        text.trim().parse().ok()
    }

    pub(crate) fn record_strategy(&self, registry: &str, strategy: UploadStrategy) {
        self.write(&self.host(registry).join("upload"), &format!("{strategy}\n"));
    }

    /// Returns repositories of the registry that contained the blob, the latest first.
    pub(crate) fn repositories(&self, registry: &str, digest: Digest) -> Vec<String> {
        let path = self.host(registry).join("blobs").join(digest.hex());
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn record_blob(&self, registry: &str, repository: &str, digest: Digest) {
        let mut known = self.repositories(registry, digest);
        if known.first().is_some_and(|first| first == repository) {
            return;
        }
        known.retain(|other| other != repository);
        known.insert(0, repository.to_owned());
        known.truncate(REPOSITORIES);
        let text = known.iter().map(|name| format!("{name}\n")).collect::<String>();
        self.write(&self.host(registry).join("blobs").join(digest.hex()), &text);
    }

    /// Records that a repository does not contain the blob any more.
    pub(crate) fn forget_blob(&self, registry: &str, repository: &str, digest: Digest) {
        let mut known = self.repositories(registry, digest);
        known.retain(|other| other != repository);
        let text = known.iter().map(|name| format!("{name}\n")).collect::<String>();
        self.write(&self.host(registry).join("blobs").join(digest.hex()), &text);
    }

    /// Writes a file; errors are ignored, because what is missing is found out again.
    fn write(&self, path: &Path, text: &str) {
        if let Some(dir) = path.parent()
            && self.swept.lock().unwrap_or_else(PoisonError::into_inner).insert(dir.to_owned())
        {
            sweep(dir);
        }
        let _ = write_atomically(path, text.as_bytes());
    }

    /// Returns a registry's folder: its name without characters that file systems do not allow.
    fn host(&self, registry: &str) -> PathBuf {
        let keep =
            |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
        self.dir.join(registry.chars().map(keep).collect::<String>().trim_start_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_latest_repositories_of_a_blob() {
        let dir = tempfile::tempdir().unwrap();
        let memory = HostMemory::new(dir.path().to_owned());
        let digest = Digest::of(b"x");
        for repository in ["a", "b", "c", "a", "d"] {
            memory.record_blob("127.0.0.1:5000", repository, digest);
        }
        assert_eq!(memory.repositories("127.0.0.1:5000", digest), ["d", "a", "c"]);
        memory.forget_blob("127.0.0.1:5000", "a", digest);
        assert_eq!(memory.repositories("127.0.0.1:5000", digest), ["d", "c"]);
        assert_eq!(memory.repositories("other", digest), Vec::<String>::new());
    }

    #[test]
    fn records_how_a_registry_accepts_uploads() {
        let dir = tempfile::tempdir().unwrap();
        let memory = HostMemory::new(dir.path().to_owned());
        assert_eq!(memory.strategy("h:1"), None);
        memory.record_strategy("h:1", UploadStrategy::Chunks(4 << 20));
        assert_eq!(memory.strategy("h:1"), Some(UploadStrategy::Chunks(4 << 20)));
        assert_eq!(memory.strategy("h:2"), None);
    }
}
