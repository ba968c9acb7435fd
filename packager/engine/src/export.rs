//! The engine as a source: an image is exported once to the cache and read from there.

use std::fs::File;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use mlpack_oci::pending::{PendingFile, sweep};
use mlpack_oci::{Digest, Image, Platform, Progress, archive};
use tokio::io::AsyncWriteExt;

use crate::tar_stream::blocking;
use crate::{Engine, Error, Result};

impl Engine {
    /// Returns an image by name or id. The engine exports only whole images, so the image is written once
    /// to `CACHE/engine/IMAGE-ID.tar` and read from there.
    ///
    /// # Errors
    /// [`Error::NoSuchImage`], a full disk, a lost connection, or an image that is not for
    /// `platform`.
    pub async fn image(
        &self,
        name: &str,
        cache: &Path,
        platform: &Platform,
        progress: &dyn Progress,
    ) -> Result<Image> {
        let found = self.inspect_image(name).await?;
        let folder = cache.join("engine");
        std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        sweep(&folder);
        let file = folder.join(format!("{}.tar", found.id.hex()));
        if file.exists() {
            match open(name, &file, platform).await {
                Err(Error::Oci(mlpack_oci::Error::NoSuchImage { place, wanted, present })) => {
                    return Err(mlpack_oci::Error::NoSuchImage { place, wanted, present }.into());
                }
                // The file is damaged: export the image again.
                Err(_) => std::fs::remove_file(&file).map_err(Error::io("remove", &file))?,
                image => return image,
            }
        }
        let lock = lock(&folder).await?;
        if !file.exists() {
            self.export(name, found.id, found.size, &folder, &file, progress).await?;
        }
        drop(lock);
        open(name, &file, platform).await
    }

    async fn export(
        &self,
        name: &str,
        id: Digest,
        size: u64,
        folder: &Path,
        file: &Path,
        progress: &dyn Progress,
    ) -> Result<()> {
        let mut pending =
            PendingFile::new_in(folder).map_err(Error::io("create a file in", folder))?;
        let meter = progress.begin(&format!("Exporting {name} from Docker"), Some(size));
        let handle = pending.as_file_mut().try_clone().map_err(Error::io("open", file))?;
        let mut out =
            tokio::io::BufWriter::with_capacity(1 << 20, tokio::fs::File::from_std(handle));
        let id = id.to_string();
        let docker = self.for_transfer();
        let mut chunks = std::pin::pin!(docker.export_image(&id));
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(self.failed("export an image"))?;
            out.write_all(&chunk).await.map_err(Error::io("write", file))?;
            meter.advance(chunk.len() as u64);
        }
        out.flush().await.map_err(Error::io("write", file))?;
        pending.persist(file).map_err(Error::io("create", file))?;
        meter.finish("exported");
        Ok(())
    }
}

/// Reads the archive on a blocking thread.
async fn open(name: &str, file: &Path, platform: &Platform) -> Result<Image> {
    let (file, platform, place) = (file.to_owned(), platform.clone(), format!("docker:{name}"));
    blocking(move || {
        // The engine's own archives are not compressed.
        let scratch = file.parent().unwrap_or(Path::new("."));
        let mut image = archive::open_docker_archive(&file, None, &platform, scratch)?;
        image.place = place;
        Ok(image)
    })
    .await
}

/// Waits for the lock of the folder. It is released when the file is dropped or the process ends.
async fn lock(folder: &Path) -> Result<File> {
    let path: PathBuf = folder.join("lock");
    blocking(move || {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::io("create", &path))?;
        // Without file locks, two exports at the same time only waste time.
        let _ = file.lock();
        Ok(file)
    })
    .await
}
