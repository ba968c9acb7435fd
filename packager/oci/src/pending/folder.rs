//! Temporary folders that do not outlive their owner.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

/// Name of the lock file inside the folder; the lock is held while the folder is in use.
const LOCK: &str = "lock";
/// Attempts to create a folder when another process sweeps it away before it is locked.
const ATTEMPTS: usize = 10;

/// A temporary folder, removed when the value is dropped. If its owner is killed, the next
/// [`PendingFolder::sweep`] of the parent removes it.
#[derive(Debug)]
pub struct PendingFolder {
    // Dropped first: the folder is removed before the lock is released.
    dir: TempDir,
    _lock: File,
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
        let dir = tempfile::tempdir_in(parent)?;
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
        Ok(path.try_exists()?.then_some(Self { dir, _lock: lock }))
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Removes the folders in `parent` whose owner is gone: those whose lock is free, and empty
    /// ones without a lock. Ignores errors; the next sweep tries again.
    pub fn sweep(parent: &Path) {
        let Ok(entries) = fs::read_dir(parent) else { return };
        for dir in entries.flatten().map(|entry| entry.path()) {
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
        let abandoned = work.join("abandoned");
        fs::create_dir_all(abandoned.join("src")).unwrap();
        fs::write(abandoned.join("src").join("setup.py"), "x").unwrap();
        fs::write(abandoned.join(LOCK), "").unwrap();
        fs::create_dir(work.join("empty")).unwrap();
        PendingFolder::sweep(&work);
        let names = || -> Vec<_> {
            fs::read_dir(&work).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        assert_eq!(names(), [in_use.path()]);
        assert!(in_use.path().join("a.whl").exists());
        drop(in_use);
        assert_eq!(names(), Vec::<std::path::PathBuf>::new());
    }
}
