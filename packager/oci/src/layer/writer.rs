//! The one tar writer: the only home of reproducibility (traps 1 to 18).
//!
//! Entries are sorted by path, owned by 0:0 without names, of one modification time, and in the
//! POSIX format: ustar, with PAX records for what ustar cannot hold.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};

use oci_spec::image::{Descriptor, MediaType};
use tar::{EntryType, Header};

use super::gzip::{ParallelGzip, saving};
use super::{Content, Node, Tree};
use crate::{BlobStore, DiffId, Digest, Error, HashingWriter, Meter, PendingBlob, Result, image};

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Gzip members of 1 MiB, compressed in parallel.
    Gzip,
    /// As it is: digest and diff id are one, hashed once.
    None,
    /// As it is if a sample of the largest files says that deflate would save less than a tenth,
    /// else gzip. For model weights.
    Probe,
}

/// What decides the bytes of a layer besides its tree.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Modification time of every entry, in seconds since 1970. 1980-01-01T00:00:01Z by default,
    /// which also a zip can hold (trap 5).
    pub mtime: u64,
    /// Threads that compress; does not show in the bytes.
    pub threads: usize,
}

impl Policy {
    /// 1980-01-01T00:00:01Z, as buildpacks use it.
    pub const DEFAULT_MTIME: u64 = 315_532_801;
}

/// A layer that lies in a store.
#[derive(Debug, Clone)]
pub struct WrittenLayer {
    /// Media type, digest and size of the blob.
    pub descriptor: Descriptor,
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the uncompressed tar.
    pub diff_id: DiffId,
}

/// Largest size ustar holds in its 11 octal digits, in bytes.
const USTAR_MAX_SIZE: u64 = 0o777_7777_7777;

/// Below this many bytes a model is not worth the question; it is compressed.
const PROBE_FROM: u64 = 1 << 20;
const PROBE_SAMPLE: u64 = 1 << 20;
const PROBE_MIN_SAVING: f64 = 0.1;

/// Writes `tree` as a layer into `store`, hashing on the way. Memory is flat whatever the size.
///
/// # Errors
/// [`Error::Pack`] if a file cannot be read or is not as long as the tree says, else the store's.
pub fn write_layer(
    tree: &Tree,
    compression: Compression,
    policy: Policy,
    store: &BlobStore,
    meter: &dyn Meter,
) -> Result<WrittenLayer> {
    let gzip = match compression {
        Compression::Gzip => true,
        Compression::None => false,
        Compression::Probe => compressible(tree)?,
    };
    let pending = store.begin()?;
    let (pending, diff_id, media_type) = if gzip {
        let out = HashingWriter::new(ParallelGzip::new(pending, policy.threads));
        let (gzip, diff_id, _) = write_tar(tree, policy.mtime, out, meter)?.finish();
        let (pending, _) =
            gzip.finish().map_err(|source| Error::Pack { path: String::new(), source })?;
        (pending, Some(diff_id), MediaType::ImageLayerGzip)
    } else {
        (write_tar(tree, policy.mtime, pending, meter)?, None, MediaType::ImageLayer)
    };
    let (digest, size) = PendingBlob::commit(pending)?;
    Ok(WrittenLayer {
        descriptor: image::descriptor(media_type, digest, size),
        digest,
        diff_id: DiffId(diff_id.unwrap_or(digest)),
    })
}

/// Two zero blocks end an archive (POSIX pax, "ustar Interchange Format").
pub(super) const END: [u8; 1024] = [0; 1024];

fn write_tar<W: Write>(tree: &Tree, mtime: u64, mut out: W, meter: &dyn Meter) -> Result<W> {
    for (path, node) in tree.iter() {
        write_entry(&mut out, path, node, mtime, meter)
            .map_err(|source| Error::Pack { path: path.to_owned(), source })?;
    }
    out.write_all(&END).map_err(|source| Error::Pack { path: String::new(), source })?;
    Ok(out)
}

pub(super) fn write_entry(
    out: &mut impl Write,
    path: &str,
    node: &Node,
    mtime: u64,
    meter: &dyn Meter,
) -> io::Result<()> {
    write_header(out, path, node, mtime)?;
    if let Node::File { size, content, .. } = node {
        copy_exactly(content, *size, out, meter)?;
        pad(out, *size)?;
    }
    Ok(())
}

/// What stands before the bytes of a file, and all of any other entry.
pub(super) fn write_header(
    out: &mut impl Write,
    path: &str,
    node: &Node,
    mtime: u64,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_mtime(mtime);
    header.set_uid(0);
    header.set_gid(0);
    let mut name = path.to_owned();
    let (mut link, mut size) = (None, 0);
    match node {
        Node::Directory { open } => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(if *open { 0o1777 } else { 0o755 });
            name.push('/');
        }
        Node::Inherited { mode, uid, gid } => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(*mode);
            header.set_uid(*uid);
            header.set_gid(*gid);
            name.push('/');
        }
        Node::File { executable, size: bytes, .. } => {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            size = *bytes;
        }
        Node::Symlink { target } => {
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            link = Some(target);
        }
    }
    header.set_size(size);

    // PAX records in a fixed order; the header keeps a cut form for readers without PAX.
    let mut records = Vec::new();
    if let Some(target) = link
        && (target.len() > 100
            || !target.is_ascii()
            || header.set_link_name_literal(target).is_err())
    {
        pax_record(&mut records, "linkpath", target);
    }
    if !name.is_ascii() || header.set_path(&name).is_err() {
        pax_record(&mut records, "path", &name);
        let cut: String = name.chars().filter(char::is_ascii).take(99).collect();
        set_name(&mut header, &cut);
    }
    if size > USTAR_MAX_SIZE {
        pax_record(&mut records, "size", &size.to_string());
    }
    if !records.is_empty() {
        let mut pax = Header::new_ustar();
        pax.set_entry_type(EntryType::XHeader);
        set_name(&mut pax, "././@PaxHeader");
        pax.set_mode(0o644);
        pax.set_uid(0);
        pax.set_gid(0);
        pax.set_mtime(mtime);
        pax.set_size(records.len() as u64);
        pax.set_cksum();
        out.write_all(pax.as_bytes())?;
        out.write_all(&records)?;
        pad(out, records.len() as u64)?;
    }
    header.set_cksum();
    out.write_all(header.as_bytes())
}

/// `LENGTH KEY=VALUE\n`, where the length counts its own digits (POSIX pax, "pax Extended Header").
fn pax_record(records: &mut Vec<u8>, key: &str, value: &str) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}={value}\n").as_bytes());
}

fn set_name(header: &mut Header, name: &str) {
    let field = &mut header.as_old_mut().name;
    field.fill(0);
    field[..name.len()].copy_from_slice(name.as_bytes());
}

pub(super) fn copy_exactly(
    content: &Content,
    size: u64,
    out: &mut impl Write,
    meter: &dyn Meter,
) -> io::Result<()> {
    let mut reader = content.open()?;
    let mut buffer = vec![0; (256 << 10).min(usize::try_from(size).unwrap_or(usize::MAX).max(1))];
    let mut left = size;
    while left > 0 {
        let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = match reader.read(&mut buffer[..want]) {
            Ok(0) => return Err(changed(size, size - left)),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        out.write_all(&buffer[..n])?;
        meter.advance(n as u64);
        left -= n as u64;
    }
    // Reading past the end also lets a verifying stream compare its hash.
    match reader.read(&mut buffer[..1])? {
        0 => Ok(()),
        _ => Err(changed(size, size + 1)),
    }
}

fn changed(expected: u64, found: u64) -> io::Error {
    let relation = if found < expected { "ended at" } else { "is longer than" };
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "its size was {expected} bytes but it {relation} {} bytes: it changed while it was packed",
            found.min(expected)
        ),
    )
}

pub(super) fn pad(out: &mut impl Write, size: u64) -> io::Result<()> {
    let rest = usize::try_from(size % 512).unwrap_or(0);
    if rest > 0 { out.write_all(&[0; 512][rest..]) } else { Ok(()) }
}

/// Samples beginning, middle and end of the largest files.
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
        let pack = |source| Error::Pack { path: path.to_owned(), source };
        let mut file = File::open(file).map_err(pack)?;
        for part in 0..3 {
            let start = (size / 2 * part).min(size.saturating_sub(PROBE_SAMPLE));
            file.seek(SeekFrom::Start(start)).map_err(pack)?;
            (&mut file).take(PROBE_SAMPLE).read_to_end(&mut sample).map_err(pack)?;
        }
    }
    Ok(saving(&sample) >= PROBE_MIN_SAVING)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Silent;

    const POLICY: Policy = Policy { mtime: Policy::DEFAULT_MTIME, threads: 2 };

    fn write(tree: &Tree, compression: Compression, dir: &Path) -> (WrittenLayer, Vec<u8>) {
        let store = BlobStore::open(dir).unwrap();
        let layer = write_layer(tree, compression, POLICY, &store, &Silent).unwrap();
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
            let error = write_layer(&tree, Compression::Gzip, POLICY, &store, &Silent).unwrap_err();
            assert!(error.to_string().contains("changed while it was packed"), "{error}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_size_beyond_ustar_goes_into_a_pax_record() {
        struct Endless;
        impl Write for Endless {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                Ok(buf.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let size = 9u64 << 30;
        let mut head = Vec::new();
        let node = Node::File { executable: false, size, content: Content::Bytes([][..].into()) };
        // The content is too short on purpose: only the headers are looked at.
        assert!(write_entry(&mut head, "big", &node, 0, &Silent).is_err());
        assert!(head.windows(18).any(|part| part == b"19 size=9663676416"), "PAX size");
        let mut archive = tar::Archive::new(&head[..]);
        assert_eq!(archive.entries().unwrap().next().unwrap().unwrap().size(), size);
        assert!(write_entry(&mut Endless, "big", &node, 0, &Silent).is_err());
    }
}
