//! The list that the container of a batch reads.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mlpack_oci::pending::PendingFolder;
use mlpack_oci::{Digest, HashingWriter};

use super::error::BatchError;
use super::inputs::absolute;
use crate::{Error, Session};

/// A file with an item, or the path of one, on each line.
#[derive(Debug)]
pub(super) struct List {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Number of items: lines that are not empty.
    pub(super) total: u64,
    /// Of the file's content.
    pub(super) digest: Digest,
    /// Has the file, until the batch has ended.
    _staged: Option<PendingFolder>,
}

impl List {
    /// Writes a list of files, where a container of any user can read it.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub(super) fn of_files(session: &Session, files: &[String]) -> Result<Self, BatchError> {
        let staging = session.staging();
        fs::create_dir_all(&staging).map_err(Error::io("make", staging.display()))?;
        PendingFolder::sweep(&staging);
        let cache = |source| Error::Cache { path: staging.clone(), source };
        let staged = PendingFolder::new_in(&staging).map_err(cache)?;
        let path = staged.path().join("list");
        let write = || {
            let mut writer = HashingWriter::new(io::BufWriter::new(File::create(&path)?));
            for file in files {
                writeln!(writer, "{file}")?;
            }
            writer.flush()?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
            Ok(writer.finish().1)
        };
        let digest = write().map_err(cache)?;
        Ok(Self { path, total: files.len() as u64, digest, _staged: Some(staged) })
    }

    /// Reads a file of items once, to count and to identify them.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn of_lines(file: &Path) -> Result<Self, BatchError> {
        let path = absolute(file)?;
        let failed = || Error::io("read", path.display());
        let mut lines = BufReader::new(File::open(&path).map_err(failed())?);
        let mut hash = HashingWriter::new(io::sink());
        let (mut total, mut line) = (0, Vec::new());
        while lines.read_until(b'\n', &mut line).map_err(failed())? > 0 {
            hash.write_all(&line).map_err(failed())?;
            total += u64::from(!line.trim_ascii().is_empty());
            line.clear();
        }
        let digest = hash.finish().1;
        Ok(Self { path, total, digest, _staged: None })
    }
}
