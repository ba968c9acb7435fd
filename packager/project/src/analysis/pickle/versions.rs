//! The version that scikit-learn writes into an estimator, searched for where opcodes cannot be
//! followed.

use std::io::{self, Read};

/// Under this name (scikit-learn, `BaseEstimator.__getstate__`, since 0.18).
pub(super) const KEY: &str = "_sklearn_version";
/// Bytes behind the name that are needed: a memo opcode, a text's opcode and length, the version.
const BEHIND: usize = 64;
const BLOCK: usize = 64 << 10;

/// Returns the first version in a stream.
pub(super) fn find(reader: &mut impl Read) -> io::Result<Option<String>> {
    let overlap = KEY.len() + BEHIND;
    let mut window = Vec::new();
    loop {
        let read = reader.by_ref().take(BLOCK as u64).read_to_end(&mut window)?;
        let found = window
            .windows(KEY.len())
            .enumerate()
            .filter(|(_, bytes)| *bytes == KEY.as_bytes())
            .find_map(|(at, _)| value(&window[at + KEY.len()..]));
        if found.is_some() || read == 0 {
            return Ok(found);
        }
        window.drain(..window.len().saturating_sub(overlap));
    }
}

/// Returns the version that follows the name: a text, behind an opcode that gives the name a
/// number.
fn value(bytes: &[u8]) -> Option<String> {
    let bytes = match bytes {
        [0x94, rest @ ..] | [b'q', _, rest @ ..] | [b'r', _, _, _, _, rest @ ..] => rest,
        rest => rest,
    };
    let (length, text) = match bytes {
        [0x8c | b'U', length, rest @ ..] => (usize::from(*length), rest),
        [b'X', length, 0, 0, 0, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    version(text.get(..length)?)
}

/// `0.20.3`, `1.0.post1`, `0.24.dev0`.
pub(super) fn version(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let valid = text.len() < 32
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains('.')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+'));
    valid.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_wherever_blocks_end() {
        for before in [0, 7, BLOCK - 20, BLOCK - 1, BLOCK, 3 * BLOCK - 8] {
            let mut bytes = vec![b'_'; before];
            bytes.extend(b"_sklearn_version\x94\x8c\x061.0.2x");
            bytes.extend(b"_sklearn_versionr\x01\x02\x03\x04X\x05\x00\x00\x001.0.2");
            assert_eq!(find(&mut &*bytes).unwrap().as_deref(), Some("1.0.2x"), "{before}");
        }
        for none in
            [&b"_sklearn_version"[..], b"_sklearn_versionh\x07", b"_sklearn_version\x8c\x02no"]
        {
            assert_eq!(find(&mut &*none).unwrap(), None);
        }
    }
}
