//! Files that appear complete or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::NamedTempFile;

use super::owned::Owned;

/// Prefix of files that are being written.
const PREFIX: &str = ".mlpack-pending-";

/// A file being written, removed if it is dropped without [`PendingFile::persist`]. If its writer is
/// killed, the next [`sweep`] of the folder removes it.
pub struct PendingFile {
    file: NamedTempFile,
    owned: Owned,
}

impl PendingFile {
    /// Creates a file in `dir`, which must be the folder of the final path.
    ///
    /// # Errors
    /// The system's.
    pub fn new_in(dir: &Path) -> io::Result<Self> {
        loop {
            let (owned, file) =
                Owned::make(|| tempfile::Builder::new().prefix(PREFIX).tempfile_in(dir))?;
            // Held until the file is closed; a sweep ignores locked files. If a sweep removed the
            // file before it was locked, another one is created.
            file.as_file().lock()?;
            if file.path().exists() {
                return Ok(Self { file, owned });
            }
        }
    }

    /// Renames the file atomically to `path`, readable by everyone. A killed process leaves no
    /// incomplete file; a power failure may, since an fsync would take as long as writing a model.
    ///
    /// # Errors
    /// The system's.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        self.persist_with_mode(path, 0o644)
    }

    /// Gives the file its name and Unix permissions, less the umask's, by an atomic rename.
    ///
    /// # Errors
    /// The system's.
    pub fn persist_with_mode(self, path: &Path, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        self.persist_as(path, fs::Permissions::from_mode(mode & !umask()))
    }

    fn persist_as(self, path: &Path, permissions: fs::Permissions) -> io::Result<()> {
        let Self { file, owned } = self;
        file.as_file().set_permissions(permissions)?;
        owned.release(|| file.persist(path).map(drop).map_err(|error| error.error))
    }

    /// Gives the file its name and Unix permissions, so that it survives a power failure: the bytes are flushed before the
    /// rename, and the folder after it.
    ///
    /// # Errors
    /// The system's.
    pub fn persist_durably(self, path: &Path, mode: u32) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.persist_with_mode(path, mode)?;
        sync_folder(path)
    }

    /// The open file, for `copy_file_range` and the like.
    pub fn as_file_mut(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// The temporary path.
    pub fn path(&self) -> PathBuf {
        self.file.path().to_owned()
    }
}

impl Write for PendingFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Replaces a file by one with its permissions, by atomic rename, so that it survives a power failure.
///
/// # Errors
/// The system's.
pub fn rewrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    let file = pending_beside(path, bytes)?;
    file.file.as_file().sync_all()?;
    file.persist_as(path, permissions)?;
    sync_folder(path)
}

/// The permissions that new files of this process do not get. The system call that returns it changes it for all threads, so
/// it is read from `/proc` (proc_pid_status(5)).
fn umask() -> u32 {
    static UMASK: LazyLock<u32> = LazyLock::new(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        mask.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o022)
    });
    *UMASK
}

/// Writes a small file by atomic rename, creating its folder.
///
/// # Errors
/// The system's.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    pending_beside(path, bytes)?.persist(path)
}

/// Writes a small file by atomic rename, creating its folder, so that it survives a power failure. What killed runs began
/// beside it is removed.
///
/// # Errors
/// The system's.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    sweep(folder_of(path));
    pending_beside(path, bytes)?.persist_durably(path, 0o644)
}

/// Writes a small file that has no name yet, in the folder of `path`, which is created.
fn pending_beside(path: &Path, bytes: &[u8]) -> io::Result<PendingFile> {
    let dir = folder_of(path);
    fs::create_dir_all(dir)?;
    let mut file = PendingFile::new_in(dir)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// Writes a small file as [`write_durably`] does, unless another process has written it first: its content stays.
///
/// # Errors
/// The system's.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = folder_of(path);
    sweep(dir);
    let mut file = PendingFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.file.as_file().set_permissions(fs::Permissions::from_mode(0o644 & !umask()))?;
    file.file.as_file().sync_all()?;
    let PendingFile { file, owned } = file;
    match owned.release(|| file.persist_noclobber(path)) {
        Ok(_) => sync_folder(path),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

/// Flushes a file that another writer, or this one, may have left to the system.
pub(crate) fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_data()
}

/// Flushes the names in the folder of `path`.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Returns whether a file name is that of a pending file.
pub(crate) fn is_pending(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with(PREFIX)
}

/// Removes the pending files in `dir` whose writer is gone: those whose lock is free. Ignores errors;
/// the next sweep tries again.
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
    fn a_new_file_never_replaces_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write_new(&path, b"first").unwrap();
        write_new(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_appears_at_its_path_only_when_complete() {
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
        for write in [write_new, write_durably] {
            fs::write(dir.path().join(".mlpack-pending-dead"), "").unwrap();
            write(&path, b"again").unwrap();
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }
}
