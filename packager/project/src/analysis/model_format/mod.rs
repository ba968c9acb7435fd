//! What a model file that is no pickle says about the framework that wrote it. Only the parts that
//! say so are read, whatever the size of the file, and nothing of it is run.

mod keras;
mod onnx;
mod safetensors;
mod xgboost;

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

pub use onnx::Onnx;
pub use xgboost::Encoding;

/// A file format of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFormat {
    /// ONNX (`onnx.proto`).
    Onnx(Onnx),
    /// Keras' zip archive, with the release that wrote it.
    KerasArchive(Option<String>),
    /// An HDF5 file of Keras, with the release that wrote it.
    KerasHdf5(String),
    /// XGBoost, with the release that wrote it where the encoding has it.
    XgBoost(Encoding, Option<[u32; 3]>),
    /// LightGBM's text.
    LightGbm,
    /// safetensors.
    SafeTensors,
    /// A file of a format that ends too early: its name, and what is wrong.
    CutShort(&'static str, String),
}

impl ModelFormat {
    /// Reads a file; returns nothing if it is of no known format.
    ///
    /// # Errors
    /// The system's, for a file that cannot be read.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut first = Vec::new();
        file.by_ref().take(64).read_to_end(&mut first)?;
        file.seek(SeekFrom::Start(0))?;
        let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        match extension {
            "onnx" => return onnx::read(file, size),
            "safetensors" => return safetensors::read(file, size),
            "keras" if first.starts_with(b"PK\x03\x04") => {
                return Ok(Some(Self::KerasArchive(keras::archive(file))));
            }
            _ => {}
        }
        if first.starts_with(b"\x89HDF\r\n\x1a\n") {
            return Ok(keras::hdf5(&mut file)?.map(Self::KerasHdf5));
        }
        if first.starts_with(b"tree\nversion=") || first.starts_with(b"tree\r\nversion=") {
            return Ok(Some(Self::LightGbm));
        }
        xgboost::read(&mut file, size, &first)
    }
}

/// Reads at most so many bytes from the end.
fn tail(file: &mut File, size: u64, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(size.saturating_sub(most)))?;
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
