//! What reads bytes that others wrote, one function for each kind. A fuzzer calls them (`fuzz/run`), and a test calls them
//! with each file of the corpora. They must end, without a panic, whatever the bytes.

mod configurations;
mod images;
mod merged;
mod packages;
mod projects;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// Reads bytes of one kind.
pub type Target = fn(&[u8]);

/// The kinds, with the name of each one's folder in `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 12] = [
    ("archive", images::archive),
    ("conda_archive", packages::conda_archive),
    ("conda_file", configurations::conda_file),
    ("configuration", configurations::configuration),
    ("document", configurations::document),
    ("layer", images::layer),
    ("manifest", images::manifest),
    ("merge", merged::merge),
    ("model", projects::model),
    ("pip_list", configurations::pip_list),
    ("script", projects::script),
    ("wheel", packages::wheel),
];

/// Returns the function of a kind.
///
/// # Panics
/// If there is none of that name.
pub fn target(name: &str) -> Target {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no target `{name}`")).1
}

/// A folder of this run, in memory where the system has such a place, and a file in it.
fn file(name: &str, bytes: &[u8]) -> Option<(TempDir, PathBuf)> {
    let memory = PathBuf::from("/dev/shm");
    let dir = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
    .ok()?;
    let path = dir.path().join(name);
    fs::write(&path, bytes).ok()?;
    Some((dir, path))
}
