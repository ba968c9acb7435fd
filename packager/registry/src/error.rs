//! Everything that can go wrong with a registry, each with the operands that explain it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use mlpack_http::{Retry, Retryable, is_transient};
use mlpack_oci::Digest;

use crate::Reply;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of pulling and pushing. The message is the fact; [`Error::hint`] is the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 401 and no credentials were at hand.
    #[error("{registry} wants a login for {action} of `{repository}`: {reply}")]
    LoginNeeded {
        /// Host and port.
        registry: String,
        /// Repository, or `/` for the registry as a whole.
        repository: String,
        /// `pull` or `push`.
        action: &'static str,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// 401 although credentials were sent.
    #[error("{registry} refused the credentials of {user}: {reply}")]
    WrongCredentials {
        /// Host and port.
        registry: String,
        /// The user's name, or what kind of token it was.
        user: String,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// The credentials are good but lack the right.
    #[error("{registry} does not allow {action} of `{repository}`: {reply}")]
    Denied {
        /// Host and port.
        registry: String,
        /// Repository.
        repository: String,
        /// `pull` or `push`.
        action: &'static str,
        /// Whether credentials were sent.
        anonymous: bool,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// A token that was just issued is refused, which is what differing clocks look like.
    #[error("{registry} refused a token that was issued a moment ago: {reply}")]
    TokenRefused {
        /// Host and port.
        registry: String,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// The registry knows no repository of that name.
    #[error("{registry} has no repository `{repository}`: {reply}")]
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
    #[error("{registry}/{repository} has no image `{wanted}`: {reply}")]
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
    #[error("{registry}/{repository} has no blob {digest}")]
    BlobMissing {
        /// Host and port.
        registry: String,
        /// Repository.
        repository: String,
        /// The blob.
        digest: Digest,
    },
    /// Too many requests, and waiting did not help.
    #[error("{registry} limits requests: {reply}")]
    RateLimited {
        /// Host and port.
        registry: String,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// The tag exists, names another image, and may not be moved.
    #[error("the tag `{tag}` of {registry}/{repository} cannot be moved: {reply}")]
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
    /// Any other refusal.
    #[error("{registry} refused to {what}: {reply}")]
    Refused {
        /// Host and port.
        registry: String,
        /// What was asked for.
        what: String,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// An answer that the protocol does not allow.
    #[error("{registry} answered {what} in a way that cannot be used: {reason}")]
    Protocol {
        /// Host and port.
        registry: String,
        /// What was asked for.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {reason}")]
    Certificate {
        /// Host and port.
        host: String,
        /// What the TLS library said.
        reason: String,
        /// The certificate is too old, or not valid yet.
        outside_validity: bool,
    },
    /// The host's name is unknown.
    #[error("the name of {host} cannot be resolved: {reason}")]
    NameUnknown {
        /// Host and port.
        host: String,
        /// The resolver's reason.
        reason: String,
    },
    /// Nothing answers at that address, and nothing did before.
    #[error("the connection to {host} failed: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The system's reason, as in `Connection refused`.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection to {host} failed: {reason}")]
    Connection {
        /// Host and port.
        host: String,
        /// The reason.
        reason: String,
    },
    /// No byte moved for too long.
    #[error("{host} did not answer for {} s while asked to {what}", waited.as_secs())]
    Silent {
        /// Host and port.
        host: String,
        /// What was asked for.
        what: String,
        /// How long.
        waited: Duration,
    },
    /// An address without TLS that is not loopback.
    #[error("`{host}` would be spoken to without TLS")]
    PlainHttp {
        /// Host and port.
        host: String,
    },
    /// A registry led to an address inside somebody's network.
    #[error("{registry} leads to the {kind} address `{target}`, which is not followed")]
    PrivateTarget {
        /// The registry.
        registry: String,
        /// `private`, `loopback` or `link-local`.
        kind: &'static str,
        /// The host it leads to.
        target: String,
    },
    /// The bytes are not the ones that were asked for.
    #[error("digest mismatch: {what} of {place} should be {expected} but is {found}")]
    DigestMismatch {
        /// `manifest`, `config`, `blob`.
        what: &'static str,
        /// Reference or repository.
        place: String,
        /// Asked for.
        expected: Digest,
        /// Received.
        found: String,
    },
    /// The reference names another digest than the image that shall be pushed there.
    #[error("`{reference}` names another digest than the image, which is {digest}")]
    OtherDigest {
        /// As given.
        reference: String,
        /// The image's.
        digest: Digest,
    },
    /// A layer that lies elsewhere and is never fetched from a registry.
    #[error("layer {digest} is foreign: registries do not hold it")]
    ForeignLayer {
        /// The layer.
        digest: Digest,
    },
    /// A file with credentials cannot be read or written.
    #[error("cannot use the credentials in {}: {reason}", path.display())]
    CredentialFile {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A credential helper failed.
    #[error("the credential helper `{helper}` failed for {registry}: {reason}")]
    CredentialHelper {
        /// Program name.
        helper: String,
        /// Host and port.
        registry: String,
        /// The reason.
        reason: String,
    },
    /// A file of certificates cannot be used.
    #[error("cannot use the certificates in {}: {reason}", path.display())]
    CaCertificate {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A setting is not usable.
    #[error("the setting {setting} is not usable: {reason}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// The reason.
        reason: String,
    },
    /// A file of the client's own state could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    State {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// An image's documents or blobs are not usable.
    #[error(transparent)]
    Image(#[from] mlpack_oci::Error),
}

impl Retryable for Error {
    fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { reply, .. } => Retry::asked(reply.retry_after),
            Self::Refused { reply, .. } if is_transient(reply.status) => {
                Retry::asked(reply.retry_after)
            }
            Self::Connection { .. } | Self::Silent { .. } => Retry::asked(None),
            Self::Unreachable { .. } | Self::NameUnknown { .. } => Retry::Soon,
            _ => Retry::Never,
        }
    }
}

impl From<Error> for mlpack_oci::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Image(inner) => inner,
            other => Self::Source(Box::new(other)),
        }
    }
}
