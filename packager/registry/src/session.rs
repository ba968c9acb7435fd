//! Upload sessions kept on disk, so that a push that was killed goes on where it stopped.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Once;

use mlpack_oci::pending::{sweep, write_atomically};
use mlpack_oci::{Digest, Reference};
use serde::{Deserialize, Serialize};

/// Where an upload stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
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
pub(crate) struct Sessions {
    dir: PathBuf,
    swept: Once,
}

/// The session file of one blob and target, held by this process alone until dropped. Another
/// process that pushes the same blob meanwhile uploads for itself: two writers in one session
/// would spoil it.
#[derive(Debug)]
pub(crate) struct Slot {
    file: Option<(PathBuf, File)>,
    registry: String,
    repository: String,
    digest: Digest,
}

impl Sessions {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, swept: Once::new() }
    }

    /// The slot of a blob. Never fails: without a usable folder nothing is kept.
    pub(crate) fn slot(&self, target: &Reference, digest: Digest) -> Slot {
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
        Slot {
            file: lock().map(|lock| (path, lock)),
            registry: target.registry().to_owned(),
            repository: target.repository().to_owned(),
            digest,
        }
    }
}

impl Slot {
    /// The session a push left behind.
    pub(crate) fn load(&self) -> Option<Session> {
        let (path, _) = self.file.as_ref()?;
        let session: Session = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let same = session.registry == self.registry
            && session.repository == self.repository
            && session.digest == self.digest;
        same.then_some(session)
    }

    /// Notes where the upload stands.
    pub(crate) fn save(&self, location: &str, offset: u64) {
        let Some((path, _)) = &self.file else { return };
        let session = Session {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            digest: self.digest,
            location: location.to_owned(),
            offset,
        };
        // Without the note the upload still works; it only cannot be resumed.
        let _ = serde_json::to_vec(&session)
            .map_err(std::io::Error::from)
            .and_then(|bytes| write_atomically(path, &bytes));
    }

    /// The upload is done or lost.
    pub(crate) fn clear(&self) {
        if let Some((path, _)) = &self.file {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // A lock file without a session is only litter.
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
    fn a_session_survives_and_is_for_its_target_alone() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(dir.path().join("uploads"));
        let (a, b) = ("h:1/a".parse().unwrap(), "h:1/b".parse().unwrap());
        let digest = Digest::of(b"x");
        sessions.slot(&a, digest).save("http://h:1/v2/a/blobs/uploads/1?s=2", 7);
        let found = sessions.slot(&a, digest).load().unwrap();
        assert_eq!(
            (found.location.as_str(), found.offset),
            ("http://h:1/v2/a/blobs/uploads/1?s=2", 7)
        );
        assert_eq!(sessions.slot(&b, digest).load(), None);
        sessions.slot(&a, digest).clear();
        assert_eq!(sessions.slot(&a, digest).load(), None);
        assert_eq!(fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);
    }

    #[test]
    fn a_slot_in_use_is_not_shared() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(dir.path().to_owned());
        let (target, digest) = ("h:1/a".parse().unwrap(), Digest::of(b"x"));
        let first = sessions.slot(&target, digest);
        first.save("http://h:1/u", 3);
        assert_eq!(sessions.slot(&target, digest).load(), None);
        drop(first);
        assert_eq!(sessions.slot(&target, digest).load().map(|s| s.offset), Some(3));
    }
}
