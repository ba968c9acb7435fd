//! The text of a file, as editors and shells write it.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use crate::limits;

/// Reads a text file. Like [`decode`], it accepts what PowerShell writes.
///
/// # Errors
/// The system's, or that the file is no regular one, too large, or not text.
pub fn read_text(path: &Path) -> Result<String> {
    decode(&limits::read(path)?)
}

/// Decodes UTF-8, or UTF-16 with a byte order mark, which `>` of Windows PowerShell writes. The mark is left out.
///
/// # Errors
/// [`ErrorKind::InvalidData`] with the first line that is not text.
pub fn decode(bytes: &[u8]) -> Result<String> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(text).map_err(|error| {
                let before = text.get(..error.valid_up_to()).unwrap_or_default();
                let byte = text.get(error.valid_up_to()).copied().unwrap_or_default();
                invalid(
                    before.iter().filter(|byte| **byte == b'\n').count(),
                    &format!("byte {byte:#04x}"),
                )
            })?;
            Ok(text.to_owned())
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len() / 2);
    for character in char::decode_utf16(units) {
        let character = character.map_err(|error| {
            let unit = error.unpaired_surrogate();
            invalid(text.matches('\n').count(), &format!("unpaired surrogate {unit:#06x}"))
        })?;
        text.push(character);
    }
    Ok(text)
}

fn invalid(lines_before: usize, found: &str) -> Error {
    let line = lines_before + 1;
    let reason = format!(
        "expected text in UTF-8, or UTF-16 with a byte order mark, found {found} on line {line}"
    );
    Error::new(ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_utf_16_are_understood() {
        let little: Vec<u8> =
            "\u{feff}a: ü\n😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}a: ü\n😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [&little[..], &big, "a: ü\n😀".as_bytes(), "\u{feff}a: ü\n😀".as_bytes()]
        {
            assert_eq!(decode(bytes).unwrap(), "a: ü\n😀");
        }
    }

    #[test]
    fn what_is_no_text_names_the_line() {
        let error = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
        let expected = "expected text in UTF-8, or UTF-16 with a byte order mark, found";
        assert_eq!(error(b"a\nb\xe9"), format!("{expected} byte 0xe9 on line 2"));
        assert_eq!(
            error(&[0xff, 0xfe, 0x0a, 0, 0, 0xd8]),
            format!("{expected} unpaired surrogate 0xd800 on line 2")
        );
    }
}
