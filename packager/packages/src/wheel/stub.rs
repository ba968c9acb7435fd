//! A wheel that has only metadata: the resolver reads the dependencies of an available package from it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::{Error, Result};

const WHEEL: &str =
    "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n";

/// Writes a stub wheel into a folder; `name` is normalised, `metadata` is METADATA or PKG-INFO.
pub fn write(name: &str, version: &str, metadata: &str, dir: &Path) -> Result<PathBuf> {
    let stem = format!("{}-{version}", name.replace('-', "_"));
    let path = dir.join(format!("{stem}-py2.py3-none-any.whl"));
    let info = format!("{stem}.dist-info");
    let file = File::create(&path).map_err(Error::io("write", &path))?;
    let mut zip = ZipWriter::new(file);
    // The default is the current time.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    for (name, text) in [("METADATA", metadata), ("WHEEL", WHEEL), ("RECORD", "")] {
        zip.start_file(format!("{info}/{name}"), options)
            .map_err(std::io::Error::from)
            .and_then(|()| zip.write_all(text.as_bytes()))
            .map_err(Error::io("write", &path))?;
    }
    zip.finish().map_err(|error| Error::io("write", &path)(error.into()))?;
    Ok(path)
}
