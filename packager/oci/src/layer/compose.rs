//! A layer made of parts. A tar is a sequence of entries and a gzip stream a sequence of members, so
//! what was compressed for one layer can be copied into the next; only the diff id needs the
//! uncompressed bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::gzip::Section;
use super::tree::Tree;
use super::writer::{LayerOptions, LayerWriter, WrittenLayer, pack};
use crate::{BlobStore, Digest, Meter, Result};

/// The files of one tree in a layer of several.
#[derive(Debug)]
pub struct Part<'a> {
    /// The entries.
    pub tree: &'a Tree,
    /// Where the same entries are stored compressed, if they are.
    pub known: Option<StoredPart>,
}

/// Gzip members inside the blob of a layer that contain the entries of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPart {
    /// The layer.
    pub blob: Digest,
    /// Offset of the first member, in bytes.
    pub offset: u64,
    /// Length of the members, in bytes.
    pub length: u64,
    /// Length of the entries, in bytes of tar.
    pub size: u64,
}

/// Writes parts as one gzip layer into `store` and returns where in it each part is. The directories
/// of all parts come first, then the other entries of each part, sorted by path: the bytes of a part
/// depend on its own tree only.
///
/// # Errors
/// [`Error::LayerPath`](crate::Error::LayerPath) for a path that two parts have (docs/pitfalls.md#1),
/// [`Error::Pack`](crate::Error::Pack) if a file or a known part cannot be read, or the store's.
pub fn compose_layer(
    parts: &[Part<'_>],
    options: LayerOptions,
    store: &BlobStore,
    meter: &dyn Meter,
) -> Result<(WrittenLayer, Vec<StoredPart>)> {
    let mut merged = Tree::new();
    for (path, node) in parts.iter().flat_map(|part| part.tree.iter()) {
        merged.insert(path, node.clone())?;
    }
    let mut writer = LayerWriter::gzip(store, options)?;
    for (path, node) in merged.iter().filter(|(_, node)| node.is_directory()) {
        writer.entry(path, node, meter)?;
    }
    writer.end_part()?;
    let mut sizes = Vec::new();
    for part in parts {
        let begin = writer.size();
        if let Some(known) = &part.known {
            let file = Arc::from(store.path(&known.blob));
            let members = Section { file, offset: known.offset, length: known.length };
            writer.copy_part(members, known.size).map_err(pack(""))?;
            meter.advance(part.tree.size());
        } else {
            for (path, node) in part.tree.iter().filter(|(_, node)| !node.is_directory()) {
                writer.copy_entry(path, node, meter)?;
            }
            writer.end_part()?;
        }
        sizes.push(writer.size() - begin);
    }
    let (layer, lengths) = writer.finish()?;
    // The first part is the directories.
    let mut offset = lengths.first().copied().unwrap_or(0);
    let mut stored = Vec::new();
    for (&length, size) in lengths.iter().skip(1).zip(sizes) {
        stored.push(StoredPart { blob: layer.digest, offset, length, size });
        offset += length;
    }
    Ok((layer, stored))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read as _, Write as _};

    use flate2::Crc;

    use super::*;
    use crate::layer::{Content, Deflated, Node};
    use crate::{DiffId, Silent};

    const OPTIONS: LayerOptions = LayerOptions { mtime: LayerOptions::DEFAULT_MTIME, threads: 2 };

    fn tree(files: &[(&str, usize)]) -> Tree {
        let mut tree = Tree::new();
        for (path, size) in files {
            let bytes: Vec<u8> = (0..*size).map(|n| (n % 253) as u8).collect();
            tree.add_bytes(path, bytes, false).unwrap();
        }
        tree
    }

    fn new(tree: &Tree) -> Part<'_> {
        Part { tree, known: None }
    }

    #[test]
    fn a_known_part_gives_the_same_layer_as_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        let (a, b) = (tree(&[("e/bin/a", 3 << 20), ("e/lib/a", 7)]), tree(&[("e/bin/b", 5)]));
        let c = tree(&[("e/c", 1)]);
        let (first, stored) = compose_layer(&[new(&a), new(&b)], OPTIONS, &store, &Silent).unwrap();
        let whole = compose_layer(&[new(&c), new(&a)], OPTIONS, &store, &Silent).unwrap();
        let known = Part { tree: &a, known: Some(stored[0].clone()) };
        let again = compose_layer(&[new(&c), known], OPTIONS, &store, &Silent).unwrap();
        assert_eq!((again.0.digest, again.0.diff_id), (whole.0.digest, whole.0.diff_id));
        assert_eq!(again.1, whole.1);
        assert_ne!(first.digest, whole.0.digest);
        let blob = std::fs::read(store.path(&whole.0.digest)).unwrap();
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(&blob[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(whole.0.diff_id, DiffId(Digest::of(&plain)));
        let paths: Vec<String> = tar::Archive::new(&plain[..])
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(paths, ["e/", "e/bin/", "e/lib/", "e/c", "e/bin/a", "e/lib/a"]);
    }

    #[test]
    fn deflated_bytes_are_taken_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path().join("blobs")).unwrap();
        let bytes: Vec<u8> =
            (0u32..300_000).flat_map(|n| (n.wrapping_mul(n) / 7).to_le_bytes()).collect();
        let mut encoder =
            flate2::write::DeflateEncoder::new(b"before".to_vec(), flate2::Compression::default());
        encoder.write_all(&bytes).unwrap();
        let file = dir.path().join("archive");
        let stored = encoder.finish().unwrap();
        std::fs::write(&file, &stored).unwrap();
        let mut crc = Crc::new();
        crc.update(&bytes);
        let tree = |crc32| {
            let plain = bytes.clone();
            let deflated = Deflated {
                open: Arc::new(move || Ok(Box::new(io::Cursor::new(plain.clone())))),
                file: file.as_path().into(),
                offset: 6,
                length: stored.len() as u64 - 6,
                crc32,
            };
            let content = Content::Deflated(deflated);
            let mut tree = Tree::new();
            let size = bytes.len() as u64;
            tree.insert("e/f", Node::File { executable: false, size, content }).unwrap();
            tree
        };
        let good = tree(crc.sum());
        let (layer, _) = compose_layer(&[new(&good)], OPTIONS, &store, &Silent).unwrap();
        let blob = std::fs::read(store.path(&layer.digest)).unwrap();
        assert!(blob.windows(1000).any(|window| *window == stored[6..1006]));
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(&blob[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(layer.diff_id, DiffId(Digest::of(&plain)));
        assert!(plain.windows(5000).any(|window| *window == bytes[..5000]));
        let wrong = tree(crc.sum() + 1);
        let error = compose_layer(&[new(&wrong)], OPTIONS, &store, &Silent).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot pack `e/f`: its checksum is not the one in the archive"
        );
    }

    #[test]
    fn a_path_of_two_parts_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        for (left, right) in [("e/a", "e/a"), ("e/a", "e/a/b"), ("e/a/b", "e/a")] {
            let (left, right) = (tree(&[(left, 1)]), tree(&[(right, 1)]));
            let parts = [new(&left), new(&right)];
            let error = compose_layer(&parts, OPTIONS, &store, &Silent).unwrap_err();
            assert_eq!(error.to_string(), "cannot add `e/a` to a layer: duplicate path");
        }
    }

    #[test]
    fn a_damaged_part_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        let a = tree(&[("a", 100_000)]);
        let (layer, stored) = compose_layer(&[new(&a)], OPTIONS, &store, &Silent).unwrap();
        let path = store.path(&layer.digest);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = stored[0].offset + stored[0].length / 2;
        bytes[usize::try_from(middle).unwrap()] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let known = Part { tree: &a, known: Some(stored[0].clone()) };
        assert!(compose_layer(&[known], OPTIONS, &store, &Silent).is_err());
    }
}
