//! Reads an archive in place: its members are found once by their headers, blobs are read from
//! their offset, nothing is unpacked.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifestBuilder, MediaType};
use serde::Deserialize;

use crate::blob::digest_of;
use crate::bounded_tar::BoundedTar;
use crate::layout::{check_marker, image_of_index};
use crate::store::open_regular;
use crate::{
    BlobReader, Blobs, Digest, Error, HashingReader, Image, MAX_MANIFEST_SIZE, Platform, Result,
    image,
};

/// Offsets of the members of a tar file.
struct Members {
    file: PathBuf,
    place: String,
    /// Name to offset and size in bytes; links are resolved.
    at: HashMap<String, (u64, u64)>,
}

impl Members {
    fn find(kind: &str, file: &Path) -> Result<Self> {
        let place = format!("{kind}:{}", file.display());
        let open = open_regular(file).map_err(Error::io("read", file))?;
        let bad = |error: io::Error| Error::Document {
            what: "archive",
            place: place.clone(),
            reason: if starts_with(file, &[0x1f, 0x8b]) {
                "it is compressed; run `gunzip` on it first".to_owned()
            } else {
                error.to_string()
            },
        };
        let mut archive = tar::Archive::new(BoundedTar::new(BufReader::new(open)));
        let (mut at, mut links) = (HashMap::new(), Vec::new());
        for entry in archive.entries_with_seek().map_err(bad)? {
            let entry = entry.map_err(bad)?;
            let name = normal(&String::from_utf8_lossy(&entry.path_bytes()));
            if entry.header().entry_type().is_file() {
                at.insert(name, (entry.raw_file_position(), entry.size()));
            } else if let Some(target) = entry.link_name_bytes() {
                let target = String::from_utf8_lossy(&target).into_owned();
                let hard = entry.header().entry_type().is_hard_link();
                links.push((name, if hard { normal(&target) } else { String::new() }, target));
            }
        }
        for (name, hard, soft) in links {
            let target = if hard.is_empty() { beside(&name, &soft) } else { hard };
            if let Some(&found) = at.get(&target) {
                at.insert(name, found);
            }
        }
        Ok(Self { file: file.to_owned(), place, at })
    }

    fn document(&self, name: &str, what: &'static str) -> Result<Vec<u8>> {
        let Some(&(offset, size)) = self.at.get(name) else {
            return Err(Error::Document {
                what,
                place: self.place.clone(),
                reason: format!("`{name}` is missing in the archive"),
            });
        };
        if size > MAX_MANIFEST_SIZE {
            let (place, limit) = (self.place.clone(), MAX_MANIFEST_SIZE);
            return Err(Error::DocumentTooLarge { what, place, size, limit });
        }
        let mut bytes = Vec::new();
        self.open(offset, size)?.read_to_end(&mut bytes).map_err(Error::io("read", &self.file))?;
        Ok(bytes)
    }

    fn open(&self, offset: u64, size: u64) -> Result<io::Take<File>> {
        let mut file = File::open(&self.file).map_err(Error::io("read", &self.file))?;
        file.seek(SeekFrom::Start(offset)).map_err(Error::io("read", &self.file))?;
        Ok(file.take(size))
    }
}

/// Blobs of an archive by digest.
struct ArchiveBlobs {
    members: Members,
    by_digest: HashMap<Digest, (u64, u64)>,
}

impl Blobs for ArchiveBlobs {
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> Result<BlobReader> {
        let digest = digest_of(descriptor, &self.members.place)?;
        let Some(&(at, size)) = self.by_digest.get(&digest) else {
            return Err(Error::BlobMissing { digest, place: self.members.place.clone() });
        };
        Ok(Box::new(self.members.open(at + offset, size.saturating_sub(offset))?))
    }
}

/// Opens an OCI archive: a layout in a tar file.
///
/// # Errors
/// As for a layout, or [`Error::Document`] if the file is not a tar.
pub fn open_oci_archive(file: &Path, tag: Option<&str>, platform: &Platform) -> Result<Image> {
    let members = Members::find("oci-archive", file)?;
    let place = members.place.clone();
    check_marker(&members.document("oci-layout", "oci-layout")?, &place)?;
    let index = members.document("index.json", "index")?;
    let by_digest = members
        .at
        .iter()
        .filter_map(|(name, &at)| {
            let hex = name.strip_prefix("blobs/sha256/")?;
            Some((Digest::from_hex(hex).ok()?, at))
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
/// its layers as they are stored.
///
/// # Errors
/// [`Error::NoSuchImage`] for a tag or platform, or that of a damaged archive.
pub fn open_docker_archive(file: &Path, tag: Option<&str>, platform: &Platform) -> Result<Image> {
    let members = Members::find("docker-archive", file)?;
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
            None => tags(saved).contains(wanted),
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
        let Some(&at) = members.at.get(&name) else {
            return Err(bad("archive", format!("layer `{name}` is missing")));
        };
        let (media_type, digest) = stored_as(&members, at, diff_id)?;
        by_digest.insert(digest, at);
        layers.push(image::descriptor(media_type, digest, at.1));
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
fn stored_as(members: &Members, at: (u64, u64), diff_id: &str) -> Result<(MediaType, Digest)> {
    let mut magic = [0; 4];
    let mut head = members.open(at.0, at.1)?;
    let read = head.read(&mut magic).map_err(Error::io("read", &members.file))?;
    let media_type = match magic[..read] {
        [0x1f, 0x8b, ..] => MediaType::ImageLayerGzip,
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => MediaType::ImageLayerZstd,
        _ => {
            let digest =
                diff_id.parse().map_err(|error: crate::DigestParseError| Error::Document {
                    what: "config",
                    place: members.place.clone(),
                    reason: error.to_string(),
                })?;
            return Ok((MediaType::ImageLayer, digest));
        }
    };
    let mut whole = HashingReader::new(members.open(at.0, at.1)?);
    io::copy(&mut whole, &mut io::sink()).map_err(Error::io("read", &members.file))?;
    Ok((media_type, whole.finish().1))
}

/// Returns a member's name without a leading `./`.
fn normal(name: &str) -> String {
    name.trim_start_matches("./").trim_start_matches('/').to_owned()
}

/// Resolves a link target relative to the folder of its link.
fn beside(name: &str, target: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn starts_with(file: &Path, magic: &[u8]) -> bool {
    let mut head = vec![0; magic.len()];
    File::open(file).and_then(|mut file| file.read_exact(&mut head)).is_ok_and(|()| head == magic)
}
