//! Small files that appear whole, and leave nothing behind when their writer is killed.

use std::fs;
use std::io;
use std::path::Path;

/// Writes beside the file and renames. The name beside is always the same, so that the next writer
/// takes over what a killed one left. Files written so must be checked when read, or have one
/// writer at a time.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let beside = path.with_extension("new");
    fs::write(&beside, bytes)?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_over_what_a_killed_writer_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/file");
        write(&path, b"one").unwrap();
        fs::write(path.with_extension("new"), b"tw").unwrap();
        write(&path, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 1);
    }
}
