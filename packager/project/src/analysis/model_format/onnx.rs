//! ONNX: the outermost fields of its protocol buffer (onnx, `onnx.proto`, `ModelProto`).

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};

use super::ModelFormat;

/// Fields of `ModelProto`, and of `OperatorSetIdProto`.
const IR_VERSION: u64 = 1;
const GRAPH: u64 = 7;
const OPSET_IMPORT: u64 = 8;
const DOMAIN: u64 = 1;
const VERSION: u64 = 2;

/// An operator set's identifier is a few bytes; other fields are passed over.
const MOST: u64 = 4096;

/// What decides which runtimes read a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Onnx {
    /// The version of the format.
    pub ir: u64,
    /// The version of the operators of the default domain.
    pub opset: u64,
}

/// Reads a file; nothing if it is no model.
pub(super) fn read(file: File, size: u64) -> io::Result<Option<ModelFormat>> {
    let mut reader = BufReader::new(file);
    let (mut found, mut has_graph) = (Onnx::default(), false);
    while reader.stream_position()? < size {
        let Some(key) = varint(&mut reader)? else { return Ok(None) };
        let left =
            |reader: &mut BufReader<File>| Ok::<_, io::Error>(size - reader.stream_position()?);
        let skipped = match key & 7 {
            0 => {
                let Some(value) = varint(&mut reader)? else { return Ok(None) };
                if key >> 3 == IR_VERSION {
                    found.ir = value;
                }
                0
            }
            1 => 8,
            2 => {
                let Some(length) = varint(&mut reader)? else { return Ok(None) };
                has_graph |= key >> 3 == GRAPH;
                if key >> 3 == OPSET_IMPORT && length <= MOST {
                    let mut bytes = Vec::new();
                    (&mut reader).take(length).read_to_end(&mut bytes)?;
                    if let Some(version) = default_opset(&bytes) {
                        found.opset = found.opset.max(version);
                    }
                    0
                } else {
                    length
                }
            }
            5 => 4,
            _ => return Ok(None),
        };
        let left = left(&mut reader)?;
        if skipped > left {
            // Only the graph is long, and a file that is no model has none.
            let is_model = found.ir > 0 && has_graph;
            let reason = format!("its graph has {skipped} bytes, and {left} are left of the file");
            return Ok(is_model.then_some(ModelFormat::CutShort("ONNX", reason)));
        }
        reader.seek_relative(i64::try_from(skipped).unwrap_or(i64::MAX))?;
    }
    Ok((found.ir > 0 && has_graph).then_some(ModelFormat::Onnx(found)))
}

/// Returns the version of an operator set of the default domain, which is the empty one or `ai.onnx`.
fn default_opset(mut bytes: &[u8]) -> Option<u64> {
    let (mut version, mut is_default) = (None, true);
    while !bytes.is_empty() {
        let key = varint(&mut bytes).ok()??;
        let value = varint(&mut bytes).ok()??;
        if key >> 3 == DOMAIN {
            let (domain, rest) = bytes.split_at_checked(usize::try_from(value).ok()?)?;
            is_default = domain.is_empty() || domain == b"ai.onnx";
            bytes = rest;
        } else if key >> 3 == VERSION {
            version = Some(value);
        }
    }
    version.filter(|_| is_default)
}

/// Reads a number of up to 64 bits; nothing where there is none.
fn varint(reader: &mut impl io::Read) -> io::Result<Option<u64>> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        if reader.read(&mut byte)? == 0 {
            return Ok(None);
        }
        value |= u64::from(byte[0] & 127) << shift;
        if byte[0] < 128 {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
