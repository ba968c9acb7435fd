//! Archives of packages.

use std::io;

use mlpack_lock::CondaPackage;
use mlpack_oci::Digest;
use mlpack_packages::conda::archive::{CondaArchive, Entry, StoredConda};
use mlpack_packages::wheel::archive::WheelFile;
use mlpack_packages::wheel::record;

use crate::file;

/// Files of an archive that are read.
const FILES: usize = 64;

/// A wheel: its directory, members, metadata and RECORD.
pub(crate) fn wheel(bytes: &[u8]) {
    let Some((_dir, path)) = file("a-1.0-py3-none-any.whl", bytes) else { return };
    let Ok(wheel) = WheelFile::open(&path) else { return };
    for member in wheel.members().values().take(FILES) {
        let _ = io::copy(&mut wheel.stream(*member), &mut io::sink());
    }
    let _ = wheel.metadata();
    if let Ok(folder) = wheel.dist_info()
        && let Ok(text) = wheel.text(&format!("{folder}/RECORD"))
    {
        let _ = record::read(&text);
    }
}

/// A conda package of either format: the first byte decides which.
pub(crate) fn conda_archive(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let end = if kind % 2 == 0 { "conda" } else { "tar.bz2" };
    let Some((_dir, path)) = file(&format!("a-1.0-0.{end}"), bytes) else { return };
    let package = CondaPackage {
        name: "a".to_owned(),
        version: "1.0".to_owned(),
        build: "0".to_owned(),
        subdir: "noarch".to_owned(),
        channel: "https://c.example/main".to_owned(),
        url: format!("https://c.example/main/noarch/a-1.0-0.{end}"),
        sha256: Digest::of(bytes),
        size: None,
    };
    let Ok(archive) = CondaArchive::open(&StoredConda { package, path }) else { return };
    for (path, entry) in archive.entries().iter().take(FILES) {
        if let Entry::File(member) = entry {
            let _ = archive.read(path, *member);
        }
    }
    let _ = archive.bytes("info/paths.json");
}
