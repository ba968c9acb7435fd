//! Files that appear whole or not at all, and the traces of writers that were killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Prefix of files that are being written; they carry a lock while their writer lives.
const PREFIX: &str = ".mlpack-pending-";

/// A file being written. Dropped without [`PendingFile::persist`], it is gone; if its writer is
/// killed, the next [`sweep`] of the folder removes it.
pub struct PendingFile(NamedTempFile);

impl PendingFile {
    /// Begins a file in `dir`, which has to be the folder it will stay in.
    ///
    /// # Errors
    /// The system's.
    pub fn new_in(dir: &Path) -> io::Result<Self> {
        loop {
            let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(dir)?;
            // Held until the file is closed; a sweep leaves locked files alone. One that came
            // before the lock took the file away: then another is made.
            file.as_file().lock()?;
            if file.path().exists() {
                return Ok(Self(file));
            }
        }
    }

    /// Gives the file its name by an atomic rename, readable by all. A killed process leaves
    /// nothing half-written; a loss of power may, since waiting for the disk would cost as much as
    /// writing a model.
    ///
    /// # Errors
    /// The system's.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        self.persist_with_mode(path, 0o644)
    }

    /// Gives the file its name and Unix permissions by an atomic rename.
    ///
    /// # Errors
    /// The system's.
    pub fn persist_with_mode(self, path: &Path, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        self.0.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
        self.0.persist(path).map(drop).map_err(|error| error.error)
    }

    /// The open file, for copies that the system can do by itself.
    pub fn as_file_mut(&mut self) -> &mut File {
        self.0.as_file_mut()
    }

    /// Where it lies until it has its name.
    pub fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

impl Write for PendingFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes a small file by atomic rename, making its folder.
///
/// # Errors
/// The system's.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    fs::create_dir_all(dir)?;
    let mut file = PendingFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.persist(path)
}

/// Whether a file of that name is one being written.
pub(crate) fn is_pending(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with(PREFIX)
}

/// Removes pending files whose writer is gone: their lock can be had. Trouble is left for later.
pub fn sweep(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if is_pending(&entry.file_name())
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Ok(file) = OpenOptions::new().read(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut file = PendingFile::new_in(dir.path()).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        sweep(dir.path());
        file.write_all(b" and half").unwrap();
        file.persist(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"half and half");
        fs::write(dir.path().join(".mlpack-pending-dead"), "").unwrap();
        sweep(dir.path());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
