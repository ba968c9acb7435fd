//! Work that tests share is done once, by the first test that needs it.

use std::fs::File;
use std::path::PathBuf;

/// Folder of shared things: below `target/`, so that a second run finds them.
pub(super) fn shared() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("front")
}

/// Holds the lock of a name until it is dropped.
pub(super) fn lock(name: &str) -> File {
    let dir = shared();
    std::fs::create_dir_all(&dir).unwrap();
    let lock = File::create(dir.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    lock
}
