//! What this process is writing, so that a signal can end it without leaving any of it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Attempts to remove one of them.
const ATTEMPTS: usize = 100;

/// `None` once the process is ending.
static OWNED: Mutex<Option<BTreeSet<PathBuf>>> = Mutex::new(Some(BTreeSet::new()));

fn paths() -> MutexGuard<'static, Option<BTreeSet<PathBuf>>> {
    OWNED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A path that is removed if a signal ends the process while the value lives.
#[derive(Debug)]
pub(super) struct Owned(PathBuf);

impl Owned {
    /// Makes a file or folder. A signal comes before it, and then it is not made, or finds it among those to remove.
    pub(super) fn make<T: AsRef<Path>>(
        make: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<(Self, T)> {
        unless_ending(|paths| {
            let made = make()?;
            paths.insert(made.as_ref().to_owned());
            Ok((Self(made.as_ref().to_owned()), made))
        })
    }

    /// Lets the path have its final name, unless the process is ending: then this thread goes no further.
    pub(super) fn release<T>(&self, rename: impl FnOnce() -> T) -> T {
        unless_ending(|paths| {
            paths.remove(&self.0);
            rename()
        })
    }
}

fn unless_ending<T>(work: impl FnOnce(&mut BTreeSet<PathBuf>) -> T) -> T {
    let mut guard = paths();
    if let Some(paths) = guard.as_mut() {
        return work(paths);
    }
    drop(guard);
    loop {
        std::thread::park();
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(paths) = paths().as_mut() {
            paths.remove(&self.0);
        }
    }
}

/// Removes everything that this process has not finished. From then on nothing of it gets its final name, so the process
/// must end.
pub fn remove_unfinished() {
    let unfinished = paths().take().unwrap_or_default();
    for path in unfinished {
        // Another thread may still add to a folder. What stays is for the next sweep.
        (0..ATTEMPTS).find(|_| gone(&path));
    }
}

/// Whether a path is not there any more, after an attempt to remove it.
fn gone(path: &Path) -> bool {
    let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}
