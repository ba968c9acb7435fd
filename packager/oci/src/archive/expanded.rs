//! A compressed archive is decompressed into a file without a name, since blobs are read from their offset.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::Path;

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

use crate::layer::Zstd;
use crate::limits::{ARCHIVE_BYTES, ARCHIVE_RATIO, LimitExceeded};

/// The memory that a decoder may use, in KiB: what `xz -9` needs is 65 MiB.
const XZ_KIB: u32 = 256 << 10;

/// Returns the archive itself, or its bytes as `docker load` decompresses them: gzip, bzip2, xz or zstd, by the first
/// bytes.
///
/// # Errors
/// The system's, the decoder's, or [`LimitExceeded`].
pub(super) fn expanded(mut archive: File, scratch: &Path) -> io::Result<File> {
    let mut head = [0; 6];
    let mut read = 0;
    while let n @ 1.. = archive.read(&mut head[read..])? {
        read += n;
    }
    archive.rewind()?;
    let packed = archive.metadata()?.len();
    let reader = BufReader::with_capacity(256 << 10, archive.try_clone()?);
    let mut decoder: Box<dyn Read> = match head {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(reader)),
        [b'B', b'Z', b'h', ..] => Box::new(MultiBzDecoder::new(reader)),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            Box::new(XzReader::new_mem_limit(reader, true, XZ_KIB))
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(Zstd::new(reader)),
        _ => return Ok(archive),
    };
    std::fs::create_dir_all(scratch)?;
    let mut plain = tempfile::tempfile_in(scratch)?;
    let limit = packed.saturating_mul(ARCHIVE_RATIO).max(ARCHIVE_BYTES);
    let size = io::copy(&mut decoder.by_ref().take(limit + 1), &mut plain)?;
    LimitExceeded::check("a decompressed archive", size, limit)?;
    plain.rewind()?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    const TEXT: &[u8] = b"the archive\n";

    /// `printf 'the archive\n' | xz -9`, Debian 12.
    const XZ: &[u8] = b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x1c\x00\x00\x00\x10\xcf\x58\xcc\x01\x00\x0b\x74\x68\x65\x20\x61\x72\x63\x68\x69\x76\x65\x0a\x00\xc8\x88\x1a\x62\x46\xc2\x5d\x80\x00\x01\x24\x0c\xa6\x18\xd8\xd8\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a";

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("archive");
        std::fs::write(&path, bytes).unwrap();
        let scratch = dir.path().join("scratch");
        let mut plain = Vec::new();
        expanded(File::open(&path)?, &scratch)?.read_to_end(&mut plain)?;
        assert!(!scratch.exists() || scratch.read_dir()?.next().is_none());
        Ok(plain)
    }

    #[test]
    fn what_docker_load_decompresses_is_read() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(TEXT).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(TEXT).unwrap();
        let bzip2 = bzip2.finish().unwrap();
        let zstd = compress_to_vec(TEXT, CompressionLevel::Fastest);
        for packed in [&*gzip.finish().unwrap(), &bzip2, XZ, &zstd, TEXT] {
            assert_eq!(read(packed).unwrap(), TEXT);
        }
        assert!(read(&XZ[..40]).is_err());
        assert!(read(&bzip2[..20]).is_err());
        assert_eq!(read(b"").unwrap(), b"");
    }
}
