//! XGBoost's three encodings: JSON, Universal Binary JSON, and the binary one that its release 3.1
//! removed (XGBoost, "Introduction to Model IO").

use std::fs::File;
use std::io;

use super::{ModelFormat, tail};

/// How a model is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON.
    Json,
    /// Universal Binary JSON.
    UniversalBinaryJson,
    /// XGBoost's own, before 1.0 the only one.
    Binary,
}

/// The release is the last field of the object.
const TAIL: u64 = 256;

/// Reads a file that begins with `first`; nothing if it is of another format.
pub(super) fn read(file: &mut File, size: u64, first: &[u8]) -> io::Result<Option<ModelFormat>> {
    const UBJ: &[u8] = b"{L\0\0\0\0\0\0\0\x07learner{";
    let compact: Vec<u8> =
        first.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let encoding = if first.starts_with(UBJ) {
        Encoding::UniversalBinaryJson
    } else if first.starts_with(b"binf") {
        Encoding::Binary
    } else if compact.starts_with(b"{\"learner\":{") || compact.starts_with(b"{\"version\":[") {
        Encoding::Json
    } else {
        return Ok(None);
    };
    let version = match encoding {
        Encoding::Json => json_version(&tail(file, size, TAIL)?).or_else(|| json_version(first)),
        Encoding::UniversalBinaryJson => ubj_version(&tail(file, size, TAIL)?),
        Encoding::Binary => None,
    };
    // A field of that name alone may be in any file.
    let sure = version.is_some() || encoding != Encoding::Json;
    Ok(sure.then_some(ModelFormat::XgBoost(encoding, version)))
}

/// Returns what follows the last `"version"`.
fn behind<'b>(bytes: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    let at = bytes.windows(name.len()).rposition(|window| window == name)?;
    Some(&bytes[at + name.len()..])
}

fn json_version(bytes: &[u8]) -> Option<[u32; 3]> {
    let text = String::from_utf8_lossy(behind(bytes, b"\"version\"")?);
    let list = text.trim_start().strip_prefix(':')?.trim_start().strip_prefix('[')?;
    let numbers = list.split(']').next()?.split(',').map(|number| number.trim().parse().ok());
    numbers.collect::<Option<Vec<u32>>>()?.try_into().ok()
}

/// An array with its length, of numbers with their type: `[#L........i.i.i.`.
fn ubj_version(bytes: &[u8]) -> Option<[u32; 3]> {
    let list = behind(bytes, b"version[#L\0\0\0\0\0\0\0\x03")?;
    let number = |at: usize| match list.get(at..at + 2)? {
        [b'i', value] => Some(u32::from(*value)),
        _ => None,
    };
    Some([number(0)?, number(2)?, number(4)?])
}
