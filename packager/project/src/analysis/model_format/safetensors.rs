//! safetensors: a length, a JSON object, and the bytes that it describes (safetensors, "Format").

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};

use serde::Deserialize;

use super::ModelFormat;

/// The library's own limit for the object.
const MOST: u64 = 100_000_000;

#[derive(Deserialize)]
struct Tensor {
    /// Not for `__metadata__`.
    #[serde(default)]
    data_offsets: Option<(u64, u64)>,
}

/// Reads a file; nothing if it is of another format.
pub(super) fn read(mut file: File, size: u64) -> io::Result<Option<ModelFormat>> {
    let mut length = [0; 8];
    if size < 8 {
        return Ok(None);
    }
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MOST {
        return Ok(None);
    }
    let short = |reason: String| Ok(Some(ModelFormat::CutShort("safetensors", reason)));
    if length > size - 8 {
        return short(format!(
            "its header has {length} bytes, and {} are left of the file",
            size - 8
        ));
    }
    let header: serde_json::Result<BTreeMap<String, Tensor>> =
        serde_json::from_reader(io::BufReader::new(file.take(length)));
    let Ok(tensors) = header else { return Ok(None) };
    let end = tensors.values().filter_map(|tensor| Some(tensor.data_offsets?.1)).max();
    let (expected, there) = (end.unwrap_or_default(), size - 8 - length);
    if expected > there {
        return short(format!(
            "its tensors have {expected} bytes, and {there} are left of the file"
        ));
    }
    Ok(Some(ModelFormat::SafeTensors))
}
