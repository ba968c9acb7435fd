//! Upload sessions saved on disk, so that a push that was killed continues where it stopped.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Once;

use mlpack_oci::pending::{sweep, write_atomically};
use mlpack_oci::{Digest, Reference};
use serde::{Deserialize, Serialize};

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedSession {
    registry: String,
    repository: String,
    digest: Digest,
    /// The registry's address of the upload, with its opaque query.
    pub(crate) location: String,
    /// Bytes the registry has confirmed.
    pub(crate) offset: u64,
}

/// The folder of sessions.
#[derive(Debug)]
pub(crate) struct SessionStore {
    dir: PathBuf,
    swept: Once,
}

/// The session file of one blob and target, locked for this process until dropped. Another process
/// that pushes the same blob meanwhile opens a separate session: two writers would corrupt one.
#[derive(Debug)]
pub(crate) struct SessionLock {
    file: Option<(PathBuf, File)>,
    registry: String,
    repository: String,
    digest: Digest,
}

impl SessionStore {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, swept: Once::new() }
    }

    /// Locks the session of a blob. Never fails: without a usable folder nothing is saved.
    pub(crate) fn lock(&self, target: &Reference, digest: Digest) -> SessionLock {
        let name = Digest::of(
            format!("{}\n{}\n{digest}", target.registry(), target.repository()).as_bytes(),
        );
        let path = self.dir.join(format!("{}.json", name.hex()));
        self.swept.call_once(|| sweep(&self.dir));
        let lock = || -> Option<File> {
            fs::create_dir_all(&self.dir).ok()?;
            let lock = File::create(path.with_extension("lock")).ok()?;
            lock.try_lock().ok()?;
            Some(lock)
        };
        SessionLock {
            file: lock().map(|lock| (path, lock)),
            registry: target.registry().to_owned(),
            repository: target.repository().to_owned(),
            digest,
        }
    }
}

impl SessionLock {
    /// Returns the session an earlier push saved.
    pub(crate) fn load(&self) -> Option<SavedSession> {
        let (path, _) = self.file.as_ref()?;
        let session: SavedSession = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let same = session.registry == self.registry
            && session.repository == self.repository
            && session.digest == self.digest;
        same.then_some(session)
    }

    /// Saves how far the upload is.
    pub(crate) fn save(&self, location: &str, offset: u64) {
        let Some((path, _)) = &self.file else { return };
        let session = SavedSession {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            digest: self.digest,
            location: location.to_owned(),
            offset,
        };
        // Without the file the upload still works; it only cannot be resumed.
        let _ = serde_json::to_vec(&session)
            .map_err(std::io::Error::from)
            .and_then(|bytes| write_atomically(path, &bytes));
    }

    /// Removes the session of an upload that is done or lost.
    pub(crate) fn clear(&self) {
        if let Some((path, _)) = &self.file {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        // A lock file without a session is of no use.
        if let Some((path, _)) = &self.file
            && !path.exists()
        {
            let _ = fs::remove_file(path.with_extension("lock"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_only_for_its_target() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = SessionStore::new(dir.path().join("uploads"));
        let (a, b) = ("h:1/a".parse().unwrap(), "h:1/b".parse().unwrap());
        let digest = Digest::of(b"x");
        sessions.lock(&a, digest).save("http://h:1/v2/a/blobs/uploads/1?s=2", 7);
        let found = sessions.lock(&a, digest).load().unwrap();
        assert_eq!(
            (found.location.as_str(), found.offset),
            ("http://h:1/v2/a/blobs/uploads/1?s=2", 7)
        );
        assert_eq!(sessions.lock(&b, digest).load(), None);
        sessions.lock(&a, digest).clear();
        assert_eq!(sessions.lock(&a, digest).load(), None);
        assert_eq!(fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);
    }

    #[test]
    fn a_locked_session_is_not_shared() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = SessionStore::new(dir.path().to_owned());
        let (target, digest) = ("h:1/a".parse().unwrap(), Digest::of(b"x"));
        let first = sessions.lock(&target, digest);
        first.save("http://h:1/u", 3);
        assert_eq!(sessions.lock(&target, digest).load(), None);
        drop(first);
        assert_eq!(sessions.lock(&target, digest).load().map(|s| s.offset), Some(3));
    }
}
