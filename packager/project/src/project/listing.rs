//! The sorted entries of a folder or file that is packaged.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mlpack_oci::layer::{Content, Node};
use walkdir::WalkDir;

use super::{Error, Result};

/// One entry that is packaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedFile {
    /// Its destination, relative to the folder of the image that its list is for, with `/`.
    pub path: String,
    /// Where it is on this machine.
    pub host: PathBuf,
    /// What it is.
    pub kind: PackedKind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackedKind {
    /// A regular file.
    File {
        /// In bytes.
        size: u64,
        /// Whether anyone may execute it.
        executable: bool,
    },
    /// A folder, possibly empty.
    Directory,
    /// A symbolic link inside the folder that is packed, relative.
    Link {
        /// As written into the link.
        target: String,
    },
}

impl PackedFile {
    /// The entry as a node of a layer.
    pub fn node(&self) -> Node {
        match &self.kind {
            PackedKind::File { size, executable } => Node::File {
                executable: *executable,
                size: *size,
                content: Content::File(self.host.clone()),
            },
            PackedKind::Directory => Node::Directory { open: false },
            PackedKind::Link { target } => Node::Symlink { target: target.clone() },
        }
    }

    /// Returns its size in bytes; 0 for folders and links.
    pub fn size(&self) -> u64 {
        if let PackedKind::File { size, .. } = self.kind { size } else { 0 }
    }

    /// Returns the last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    fn regular(path: String, host: &Path, meta: &Metadata) -> Self {
        let kind = PackedKind::File {
            size: meta.len(),
            executable: meta.permissions().mode() & 0o111 != 0,
        };
        Self { path, host: host.to_owned(), kind }
    }
}

/// All entries of a folder or file, sorted by path, and those that cannot be packaged.
#[derive(Debug, Default)]
pub struct Listing {
    /// The entries.
    pub files: Vec<PackedFile>,
    /// Folders that were left out, as paths like those of the entries.
    pub left_out: Vec<String>,
    /// Entries that cannot be packaged.
    pub problems: Vec<Error>,
}

impl Listing {
    /// Lists a file or folder as `name`; folders called one of `leave_out` are skipped.
    ///
    /// A link at `root` itself is followed; links below it stay links if they lead to something
    /// inside `root`.
    ///
    /// # Errors
    /// [`Error::Read`] if `root` does not exist, [`Error::Unpackable`] if it is neither file
    /// nor folder. Faults of single entries go into [`Listing::problems`].
    pub fn of(root: &Path, name: &str, leave_out: &[&str]) -> Result<Self> {
        let meta = root.metadata().map_err(Error::read(root))?;
        if meta.is_file() {
            let files = vec![PackedFile::regular(name.to_owned(), root, &meta)];
            return Ok(Self { files, ..Self::default() });
        }
        if !meta.is_dir() {
            return Err(unpackable(root, NEITHER));
        }
        let real = root.canonicalize().map_err(Error::read(root))?;
        let mut listing = Self::default();
        let mut walk = WalkDir::new(&real).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(&real).to_owned();
                    let source = error
                        .into_io_error()
                        .unwrap_or_else(|| std::io::Error::other("a link leads in a circle"));
                    listing.problems.push(Error::Read { path, source });
                    continue;
                }
            };
            let below = entry.path().strip_prefix(&real).unwrap_or(entry.path());
            let Some(below) = below.to_str() else {
                listing.problems.push(unpackable(entry.path(), "its name is not UTF-8"));
                continue;
            };
            let path = if below.is_empty() { name.to_owned() } else { format!("{name}/{below}") };
            let last = below.rsplit('/').next().unwrap_or(below);
            if entry.file_type().is_dir() && !below.is_empty() && leave_out.contains(&last) {
                listing.left_out.push(path);
                walk.skip_current_dir();
                continue;
            }
            match listed(path, entry.path(), &real) {
                Ok(file) => listing.files.push(file),
                Err(error) => listing.problems.push(error),
            }
        }
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
        listing.left_out.sort();
        Ok(listing)
    }

    /// Sum of the files' sizes in bytes.
    pub fn size(&self) -> u64 {
        self.files.iter().map(PackedFile::size).sum()
    }
}

const NEITHER: &str = "it is neither a file nor a folder";

fn unpackable(path: &Path, reason: &'static str) -> Error {
    Error::Unpackable { path: path.to_owned(), reason }
}

fn listed(path: String, host: &Path, root: &Path) -> Result<PackedFile> {
    let meta = host.symlink_metadata().map_err(Error::read(host))?;
    if meta.is_symlink() {
        let kind = PackedKind::Link { target: link_target(host, root)? };
        return Ok(PackedFile { path, host: host.to_owned(), kind });
    }
    if meta.is_dir() {
        return Ok(PackedFile { path, host: host.to_owned(), kind: PackedKind::Directory });
    }
    if !meta.is_file() {
        return Err(unpackable(host, NEITHER));
    }
    // Reported here rather than when the layer is half written.
    std::fs::File::open(host).map_err(Error::read(host))?;
    Ok(PackedFile::regular(path, host, &meta))
}

/// Returns the target of a link for the image: relative, and inside `root`.
fn link_target(link: &Path, root: &Path) -> Result<String> {
    let target = link.read_link().map_err(Error::read(link))?;
    let Ok(real) = link.canonicalize() else {
        return Err(Error::LinkBroken { link: link.to_owned(), target });
    };
    let folder = link.parent().unwrap_or(root);
    // Every step must stay inside, not only the end: the image has no folder above `root`.
    let inside = |path: &Path| normal(path).starts_with(root);
    if !real.starts_with(root) || !inside(&folder.join(&target)) {
        return Err(Error::LinkLeaves { link: link.to_owned(), target, root: root.to_owned() });
    }
    let written = if target.is_absolute() {
        let up = folder.strip_prefix(root).map_or(0, |below| below.components().count());
        let mut relative: PathBuf = std::iter::repeat_n("..", up).collect();
        relative.push(normal(&target).strip_prefix(root).unwrap_or(&target));
        relative
    } else {
        target
    };
    let text = written.to_str().ok_or_else(|| unpackable(link, "its target is not UTF-8"))?;
    Ok(if text.is_empty() { ".".to_owned() } else { text.to_owned() })
}

/// Returns a path without `.` and `..`, by its text only.
pub(super) fn normal(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_sorted_and_inner_links_stay() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("m");
        fs::create_dir_all(root.join("b/.git/x")).unwrap();
        fs::write(root.join("b/data"), "12").unwrap();
        fs::write(root.join("b-c"), "1").unwrap();
        symlink("../b-c", root.join("b/up")).unwrap();
        symlink(root.join("b/data"), root.join("b/whole")).unwrap();
        let listing = Listing::of(&root, "name", &[".git"]).unwrap();
        let entry = |path: &str, below: &str, kind| PackedFile {
            path: path.to_owned(),
            host: root.join(below),
            kind,
        };
        let file = |size| PackedKind::File { size, executable: false };
        let link = |target: &str| PackedKind::Link { target: target.to_owned() };
        assert_eq!(
            listing.files,
            [
                entry("name", "", PackedKind::Directory),
                entry("name/b", "b", PackedKind::Directory),
                entry("name/b-c", "b-c", file(1)),
                entry("name/b/data", "b/data", file(2)),
                entry("name/b/up", "b/up", link("../b-c")),
                entry("name/b/whole", "b/whole", link("../b/data")),
            ]
        );
        assert_eq!(listing.left_out, ["name/b/.git"]);
        assert_eq!((listing.size(), listing.problems.len()), (3, 0));
    }

    #[test]
    fn links_that_leave_or_lead_nowhere_are_problems() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let root = dir.join("m");
        fs::create_dir(&root).unwrap();
        fs::write(dir.join("secret"), "").unwrap();
        symlink("../secret", root.join("a")).unwrap();
        symlink("nothing", root.join("b")).unwrap();
        symlink("../m/c", root.join("back")).unwrap();
        fs::write(root.join("c"), "").unwrap();
        let listing = Listing::of(&root, "m", &[]).unwrap();
        let problems: Vec<_> = listing.problems.iter().map(ToString::to_string).collect();
        let root = root.display();
        assert_eq!(
            problems,
            [
                format!("{root}/a is a link to ../secret, which is outside {root}"),
                format!("{root}/b is a link to nothing, which does not exist"),
            ]
        );
    }

    #[test]
    fn a_file_is_itself() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("m.bin");
        fs::write(&file, "123").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).unwrap();
        let listing = Listing::of(&file, "m.bin", &[]).unwrap();
        let kind = PackedKind::File { size: 3, executable: true };
        assert_eq!(listing.files, [PackedFile { path: "m.bin".to_owned(), host: file, kind }]);
        assert!(matches!(Listing::of(&dir.path().join("x"), "x", &[]), Err(Error::Read { .. })));
    }
}
