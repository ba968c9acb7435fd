//! A layer made of parts. A tar is entries in a row and a gzip stream members in a row, so what was
//! compressed for one layer is copied into the next as it is; only the diff id wants the bytes
//! behind it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write};
use std::sync::Arc;

use flate2::Crc;
use flate2::bufread::MultiGzDecoder;
use oci_spec::image::MediaType;
use serde::{Deserialize, Serialize};

use super::entry::{END, copy_exactly, pad, write_entry, write_header};
use super::gzip::{ParallelGzip, Section};
use super::{Content, Deflated, LayerOptions, Node, Tree, WrittenLayer};
use crate::background_hash::BackgroundHash;
use crate::{BlobStore, DiffId, Digest, Error, Meter, PendingBlob, Result, image};

/// Deflated bytes are taken as they are from this many on; below, a member of their own costs more
/// than it saves. Part of the format.
const WORTH_TAKING: u64 = 16 << 10;

/// The files of one tree in a layer of several.
#[derive(Debug)]
pub struct Part<'a> {
    /// What it holds.
    pub tree: &'a Tree,
    /// Where the same files lie compressed already.
    pub known: Option<StoredPart>,
}

/// Gzip members inside the blob of a layer that hold the entries of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPart {
    /// The layer.
    pub blob: Digest,
    /// Where the members begin, in bytes.
    pub offset: u64,
    /// How long they are, in bytes.
    pub length: u64,
    /// How long the entries are, in bytes of tar.
    pub size: u64,
}

/// Writes parts as one gzip layer into `store`, and tells where in it each lies. The directories of
/// all parts come first, then the other entries of each, sorted by path: the bytes of a part
/// depend on its own tree alone.
///
/// # Errors
/// [`Error::LayerPath`] for a path that two parts have, [`Error::Pack`] if a file or a known part
/// cannot be read, else the store's.
pub fn compose_layer(
    parts: &[Part<'_>],
    policy: LayerOptions,
    store: &BlobStore,
    meter: &dyn Meter,
) -> Result<(WrittenLayer, Vec<StoredPart>)> {
    let directories = directories(parts)?;
    let pack = |source| Error::Pack { path: String::new(), source };
    let mut out = Output {
        gzip: ParallelGzip::new(store.begin()?, policy.threads),
        plain: BackgroundHash::new(),
        size: 0,
    };
    for (path, node) in directories.iter() {
        out.entry(path, node, policy, meter)?;
    }
    out.gzip.end_part().map_err(pack)?;
    let mut sizes = Vec::new();
    for part in parts {
        let begin = out.size;
        match &part.known {
            Some(known) => {
                out.copy(known, store).map_err(pack)?;
                meter.advance(part.tree.size());
            }
            None => {
                for (path, node) in part.tree.iter().filter(|(_, node)| !node.is_directory()) {
                    out.entry(path, node, policy, meter)?;
                }
                out.gzip.end_part().map_err(pack)?;
            }
        }
        sizes.push(out.size - begin);
    }
    out.write_all(&END).map_err(pack)?;
    let (diff_id, _) = out.plain.finish().map_err(pack)?;
    let (pending, lengths) = out.gzip.finish().map_err(pack)?;
    let (digest, size) = PendingBlob::commit(pending)?;
    // The first are the directories.
    let mut offset = lengths.first().copied().unwrap_or(0);
    let mut stored = Vec::new();
    for (&length, size) in lengths.iter().skip(1).zip(sizes) {
        stored.push(StoredPart { blob: digest, offset, length, size });
        offset += length;
    }
    let descriptor = image::descriptor(MediaType::ImageLayerGzip, digest, size);
    Ok((WrittenLayer { descriptor, digest, diff_id: DiffId(diff_id) }, stored))
}

/// The directories of all parts, once it is sure that no path is in two of them (docs/pitfalls.md#1).
fn directories(parts: &[Part<'_>]) -> Result<Tree> {
    let mut directories = Tree::new();
    for (path, node) in parts.iter().flat_map(|part| part.tree.iter()) {
        if node.is_directory() {
            directories.insert(path, node.clone())?;
        }
    }
    let mut seen = HashSet::new();
    for (path, node) in parts.iter().flat_map(|part| part.tree.iter()) {
        if !node.is_directory() && (!seen.insert(path) || directories.get(path).is_some()) {
            return Err(Error::LayerPath {
                path: path.to_owned(),
                reason: "it is there twice".to_owned(),
            });
        }
    }
    Ok(directories)
}

/// A tar on its way: compressed, and hashed as it is.
struct Output {
    gzip: ParallelGzip<PendingBlob>,
    plain: BackgroundHash,
    size: u64,
}

impl Output {
    fn entry(
        &mut self,
        path: &str,
        node: &Node,
        policy: LayerOptions,
        meter: &dyn Meter,
    ) -> Result<()> {
        let written = match node {
            Node::File { content: Content::Deflated(deflated), size, .. }
                if deflated.length >= WORTH_TAKING && *size <= u64::from(u32::MAX) =>
            {
                self.take(path, node, deflated, policy, meter)
            }
            _ => write_entry(self, path, node, policy.mtime, meter),
        };
        written.map_err(|source| Error::Pack { path: path.to_owned(), source })
    }

    /// Takes a part as it lies in another layer; its members' checksums are verified.
    fn copy(&mut self, part: &StoredPart, store: &BlobStore) -> io::Result<()> {
        let path = store.path(&part.blob);
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(part.offset))?;
        let members = BufReader::with_capacity(256 << 10, file.take(part.length));
        let mut plain = MultiGzDecoder::new(members);
        let mut buffer = vec![0; 256 << 10];
        let mut size = 0;
        loop {
            let n = plain.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            self.plain.update(&buffer[..n])?;
            size += n as u64;
        }
        if size != part.size {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a part of {} bytes has {size}", part.size),
            ));
        }
        self.size += size;
        self.gzip.copy_part(Section { file: path.into(), offset: part.offset, length: part.length })
    }

    /// Takes a file whose bytes lie deflated as they are; inflated, they are verified and hashed.
    fn take(
        &mut self,
        path: &str,
        node: &Node,
        deflated: &Deflated,
        policy: LayerOptions,
        meter: &dyn Meter,
    ) -> io::Result<()> {
        let Node::File { size, content, .. } = node else { return Ok(()) };
        write_header(self, path, node, policy.mtime)?;
        let mut plain = Plain { hash: &mut self.plain, crc: Crc::new() };
        copy_exactly(content, *size, &mut plain, meter)?;
        let Plain { crc, .. } = plain;
        if crc.sum() != deflated.crc32 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its checksum is not the one that stands in the archive",
            ));
        }
        self.size += size;
        let Deflated { file, offset, length, crc32, .. } = deflated;
        let section = Section { file: Arc::clone(file), offset: *offset, length: *length };
        self.gzip.copy_deflated(section, *crc32, crc.amount())?;
        pad(self, *size)
    }
}

/// Bytes that are only looked at.
struct Plain<'a> {
    hash: &'a mut BackgroundHash,
    crc: Crc,
}

impl Write for Plain<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.hash.update(buf)?;
        self.crc.update(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.gzip.write(buf)?;
        self.plain.update(&buf[..n])?;
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Silent;

    const POLICY: LayerOptions = LayerOptions { mtime: LayerOptions::DEFAULT_MTIME, threads: 2 };

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
        let (first, stored) = compose_layer(&[new(&a), new(&b)], POLICY, &store, &Silent).unwrap();
        let whole = compose_layer(&[new(&c), new(&a)], POLICY, &store, &Silent).unwrap();
        let known = Part { tree: &a, known: Some(stored[0].clone()) };
        let again = compose_layer(&[new(&c), known], POLICY, &store, &Silent).unwrap();
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
        let (layer, _) = compose_layer(&[new(&good)], POLICY, &store, &Silent).unwrap();
        let blob = std::fs::read(store.path(&layer.digest)).unwrap();
        assert!(blob.windows(1000).any(|window| *window == stored[6..1006]));
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(&blob[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(layer.diff_id, DiffId(Digest::of(&plain)));
        assert!(plain.windows(5000).any(|window| *window == bytes[..5000]));
        let wrong = tree(crc.sum() + 1);
        let error = compose_layer(&[new(&wrong)], POLICY, &store, &Silent).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot pack `e/f`: its checksum is not the one that stands in the archive"
        );
    }

    #[test]
    fn a_path_of_two_parts_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        for (left, right) in [("e/a", "e/a"), ("e/a", "e/a/b")] {
            let (left, right) = (tree(&[(left, 1)]), tree(&[(right, 1)]));
            let parts = [new(&left), new(&right)];
            let error = compose_layer(&parts, POLICY, &store, &Silent).unwrap_err();
            assert_eq!(error.to_string(), "`e/a` cannot be put into a layer: it is there twice");
        }
    }

    #[test]
    fn a_damaged_part_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        let a = tree(&[("a", 100_000)]);
        let (layer, stored) = compose_layer(&[new(&a)], POLICY, &store, &Silent).unwrap();
        let path = store.path(&layer.digest);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = stored[0].offset + stored[0].length / 2;
        bytes[usize::try_from(middle).unwrap()] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let known = Part { tree: &a, known: Some(stored[0].clone()) };
        assert!(compose_layer(&[known], POLICY, &store, &Silent).is_err());
    }
}
