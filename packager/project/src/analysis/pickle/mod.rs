//! What a pickled model needs, read from its opcodes. Nothing is executed and no object is created
//! (Python documentation, "pickletools"; PEP 307, PEP 3154, PEP 574).
//!
//! Only the beginning and the end of a large file are read. joblib puts the bytes of arrays between
//! opcodes; behind the first array only scikit-learn's version is searched for. Protocols before 2
//! cannot be recognized, and files that are compressed other than by zlib or gzip are ignored.

mod opcodes;
mod versions;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use opcodes::{Ended, Walk};

/// Bytes that are read from the beginning, inflated.
const HEAD: u64 = 8 << 20;
/// Bytes that are read from the end of a file that is not compressed: an estimator writes its
/// version after its parameters.
const TAIL: u64 = 256 << 10;

/// What a pickle needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pickle {
    /// The protocol that it was written with.
    pub(crate) protocol: u8,
    /// Modules whose classes and functions it names, as far as it was read.
    pub(crate) modules: BTreeSet<String>,
    /// The scikit-learn that wrote an estimator in it (scikit-learn, `BaseEstimator.__getstate__`).
    pub(crate) scikit_learn: Option<String>,
}

impl Pickle {
    /// Reads a file; returns nothing if it is not a pickle.
    ///
    /// # Errors
    /// The system's, for a file that cannot be read.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let mut first = Vec::new();
        file.by_ref().take(2).read_to_end(&mut first)?;
        file.seek(SeekFrom::Start(0))?;
        match first[..] {
            [0x80, 2..=5] => Self::plain(file),
            // The levels of zlib (RFC 1950), and gzip.
            [0x78, 0x01 | 0x5e | 0x9c | 0xda] => Ok(Self::packed(ZlibDecoder::new(file))),
            [0x1f, 0x8b] => Ok(Self::packed(MultiGzDecoder::new(file))),
            _ => Ok(None),
        }
    }

    fn plain(file: File) -> io::Result<Option<Self>> {
        let size = file.metadata()?.len();
        let mut reader = BufReader::with_capacity(64 << 10, file);
        let Some(mut found) = Self::begin(reader.by_ref().take(HEAD)) else { return Ok(None) };
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
        Self::begin(first.chain(reader))
    }

    fn begin(mut reader: impl Read) -> Option<Self> {
        let mut walk = Walk::new(&mut reader);
        let ended = walk.run()?;
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
for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
    pickle.dump(value * 2, open(sys.argv[1] + '/%d.pkl' % protocol, 'wb'), protocol)
print(pickle.HIGHEST_PROTOCOL)
";
        let dir = tempfile::tempdir().unwrap();
        let mut python = Command::new("python3");
        let output = python.args(["-I", "-c", code]).arg(dir.path()).output().unwrap();
        let highest: u8 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
        for protocol in 2..=highest {
            let found = Pickle::read(&dir.path().join(format!("{protocol}.pkl"))).unwrap();
            let found = found.unwrap_or_else(|| panic!("protocol {protocol}"));
            assert_eq!((found.protocol, found.scikit_learn), (protocol, None));
            for module in ["collections", "decimal"] {
                assert!(found.modules.contains(module), "{protocol}: {:?}", found.modules);
            }
        }
    }
}
