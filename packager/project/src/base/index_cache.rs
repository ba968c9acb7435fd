//! Cached indexes of layers, by the pair of digest and diff id that was verified when the layer was read. A manifest alone
//! can claim any diff id.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use mlpack_oci::pending::{PendingFile, sweep};
use mlpack_oci::rootfs::LayerIndex;
use mlpack_oci::{Image, Layer, Progress, in_parallel};

use super::capture_rules;
use crate::{Error, Result};

/// A folder of indexes by digest and diff id.
#[derive(Debug, Clone)]
pub struct IndexCache {
    dir: PathBuf,
}

impl IndexCache {
    /// Uses `dir`, which is created when the first index is written.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Returns the indexes of all layers, from the bottom up. Only layers that are not in the cache
    /// are opened, on `threads` threads, and each is verified against its digest and diff id.
    ///
    /// # Errors
    /// Those of reading the image's blobs. An unreadable cache is not an error: the index is made
    /// again.
    pub fn indexes(
        &self,
        image: &Image,
        threads: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<LayerIndex>> {
        sweep(&self.dir);
        in_parallel(image.layers.len(), threads, |number| {
            self.index(image, &image.layers[number], number, progress)
        })
    }

    fn index(
        &self,
        image: &Image,
        layer: &Layer,
        number: usize,
        progress: &dyn Progress,
    ) -> Result<LayerIndex> {
        let path = self.path(layer);
        if let Some(index) = read(&path) {
            return Ok(index);
        }
        let what = format!("Reading layer {} ({})", number + 1, layer.digest.short());
        let meter = progress.begin(&what, None);
        let index = LayerIndex::read(image, layer, &capture_rules::rule, &*meter)?;
        meter.finish("read");
        // Without a cache the layer is only read again next time.
        if let Err(error) = self.write(&path, &index) {
            progress.note(&error.to_string());
        }
        Ok(index)
    }

    fn path(&self, layer: &Layer) -> PathBuf {
        let (digest, diff_id) = (layer.digest.hex(), layer.diff_id.0.hex());
        self.dir.join(format!("{digest}-{diff_id}.v{}.json.gz", capture_rules::VERSION))
    }

    fn write(&self, path: &Path, index: &LayerIndex) -> Result<()> {
        fs::create_dir_all(&self.dir).map_err(Error::io("create", &self.dir))?;
        let mut file = PendingFile::new_in(&self.dir).map_err(Error::io("write to", &self.dir))?;
        let mut gzip = GzEncoder::new(BufWriter::new(&mut file), Compression::fast());
        serde_json::to_writer(&mut gzip, index)
            .map_err(|error| Error::io("write", path)(error.into()))?;
        gzip.finish().and_then(|mut out| out.flush()).map_err(Error::io("write", path))?;
        file.persist(path).map_err(Error::io("write", path))
    }
}

/// Reads an index from the cache; nothing if it cannot be read.
fn read(path: &Path) -> Option<LayerIndex> {
    // Whole, since the parser is several times faster on a slice than on a stream.
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).ok()?).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}
