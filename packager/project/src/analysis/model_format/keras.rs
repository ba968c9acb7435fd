//! Keras: the release that wrote a `.keras` archive or an HDF5 file.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};

use serde::Deserialize;
use zip::ZipArchive;

/// The attributes of an HDF5 file's root are near its beginning.
const HEAD: u64 = 1 << 20;
/// A release is a few characters.
const MOST: u64 = 64;

/// Returns the release of an archive's `metadata.json`.
pub(super) fn archive(file: File) -> Option<String> {
    #[derive(Deserialize)]
    struct Metadata {
        keras_version: String,
    }
    let mut archive = ZipArchive::new(BufReader::new(file)).ok()?;
    let member = archive.by_name("metadata.json").ok()?;
    let metadata: Metadata = serde_json::from_reader(member.take(HEAD)).ok()?;
    Some(metadata.keras_version)
}

/// Returns the value of the attribute `keras_version` (HDF5, "File Format Specification", IV.A.2.m).
pub(super) fn hdf5(file: &mut File) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    let name = b"keras_version\0";
    let Some(at) = head.windows(name.len()).position(|window| window == name) else {
        return Ok(None);
    };
    let Some(value) = attribute(&head, at) else { return Ok(None) };
    let value = match value {
        Value::Inline(bytes) => bytes.to_vec(),
        Value::InHeap { address, number, length } => {
            let Some(bytes) = heap_object(file, address, number, length)? else { return Ok(None) };
            bytes
        }
    };
    let text = String::from_utf8_lossy(&value).trim_end_matches('\0').to_owned();
    Ok(text.starts_with(|c: char| c.is_ascii_digit()).then_some(text))
}

/// Where an attribute's text is.
enum Value<'b> {
    Inline(&'b [u8]),
    InHeap { address: u64, number: u64, length: u64 },
}

/// Reads the value of an attribute whose name is at `at`. Version 1 fills each part up to eight bytes.
fn attribute(bytes: &[u8], at: usize) -> Option<Value<'_>> {
    let header = |begin: usize| bytes.get(begin..begin + 8);
    let (header, pads) = match (header(at.checked_sub(8)?)?, at.checked_sub(9).and_then(header)) {
        (header @ [1, ..], _) => (header, true),
        (header @ [2, ..], _) | (_, Some(header @ [3, ..])) => (header, false),
        _ => return None,
    };
    let size = |low: usize| usize::from(u16::from_le_bytes([header[low], header[low + 1]]));
    let part = |size: usize| if pads { size.next_multiple_of(8) } else { size };
    let datatype = at + part(size(2));
    let value = datatype + part(size(4)) + part(size(6));
    let length = number(bytes, datatype + 4, 4)?;
    match bytes.get(datatype)? & 15 {
        // A text of fixed length.
        3 if length <= MOST => {
            Some(Value::Inline(bytes.get(value..value + usize::try_from(length).ok()?)?))
        }
        // A text of any length: its own, the heap, and its number there.
        9 => Some(Value::InHeap {
            length: number(bytes, value, 4)?,
            address: number(bytes, value + 4, 8)?,
            number: number(bytes, value + 12, 4)?,
        }),
        _ => None,
    }
}

/// Reads an object of a global heap (III.E).
fn heap_object(
    file: &mut File,
    address: u64,
    wanted: u64,
    length: u64,
) -> io::Result<Option<Vec<u8>>> {
    let mut heap = Vec::new();
    file.seek(SeekFrom::Start(address))?;
    file.take(HEAD).read_to_end(&mut heap)?;
    if !heap.starts_with(b"GCOL") {
        return Ok(None);
    }
    let mut at = 16;
    while let (Some(index), Some(size)) = (number(&heap, at, 2), number(&heap, at + 8, 8)) {
        // The last one is the free space.
        if index == 0 || size > HEAD {
            break;
        }
        let begin = at + 16;
        let size = usize::try_from(size).unwrap_or_default();
        if index == wanted && length <= MOST {
            let length = usize::try_from(length).unwrap_or_default().min(size);
            return Ok(heap.get(begin..begin + length).map(<[u8]>::to_vec));
        }
        at = begin + size.next_multiple_of(8);
    }
    Ok(None)
}

/// Reads a number of so many bytes, the lowest first.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}
