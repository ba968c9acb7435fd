//! Writes an archive for OCI readers and for Docker: blobs under their digest, `index.json` and
//! `oci-layout` for OCI readers, `manifest.json` for `docker load` of any age (docs/pitfalls.md#32).

use std::io::{self, Write};
use std::path::Path;

use oci_spec::image::Descriptor;
use serde_json::json;
use tar::{EntryType, Header};

use super::without_zstd;
use crate::blob::digest_of;
use crate::layer::LayerOptions;
use crate::pending::{PendingFile, sweep};
use crate::{Error, Image, PinnedReference, Progress, Result, layout, sink};

/// Which readers an archive is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// `oci-archive:`; the tag is `org.opencontainers.image.ref.name`.
    Oci,
    /// `docker-archive:`; the tag is a `name:tag` of `RepoTags`.
    Docker,
}

/// Writes an image to a file by atomic rename. The same image gives the same bytes.
///
/// # Errors
/// Of the image's blobs, or the system's.
pub fn write_archive(
    image: &Image,
    file: &Path,
    flavour: Flavour,
    tag: Option<&str>,
    progress: &dyn Progress,
) -> Result<PinnedReference> {
    let dir = match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    sink::refuse_pin(tag, &file.display().to_string())?;
    sweep(dir);
    let mut pending = PendingFile::new_in(dir).map_err(Error::io("create a file in", dir))?;
    let image = &match flavour {
        Flavour::Oci => image.clone(),
        Flavour::Docker => without_zstd(image)?,
    };
    write_archive_to(image, &mut pending, flavour, tag, &|_| true, progress)?;
    pending.persist_durably(file, 0o644).map_err(Error::io("write", file))?;
    // A Docker archive has no manifest: it identifies an image by its id, as Docker does.
    let (kind, digest) = match flavour {
        Flavour::Oci => ("oci-archive", image.digest),
        Flavour::Docker => ("docker-archive", image.id.0),
    };
    Ok(PinnedReference { place: format!("{kind}:{}", file.display()), digest })
}

/// Writes an image as an archive to any writer. `wanted` can exclude layers that the reader has;
/// `docker load` then does not look for them.
///
/// # Errors
/// Of the image's blobs, or of the writer as [`Error::Pack`].
pub fn write_archive_to(
    image: &Image,
    out: &mut dyn Write,
    flavour: Flavour,
    tag: Option<&str>,
    wanted: &dyn Fn(&Descriptor) -> bool,
    progress: &dyn Progress,
) -> Result<()> {
    let member =
        |digest: &dyn std::fmt::Display| format!("blobs/{}", digest.to_string().replace(':', "/"));
    // The small OCI documents come first, then blobs in the order of their use.
    if flavour == Flavour::Oci {
        document(out, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        document(out, "index.json", &layout::index_bytes(vec![sink::tagged(image, tag)])?)?;
        document(out, &member(&image.digest), &image.manifest_bytes)?;
    }
    let saved = json!([{
        "Config": member(&image.id),
        "RepoTags": repo_tags(flavour, tag),
        "Layers": image.layers.iter().map(|layer| member(&layer.digest)).collect::<Vec<_>>(),
    }]);
    document(out, "manifest.json", saved.to_string().as_bytes())?;
    for descriptor in sink::blobs_of(image) {
        if descriptor == image.manifest.config() {
            document(out, &member(&image.id), &image.config_bytes)?;
        } else if wanted(descriptor) {
            blob(image, descriptor, &member(descriptor.digest()), out, progress)?;
        }
    }
    out.write_all(&[0; 1024]).map_err(|error| writing("end", error))
}

/// Returns Docker's `name:tag`; an OCI tag alone is not a name.
fn repo_tags(flavour: Flavour, tag: Option<&str>) -> Option<Vec<String>> {
    match (flavour, tag) {
        (Flavour::Docker, Some(tag)) if tag.contains(':') => Some(vec![tag.to_owned()]),
        (Flavour::Docker, Some(tag)) => Some(vec![format!("{tag}:latest")]),
        _ => None,
    }
}

fn blob(
    image: &Image,
    descriptor: &Descriptor,
    name: &str,
    out: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<()> {
    let digest = digest_of(descriptor, &image.place)?;
    let meter =
        progress.begin(&format!("Writing layer {}", digest.short()), Some(descriptor.size()));
    header(out, name, descriptor.size()).map_err(|error| writing(name, error))?;
    sink::stream_blob(image, descriptor, out, &*meter, |error| writing(name, error))?;
    pad(out, descriptor.size()).map_err(|error| writing(name, error))?;
    meter.finish("written");
    Ok(())
}

fn document(out: &mut dyn Write, name: &str, bytes: &[u8]) -> Result<()> {
    header(out, name, bytes.len() as u64)
        .and_then(|()| out.write_all(bytes))
        .and_then(|()| pad(out, bytes.len() as u64))
        .map_err(|error| writing(name, error))
}

fn header(out: &mut dyn Write, name: &str, size: u64) -> io::Result<()> {
    // GNU format: sizes from 8 GiB in base-256, which Docker's Go reader supports too.
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_path(name)?;
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(LayerOptions::DEFAULT_MTIME);
    header.set_size(size);
    header.set_cksum();
    out.write_all(header.as_bytes())
}

fn pad(out: &mut dyn Write, size: u64) -> io::Result<()> {
    let rest = usize::try_from(size % 512).unwrap_or(0);
    if rest > 0 { out.write_all(&[0; 512][rest..]) } else { Ok(()) }
}

fn writing(name: &str, source: io::Error) -> Error {
    Error::Pack { path: name.to_owned(), source }
}
