//! The interpreter of a conda environment, installed on this machine to build sources with: it is
//! of exactly the version that the image has, and needs no Python of this machine.
//!
//! It is below the cache, under a name made of everything that affects its files, and appears
//! whole by a rename. Nothing of it gets into an image. Conda's compilers are not used, also where
//! the environment has them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

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
            write(&new, path, file)?;
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

/// Writes one entry below `root`; of two packages with one path the last counts, as with conda.
fn write(root: &Path, path: &str, file: &FileEntry) -> Result<()> {
    let to = root.join(path);
    let failed = || Error::io("write", &to);
    if let Node::Directory { .. } | Node::Inherited { .. } = file.node {
        return fs::create_dir_all(&to).map_err(failed());
    }
    fs::create_dir_all(to.parent().unwrap_or(root)).map_err(failed())?;
    if to.symlink_metadata().is_ok() {
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
