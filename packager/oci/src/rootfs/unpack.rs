//! Unpacks the layers of an image into a folder, as a runtime would.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawMode, ResolveFlags, fchmod, linkat, mkdirat, open, openat,
    openat2, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use tar::{Entry, EntryType};

use super::names::{Names, normal};
use super::sparse::Sparse;
use crate::bounded_tar::BoundedTar;
use crate::layer::LayerReader;
use crate::{Error, Image, Meter, Result};

/// Permission bits that the user who unpacks needs, to go on and to delete the files afterwards.
const FOLDER_MODE: RawMode = 0o700;
const FILE_MODE: RawMode = 0o600;

/// Unpacks all layers into an existing empty folder and verifies their digests.
///
/// The kernel resolves every path with that folder as the root (`RESOLVE_IN_ROOT` of openat2(2)), so that no link leads
/// out of it. All files belong to the user of this process; devices, sockets, extended attributes and the set-user and
/// set-group bits are left out.
///
/// # Errors
/// [`Error::LayerDamaged`] or a mismatch of digests; [`Error::Io`] if a file cannot be written.
pub fn unpack(image: &Image, root: &Path, meter: &dyn Meter) -> Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let descriptor = open(root, flags, Mode::empty())
        .map_err(|error| Error::io("open", root)(io::Error::from(error)))?;
    let target = Target { root: descriptor };
    for layer in &image.layers {
        let mut reader = LayerReader::open(image, layer)?;
        match target.apply(&mut reader, meter) {
            Ok(()) => reader.finish()?,
            Err(Failure::Layer(error)) => return Err(reader.damaged(error)),
            Err(Failure::Write { path, source }) => {
                return Err(Error::io("unpack", &root.join(path))(source));
            }
        }
    }
    Ok(())
}

/// What ended the unpacking of a layer.
enum Failure {
    /// The layer cannot be read.
    Layer(io::Error),
    /// An entry cannot be written.
    Write { path: String, source: io::Error },
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Layer(error)
    }
}

struct Target {
    root: OwnedFd,
}

impl Target {
    fn apply(&self, tar: &mut dyn Read, meter: &dyn Meter) -> Result<(), Failure> {
        let mut layer = Layer { target: self, written: HashSet::new(), folder: None };
        let tar = BoundedTar::new(tar);
        let all_records = tar.records();
        let mut archive = tar::Archive::new(tar);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let records = all_records.take();
            meter.advance(entry.size() + 512);
            let Names { path, link } = Names::of(&records, &entry)?;
            let sparse = Sparse::of(&records, &mut entry)?;
            let path = sparse.as_ref().and_then(|sparse| sparse.path.clone()).unwrap_or(path);
            let Some(path) = normal(&path) else { continue };
            layer.apply(Item { entry: &mut entry, path: &path, link: &link, sparse })?;
        }
        Ok(())
    }

    /// Opens a folder by its path in the image; missing parents are made, and files in their place removed.
    fn folder(&self, path: &str) -> io::Result<OwnedFd> {
        let error = match self.open_folder(path) {
            Err(error @ (Errno::NOENT | Errno::NOTDIR)) => error,
            opened => return Ok(opened?),
        };
        let (parent, name) = split(path);
        let parent = self.folder(parent)?;
        if error == Errno::NOTDIR {
            remove(&parent, name)?;
        }
        match mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            // A link that leads nowhere: a runtime would fail as well.
            Err(Errno::EXIST) => Err(Errno::NOENT.into()),
            made => Ok(made.and_then(|()| self.open_folder(path))?),
        }
    }

    fn open_folder(&self, path: &str) -> rustix::io::Result<OwnedFd> {
        let path = if path.is_empty() { "." } else { path };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat2(&self.root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT)
    }
}

/// An entry of a layer and its names.
struct Item<'e, 't, R: Read> {
    entry: &'e mut Entry<'t, R>,
    path: &'e str,
    link: &'e [u8],
    sparse: Option<Sparse>,
}

/// One layer under way.
struct Layer<'a> {
    target: &'a Target,
    /// Inodes that this layer wrote: its opaque folders hide only what was there before.
    written: HashSet<u64>,
    /// The folder of the last entry; the next one is mostly in the same.
    folder: Option<(String, OwnedFd)>,
}

impl Layer<'_> {
    fn apply(&mut self, item: Item<'_, '_, impl Read>) -> Result<(), Failure> {
        let path = item.path;
        let (parent, name) = split(path);
        let failed = |source| Failure::Write { path: path.to_owned(), source };
        let folder = match self.folder.take() {
            Some((known, folder)) if known == parent => folder,
            _ => self.target.folder(parent).map_err(failed)?,
        };
        if name == ".wh..wh..opq" {
            self.hide(&folder).map_err(failed)?;
        } else if let Some(deleted) = name.strip_prefix(".wh.") {
            if !deleted.starts_with(".wh.") && !self.is_written(&folder, deleted) {
                remove(&folder, deleted).map_err(failed)?;
            }
        } else {
            self.write(item, &folder)?;
        }
        self.folder = Some((parent.to_owned(), folder));
        Ok(())
    }

    fn write(&mut self, item: Item<'_, '_, impl Read>, folder: &OwnedFd) -> Result<(), Failure> {
        let Item { entry, path, link, sparse } = item;
        let name = split(path).1;
        let failed = |source| Failure::Write { path: path.to_owned(), source };
        let mode = RawMode::try_from(entry.header().mode()? & 0o1777).unwrap_or(0o755);
        let kind = entry.header().entry_type();
        if kind != EntryType::Directory {
            remove(folder, name).map_err(failed)?;
        }
        match kind {
            EntryType::Directory => make_folder(folder, name, mode).map_err(failed)?,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let file = make_file(folder, name, mode).map_err(failed)?;
                match sparse {
                    Some(sparse) => sparse.write(entry, &file)?.map_err(failed)?,
                    None => copy(entry, file, &failed)?,
                }
            }
            EntryType::Symlink => {
                symlinkat(link, folder, name).map_err(|error| failed(error.into()))?;
            }
            EntryType::Link => {
                let Some(link) = normal(link) else { return Ok(()) };
                let (parent, target) = split(&link);
                let parent = self.target.folder(parent).map_err(failed)?;
                linkat(&parent, target, folder, name, AtFlags::empty())
                    .map_err(|error| failed(error.into()))?;
            }
            _ => return Ok(()),
        }
        if let Ok(found) = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            self.written.insert(found.st_ino);
        }
        Ok(())
    }

    fn is_written(&self, folder: &OwnedFd, name: &str) -> bool {
        statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|found| self.written.contains(&found.st_ino))
    }

    /// Deletes what lower layers have in a folder.
    fn hide(&self, folder: &OwnedFd) -> io::Result<()> {
        for item in fs::read_dir(descriptor_path(folder))? {
            let name = item?.file_name();
            let found = statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW)?;
            let is_folder = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
            if is_folder {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                self.hide(&openat(folder, &name, flags, Mode::empty())?)?;
            }
            if !self.written.contains(&found.st_ino) {
                let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
                match unlinkat(folder, &name, flags) {
                    // It has something of this layer.
                    Ok(()) | Err(Errno::NOTEMPTY) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

fn make_folder(parent: &OwnedFd, name: &str, mode: RawMode) -> io::Result<()> {
    let mode = Mode::from_raw_mode(mode | FOLDER_MODE);
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        match mkdirat(parent, name, mode) {
            Ok(()) => break,
            Err(Errno::EXIST) => match openat(parent, name, flags, Mode::empty()) {
                Ok(_) => break,
                // A file or a link of a lower layer.
                Err(_) => remove(parent, name)?,
            },
            Err(error) => return Err(error.into()),
        }
    }
    // Not the mode that the mask of this process leaves.
    Ok(fchmod(openat(parent, name, flags, Mode::empty())?, mode)?)
}

fn make_file(folder: &OwnedFd, name: &str, mode: RawMode) -> io::Result<File> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(mode | FILE_MODE);
    let file = openat(folder, name, flags, mode)?;
    fchmod(file.as_fd(), mode)?;
    Ok(file.into())
}

/// Copies a file's content; a failed read is the layer's fault.
fn copy(
    from: &mut impl Read,
    mut to: File,
    failed: &dyn Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            read => to.write_all(&buffer[..read]).map_err(failed)?,
        }
    }
}

/// Removes a file, link or whole folder, if there is one.
fn remove(folder: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR) => fs::remove_dir_all(descriptor_path(folder).join(name)),
        Err(error) => Err(error.into()),
    }
}

/// The path of an open folder, which no rename or link changes.
fn descriptor_path(folder: &OwnedFd) -> std::path::PathBuf {
    format!("/proc/self/fd/{}", folder.as_raw_fd()).into()
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
