//! What this machine has: interpreters, uv, folders to install into.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use mlpack_oci::layer::{Node, Tree};

/// Returns the search path and, after it, the interpreters of pyenv, if there are any.
#[allow(clippy::disallowed_methods, reason = "a test looks for programs")]
pub(crate) fn search_path() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Some(root) = std::env::var_os("PYENV_ROOT")
        && let Ok(versions) = fs::read_dir(Path::new(&root).join("versions"))
    {
        dirs.extend(versions.map(|entry| entry.unwrap().path().join("bin")));
    }
    std::env::join_paths(dirs).unwrap()
}

/// Reports that a test is skipped, which is a failure if `MLPACK_TEST_REQUIRE` is set.
#[allow(clippy::disallowed_methods, reason = "a test asks whether skipping is allowed")]
pub(crate) fn skipped(reason: &str) {
    assert!(
        std::env::var_os("MLPACK_TEST_REQUIRE").is_none(),
        "required but not possible: {reason}"
    );
    println!("skipped: {reason}");
}

/// Returns an interpreter by its minor version: the executable, not pyenv's script that chooses one.
pub(crate) fn interpreter(minor: &str) -> Option<PathBuf> {
    let path = search_path();
    std::env::split_paths(&path).find_map(|dir| {
        let python = dir.join(format!("python{minor}"));
        let output =
            Command::new(python).args(["-c", "import sys; print(sys.executable)"]).output().ok()?;
        output
            .status
            .success()
            .then(|| PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()))
    })
}

/// Writes a tree's files below a folder, as a layer would be unpacked.
pub(crate) fn write(tree: &Tree, root: &Path) {
    for (path, node) in tree.iter() {
        let path = root.join(path);
        match node {
            Node::Directory { .. } | Node::Inherited { .. } => fs::create_dir_all(path).unwrap(),
            Node::Symlink { target } => symlink(target, path).unwrap(),
            Node::File { executable, size, content } => {
                let mut file = fs::File::create(&path).unwrap();
                assert_eq!(
                    std::io::copy(&mut content.open().unwrap(), &mut file).unwrap(),
                    *size,
                    "{}",
                    path.display()
                );
                let mode = if *executable { 0o755 } else { 0o644 };
                file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
            }
        }
    }
}

/// Returns uv from the search path or the cache.
pub(crate) fn find_uv(cache: &Path) -> Option<PathBuf> {
    let on_path =
        std::env::split_paths(&search_path()).map(|dir| dir.join("uv")).find(|uv| uv.is_file());
    on_path.or_else(|| {
        files_below(&cache.join("uv"))
            .into_keys()
            .find(|path| path.ends_with("/uv"))
            .map(|path| cache.join("uv").join(path))
    })
}

/// Returns the contents of all files below a folder, by relative path; folders named `cache` are skipped.
pub(crate) fn files_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                if entry.file_name() != "cache" {
                    dirs.push(path);
                }
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    files
}
