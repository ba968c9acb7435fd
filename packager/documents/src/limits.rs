//! How much of what people write is read, in one place: what is beyond is a mistake or an attack.
//!
//! The longest list of packages that was found in public projects has 246 lines (an export of a Windows environment).

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// Size of a file that people write, in bytes.
pub const TEXT_BYTES: u64 = 16 << 20;

/// Values of a document once its aliases are followed.
pub(crate) const NODES: usize = 20_000;

/// Bytes of the values of a document once its aliases are followed.
pub(crate) const VALUE_BYTES: usize = 16 << 20;

/// Values inside of one another.
pub(crate) const DEPTH: usize = 64;

/// Length of a line that a parser of requirements gets, in bytes.
pub const LINE_BYTES: usize = 64 << 10;

/// Brackets inside of one another in such a line: its parsers call themselves for each.
pub const NESTING: usize = 100;

/// Reads a file, unless it is too large or no regular file: a device never ends, and a named pipe waits for its writer.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(TEXT_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > TEXT_BYTES {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

fn too_large() -> Error {
    let reason = format!("it is larger than {} MiB, which no such file is", TEXT_BYTES >> 20);
    Error::new(ErrorKind::FileTooLarge, reason)
}

/// Checks a line before a parser that calls itself for each bracket.
///
/// # Errors
/// What is too long or too deep.
pub fn check_line(line: &str) -> std::result::Result<(), String> {
    if line.len() > LINE_BYTES {
        return Err(format!("it has {} bytes, and at most {LINE_BYTES} are read", line.len()));
    }
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in line.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    match deepest > NESTING {
        true => Err(format!(
            "it has {deepest} brackets inside of one another, and at most {NESTING} are read"
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_length_and_a_depth() {
        assert_eq!(check_line(&"(a) ".repeat(1000)), Ok(()));
        assert_eq!(check_line(&"(".repeat(100)), Ok(()));
        let deep = check_line(&"(".repeat(20_000)).unwrap_err();
        assert_eq!(deep, "it has 20000 brackets inside of one another, and at most 100 are read");
        let long = check_line(&"a".repeat(LINE_BYTES + 1)).unwrap_err();
        assert_eq!(long, "it has 65537 bytes, and at most 65536 are read");
    }

    #[test]
    fn devices_and_huge_files_are_not_read() {
        let error = read(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(error.to_string(), "it is not a regular file");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sparse");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read(&path).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 16 MiB, which no such file is");
    }
}
