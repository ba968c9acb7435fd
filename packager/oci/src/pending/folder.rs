//! Temporary folders that do not outlive their owner.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

use super::owned::Owned;

/// Name of the lock file inside the folder; the lock is held while the folder is in use.
const LOCK: &str = "lock";
/// What the names of such folders begin with: no other folder is ever removed.
const PREFIX: &str = ".mlpack-pending-";
/// Attempts to create a folder when another process sweeps it away before it is locked.
const ATTEMPTS: usize = 10;

/// A temporary folder, removed when the value is dropped. If its owner is killed, the next
/// [`PendingFolder::sweep`] of the parent removes it.
#[derive(Debug)]
pub struct PendingFolder {
    // Dropped first: the folder is removed before the lock is released.
    dir: TempDir,
    _lock: File,
    _owned: Owned,
}

impl PendingFolder {
    /// Creates a folder with a unique name in `parent`, which is created too.
    ///
    /// # Errors
    /// The system's.
    pub fn new_in(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        for _ in 0..ATTEMPTS {
            if let Some(folder) = Self::try_new_in(parent)? {
                return Ok(folder);
            }
        }
        Err(io::Error::other("other processes keep removing it"))
    }

    /// Returns `None` if a sweep came between creating the folder and locking it.
    fn try_new_in(parent: &Path) -> io::Result<Option<Self>> {
        let make = || tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
        let (owned, dir) = Owned::make(make)?;
        let path = dir.path().join(LOCK);
        let lock = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        // A lock on a file that was removed protects nothing.
        Ok(path.try_exists()?.then_some(Self { dir, _lock: lock, _owned: owned }))
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Removes the folders in `parent` whose owner is gone: of those with our name, the ones whose lock is free, and empty
    /// ones without a lock. Ignores errors; the next sweep tries again.
    pub fn sweep(parent: &Path) {
        let Ok(entries) = fs::read_dir(parent) else { return };
        let ours = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
        let entries = entries.flatten().filter(|entry| ours(&entry.file_name()));
        for dir in entries.map(|entry| entry.path()) {
            match OpenOptions::new().read(true).open(dir.join(LOCK)) {
                Ok(lock) => {
                    if lock.try_lock().is_ok() {
                        let _ = fs::remove_dir_all(&dir);
                    }
                }
                // Fails, as it must, if the folder is not empty.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let _ = fs::remove_dir(&dir);
                }
                Err(_) => {}
            }
        }
    }
}

/// Gives a file or folder its final path. What was there is exchanged with it in one step, so that the path always names
/// the one or the other, and stays at `new`; a file system that cannot exchange refuses.
///
/// # Errors
/// The system's.
pub fn replace(new: &Path, target: &Path) -> io::Result<()> {
    match target.symlink_metadata() {
        Ok(_) => Ok(renameat_with(CWD, new, CWD, target, RenameFlags::EXCHANGE)?),
        Err(_) => fs::rename(new, target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_replaced_in_one_step() {
        let dir = tempfile::tempdir().unwrap();
        let (new, target) = (dir.path().join("new"), dir.path().join("target"));
        fs::create_dir(&new).unwrap();
        replace(&new, &target).unwrap();
        assert!(target.is_dir() && !new.exists());
        fs::write(&new, "file").unwrap();
        replace(&new, &target).unwrap();
        assert!(target.is_file() && new.is_dir());
    }

    #[test]
    fn a_sweep_removes_abandoned_folders_and_keeps_those_in_use() {
        let cache = tempfile::tempdir().unwrap();
        let work = cache.path().join("work");
        let in_use = PendingFolder::new_in(&work).unwrap();
        fs::write(in_use.path().join("a.whl"), "x").unwrap();
        let abandoned = work.join(format!("{PREFIX}abandoned"));
        fs::create_dir_all(abandoned.join("src")).unwrap();
        fs::write(abandoned.join("src").join("setup.py"), "x").unwrap();
        fs::write(abandoned.join(LOCK), "").unwrap();
        fs::create_dir(work.join(format!("{PREFIX}empty"))).unwrap();
        // A user's folders, whatever is in them.
        let precious = [work.join("empty"), work.join("locked")];
        precious.iter().for_each(|dir| fs::create_dir(dir).unwrap());
        fs::write(precious[1].join(LOCK), "").unwrap();
        PendingFolder::sweep(&work);
        let names = || -> std::collections::BTreeSet<_> {
            fs::read_dir(&work).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let kept = precious.clone().into_iter().chain([in_use.path().to_owned()]);
        assert_eq!(names(), kept.collect());
        assert!(in_use.path().join("a.whl").exists());
        drop(in_use);
        assert_eq!(names(), precious.into());
    }
}
