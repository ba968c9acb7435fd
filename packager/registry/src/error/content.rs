//! Errors about what a registry stores.

use mlpack_oci::Digest;

use crate::Reply;
use crate::vendor::Vendor;

/// An image or blob is missing, is another one, or may not be replaced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The registry knows no repository of that name.
    #[error("repository `{registry}/{repository}` does not exist: {reply}")]
    RepositoryMissing {
        /// Host and port.
        registry: String,
        /// Repository.
        repository: String,
        /// `pull` or `push`.
        action: &'static str,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// The repository has no such tag or digest.
    #[error("no image `{wanted}` in `{registry}/{repository}`: {reply}")]
    ImageMissing {
        /// Host and port.
        registry: String,
        /// Repository.
        repository: String,
        /// Tag or digest.
        wanted: String,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// The repository has no such blob.
    #[error("no blob {digest} in `{registry}/{repository}`")]
    BlobMissing {
        /// Host and port.
        registry: String,
        /// Repository.
        repository: String,
        /// The blob.
        digest: Digest,
    },
    /// The tag exists, names another image, and may not be moved.
    #[error("tag `{tag}` of `{registry}/{repository}` cannot be moved to another image: {reply}")]
    TagFixed {
        /// Host and port.
        registry: String,
        /// Repository.
        repository: String,
        /// The tag.
        tag: String,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// The bytes are not the ones that were requested.
    #[error("digest mismatch for {what} of {place}: expected {expected}, got {found}")]
    DigestMismatch {
        /// `manifest`, `config`, `blob`.
        what: &'static str,
        /// Reference or repository.
        place: String,
        /// Requested.
        expected: Digest,
        /// Received.
        found: String,
    },
    /// The target's digest is not the digest of the image that is pushed.
    #[error("cannot push image {digest} to `{reference}`: the digests differ")]
    OtherDigest {
        /// As given.
        reference: String,
        /// The image's.
        digest: Digest,
    },
    /// A layer that is stored elsewhere and never in a registry.
    #[error("layer {digest} is foreign: registries do not store it")]
    ForeignLayer {
        /// The layer.
        digest: Digest,
    },
}

impl ContentError {
    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::RepositoryMissing { action: "push", registry, repository, .. } => {
                match Vendor::of(registry) {
                    Vendor::Amazon => format!(
                        "create it first: `aws ecr create-repository --repository-name {repository}`"
                    ),
                    _ => "create it first in the registry, or choose another name".to_owned(),
                }
            }
            Self::RepositoryMissing { registry, .. } => {
                format!("check the spelling; if it is private, run `mlpack login {registry}` first")
            }
            Self::ImageMissing { registry, repository, .. } => format!(
                "check the tag or digest; `skopeo list-tags docker://{registry}/{repository}` lists the tags"
            ),
            Self::BlobMissing { .. } => {
                "the image in the registry is incomplete: push it again".to_owned()
            }
            Self::TagFixed { .. } => {
                "push under another tag, or allow the registry to move this one".to_owned()
            }
            Self::DigestMismatch { .. } => {
                "the bytes were changed in transit or in the registry: try again, then ask its owner".to_owned()
            }
            Self::OtherDigest { .. } => {
                "push to the name without `@sha256:...`, or with the image's own digest".to_owned()
            }
            Self::ForeignLayer { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_created_where_the_vendor_creates_it() {
        let of = |registry: &str| {
            let (registry, repository) = (registry.to_owned(), "a".to_owned());
            let reply = Box::default();
            ContentError::RepositoryMissing { registry, repository, action: "push", reply }.hint()
        };
        assert_eq!(
            of("1.dkr.ecr.eu-west-1.amazonaws.com").unwrap(),
            "create it first: `aws ecr create-repository --repository-name a`"
        );
        assert_eq!(of("h:1").unwrap(), "create it first in the registry, or choose another name");
    }
}
