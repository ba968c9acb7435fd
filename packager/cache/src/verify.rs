//! Files against the digests that they are named by.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use mlpack_oci::{HashingReader, Meter, Progress, in_parallel};
use serde::Serialize;

use crate::kinds::KINDS;
use crate::{CacheFolder, Entry, Error, Result};

/// Files that were hashed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Number of files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The damaged ones, which are removed; below the cache.
    pub damaged: Vec<PathBuf>,
}

/// A file and the digest that it should have.
struct Named {
    entry: Entry,
    file: PathBuf,
    bytes: u64,
    digest: String,
}

impl CacheFolder {
    /// Hashes all files that are named by their digest, on so many threads, and removes the entries of
    /// the damaged ones, once no mlpack uses the cache.
    ///
    /// # Errors
    /// The system's.
    pub fn verify(&self, threads: usize, progress: &dyn Progress) -> Result<Verified> {
        let _alone = self.hold_alone(progress)?;
        let mut files = Vec::new();
        for entry in self.entries()? {
            if KINDS.iter().any(|kind| kind.path == entry.kind && kind.verified) {
                files.extend(named(entry)?);
            }
        }
        let bytes = files.iter().map(|file| file.bytes).sum();
        let meter = progress.begin("Verifying the cache", Some(bytes));
        let damaged = damaged(&files, threads, &*meter)?;
        meter.finish(if damaged.is_empty() { "verified" } else { "damaged" });
        let entries: Vec<Entry> = damaged.iter().map(|file| file.entry.clone()).collect();
        self.remove(&entries)?;
        let relative =
            |file: &&Named| file.file.strip_prefix(&self.path).unwrap_or(&file.file).to_owned();
        let damaged = damaged.iter().map(relative).collect();
        Ok(Verified { files: files.len(), bytes, damaged })
    }
}

/// Returns the file of an entry that has its digest: the entry itself, or the file in it that was
/// downloaded. What was made of it beside it is not verified.
fn named(entry: Entry) -> Result<Option<Named>> {
    let Some(digest) = entry.path.file_name().and_then(|name| name.to_str()) else {
        return Ok(None);
    };
    let digest = digest.to_owned();
    let file = match entry.path.is_dir() {
        false => Some(entry.path.clone()),
        true => downloaded(&entry.path)?,
    };
    let Some(file) = file else { return Ok(None) };
    let bytes = fs::metadata(&file).map_err(Error::io("read", &file))?.len();
    Ok(Some(Named { entry, file, bytes, digest }))
}

fn downloaded(folder: &Path) -> Result<Option<PathBuf>> {
    let made = ["content.tar", "info.tar"];
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !made.contains(&&*name) && !name.starts_with('.') && path.is_file()
        })
        .collect();
    files.sort();
    Ok(files.into_iter().next())
}

fn damaged<'f>(files: &'f [Named], threads: usize, meter: &dyn Meter) -> Result<Vec<&'f Named>> {
    let is_damaged = in_parallel(files.len(), threads, |number| {
        let file = &files[number];
        let digest = hash(&file.file).map_err(Error::io("read", &file.file))?;
        meter.advance(file.bytes);
        Ok(digest != file.digest)
    })?;
    Ok(files.iter().zip(is_damaged).filter_map(|(file, damaged)| damaged.then_some(file)).collect())
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = HashingReader::new(File::open(path)?);
    io::copy(&mut file, &mut io::sink())?;
    Ok(file.digest().hex().to_owned())
}

#[cfg(test)]
mod tests {
    use mlpack_oci::{Digest, Silent};

    use super::*;

    #[test]
    fn damaged_files_are_found_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        let cache = CacheFolder::open(&path).unwrap();
        let good = Digest::of(b"good").hex().to_owned();
        let bad = Digest::of(b"once good").hex().to_owned();
        for (file, text) in [
            (format!("wheels/{good}/a.whl"), "good"),
            (format!("wheels/{bad}/b.whl"), "now bad"),
            (format!("conda/{good}/c.conda"), "good"),
            (format!("conda/{good}/content.tar"), "made of it"),
            (format!("layers/blobs/{bad}"), ""),
            (format!("built/{bad}/cp36/d.whl"), "named by its source"),
        ] {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let verified = cache.verify(2, &Silent).unwrap();
        let damaged = [format!("layers/blobs/{bad}"), format!("wheels/{bad}/b.whl")];
        assert_eq!(verified.damaged, damaged.map(PathBuf::from));
        assert_eq!((verified.files, verified.bytes), (4, 15));
        assert!(!path.join("wheels").join(&bad).exists());
        assert!(path.join("built").join(&bad).exists());
        assert_eq!(cache.verify(1, &Silent).unwrap().damaged, Vec::<PathBuf>::new());
    }
}
