//! The interpreter of a conda environment, installed on this machine to build sources with: it is
//! of exactly the version that the image has, and needs no Python of this machine.
//!
//! It is below the cache, under a name made of everything that affects its files, and appears
//! whole by a rename. Nothing of it gets into an image. Conda's compilers are not used, also where
//! the environment has them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use mlpack_oci::layer::Node;
use mlpack_oci::{Digest, Progress};

use crate::host_python;
use crate::host_python::HostPython;
use crate::{Error, Result};
use mlpack_packages::FileEntry;
use mlpack_packages::cache::store::Store;
use mlpack_packages::conda;
use mlpack_packages::conda::archive::StoredConda;
use mlpack_requirements::{Architecture, PythonVersion, Target};

/// Changes when the same packages are installed differently.
const FORM: u32 = 1;

/// The interpreter among `packages`; the inner error is the reason why it cannot be run here.
///
/// # Errors
/// Those of the archives and of the cache.
pub async fn stage(
    packages: &[StoredConda],
    target: &Target,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Result<HostPython, String>> {
    if Architecture::of_this_machine() != Some(target.architecture) {
        let wanted = target.architecture.machine();
        return Ok(Err(format!("it is for {wanted}, this machine is {}", std::env::consts::ARCH)));
    }
    let needed = conda::closure(packages, "python")?;
    let root = store.build_pythons();
    let Some(place) = root.to_str() else {
        return Ok(Err(format!("the folder {} is not UTF-8", root.display())));
    };
    let mut key = format!("{FORM}\n{place}\n");
    for stored in &needed {
        key += &format!("{} {}\n", stored.package.url, stored.package.sha256);
    }
    let folder = store.build_python(&Digest::of(key.as_bytes()));
    let program = folder.join("bin").join(format!("python{}", target.python.minor_text()));
    if let Ok(python) = host_python::try_ask(&program).await {
        return Ok(Ok(python));
    }
    let what = format!("Installing Python {} to build sources", target.python);
    let meter = progress.begin(&what, None);
    let installed = install(&needed, &folder, target.python, &program, store).await;
    meter.finish(if installed.is_ok() { "installed" } else { "failed" });
    match installed {
        Err(Error::Packages(mlpack_packages::Error::PrefixTooLong { longest, prefix, .. })) => {
            Ok(Err(format!(
                "its folder {prefix} has {} characters, its programs support {longest}; set MLPACK_CACHE_DIR to a shorter path",
                prefix.len()
            )))
        }
        Err(error) => Err(error),
        Ok(()) => Ok(host_python::try_ask(&program).await),
    }
}

/// Installs packages in a folder, which appears atomically.
async fn install(
    packages: &[&StoredConda],
    folder: &Path,
    python: PythonVersion,
    program: &Path,
    store: &Store,
) -> Result<()> {
    let prefix = folder.to_string_lossy();
    let work = store.work_folder()?;
    let new = work.path().join("new");
    for stored in packages {
        let installed = conda::files(stored, &prefix, python)?;
        for (path, file) in &installed.files {
            let folder = folder_of(&new, path).map_err(Error::io("write", &new.join(path)))?;
            let folder = folder.ok_or_else(|| {
                let reason = format!("`{path}` is below a link that leads out of the environment");
                Error::Packages(installed.archive.bad(reason))
            })?;
            write(&folder, path, file)?;
        }
    }
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    match fs::rename(&new, folder) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            // Another run has installed the same, unless the folder is damaged.
            if host_python::try_ask(program).await.is_ok() {
                return Ok(());
            }
            // The work folder takes it along when it goes.
            let old = work.path().join("old");
            fs::rename(folder, old).map_err(Error::io("replace", folder))?;
            fs::rename(&new, folder).map_err(Error::io("create", folder))
        }
        renamed => renamed.map_err(Error::io("create", folder)),
    }
}

/// Makes the folder of a path below `root` and returns it, or `None` if links lead out of `root`: packages may contain
/// any link, and a later package a file below it.
fn folder_of(root: &Path, path: &str) -> io::Result<Option<PathBuf>> {
    fs::create_dir_all(root)?;
    let root = root.canonicalize()?;
    let mut folder = root.clone();
    let parent = Path::new(path).parent().unwrap_or(Path::new(""));
    for part in parent.components() {
        let Component::Normal(name) = part else { return Ok(None) };
        folder.push(name);
        match folder.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&folder)?,
            found => {
                if found?.is_symlink() {
                    folder = folder.canonicalize()?;
                    if !folder.starts_with(&root) {
                        return Ok(None);
                    }
                }
            }
        }
    }
    Ok(Some(folder))
}

/// Writes one entry into its folder; of two packages with one path the last counts, as with conda.
fn write(folder: &Path, path: &str, file: &FileEntry) -> Result<()> {
    let to = folder.join(Path::new(path).file_name().unwrap_or_default());
    let failed = || Error::io("write", &to);
    let found = to.symlink_metadata().ok();
    if let Node::Directory { .. } | Node::Inherited { .. } = file.node {
        // A link to a folder stays, as with conda.
        return if found.is_some() { Ok(()) } else { fs::create_dir(&to).map_err(failed()) };
    }
    if found.is_some() {
        fs::remove_file(&to).map_err(failed())?;
    }
    match &file.node {
        Node::File { executable, content, .. } => {
            let mut written = File::create_new(&to).map_err(failed())?;
            let mut bytes = content.open().map_err(failed())?;
            io::copy(&mut bytes, &mut written).map_err(failed())?;
            let mode = if *executable { 0o755 } else { 0o644 };
            written.set_permissions(fs::Permissions::from_mode(mode)).map_err(failed())
        }
        Node::Symlink { target } => symlink(target, &to).map_err(failed()),
        Node::Directory { .. } | Node::Inherited { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_below_a_link_that_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir(&outside).unwrap();
        let put = |path: &str, file: &FileEntry| -> bool {
            let Some(folder) = folder_of(&root, path).unwrap() else { return false };
            write(&folder, path, file).unwrap();
            true
        };
        let text = FileEntry::bytes(b"x".to_vec(), false);
        assert!(put("lib/out", &FileEntry::link(outside.to_str().unwrap())));
        assert!(put("lib/up", &FileEntry::link("../..")));
        assert!(put("lib64", &FileEntry::link("lib")));
        for path in
            ["lib/out/file", "lib/out/a/b", "lib/up/outside/file", "lib64/out/file", "../file"]
        {
            assert!(!put(path, &text), "{path}");
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        // A link that stays inside is followed, and one at the end is replaced.
        assert!(put("lib64/inside", &text) && root.join("lib/inside").is_file());
        assert!(put("lib/out", &text) && root.join("lib/out").is_file());
        assert!(put("lib64", &FileEntry::directory()) && root.join("lib64").is_symlink());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}
