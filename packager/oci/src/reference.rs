//! Locations of images as users write them, and the pinned form that identifies exactly one image.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use oci_spec::distribution::Reference;

use crate::{Digest, reference_text};

/// The location of an image: `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`,
/// `docker-archive:FILE[:NAME]`, `docker:NAME`, or a registry reference as Docker writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// An OCI image layout, a directory.
    Layout {
        /// The directory.
        dir: PathBuf,
        /// The `org.opencontainers.image.ref.name` in its index, or `@` and a digest.
        tag: Option<String>,
    },
    /// An OCI image layout in a tar file.
    OciArchive {
        /// The file.
        file: PathBuf,
        /// As for a layout.
        tag: Option<String>,
    },
    /// An archive of `docker save`.
    DockerArchive {
        /// The file.
        file: PathBuf,
        /// `name:tag` of `RepoTags`.
        tag: Option<String>,
    },
    /// An image in the Docker engine, by name or id.
    Engine {
        /// `name[:tag]` or an id.
        name: String,
    },
    /// An image in a registry.
    Registry(Reference),
}

/// An invalid location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not an image: {reason}")]
pub struct LocationParseError {
    /// The text as given.
    pub found: String,
    /// What is wrong.
    pub reason: String,
}

impl FromStr for Location {
    type Err = LocationParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error =
            |reason: &str| LocationParseError { found: text.to_owned(), reason: reason.to_owned() };
        let path_and_tag = |rest: &str| -> Result<(PathBuf, Option<String>), Self::Err> {
            if let Some((path, digest)) = pinned(rest) {
                return match path.is_empty() {
                    true => Err(error("a path is missing after the colon")),
                    false => Ok((path.into(), Some(digest.to_owned()))),
                };
            }
            // The first colon after the last slash begins the tag; `docker-archive` tags contain colons.
            let name = rest.rfind('/').map_or(0, |slash| slash + 1);
            let (path, tag) = match rest[name..].find(':') {
                Some(colon) => (&rest[..name + colon], Some(rest[name + colon + 1..].to_owned())),
                None => (rest, None),
            };
            if path.is_empty() {
                return Err(error("a path is missing after the colon"));
            }
            Ok((path.into(), tag.filter(|tag| !tag.is_empty())))
        };
        if let Some(rest) = text.strip_prefix("oci:") {
            let (dir, tag) = path_and_tag(rest)?;
            return Ok(Self::Layout { dir, tag });
        }
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            let (file, tag) = path_and_tag(rest)?;
            return Ok(Self::OciArchive { file, tag });
        }
        if let Some(rest) = text.strip_prefix("docker-archive:") {
            if let Some((file, digest)) = pinned(rest).filter(|(file, _)| !file.is_empty()) {
                return Ok(Self::DockerArchive { file: file.into(), tag: Some(digest.to_owned()) });
            }
            // `NAME:TAG` may contain slashes too, so the file name ends at the first colon.
            let (file, tag) = rest.split_once(':').map_or((rest, None), |(f, t)| (f, Some(t)));
            if file.is_empty() {
                return Err(error("a path is missing after the colon"));
            }
            return Ok(Self::DockerArchive { file: file.into(), tag: tag.map(str::to_owned) });
        }
        if let Some(name) = text.strip_prefix("docker:") {
            if name.is_empty() {
                return Err(error("a name is missing after `docker:`"));
            }
            // The engine's digest of an image is its id.
            let name = pinned(name).map_or(name, |(_, digest)| &digest[1..]);
            return Ok(Self::Engine { name: name.to_owned() });
        }
        // skopeo writes a registry as `docker://`.
        let plain = text.strip_prefix("docker://").unwrap_or(text);
        reference_text::read(plain).map(Self::Registry).map_err(|reason| error(&format!(
            "{reason}; expected oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker:NAME or REGISTRY/REPOSITORY[:TAG][@DIGEST]"
        )))
    }
}

/// Splits `PLACE@sha256:HEX` into the place and `@sha256:HEX`.
fn pinned(text: &str) -> Option<(&str, &str)> {
    let at = text.rfind("@sha256:")?;
    text[at + 1..].parse::<Digest>().ok()?;
    Some((&text[..at], &text[at..]))
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_tag = |f: &mut fmt::Formatter<'_>, kind, path: &PathBuf, tag: &Option<String>| {
            write!(f, "{kind}:{}", path.display())?;
            match tag {
                Some(pin) if pin.starts_with('@') => f.write_str(pin),
                Some(tag) => write!(f, ":{tag}"),
                None => Ok(()),
            }
        };
        match self {
            Self::Layout { dir, tag } => with_tag(f, "oci", dir, tag),
            Self::OciArchive { file, tag } => with_tag(f, "oci-archive", file, tag),
            Self::DockerArchive { file, tag } => with_tag(f, "docker-archive", file, tag),
            Self::Engine { name } => write!(f, "docker:{name}"),
            Self::Registry(reference) => write!(f, "{reference}"),
        }
    }
}

/// A place and the digest of the image there: what packaging passes to deploying.
/// In a registry, a layout or an OCI archive the digest is the manifest's; in the Docker engine and
/// its archives, which have no manifest, it is the image's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedReference {
    /// `registry/repository`, `oci:DIR`, `docker:NAME` and so on, without a tag.
    pub place: String,
    /// Digest of the manifest, or the image id for `docker:`.
    pub digest: Digest,
}

impl fmt::Display for PinnedReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.place, self.digest)
    }
}

impl FromStr for PinnedReference {
    type Err = LocationParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason: String| LocationParseError { found: text.to_owned(), reason };
        let (place, digest) = text
            .rsplit_once('@')
            .ok_or_else(|| error("it is not pinned by `@sha256:...`".to_owned()))?;
        let digest = digest.parse().map_err(|reason| error(format!("{reason}")))?;
        Ok(Self { place: place.to_owned(), digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_print_back_as_written() {
        for text in [
            "oci:/a/b",
            "oci:dir:v1",
            "oci-archive:x.tar:v1",
            "docker-archive:x.tar",
            "docker-archive:/t/x.tar:repo/name:tag",
            "docker:name:tag",
            "127.0.0.1:5000/a/b:v1",
        ] {
            assert_eq!(text.parse::<Location>().unwrap().to_string(), text);
        }
        let pin = format!("@{}", Digest::of(b"x"));
        for kind in ["oci", "oci-archive", "docker-archive"] {
            let text = format!("{kind}:/a/b{pin}");
            assert_eq!(text.parse::<Location>().unwrap().to_string(), text);
        }
        let name = pin[1..].to_owned();
        assert_eq!(format!("docker:x{pin}").parse(), Ok(Location::Engine { name }));
        let hub = "ubuntu".parse::<Location>().unwrap();
        assert_eq!(hub.to_string(), "docker.io/library/ubuntu:latest");
    }

    #[test]
    fn a_location_says_what_is_wrong() {
        for bad in ["", "oci:", "docker:", "has space", "docker-archive::x"] {
            assert_eq!(bad.parse::<Location>().unwrap_err().found, bad);
        }
    }
}
