//! Processes that share a cache download a file only once.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlpack_http::{Clock as _, SystemClock};

use crate::{Error, Result};

/// How often it is looked whether another process is done.
const INTERVAL: Duration = Duration::from_millis(50);

/// Attempts to create the lock when another run keeps removing its folder.
const TRIES: usize = 10;

/// The lock of a file that is downloaded: a file beside it. The system releases it when the process ends.
pub(super) struct DownloadLock {
    path: PathBuf,
    /// `None` on a file system without locks: then two processes download the same file, and both are right.
    file: Option<File>,
}

impl DownloadLock {
    /// Waits until no other process downloads the file.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) async fn take(target: &Path) -> Result<Self> {
        let folder = target.parent().unwrap_or(target);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // Swept like other leftovers of a run that was killed.
        let path = folder.join(format!(".mlpack-pending-{name}.lock"));
        let mut created = create(&path, folder);
        for _ in 1..TRIES {
            match &created {
                // Another run has just removed the folder because it was empty.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    created = create(&path, folder);
                }
                _ => break,
            }
        }
        let file = created.map_err(Error::io("write", &path))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { path, file: Some(file) }),
                Err(TryLockError::WouldBlock) => SystemClock.sleep(INTERVAL).await,
                Err(TryLockError::Error(_)) => return Ok(Self { path, file: None }),
            }
        }
    }
}

fn create(path: &Path, folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    File::create(path)
}

impl Drop for DownloadLock {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Those who wait hold the file that is removed; they find what was downloaded.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("wheels/a.whl");
        let first = DownloadLock::take(&target).await.unwrap();
        let waiting = DownloadLock::take(&target);
        let limit = Duration::from_millis(200);
        assert!(tokio::time::timeout(limit, waiting).await.is_err());
        drop(first);
        let second = DownloadLock::take(&target).await.unwrap();
        drop(second);
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 0);
    }
}
