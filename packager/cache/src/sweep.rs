//! What killed runs had begun.

use std::fs;
use std::path::Path;

use mlpack_oci::pending::{self, PendingFolder};

use crate::kinds::{KINDS, PROGRESS};

/// Removes the folders that killed runs worked in, and files that have no name yet, wherever the cache has such.
pub(crate) fn sweep_all(cache: &Path) {
    for name in PROGRESS {
        PendingFolder::sweep(&cache.join(name));
    }
    for kind in KINDS {
        sweep(&cache.join(kind.path), kind.depth);
    }
}

/// Sweeps a folder and those up to `depth` levels below it, of which empty ones are removed too.
fn sweep(dir: &Path, depth: usize) {
    pending::sweep(dir);
    if depth == 0 {
        return;
    }
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
    {
        sweep(&entry.path(), depth - 1);
        // The system refuses while there is something in it.
        let _ = fs::remove_dir(entry.path());
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use mlpack_oci::pending::PendingFile;

    use super::*;

    fn files_below(dir: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                let below = files_below(&entry.path());
                found.push(entry.path());
                found.extend(below);
            } else {
                found.push(entry.path());
            }
        }
        found.sort();
        found
    }

    #[test]
    fn what_killed_runs_left_is_swept_and_nothing_else() {
        let cache = tempfile::tempdir().unwrap();
        let root = cache.path();
        let keep = ["wheels/aa/a.whl", "uv/cache/CACHEDIR.TAG", "interpreters/3.8/bin/python"];
        let left = [
            "wheels/aa/.mlpack-pending-1",
            "wheels/bb/.mlpack-pending-2",
            "sdists/cc/.mlpack-pending-3",
            "built/dd/cp36/.mlpack-pending-4",
            "uv/1/.mlpack-pending-5",
            "interpreters/3.6/bin/.mlpack-pending-6",
            "bytecode/ff/.mlpack-pending-7",
        ];
        for path in keep.iter().chain(&left) {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        fs::create_dir(root.join("wheels/ee")).unwrap();
        let living = PendingFile::new_in(&root.join("wheels/ee")).unwrap();
        sweep_all(root);
        let mut expected: Vec<PathBuf> = [
            "built",
            "bytecode",
            "interpreters",
            "interpreters/3.8",
            "interpreters/3.8/bin",
            "sdists",
            "uv",
            "uv/cache",
            "wheels",
            "wheels/aa",
            "wheels/ee",
        ]
        .iter()
        .chain(&keep)
        .map(|path| root.join(path))
        .collect();
        expected.push(living.path());
        expected.sort();
        assert_eq!(files_below(root), expected);
    }
}
