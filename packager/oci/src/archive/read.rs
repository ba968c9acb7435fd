//! Reads an archive in place: its members are found once by their headers, blobs are read from
//! their offset, nothing is unpacked.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifestBuilder, MediaType};
use serde::Deserialize;

use super::members::{Member, Members, normal};
use crate::blob::digest_of;
use crate::layer::Encoding;
use crate::layout::{check_marker, image_of_index};
use crate::{
    BlobReader, Blobs, Digest, Error, HashingReader, Image, Platform, Result, image, reference_text,
};

/// Blobs of an archive by digest.
struct ArchiveBlobs {
    members: Members,
    by_digest: HashMap<Digest, Member>,
}

impl Blobs for ArchiveBlobs {
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> Result<BlobReader> {
        let digest = digest_of(descriptor, &self.members.place)?;
        let Some(member) = self.by_digest.get(&digest) else {
            return Err(Error::BlobMissing { digest, place: self.members.place.clone() });
        };
        Ok(Box::new(self.members.open(member.from(offset))))
    }
}

/// Opens an OCI archive: a layout in a tar file. If it is compressed, its bytes are in `scratch` meanwhile, in a file
/// without a name.
///
/// # Errors
/// As for a layout, or [`Error::Document`] if the file is not a tar.
pub fn open_oci_archive(
    file: &Path,
    tag: Option<&str>,
    platform: &Platform,
    scratch: &Path,
) -> Result<Image> {
    let members = Members::find("oci-archive", file, scratch)?;
    let place = members.place.clone();
    check_marker(&members.document("oci-layout", "oci-layout")?, &place)?;
    let index = members.document("index.json", "index")?;
    let by_digest = members
        .iter()
        .filter_map(|(name, member)| {
            let hex = name.strip_prefix("blobs/sha256/")?;
            Some((Digest::from_hex(hex).ok()?, member))
        })
        .collect();
    image_of_index(&place, &index, tag, platform, Arc::new(ArchiveBlobs { members, by_digest }))
}

/// One image of `manifest.json` (Docker image specification v1.2, "Combined Image JSON").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// Opens an archive that `docker save` wrote. It has no manifest, so one is built from its config and
/// its layers as they are stored. `scratch` is as for [`open_oci_archive`].
///
/// # Errors
/// [`Error::NoSuchImage`] for a tag or platform, or that of a damaged archive.
pub fn open_docker_archive(
    file: &Path,
    tag: Option<&str>,
    platform: &Platform,
    scratch: &Path,
) -> Result<Image> {
    let members = Members::find("docker-archive", file, scratch)?;
    let place = members.place.clone();
    let bad = |what, reason: String| Error::Document { what, place: place.clone(), reason };
    let saved: Vec<Saved> =
        serde_json::from_slice(&members.document("manifest.json", "manifest.json")?)
            .map_err(|error| bad("manifest.json", error.to_string()))?;
    let tags = |saved: &Saved| saved.repo_tags.clone().unwrap_or_default();
    let wanted = tag.map(|tag| match tag.contains(':') {
        true => tag.to_owned(),
        false => format!("{tag}:latest"),
    });
    let is_pinned = |saved: &Saved, pin: &str| {
        members
            .document(&normal(&saved.config), "config")
            .is_ok_and(|config| Digest::of(&config).to_string() == pin)
    };
    let chosen = match (&wanted, saved.as_slice()) {
        (None, [only]) => Some(only),
        (Some(wanted), _) => saved.iter().find(|saved| match wanted.strip_prefix('@') {
            Some(pin) => is_pinned(saved, pin),
            None => tags(saved).iter().any(|tag| is_same_name(tag, wanted)),
        }),
        _ => None,
    };
    let Some(chosen) = chosen else {
        return Err(Error::NoSuchImage {
            place: place.clone(),
            wanted: wanted.map_or_else(|| "without a name".to_owned(), |tag| format!("`{tag}`")),
            present: saved.iter().flat_map(tags).collect::<Vec<_>>().join(", "),
        });
    };
    let config_bytes = members.document(&normal(&chosen.config), "config")?;
    let config: ImageConfiguration =
        serde_json::from_slice(&config_bytes).map_err(|error| bad("config", error.to_string()))?;
    let (os, arch) = (config.os().to_string(), config.architecture().to_string());
    if !platform.serves(&os, &arch, config.variant().as_deref()) {
        return Err(Error::NoSuchImage {
            place: place.clone(),
            wanted: format!("for {platform}"),
            present: format!("{os}/{arch}"),
        });
    }
    let mut by_digest = HashMap::new();
    let mut layers = Vec::new();
    if config.rootfs().diff_ids().len() != chosen.layers.len() {
        return Err(bad(
            "config",
            "its number of diff ids is not the number of layers in manifest.json".to_owned(),
        ));
    }
    for (name, diff_id) in chosen.layers.iter().zip(config.rootfs().diff_ids()) {
        let name = normal(name);
        let member = members.get(&name).map_err(|reason| bad("archive", reason))?;
        let (media_type, digest) = stored_as(&members, member, diff_id)?;
        by_digest.insert(digest, member);
        layers.push(image::descriptor(media_type, digest, member.size));
    }
    let config_digest = Digest::of(&config_bytes);
    let manifest = ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageManifest)
        .config(image::descriptor(MediaType::ImageConfig, config_digest, config_bytes.len() as u64))
        .layers(layers)
        .build()
        .map_err(|error| bad("manifest", error.to_string()))?;
    let manifest =
        serde_json::to_vec(&manifest).map_err(|error| bad("manifest", error.to_string()))?;
    Image::new(place, manifest, config_bytes, Arc::new(ArchiveBlobs { members, by_digest }))
}

/// Returns media type and digest of a layer in a Docker archive. The digest of a plain one is its diff id,
/// which is verified when it is read; a compressed one is hashed here.
fn stored_as(members: &Members, member: Member, diff_id: &str) -> Result<(MediaType, Digest)> {
    let mut magic = [0; 4];
    let mut head = members.open(member);
    let read = head.read(&mut magic).map_err(Error::io("read", &members.file))?;
    let encoding = Encoding::of(&magic[..read]);
    if encoding == Encoding::Tar {
        let digest = diff_id.parse().map_err(|error: crate::DigestParseError| Error::Document {
            what: "config",
            place: members.place.clone(),
            reason: error.to_string(),
        })?;
        return Ok((encoding.media_type(), digest));
    }
    let mut whole = HashingReader::new(members.open(member));
    io::copy(&mut whole, &mut io::sink()).map_err(Error::io("read", &members.file))?;
    Ok((encoding.media_type(), whole.finish().1))
}

/// Whether two names are those of one image: `python:3.11` is `docker.io/library/python:3.11`, which podman writes.
fn is_same_name(one: &str, other: &str) -> bool {
    one == other
        || match (reference_text::read(one), reference_text::read(other)) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        }
}
