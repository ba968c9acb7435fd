//! Single files of a container, such as keys, which stay out of its environment and labels.

use std::io::Read as _;

use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use mlpack_oci::Digest;

use crate::connect::is_not_found;
use crate::{Engine, Error, Result};

/// Maximum length of a file that is read, in bytes.
const MAX_READ: u64 = 1 << 20;

impl Engine {
    /// Writes files into a new or an existing folder of a container, running or not. They belong to root and everyone
    /// in the container may read them. A file is replaced, so that a reader sees the old one, none, or the new one.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], or the engine's refusal.
    pub async fn write_files(&self, id: &str, folder: &str, files: &[(&str, &[u8])]) -> Result<()> {
        let (parent, name) = folder.rsplit_once('/').unwrap_or(("", folder));
        let archive = archive(name, files).map_err(|error| broken("pack files for", &error))?;
        let parent = if parent.is_empty() { "/" } else { parent };
        let options = UploadToContainerOptionsBuilder::default().path(parent).build();
        let body = bollard::body_full(Bytes::from(archive));
        self.docker
            .upload_to_container(id, Some(options), body)
            .await
            .map_err(self.of(id, "write files into a container"))
    }

    /// Reads a file of a container, running or not; `None` if there is no such file.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn read_file(&self, id: &str, path: &str) -> Result<Option<Vec<u8>>> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let chunks: Result<Vec<Bytes>, _> =
            self.docker.download_from_container(id, Some(options)).try_collect().await;
        let chunks = match chunks {
            Ok(chunks) => chunks.concat(),
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => return Err(self.failed("read a file of a container")(error)),
        };
        let mut archive = tar::Archive::new(&chunks[..]);
        let broken = |error: std::io::Error| broken("read a file of", &error);
        let Some(entry) = archive.entries().map_err(broken)?.next() else { return Ok(None) };
        let mut bytes = Vec::new();
        entry.map_err(broken)?.take(MAX_READ).read_to_end(&mut bytes).map_err(broken)?;
        Ok(Some(bytes))
    }
}

/// Returns a modification time that differs for other contents, so that a watcher of the file notices the change: there
/// is no clock here, and two changes within a second need different times too.
fn content_time(bytes: &[u8]) -> u64 {
    let digest = Digest::of(bytes).hex();
    digest.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

fn broken(action: &str, error: &std::io::Error) -> Error {
    Error::Broken { action: format!("{action} a container"), reason: error.to_string() }
}

/// Returns a tar file with a folder and files in it.
fn archive(folder: &str, files: &[(&str, &[u8])]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let header = |kind, size: usize, mode| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size as u64);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header
    };
    let mut head = header(tar::EntryType::Directory, 0, 0o755);
    builder.append_data(&mut head, format!("{folder}/"), &[][..])?;
    for (name, bytes) in files {
        let mut head = header(tar::EntryType::Regular, bytes.len(), 0o444);
        head.set_mtime(content_time(bytes));
        builder.append_data(&mut head, format!("{folder}/{name}"), *bytes)?;
    }
    builder.into_inner()
}
