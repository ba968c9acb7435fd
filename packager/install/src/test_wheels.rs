//! Wheels made by tests, and what they are for.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use mlpack_packages::wheel::archive::StoredWheel;
use mlpack_requirements::{Architecture, Glibc, PythonVersion, Target};

/// A Python of 2016.
pub(crate) fn target() -> Target {
    Target {
        python: PythonVersion::new(3, 6, 15),
        glibc: Glibc(2, 23),
        architecture: Architecture::Amd64,
        interpreter: "/opt/miniconda/bin/python3.6".to_owned(),
    }
}

/// A wheel under construction.
pub(crate) struct TestWheel {
    pub(crate) name: String,
    files: Vec<(String, Vec<u8>, u32)>,
    record: String,
    list: bool,
}

impl TestWheel {
    pub(crate) fn new(name: &str) -> Self {
        let wheel =
            Self { name: name.to_owned(), files: Vec::new(), record: String::new(), list: true };
        wheel
            .file(
                &format!("{name}-1.dist-info/METADATA"),
                &format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"),
            )
            .file(
                &format!("{name}-1.dist-info/WHEEL"),
                "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
    }

    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.mode(path, text, 0o644)
    }

    pub(crate) fn bytes(self, path: &str, bytes: &[u8]) -> Self {
        self.add(path, bytes, 0o644)
    }

    pub(crate) fn mode(self, path: &str, text: &str, mode: u32) -> Self {
        self.add(path, text.as_bytes(), mode)
    }

    fn add(mut self, path: &str, bytes: &[u8], mode: u32) -> Self {
        if self.list {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
            self.record += &format!("{path},sha256={hash},{}\n", bytes.len());
        }
        self.files.push((path.to_owned(), bytes.to_vec(), mode));
        self
    }

    /// Files added from here on are not in RECORD.
    pub(crate) fn unlisted(mut self) -> Self {
        self.list = false;
        self
    }

    /// Replaces a file's bytes after its hash was listed.
    pub(crate) fn tampered(mut self, path: &str, text: &str) -> Self {
        for file in &mut self.files {
            if file.0 == path {
                file.1 = text.as_bytes().to_vec();
            }
        }
        self
    }

    pub(crate) fn store(self, dir: &Path) -> StoredWheel {
        let path = self.write(dir);
        let sha256 = mlpack_packages::cache::store::digest_file(&path).unwrap();
        StoredWheel { name: self.name, version: "1".to_owned(), path, sha256 }
    }

    fn write(&self, dir: &Path) -> PathBuf {
        let path = dir.join(format!("{}-1-py3-none-any.whl", self.name));
        let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
        let record =
            (format!("{}-1.dist-info/RECORD", self.name), self.record.clone().into_bytes(), 0o644);
        for (index, (path, bytes, mode)) in self.files.iter().chain([&record]).enumerate() {
            let method = if index % 2 == 0 {
                CompressionMethod::Deflated
            } else {
                CompressionMethod::Stored
            };
            let options =
                SimpleFileOptions::default().compression_method(method).unix_permissions(*mode);
            zip.start_file(path, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        path
    }
}
