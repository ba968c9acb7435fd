//! Folders for work in progress, and the traces of workers that were killed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Name of the lock inside; it is held while the folder is in use.
const LOCK: &str = "lock";
/// Times a folder is made anew when another run swept it away before it was locked.
const TRIES: usize = 10;

/// A folder that goes with its value; if its owner is killed, the next [`sweep`] removes it.
#[derive(Debug)]
pub(crate) struct WorkFolder {
    // Removed before the lock is let go.
    dir: TempDir,
    _lock: File,
}

impl WorkFolder {
    /// Makes a folder of its own in `parent`, which is made too.
    pub(crate) fn new_in(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        for _ in 1..TRIES {
            if let Some(folder) = Self::begin_in(parent)? {
                return Ok(folder);
            }
        }
        Err(io::Error::other("other runs sweep it away again and again"))
    }

    /// Nothing, if a sweep came between making the folder and locking it.
    fn begin_in(parent: &Path) -> io::Result<Option<Self>> {
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
        // A lock on a file that is gone keeps nobody out.
        Ok(path.try_exists()?.then_some(Self { dir, _lock: lock }))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes the folders in `parent` whose owner is gone: their lock can be had, or there is none
/// yet and nothing else. Trouble is left for later.
pub(crate) fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for dir in entries.flatten().map(|entry| entry.path()) {
        match OpenOptions::new().read(true).open(dir.join(LOCK)) {
            Ok(lock) => {
                if lock.try_lock().is_ok() {
                    let _ = fs::remove_dir_all(&dir);
                }
            }
            // The system refuses while there is something in it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let _ = fs::remove_dir(&dir);
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_removes_what_the_dead_left_and_spares_the_living() {
        let cache = tempfile::tempdir().unwrap();
        let work = cache.path().join("work");
        let living = WorkFolder::new_in(&work).unwrap();
        fs::write(living.path().join("a.whl"), "x").unwrap();
        let dead = work.join("dead");
        fs::create_dir_all(dead.join("src")).unwrap();
        fs::write(dead.join("src").join("setup.py"), "x").unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::create_dir(work.join("empty")).unwrap();
        sweep(&work);
        let names = || -> Vec<_> {
            fs::read_dir(&work).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        assert_eq!(names(), [living.path()]);
        assert!(living.path().join("a.whl").exists());
        drop(living);
        assert_eq!(names(), Vec::<std::path::PathBuf>::new());
    }
}
