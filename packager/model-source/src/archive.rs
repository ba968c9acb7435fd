//! Unpacking archives of models.

use std::fs::{self, File, Permissions};
use std::io::{self, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use crate::{Error, Result};

/// Whether a file is an archive by its name: `.tar.gz` or `.tgz`.
pub fn is_archive(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    name.is_some_and(|name| name.ends_with(".tar.gz") || name.ends_with(".tgz"))
}

/// Unpacks an archive into `folder`, and returns its only entry, or the folder if it has several.
///
/// # Errors
/// [`Error::Archive`] for what is not a file, a directory or a link within the archive, or for a path that leaves it.
pub fn unpack(archive: &Path, folder: &Path) -> Result<PathBuf> {
    let bad = |reason: String| Error::Archive { archive: archive.display().to_string(), reason };
    let file = File::open(archive).map_err(Error::io("read", archive))?;
    let mut entries = Archive::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 20, file)));
    entries.set_preserve_permissions(false);
    entries.set_preserve_mtime(false);
    fs::create_dir_all(folder).map_err(Error::io("write", folder))?;
    for entry in entries.entries().map_err(|error| bad(error.to_string()))? {
        let mut entry = entry.map_err(|error| bad(error.to_string()))?;
        let path = entry.path().map_err(|error| bad(error.to_string()))?.into_owned();
        if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(bad(format!("`{}` leaves the archive", path.display())));
        }
        let kind = entry.header().entry_type();
        if kind == EntryType::Directory {
            // Its mode may not let us write into it.
            directory(folder, &path).map_err(|error| bad(error.to_string()))?;
            continue;
        }
        if kind == EntryType::Symlink || kind == EntryType::Link {
            let target = entry.link_name().map_err(|error| bad(error.to_string()))?;
            let target = target.unwrap_or_default().into_owned();
            let from = match kind {
                EntryType::Symlink => path.parent().unwrap_or(Path::new("")).to_owned(),
                _ => PathBuf::new(),
            };
            if !stays_within(&from.join(&target)) {
                let (path, target) = (path.display(), target.display());
                return Err(bad(format!("the link `{path}` to `{target}` leaves the archive")));
            }
        } else if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
            return Err(bad(format!("`{}` is neither a file nor a directory", path.display())));
        }
        // It does not follow links out of the folder either.
        let written = entry.unpack_in(folder).map_err(|error| bad(error.to_string()))?;
        if !written {
            return Err(bad(format!("`{}` leaves the archive", path.display())));
        }
        // Not through a link: its file may be another's.
        if !matches!(kind, EntryType::Symlink | EntryType::Link) {
            readable(&folder.join(&path)).map_err(|error| bad(error.to_string()))?;
        }
    }
    let mut found = fs::read_dir(folder).map_err(Error::io("read", folder))?.flatten();
    match (found.next(), found.next()) {
        (None, _) => Err(bad("it is empty".to_owned())),
        (Some(only), None) => Ok(only.path()),
        (Some(_), Some(_)) => Ok(folder.to_owned()),
    }
}

/// Creates a directory below a folder, without following links.
fn directory(folder: &Path, path: &Path) -> io::Result<()> {
    let mut place = folder.to_owned();
    for part in path.components() {
        place.push(part);
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(io::Error::other(format!("`{}` is a file too", path.display()))),
            Err(_) => fs::create_dir(&place)?,
        }
    }
    Ok(())
}

/// Lets this user read a file, whatever its mode in the archive.
fn readable(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    fs::set_permissions(path, Permissions::from_mode(mode | 0o600))
}

/// Whether a path never has more `..` than names before it.
fn stays_within(path: &Path) -> bool {
    let mut depth = 0_usize;
    path.components().all(|part| match part {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => {
            let inside = depth > 0;
            depth = depth.saturating_sub(1);
            inside
        }
        Component::RootDir | Component::Prefix(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A header that no other writer would make.
    fn header(path: &str, kind: EntryType, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        // As the owner, one may do nothing with it.
        header.set_mode(0o044);
        header.set_size(size);
        header
    }

    fn archive(dir: &Path, entries: &[(&str, EntryType, &str)]) -> PathBuf {
        let path = dir.join("model.tar.gz");
        let file = File::create(&path).unwrap();
        let gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        for (name, kind, text) in entries {
            let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
            let mut header = header(name, *kind, if is_link { 0 } else { text.len() as u64 });
            if is_link {
                header.set_link_name(text).unwrap();
            }
            header.set_cksum();
            tar.append(&header, if is_link { b"" } else { text.as_bytes() }).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap().flush().unwrap();
        path
    }

    #[test]
    fn the_only_entry_is_the_model() {
        let dir = tempfile::tempdir().unwrap();
        let one = archive(
            dir.path(),
            &[
                ("model/", EntryType::Directory, ""),
                ("model/a", EntryType::Regular, "1"),
                ("model/b", EntryType::Symlink, "a"),
            ],
        );
        let found = unpack(&one, &dir.path().join("one")).unwrap();
        assert_eq!(found, dir.path().join("one/model"));
        assert_eq!(fs::read_to_string(found.join("b")).unwrap(), "1");
        let two =
            archive(dir.path(), &[("a", EntryType::Regular, "1"), ("b", EntryType::Regular, "2")]);
        assert_eq!(unpack(&two, &dir.path().join("two")).unwrap(), dir.path().join("two"));
    }

    #[test]
    fn what_leaves_the_archive_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for (number, entries) in [
            &[("../a", EntryType::Regular, "1")][..],
            &[("/etc/a", EntryType::Regular, "1")],
            &[("a", EntryType::Symlink, "../b")],
            &[("a", EntryType::Symlink, "/etc/passwd")],
            &[("a", EntryType::Link, "../../b")],
            &[("a", EntryType::Fifo, "")],
            &[],
        ]
        .iter()
        .enumerate()
        {
            let archive = archive(dir.path(), entries);
            let folder = dir.path().join(number.to_string());
            let error = unpack(&archive, &folder).unwrap_err();
            assert!(matches!(error, Error::Archive { .. }), "{error}");
        }
        fs::write(dir.path().join("bad.tgz"), "no gzip").unwrap();
        assert!(unpack(&dir.path().join("bad.tgz"), &dir.path().join("bad")).is_err());
    }
}
