//! The files of one conda package at their places in an environment: what its `paths.json` lists, with
//! the prefix written into them, and for `noarch: python` also its commands.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use mlpack_oci::Digest;
use mlpack_oci::layer::{Content, Node};
use rattler::install::link::copy_and_replace_placeholders;
use rattler::install::{PythonInfo, python_entry_point_template};
use rattler_conda_types::package::{
    Files, HasPrefix, IndexJson, LinkJson, NoArchLinks, PackageFile, PathType, PathsEntry,
    PathsJson, PrefixPlaceholder,
};
use rattler_conda_types::prefix_record;
use rattler_conda_types::{NoArchType, Subdir};
use rattler_digest::Sha256Hash;

use crate::conda::archive::{CondaArchive, Entry, StoredConda};
use crate::entries::FileEntry;
use crate::{Error, Result};
use mlpack_requirements::PythonVersion;

/// Rewritten files below this many bytes are kept in memory until the layer is written.
const LARGE: usize = 1 << 20;

/// The files of a package, and how `conda-meta` lists them.
#[derive(Debug)]
pub struct CondaFiles {
    /// The archive they are read from.
    pub archive: Arc<CondaArchive>,
    /// The package's `info/index.json`.
    pub index: IndexJson,
    /// By path below the prefix.
    pub files: BTreeMap<String, FileEntry>,
    /// The `conda-meta` entry of each file.
    pub recorded: Vec<prefix_record::PathsEntry>,
}

/// Lists the files of a package for an environment at `prefix` in the image, whose interpreter is
/// `python`.
///
/// # Errors
/// [`Error::InvalidConda`], [`Error::PrefixTooLong`].
pub fn files(stored: &StoredConda, prefix: &str, python: PythonVersion) -> Result<CondaFiles> {
    let archive = Arc::new(CondaArchive::open(stored)?);
    let index: IndexJson = info(&archive)?.ok_or_else(|| no_index(&archive))?;
    let noarch = index.noarch == NoArchType::python();
    let interpreter = interpreter(&archive, python)?;
    let mut files = BTreeMap::new();
    let mut recorded = Vec::new();
    for path in paths(&archive)?.paths {
        let from = text(&archive, &path.relative_path)?;
        let to = match noarch {
            true => {
                text(&archive, &interpreter.get_python_noarch_target_path(&path.relative_path))?
            }
            false => from.clone(),
        };
        let file = file(&archive, &from, &path, prefix)?;
        recorded.push(entry(&to, &path, &file));
        files.insert(to, file);
    }
    if noarch && let Some(LinkJson { noarch: NoArchLinks::Python(points), .. }) = info(&archive)? {
        for point in points.entry_points {
            let script = python_entry_point_template(prefix, false, &point, &interpreter);
            let file = FileEntry::bytes(script.into_bytes(), true);
            let to = format!("bin/{}", point.command);
            if point.command.contains('/') {
                return Err(archive.bad(format!("invalid command name `{}`", point.command)));
            }
            recorded.push(command(&to, &file));
            files.insert(to, file);
        }
    }
    Ok(CondaFiles { archive, index, files, recorded })
}

/// One file with the prefix in it.
fn file(
    archive: &Arc<CondaArchive>,
    from: &str,
    path: &PathsEntry,
    prefix: &str,
) -> Result<FileEntry> {
    let missing = || archive.bad(format!("`{from}` is listed but missing"));
    let member = match archive.entries().get(from) {
        Some(Entry::File(member)) => *member,
        Some(Entry::Link(target)) => return Ok(FileEntry::link(target)),
        Some(Entry::Directory) => return Ok(FileEntry::directory()),
        // Directories that are listed need not be entries of the tar.
        None if path.path_type == PathType::Directory => return Ok(FileEntry::directory()),
        None => return Err(missing()),
    };
    let listed = path.sha256.map(|hash| Digest::from_sha256(hash.into()));
    let Some(placeholder) = &path.prefix_placeholder else {
        let digest = match listed {
            Some(digest) => digest,
            None => Digest::of(&archive.read(from, member)?),
        };
        let (source, name) = (Arc::clone(archive), from.to_owned());
        let content = Content::Stream(Arc::new(move || source.verified(&name, member, digest)));
        return Ok(FileEntry {
            digest,
            node: Node::File { executable: member.executable, size: member.size, content },
        });
    };
    let bytes = archive.read(from, member)?;
    if let Some(expected) = listed
        && expected != Digest::of(&bytes)
    {
        return Err(archive.bad(format!("`{from}` does not match the hash in paths.json")));
    }
    let executable = member.executable;
    let written = rewritten(archive, from, &bytes, placeholder, prefix)?;
    if written.len() < LARGE {
        return Ok(FileEntry::bytes(written, executable));
    }
    // Large files are not kept in memory but rewritten again when the layer is written.
    let (digest, size) = (Digest::of(&written), written.len() as u64);
    let (source, name) = (Arc::clone(archive), from.to_owned());
    let (placeholder, prefix) = (placeholder.clone(), prefix.to_owned());
    let content = Content::Stream(Arc::new(move || {
        let bytes = source.read(&name, member).map_err(io::Error::other)?;
        let written = rewritten(&source, &name, &bytes, &placeholder, &prefix);
        Ok(Box::new(io::Cursor::new(written.map_err(io::Error::other)?)))
    }));
    Ok(FileEntry { digest, node: Node::File { executable, size, content } })
}

/// The shortest text that stands for a prefix, in bytes: a shorter one is anywhere, and would let a file grow. The oldest
/// packages have the 32 of `/opt/anaconda1anaconda2anaconda3`.
const SHORTEST_PLACEHOLDER: usize = 8;

/// A file's bytes with the prefix in the place of the placeholder.
fn rewritten(
    archive: &CondaArchive,
    from: &str,
    bytes: &[u8],
    placeholder: &PrefixPlaceholder,
    prefix: &str,
) -> Result<Vec<u8>> {
    if placeholder.placeholder.len() < SHORTEST_PLACEHOLDER {
        let reason = format!(
            "`{from}` has the placeholder `{}`, which no prefix is",
            placeholder.placeholder
        );
        return Err(archive.bad(reason));
    }
    let mut written = Vec::with_capacity(bytes.len());
    // The platform only matters where programs are signed, which is not on Linux.
    let replaced = copy_and_replace_placeholders(
        bytes,
        &mut written,
        &placeholder.placeholder,
        prefix,
        &Subdir::Linux64,
        placeholder.file_mode,
    );
    match replaced {
        Ok(()) => Ok(written),
        Err(_) if prefix.len() > placeholder.placeholder.len() => Err(Error::PrefixTooLong {
            archive: archive.name.to_string(),
            file: from.to_owned(),
            prefix: prefix.to_owned(),
            longest: placeholder.placeholder.len(),
        }),
        Err(error) => Err(archive.bad(format!("`{from}`: {error}"))),
    }
}

/// The line of `conda-meta` for a file.
fn entry(to: &str, path: &PathsEntry, file: &FileEntry) -> prefix_record::PathsEntry {
    prefix_record::PathsEntry {
        relative_path: to.into(),
        original_path: None,
        path_type: path.path_type.into(),
        no_link: path.no_link,
        sha256: path.sha256,
        sha256_in_prefix: hash(file),
        size_in_bytes: path.size_in_bytes,
        file_mode: path.prefix_placeholder.as_ref().map(|placeholder| placeholder.file_mode),
        prefix_placeholder: path
            .prefix_placeholder
            .as_ref()
            .map(|placeholder| placeholder.placeholder.clone()),
    }
}

/// The line of a command that the environment makes itself.
fn command(path: &str, file: &FileEntry) -> prefix_record::PathsEntry {
    prefix_record::PathsEntry {
        relative_path: path.into(),
        original_path: None,
        path_type: prefix_record::PathType::UnixPythonEntryPoint,
        no_link: false,
        sha256: hash(file),
        sha256_in_prefix: hash(file),
        size_in_bytes: Some(file.size()),
        file_mode: None,
        prefix_placeholder: None,
    }
}

/// The hash of a file's bytes; links have none.
pub fn hash(file: &FileEntry) -> Option<Sha256Hash> {
    if matches!(file.node, Node::File { .. }) { sha256(&file.digest) } else { None }
}

/// A digest as rattler has it.
pub fn sha256(digest: &mlpack_oci::Digest) -> Option<Sha256Hash> {
    rattler_digest::parse_digest_from_hex::<rattler_digest::Sha256>(&digest.hex())
}

/// `info/paths.json`, or the several files that archives from before 2017 have.
fn paths(archive: &CondaArchive) -> Result<PathsJson> {
    if let Some(paths) = info(archive)? {
        return Ok(paths);
    }
    let files: Files =
        info(archive)?.ok_or_else(|| archive.bad("info/paths.json is missing".to_owned()))?;
    let kind = |path: &Path| -> Result<PathType> {
        Ok(match archive.entries().get(&text(archive, path)?) {
            Some(Entry::Link(_)) => PathType::SoftLink,
            Some(Entry::Directory) => PathType::Directory,
            _ => PathType::HardLink,
        })
    };
    PathsJson::from_deprecated(files, info::<HasPrefix>(archive)?, None, None, kind)
}

/// Reads the package's `info/index.json`.
pub fn index_of(stored: &StoredConda) -> Result<IndexJson> {
    let archive = CondaArchive::open(stored)?;
    info(&archive)?.ok_or_else(|| no_index(&archive))
}

fn no_index(archive: &CondaArchive) -> Error {
    archive.bad("info/index.json is missing".to_owned())
}

/// A file of `info/`, if it is there.
fn info<T: PackageFile>(archive: &CondaArchive) -> Result<Option<T>> {
    let path = text(archive, T::package_path())?;
    let Some(bytes) = archive.bytes(&path)? else { return Ok(None) };
    T::from_slice(&bytes).map(Some).map_err(|error| archive.bad(format!("{path}: {error}")))
}

fn interpreter(archive: &CondaArchive, python: PythonVersion) -> Result<PythonInfo> {
    let bad = |reason: String| archive.bad(reason);
    let version = python.to_string().parse().map_err(|error| bad(format!("{error}")))?;
    PythonInfo::from_version(&version, None, Subdir::Linux64)
        .map_err(|error| bad(error.to_string()))
}

fn text(archive: &CondaArchive, path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| archive.bad(format!("{path:?} is not UTF-8")))?;
    if text.starts_with('/') || text.split('/').any(|part| part == "..") {
        return Err(archive.bad(format!("`{text}` is outside of the environment")));
    }
    Ok(text.to_owned())
}
