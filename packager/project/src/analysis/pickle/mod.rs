//! What a pickled model needs, read from its opcodes. Nothing is executed and no object is created
//! (Python documentation, "pickletools"; PEP 307, PEP 3154, PEP 574).
//!
//! Only the beginning and the end of a large file are read. joblib puts the bytes of arrays between
//! opcodes; behind the first array only scikit-learn's version is searched for. A file may have several
//! pickles, be compressed as joblib does it, or be a zip archive of PyTorch or skops. Protocols 0 and 1
//! have no mark: such a file counts if all of it can be followed.

mod archives;
mod opcodes;
mod versions;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use bzip2::read::MultiBzDecoder;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::{LzmaReader, XzReader};

use opcodes::{Ended, Walk};

/// Bytes that are read from the beginning, inflated.
const HEAD: u64 = 8 << 20;
/// Bytes that are read from the end of a file that is not compressed: an estimator writes its
/// version after its parameters.
const TAIL: u64 = 256 << 10;

/// Memory for the dictionary of an xz or LZMA file, in KiB: Python's presets take up to 65 MiB.
const LZMA_KIB: u32 = 128 << 10;
/// Pickles in one file: `torch.save` wrote five until 1.6.
const MOST: usize = 100;

/// What a pickle needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pickle {
    /// The protocol that it was written with.
    pub protocol: u8,
    /// Modules whose classes and functions it names, as far as it was read.
    pub modules: BTreeSet<String>,
    /// The scikit-learn that wrote an estimator in it (scikit-learn, `BaseEstimator.__getstate__`).
    pub scikit_learn: Option<String>,
}

impl Pickle {
    /// Reads a file; returns nothing if it is not a pickle.
    ///
    /// # Errors
    /// The system's, for a file that cannot be read.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let mut first = Vec::new();
        file.by_ref().take(6).read_to_end(&mut first)?;
        file.seek(SeekFrom::Start(0))?;
        match first[..] {
            [0x80, 2..=5, ..] => Self::plain(file),
            // The levels of zlib (RFC 1950), and gzip.
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Ok(Self::packed(ZlibDecoder::new(file))),
            [0x1f, 0x8b, ..] => Ok(Self::packed(MultiGzDecoder::new(file))),
            [b'B', b'Z', b'h', ..] => Ok(Self::packed(MultiBzDecoder::new(file))),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => {
                Ok(Self::packed(XzReader::new_mem_limit(file, true, LZMA_KIB)))
            }
            // LZMA alone has no mark: its properties, and a dictionary of whole KiB.
            [0x5d, 0, 0, ..] => {
                let reader = LzmaReader::new_mem_limit(file, LZMA_KIB, None);
                Ok(reader.ok().and_then(Self::packed))
            }
            [0x04, 0x22, 0x4d, 0x18, ..] => Ok(Self::packed(FrameDecoder::new(file))),
            [b'P', b'K', 3, 4, ..] => archives::read(file),
            _ => Self::unmarked(file),
        }
    }

    fn plain(file: File) -> io::Result<Option<Self>> {
        let size = file.metadata()?.len();
        let mut reader = BufReader::with_capacity(64 << 10, file);
        let Some(mut found) = Self::several(reader.by_ref().take(HEAD)) else { return Ok(None) };
        if found.scikit_learn.is_none() && size > HEAD {
            let mut file = reader.into_inner();
            file.seek(SeekFrom::Start(HEAD.max(size.saturating_sub(TAIL))))?;
            found.scikit_learn = versions::find(&mut file.take(TAIL))?;
        }
        Ok(Some(found))
    }

    /// Reads a compressed pickle; nothing if it is damaged.
    fn packed(reader: impl Read) -> Option<Self> {
        let mut reader = BufReader::with_capacity(64 << 10, reader.take(HEAD));
        let mut first = [0; 2];
        reader.read_exact(&mut first).ok()?;
        let [0x80, 2..=5] = first else { return None };
        Self::several(first.chain(reader))
    }

    /// Reads a file of protocol 0 or 1: every byte must be one of its opcodes.
    fn unmarked(file: File) -> io::Result<Option<Self>> {
        if file.metadata()?.len() > HEAD {
            return Ok(None);
        }
        let mut walk = Walk::new(BufReader::with_capacity(64 << 10, file));
        let whole = walk.run() == Some(Ended::AtStop) && walk.is_at_end();
        let is_name = |module: &String| {
            module.split('.').all(|part| {
                !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_')
            })
        };
        let found = walk.found;
        let good = whole && !found.modules.is_empty() && found.modules.iter().all(is_name);
        Ok(good.then_some(found))
    }

    /// Reads a pickle and those behind it.
    fn several(mut reader: impl Read) -> Option<Self> {
        let mut walk = Walk::new(&mut reader);
        let mut ended = walk.run()?;
        for _ in 1..MOST {
            if ended != Ended::AtStop || !walk.begins_another() {
                break;
            }
            // What follows the last pickle may look like one.
            let Some(again) = walk.run() else { break };
            ended = again;
        }
        let mut found = walk.found;
        if ended == Ended::AtAnArray && found.scikit_learn.is_none() {
            // If the rest cannot be read, what was read still counts.
            found.scikit_learn = versions::find(&mut reader).ok().flatten();
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Command;

    use super::*;

    fn bytes(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn read(bytes: &[u8]) -> Option<Pickle> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.pkl");
        std::fs::write(&path, bytes).unwrap();
        Pickle::read(&path).unwrap()
    }

    fn pickle(protocol: u8, modules: &[&str], scikit_learn: Option<&str>) -> Option<Pickle> {
        Some(Pickle {
            protocol,
            modules: modules.iter().map(|name| (*name).to_owned()).collect(),
            scikit_learn: scikit_learn.map(str::to_owned),
        })
    }

    /// `GLOBAL`, an empty object of the class, and its state as joblib of protocol 3 has it.
    fn estimator(array: &[u8]) -> Vec<u8> {
        bytes(&[
            b"\x80\x03csklearn.linear_model.ridge\nRidge\nq\x00)\x81q\x01}q\x02(",
            b"X\x05\x00\x00\x00coef_q\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\nq\x04)\x81q\x05}q\x06b",
            array,
            b"X\x10\x00\x00\x00_sklearn_versionq\x07X\x06\x00\x00\x000.20.3q\x08ub.",
        ])
    }

    #[test]
    fn an_estimator_tells_its_modules_and_version() {
        let expected =
            pickle(3, &["joblib.numpy_pickle", "sklearn.linear_model.ridge"], Some("0.20.3"));
        // Bytes of arrays are no opcodes.
        let array = [0xff; 1000];
        assert_eq!(read(&estimator(&array)), expected);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(3));
        zlib.write_all(&estimator(&array)).unwrap();
        assert_eq!(read(&zlib.finish().unwrap()), expected);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(3));
        gzip.write_all(&estimator(&array)).unwrap();
        assert_eq!(read(&gzip.finish().unwrap()), expected);
        // The version is at the end.
        let large = vec![0xff; usize::try_from(HEAD + TAIL).unwrap()];
        assert_eq!(read(&estimator(&large)), expected);
    }

    #[test]
    fn names_that_stand_on_the_stack_are_read() {
        let text = bytes(&[
            b"\x80\x04\x95\x40\x00\x00\x00\x00\x00\x00\x00",
            b"\x8c\x08xgboost.\x94\x8c\x03XGB\x94\x93\x94)\x81\x94}\x94(",
            b"\x8c\x10_sklearn_version\x94\x8c\x051.0.2\x94ub",
            // The same texts again, by their numbers.
            b"h\x00h\x01\x93.",
        ]);
        assert_eq!(read(&text), pickle(4, &["xgboost."], Some("1.0.2")));
    }

    #[test]
    fn what_is_no_pickle_is_left_alone() {
        for other in [
            &b""[..],
            b"\x80",
            b"\x80\x04",
            b"\x80\x04 no opcodes",
            b"\x89PNG",
            b"x\x9cdamaged",
            b"\x80\x03X\xff\xff\xff\xffshort",
            b"PK\x03\x04",
        ] {
            assert_eq!(read(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_python_itself_writes() {
        let code = "
import collections, decimal, pickle, sys
value = [collections.OrderedDict(a=1), decimal.Decimal('1.5'), b'x' * 300, 'y' * 300, 2 ** 70, 1.5, {1, 2}, None, True, (1, 2, 3, 4)]
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    pickle.dump(value * 2, open(sys.argv[1] + '/%d.pkl' % protocol, 'wb'), protocol)
print(pickle.HIGHEST_PROTOCOL)
";
        let dir = tempfile::tempdir().unwrap();
        let mut python = Command::new("python3");
        let output = python.args(["-I", "-c", code]).arg(dir.path()).output().unwrap();
        let highest: u8 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
        for protocol in 0..=highest {
            let found = Pickle::read(&dir.path().join(format!("{protocol}.pkl"))).unwrap();
            let found = found.unwrap_or_else(|| panic!("protocol {protocol}"));
            let marked = if protocol < 2 { 0 } else { protocol };
            assert_eq!((found.protocol, found.scikit_learn), (marked, None));
            for module in ["collections", "decimal"] {
                assert!(found.modules.contains(module), "{protocol}: {:?}", found.modules);
            }
        }
    }

    #[test]
    fn every_pickle_of_a_file_is_read_however_it_is_packed() {
        let code = "
import bz2, collections, decimal, fractions, json, lzma, pickle, sys, zipfile
folder = sys.argv[1]
first, second = (pickle.dumps(value, 4) for value in (decimal.Decimal(1), fractions.Fraction(1, 2)))
def write(name, data):
    open(folder + '/' + name, 'wb').write(data)
write('bz2', bz2.compress(first))
write('xz', lzma.compress(first))
write('lzma', lzma.compress(first, lzma.FORMAT_ALONE))
write('several', first + pickle.dumps(119547037146038801333356, 2) + second + b'raw bytes of tensors')
with zipfile.ZipFile(folder + '/torch', 'w') as file:
    file.writestr('net/data.pkl', first)
    file.writestr('net/data/0', bytes(100))
    file.writestr('net/version', '3')
with zipfile.ZipFile(folder + '/skops', 'w', zipfile.ZIP_DEFLATED) as file:
    file.writestr('schema.json', json.dumps({
        '__class__': 'Ridge', '__module__': 'decimal', 'content': [{'__module__': 'numpy'}],
        '_sklearn_version': {'__module__': 'builtins', 'content': json.dumps('1.2.0')},
    }))
with zipfile.ZipFile(folder + '/other', 'w') as file:
    file.writestr('readme', 'c')
";
        let dir = tempfile::tempdir().unwrap();
        let python = Command::new("python3").args(["-I", "-c", code]).arg(dir.path()).status();
        assert!(python.unwrap().success());
        let read = |name: &str| Pickle::read(&dir.path().join(name)).unwrap();
        for name in ["bz2", "xz", "lzma", "torch"] {
            assert_eq!(read(name), pickle(4, &["decimal"], None), "{name}");
        }
        assert_eq!(read("several"), pickle(4, &["decimal", "fractions"], None));
        assert_eq!(read("skops"), pickle(0, &["builtins", "decimal", "numpy"], Some("1.2.0")));
        assert_eq!(read("other"), None);
        // The frame format of LZ4, as joblib writes it.
        let mut lz4 = Vec::new();
        let mut frame = lz4_flex::frame::FrameEncoder::new(&mut lz4);
        frame.write_all(&estimator(&[0xff; 1000])).unwrap();
        frame.finish().unwrap();
        assert_eq!(super::Pickle::read(&written(&dir, &lz4)).unwrap().unwrap().protocol, 3);
        for damaged in
            [&b"BZh9"[..], b"\xfd7zXZ\0", b"\x5d\0\0\x80\0\xff", b"\x04\x22\x4d\x18", b"PK\x03\x04"]
        {
            assert_eq!(Pickle::read(&written(&dir, damaged)).unwrap(), None);
        }
        // Text that begins like protocol 0.
        for text in ["cat\n", "(this is no pickle)\n", "import os\n", "{\"a\": 1}"] {
            assert_eq!(Pickle::read(&written(&dir, text.as_bytes())).unwrap(), None, "{text}");
        }
    }

    fn written(dir: &tempfile::TempDir, bytes: &[u8]) -> std::path::PathBuf {
        let path = dir.path().join("written");
        std::fs::write(&path, bytes).unwrap();
        path
    }
}
