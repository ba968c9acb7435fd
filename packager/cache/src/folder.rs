//! The folder, its marker and its lock.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use mlpack_oci::Progress;
use mlpack_oci::pending::write_atomically;

use crate::kinds::is_known;
use crate::sweep::sweep_all;
use crate::{Error, Result};

/// The marker of a cache (bford.info, "Cache Directory Tagging Specification"), which backup programs
/// look for.
const MARKER: &str = "CACHEDIR.TAG";
/// What it begins with by that specification.
const SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55";
/// Before the version of the format.
const FORMAT_LINE: &str = "# mlpack cache, format ";
/// Version of the folder as a whole.
const FORMAT: u32 = 1;
/// Held in common by those who use the cache, alone by the one who removes from it.
const LOCK: &str = ".lock";
/// Of a folder that may have logins of channels in it.
const MODE: u32 = 0o700;

/// A marked cache.
#[derive(Debug, Clone)]
pub struct CacheFolder {
    pub(crate) path: PathBuf,
}

/// Keeps everything in the cache until it is dropped.
#[derive(Debug)]
pub struct InUse {
    _lock: Option<File>,
}

impl CacheFolder {
    /// Opens the cache at an absolute path. A folder that is new, empty or an older mlpack's is marked,
    /// and only its owner may enter it.
    ///
    /// # Errors
    /// [`Error::Foreign`] for a folder of another kind, [`Error::Shared`] for one that other users may
    /// write to, [`Error::Format`], and those of the system.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Self { path: path.to_owned() };
        if !path.exists() {
            folder.create()?;
        }
        folder.refuse_shared()?;
        folder.check_marker()?;
        Ok(folder)
    }

    /// Opens a cache that is there; nothing if there is none.
    ///
    /// # Errors
    /// As [`CacheFolder::open`].
    pub fn existing(path: &Path) -> Result<Option<Self>> {
        if path.exists() { Self::open(path).map(Some) } else { Ok(None) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps what is in the cache from being removed. A cache that this user cannot write, and that
    /// has no lock file yet, cannot be held.
    ///
    /// # Errors
    /// The system's.
    pub fn hold(&self, progress: &dyn Progress) -> Result<InUse> {
        let path = self.path.join(LOCK);
        let lock = match open_lock(&path) {
            // It may be locked all the same.
            Err(error) if is_read_only(&error) => match File::open(&path) {
                Ok(lock) => lock,
                Err(_) => return Ok(InUse { _lock: None }),
            },
            opened => opened.map_err(Error::io("create", &path))?,
        };
        self.wait(&lock, File::try_lock_shared, File::lock_shared, progress, || {
            "another mlpack cleans the cache; waiting for it".to_owned()
        })?;
        sweep_all(&self.path);
        Ok(InUse { _lock: Some(lock) })
    }

    /// Waits until nothing else uses the cache.
    pub(crate) fn hold_alone(&self, progress: &dyn Progress) -> Result<InUse> {
        let path = self.path.join(LOCK);
        let lock = open_lock(&path).map_err(Error::io("create", &path))?;
        self.wait(&lock, File::try_lock, File::lock, progress, || {
            format!("{} is used by another mlpack; waiting for its end", self.path.display())
        })?;
        Ok(InUse { _lock: Some(lock) })
    }

    fn wait(
        &self,
        lock: &File,
        attempt: impl Fn(&File) -> Result<(), TryLockError>,
        insist: impl Fn(&File) -> io::Result<()>,
        progress: &dyn Progress,
        why: impl Fn() -> String,
    ) -> Result<()> {
        let failed = Error::io("lock", self.path.join(LOCK));
        match attempt(lock) {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                progress.note(&why());
                insist(lock).map_err(failed)
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    fn create(&self) -> Result<()> {
        let mut builder = DirBuilder::new();
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        match builder.mode(MODE).create(&self.path) {
            // Another run was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map_err(Error::io("create", &self.path)),
        }
    }

    /// Refuses a folder into which other users may put what root, or this user, will run.
    fn refuse_shared(&self) -> Result<()> {
        let meta = fs::metadata(&self.path).map_err(Error::io("read", &self.path))?;
        let user = rustix::process::geteuid().as_raw();
        let how = if meta.mode() & 0o002 != 0 {
            format!("its permissions are {:04o}", meta.mode() & 0o7777)
        } else if meta.uid() != user && meta.uid() != 0 {
            format!("it belongs to user {}, and this is user {user}", meta.uid())
        } else {
            return Ok(());
        };
        Err(Error::Shared { path: self.path.clone(), how })
    }

    fn check_marker(&self) -> Result<()> {
        let marker = self.path.join(MARKER);
        let text = match fs::read_to_string(&marker) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.mark(&marker),
            Err(error) => return Err(Error::io("read", &marker)(error)),
        };
        let ours = text.lines().find_map(|line| line.strip_prefix(FORMAT_LINE));
        match ours {
            Some(found) if found.trim() == FORMAT.to_string() => Ok(()),
            Some(found) => {
                let (path, found) = (self.path.clone(), found.trim().to_owned());
                Err(Error::Format { path, found, known: FORMAT })
            }
            // Damaged, or another program's: what else is there decides.
            None => self.mark(&marker),
        }
    }

    /// Marks a folder that is empty, or a cache from before there was a marker.
    fn mark(&self, marker: &Path) -> Result<()> {
        let entries = fs::read_dir(&self.path).map_err(Error::io("read", &self.path))?;
        for entry in entries {
            let name = entry.map_err(Error::io("read", &self.path))?.file_name();
            let name = name.to_string_lossy();
            // Files of a run that marks the folder at the same time begin with a dot.
            if !is_known(&name) && name != MARKER && !is_ours(&name) {
                return Err(self.foreign(&name));
            }
        }
        let text = format!(
            "{SIGNATURE}\n# Files that mlpack can make again; `mlpack cache prune` removes the old ones.\n{FORMAT_LINE}{FORMAT}\n"
        );
        let written = write_atomically(marker, text.as_bytes())
            .and_then(|()| fs::set_permissions(&self.path, fs::Permissions::from_mode(MODE)));
        match written {
            // It is used as it is, and nothing can be removed from it.
            Err(error) if is_read_only(&error) => Ok(()),
            written => written.map_err(Error::io("write", marker)),
        }
    }

    fn foreign(&self, name: &str) -> Error {
        Error::Foreign { path: self.path.clone(), name: name.to_owned() }
    }
}

fn is_ours(name: &str) -> bool {
    name == LOCK || name.starts_with(".mlpack-pending-")
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_new_folder_is_marked_and_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/cache");
        CacheFolder::open(&path).unwrap();
        CacheFolder::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        let marker = fs::read_to_string(path.join(MARKER)).unwrap();
        assert!(marker.starts_with(SIGNATURE), "{marker}");
        fs::write(path.join(MARKER), marker.replace("format 1", "format 2")).unwrap();
        let error = CacheFolder::open(&path).unwrap_err().to_string();
        assert!(error.ends_with("has format 2, this mlpack has format 1"), "{error}");
    }

    #[test]
    fn a_cache_without_a_marker_is_taken_over_and_other_folders_are_not() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["wheels", "work", "registry"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        CacheFolder::open(dir.path()).unwrap();
        assert_eq!(mode(dir.path()), 0o700);

        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("thesis.tex"), "x").unwrap();
        let error = CacheFolder::open(home.path()).unwrap_err().to_string();
        assert!(error.ends_with("is not a cache of mlpack: it contains `thesis.tex`"), "{error}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        // The cache of another program, and a marker that lost its contents.
        fs::write(home.path().join(MARKER), SIGNATURE).unwrap();
        assert!(matches!(CacheFolder::open(home.path()), Err(Error::Foreign { .. })));
        fs::remove_file(home.path().join("thesis.tex")).unwrap();
        fs::write(home.path().join(MARKER), "").unwrap();
        CacheFolder::open(home.path()).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let error = CacheFolder::open(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("other users: its permissions are 1777"), "{error}");
        if rustix::process::geteuid().is_root() {
            let nobody = rustix::fs::Uid::from_raw(65534);
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
            rustix::fs::chown(dir.path(), Some(nobody), None).unwrap();
            let error = CacheFolder::open(dir.path()).unwrap_err().to_string();
            assert!(error.ends_with("it belongs to user 65534, and this is user 0"), "{error}");
        }
    }
}
