//! safetensors: a length, a JSON object, and the bytes that it describes (safetensors, "Format").

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::ModelFormat;

/// The library's own limit for the object.
const MOST: u64 = 100_000_000;

#[derive(Deserialize)]
struct Tensor {
    /// Not for `__metadata__`.
    #[serde(default)]
    data_offsets: Option<(u64, u64)>,
}

/// Where the last tensor ends. A model may have millions of tensors, so none is kept.
struct End(u64);

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Tensors)
    }
}

struct Tensors;

impl<'de> Visitor<'de> for Tensors {
    type Value = End;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<End, A::Error> {
        let mut end = 0;
        while let Some((_, tensor)) = map.next_entry::<IgnoredAny, Tensor>()? {
            end = end.max(tensor.data_offsets.map_or(0, |(_, end)| end));
        }
        Ok(End(end))
    }
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
    let header = serde_json::from_reader(io::BufReader::new(file.take(length)));
    let Ok(End(expected)) = header else { return Ok(None) };
    let there = size - 8 - length;
    if expected > there {
        return short(format!(
            "its tensors have {expected} bytes, and {there} are left of the file"
        ));
    }
    Ok(Some(ModelFormat::SafeTensors))
}
