//! A tree as one layer, compressed if that pays.

use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom};

use super::gzip::saving;
use super::tree::{Content, Node, Tree};
use super::writer::{LayerOptions, LayerWriter, WrittenLayer, pack};
use crate::{BlobStore, Meter, Result};

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Gzip members of 1 MiB, compressed in parallel.
    Gzip,
    /// Not compressed.
    None,
    /// Not compressed if a sample of the largest files shows that deflate would save less than a
    /// tenth, else gzip. For model weights.
    Probe,
}

/// The smallest tree that is sampled, in bytes; a smaller one is always compressed.
const PROBE_FROM: u64 = 1 << 20;
const PROBE_SAMPLE: u64 = 1 << 20;
const PROBE_MIN_SAVING: f64 = 0.1;

/// Writes `tree` as a layer into `store`. Memory use does not depend on the size.
///
/// # Errors
/// [`Error::Pack`](crate::Error::Pack) if a file cannot be read or does not have the size that the
/// tree gives, or the store's.
pub fn write_layer(
    tree: &Tree,
    compression: Compression,
    options: LayerOptions,
    store: &BlobStore,
    meter: &dyn Meter,
) -> Result<WrittenLayer> {
    let gzip = match compression {
        Compression::Gzip => true,
        Compression::None => false,
        Compression::Probe => compressible(tree)?,
    };
    let mut writer = if gzip {
        LayerWriter::gzip(store, options)?
    } else {
        LayerWriter::stored(store, options)?
    };
    for (path, node) in tree.iter() {
        writer.entry(path, node, meter)?;
    }
    writer.finish().map(|(layer, _)| layer)
}

/// Compresses samples of the beginning, middle and end of the largest files.
fn compressible(tree: &Tree) -> Result<bool> {
    if tree.size() < PROBE_FROM {
        return Ok(true);
    }
    let mut files: Vec<_> = tree
        .iter()
        .filter_map(|(path, node)| match node {
            Node::File { size, content: Content::File(file), .. } => Some((*size, path, file)),
            _ => None,
        })
        .collect();
    files.sort_by_key(|&(size, path, _)| (std::cmp::Reverse(size), path));
    let mut sample = Vec::new();
    for (size, path, file) in files.into_iter().take(3) {
        let mut file = File::open(file).map_err(pack(path))?;
        for part in 0..3 {
            let start = (size / 2 * part).min(size.saturating_sub(PROBE_SAMPLE));
            file.seek(SeekFrom::Start(start)).map_err(pack(path))?;
            (&mut file).take(PROBE_SAMPLE).read_to_end(&mut sample).map_err(pack(path))?;
        }
    }
    Ok(saving(&sample) >= PROBE_MIN_SAVING)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use oci_spec::image::MediaType;

    use super::*;
    use crate::{Digest, Silent};

    const OPTIONS: LayerOptions = LayerOptions { mtime: LayerOptions::DEFAULT_MTIME, threads: 2 };

    fn write(tree: &Tree, compression: Compression, dir: &Path) -> (WrittenLayer, Vec<u8>) {
        let store = BlobStore::open(dir).unwrap();
        let layer = write_layer(tree, compression, OPTIONS, &store, &Silent).unwrap();
        let bytes = std::fs::read(store.path(&layer.digest)).unwrap();
        (layer, bytes)
    }

    fn listing(tar: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(tar);
        archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut text = String::new();
                let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
                let link = entry
                    .link_name_bytes()
                    .map(|link| String::from_utf8(link.into_owned()).unwrap());
                entry.read_to_string(&mut text).unwrap();
                let header = entry.header();
                format!(
                    "{:o} {}:{} {} {path}{}{}",
                    header.mode().unwrap(),
                    header.uid().unwrap(),
                    header.gid().unwrap(),
                    header.mtime().unwrap(),
                    link.map(|link| format!(" -> {link}")).unwrap_or_default(),
                    if text.is_empty() { String::new() } else { format!(" = {text}") },
                )
            })
            .collect()
    }

    #[test]
    fn a_layer_is_sorted_normal_and_of_one_time() {
        let dir = tempfile::tempdir().unwrap();
        let long = format!("{}/{}", "d".repeat(90), "n".repeat(120));
        let mut tree = Tree::new();
        tree.insert("tmp", Node::Directory { open: true }).unwrap();
        tree.add_bytes("b/run", &b"go"[..], true).unwrap();
        tree.add_bytes("b/über", &b"u"[..], false).unwrap();
        tree.add_symlink("a", "b/run").unwrap();
        tree.add_bytes(&long, &b"l"[..], false).unwrap();
        let (layer, bytes) = write(&tree, Compression::None, dir.path());
        assert_eq!(
            listing(&bytes),
            [
                "777 0:0 315532801 a -> b/run".to_owned(),
                "755 0:0 315532801 b/".to_owned(),
                "755 0:0 315532801 b/run = go".to_owned(),
                "644 0:0 315532801 b/über = u".to_owned(),
                format!("755 0:0 315532801 {}/", "d".repeat(90)),
                format!("644 0:0 315532801 {long} = l"),
                "1777 0:0 315532801 tmp/".to_owned(),
            ]
        );
        assert_eq!(layer.diff_id.0, layer.digest);
        assert_eq!(layer.digest, Digest::of(&bytes));
        // The bytes themselves are a promise (FORMAT_VERSION).
        assert_eq!(
            layer.digest.to_string(),
            "sha256:efc998d88e9641c3f011d09dac7642f0e987ac9e556e050b4c8e2c8e6029fca1"
        );
    }

    #[test]
    fn gzip_and_raw_share_the_diff_id() {
        let dir = tempfile::tempdir().unwrap();
        let mut tree = Tree::new();
        tree.add_bytes("f", vec![7; 3 << 20], false).unwrap();
        let (raw, _) = write(&tree, Compression::None, dir.path());
        let (gzip, bytes) = write(&tree, Compression::Gzip, dir.path());
        assert_eq!(raw.diff_id, gzip.diff_id);
        assert_eq!(gzip.digest, Digest::of(&bytes));
        assert_eq!(gzip.descriptor.media_type(), &MediaType::ImageLayerGzip);
    }

    #[test]
    fn a_probe_keeps_what_deflate_cannot_shrink() {
        let dir = tempfile::tempdir().unwrap();
        let (noise, zeros) = (dir.path().join("noise"), dir.path().join("zeros"));
        let mut state = 1u64;
        let random: Vec<u8> = (0..2 << 20)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect();
        std::fs::write(&noise, random).unwrap();
        std::fs::write(&zeros, vec![0; 2 << 20]).unwrap();
        for (file, media_type) in
            [(noise, MediaType::ImageLayer), (zeros, MediaType::ImageLayerGzip)]
        {
            let mut tree = Tree::new();
            tree.add_file("model", &file).unwrap();
            let (layer, _) = write(&tree, Compression::Probe, &dir.path().join("blobs"));
            assert_eq!(layer.descriptor.media_type(), &media_type);
        }
    }

    #[test]
    fn a_file_that_changed_is_an_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        for size in [1, 3] {
            let mut tree = Tree::new();
            let content = Content::Bytes(b"ab"[..].into());
            tree.insert("f", Node::File { executable: false, size, content }).unwrap();
            let store = BlobStore::open(dir.path()).unwrap();
            let error =
                write_layer(&tree, Compression::Gzip, OPTIONS, &store, &Silent).unwrap_err();
            assert!(error.to_string().contains("changed while it was packed"), "{error}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}
