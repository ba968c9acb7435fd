//! Copying an image's blobs, for every sink on disk.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;

use oci_spec::image::{ANNOTATION_REF_NAME, Descriptor};

use crate::blob::{blob_error, digest_of, named};
use crate::{BlobStore, Digest, Error, HashingReader, Image, Meter, Progress, Result, Verified};

/// Returns config and layers, each blob once.
pub(crate) fn blobs_of(image: &Image) -> Vec<&Descriptor> {
    let mut seen = std::collections::HashSet::new();
    std::iter::once(image.manifest.config())
        .chain(image.manifest.layers())
        .filter(|descriptor| seen.insert(descriptor.digest().to_string()))
        .collect()
}

/// Refuses a digest as the name of a new image.
pub(crate) fn refuse_pin(tag: Option<&str>, place: &str) -> Result<()> {
    if tag.is_some_and(|tag| tag.starts_with('@')) {
        return Err(Error::Document {
            what: "tag",
            place: place.to_owned(),
            reason: "an image cannot be written under a digest; use a tag".to_owned(),
        });
    }
    Ok(())
}

/// Returns the descriptor of an image in an index.
pub(crate) fn tagged(image: &Image, tag: Option<&str>) -> Descriptor {
    let mut descriptor = image.descriptor.clone();
    let annotations =
        tag.map(|tag| HashMap::from([(ANNOTATION_REF_NAME.to_owned(), tag.to_owned())]));
    descriptor.set_annotations(annotations);
    descriptor
}

/// Copies one blob into a store that does not have it: its file if there is one, else its stream,
/// which is verified.
pub(crate) fn copy_blob(
    image: &Image,
    descriptor: &Descriptor,
    store: &BlobStore,
    progress: &dyn Progress,
) -> Result<()> {
    let digest = digest_of(descriptor, &image.place)?;
    if store.size(&digest) == Some(descriptor.size()) {
        // A blob that this command wrote is correct; an older one is hashed.
        let path = store.path(&digest);
        let source = image.blobs.file(&digest);
        let own =
            image.blobs.is_trusted(&digest) && source.is_some_and(|file| is_same(&file, &path));
        if own || hash(&path)? == digest {
            return Ok(());
        }
    }
    if descriptor == image.manifest.config() {
        return store.put(&image.config_bytes).map(drop);
    }
    if let Some(file) = image.blobs.file(&digest) {
        if image.blobs.may_be_linked(&digest) && store.link_file(&file, &digest) {
            return Ok(());
        }
        return store.put_file(&file, &digest, image.blobs.is_trusted(&digest));
    }
    let meter =
        progress.begin(&format!("Copying layer {}", digest.short()), Some(descriptor.size()));
    let mut pending = store.begin()?;
    stream_blob(
        image,
        descriptor,
        &mut pending,
        &*meter,
        Error::io("write", &store.path(&digest)),
    )?;
    pending.commit_as("layer", digest)?;
    meter.finish("copied");
    Ok(())
}

/// Returns whether two paths are names of one file.
fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| path.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    one == other || id(one).is_some_and(|id_of_one| Some(id_of_one) == id(other))
}

fn hash(path: &Path) -> Result<Digest> {
    let mut file = HashingReader::new(File::open(path).map_err(Error::io("read", path))?);
    io::copy(&mut file, &mut io::sink()).map_err(Error::io("read", path))?;
    Ok(file.digest())
}

/// Writes a blob's verified bytes to a writer; `wrap` converts the writer's errors.
pub(crate) fn stream_blob(
    image: &Image,
    descriptor: &Descriptor,
    out: &mut dyn Write,
    meter: &dyn Meter,
    wrap: impl FnOnce(io::Error) -> Error,
) -> Result<()> {
    let digest = digest_of(descriptor, &image.place)?;
    let mut blob = Verified::new(image.blobs.open(descriptor)?, digest, descriptor.size());
    let mut buffer = vec![0; 256 << 10];
    loop {
        let n = match blob.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(named(image.layer_name(&digest), blob_error(digest, error)));
            }
        };
        if let Err(error) = out.write_all(&buffer[..n]) {
            return Err(wrap(error));
        }
        meter.advance(n as u64);
    }
}
