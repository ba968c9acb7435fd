//! A folder of sources: its digest, and a copy to build in, so that the user's folder stays as it is.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use mlpack_lock::LOCK_NAME;
use mlpack_oci::{Digest, HashingWriter};

use crate::{Error, Result};

/// Limit for the number of files; catches `/` or a home directory given by mistake.
const MAX_FILES: usize = 100_000;

/// What a folder is made of, sorted by path.
#[derive(Debug)]
pub struct SourceTree {
    root: PathBuf,
    files: Vec<PathBuf>,
}

impl SourceTree {
    /// Lists a folder without what tools leave in it: `.git` and the like, `__pycache__`,
    /// `*.egg-info`, at the top `build`, and what mlpack itself writes: its lock, a workspace,
    /// images. A lock that was a part of the sources it locks would never fit them.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        collect(root, Path::new(""), &mut files)?;
        files.sort();
        Ok(Self { root: root.to_owned(), files })
    }

    /// Of paths, executable bits and bytes: the same for the same sources on every machine.
    pub fn digest(&self) -> Result<Digest> {
        use std::io::Write as _;
        let mut hash = HashingWriter::new(std::io::sink());
        for path in &self.files {
            let whole = self.root.join(path);
            let failed = || Error::io("read", &whole);
            let meta = fs::symlink_metadata(&whole).map_err(failed())?;
            let (kind, size) = if meta.is_symlink() {
                ("link", 0)
            } else if meta.permissions().mode() & 0o111 != 0 {
                ("program", meta.len())
            } else {
                ("file", meta.len())
            };
            let name = path.to_string_lossy();
            write!(hash, "{kind} {size} {}\0{name}\0", name.len()).map_err(failed())?;
            if meta.is_symlink() {
                let target = fs::read_link(&whole).map_err(failed())?;
                write!(hash, "{}\0", target.display()).map_err(failed())?;
            } else {
                let mut file = fs::File::open(&whole).map_err(failed())?;
                std::io::copy(&mut file, &mut hash).map_err(failed())?;
            }
        }
        Ok(hash.finish().1)
    }

    /// Copies the files below another folder.
    pub fn copy(&self, to: &Path) -> Result<()> {
        for path in &self.files {
            let (from, to) = (self.root.join(path), to.join(path));
            let failed = || Error::io("copy a source to", &to);
            fs::create_dir_all(to.parent().unwrap_or(&to)).map_err(failed())?;
            let meta = fs::symlink_metadata(&from).map_err(Error::io("read", &from))?;
            if meta.is_symlink() {
                let target = fs::read_link(&from).map_err(Error::io("read", &from))?;
                std::os::unix::fs::symlink(target, &to).map_err(failed())?;
            } else {
                fs::copy(&from, &to).map_err(failed())?;
                // A build may write where the original is read-only.
                let mode = if meta.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 };
                fs::set_permissions(&to, fs::Permissions::from_mode(mode)).map_err(failed())?;
            }
        }
        Ok(())
    }
}

fn collect(root: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let dir = root.join(below);
    for entry in fs::read_dir(&dir).map_err(Error::io("read", &dir))? {
        let entry = entry.map_err(Error::io("read", &dir))?;
        let name = entry.file_name();
        if is_left_over(&name.to_string_lossy(), below) || is_output(&entry.path()) {
            continue;
        }
        let path = below.join(&name);
        let kind = entry.file_type().map_err(Error::io("read", &dir))?;
        if kind.is_dir() {
            collect(root, &path, files)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path()).map_err(Error::io("read", &entry.path()))?;
            if leads_out(below, &target) {
                let reason = format!("the link `{}` leads out of the folder", path.display());
                return Err(Error::Sources { path: root.to_owned(), reason });
            }
            files.push(path);
        } else if kind.is_file() {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            let reason = format!("it has more than {MAX_FILES} files");
            return Err(Error::Sources { path: root.to_owned(), reason });
        }
    }
    Ok(())
}

fn is_left_over(name: &str, below: &Path) -> bool {
    let top = below.as_os_str().is_empty();
    matches!(
        name,
        ".git"
            | ".hg"
            | ".svn"
            | "__pycache__"
            | ".tox"
            | ".nox"
            | ".venv"
            | ".mypy_cache"
            | ".pytest_cache"
    ) || Path::new(name).extension().is_some_and(|end| end == "egg-info" || end == "pyc")
        || (top && name == "build")
}

/// Whether mlpack wrote it: a lock, or an image in a folder or an archive.
fn is_output(path: &Path) -> bool {
    const MARKER: &str = "oci-layout";
    if path.is_dir() {
        return path.join(MARKER).is_file() && path.join("index.json").is_file();
    }
    if path.file_name().is_some_and(|name| name == LOCK_NAME) {
        return true;
    }
    // The first member of an archive is its name, ended by a zero byte.
    let names = [format!("{MARKER}\0"), "manifest.json\0".to_owned()];
    let mut first = [0; 16];
    path.extension().is_some_and(|extension| extension == "tar")
        && path.is_file()
        && fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok())
        && names.iter().any(|name| first.starts_with(name.as_bytes()))
}

fn leads_out(below: &Path, target: &Path) -> bool {
    let mut depth = below.components().count();
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn project(dir: &Path) {
        fs::create_dir_all(dir.join("src/build")).unwrap();
        fs::write(dir.join("setup.py"), "x").unwrap();
        fs::write(dir.join("src/build/a.py"), "y").unwrap();
        symlink("src/build/a.py", dir.join("link")).unwrap();
    }

    fn digest(dir: &Path) -> Digest {
        SourceTree::read(dir).unwrap().digest().unwrap()
    }

    #[test]
    fn the_digest_is_of_the_sources_alone() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        project(one.path());
        project(two.path());
        for left in [
            ".git/HEAD",
            "build/lib/a.py",
            "a.egg-info/PKG-INFO",
            "src/__pycache__/a.pyc",
            "mlpack.lock",
            ".mlpack/oci-layout",
            ".mlpack/index.json",
            "image/oci-layout",
            "image/index.json",
            "image/blobs/sha256/00",
        ] {
            let path = two.path().join(left);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "z").unwrap();
        }
        for (archive, first) in [("image.tar", "oci-layout"), ("docker.tar", "manifest.json")] {
            fs::write(two.path().join(archive), format!("{first:\0<512}")).unwrap();
        }
        fs::set_permissions(two.path().join("setup.py"), fs::Permissions::from_mode(0o600))
            .unwrap();
        assert_eq!(digest(one.path()), digest(two.path()));
        let copy = tempfile::tempdir().unwrap();
        SourceTree::read(two.path()).unwrap().copy(copy.path()).unwrap();
        assert_eq!(digest(copy.path()), digest(one.path()));
        assert!(!copy.path().join(".git").exists());
        fs::set_permissions(two.path().join("setup.py"), fs::Permissions::from_mode(0o755))
            .unwrap();
        assert_ne!(digest(one.path()), digest(two.path()));
        fs::write(one.path().join("src/build/a.py"), "other").unwrap();
        assert_ne!(digest(one.path()), digest(copy.path()));
    }

    #[test]
    fn a_link_that_leads_out_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        symlink("../secret", dir.path().join("link")).unwrap();
        let error = SourceTree::read(dir.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot use the sources in {}: the link `link` leads out of the folder",
                dir.path().display()
            )
        );
    }
}
