//! Errors of pulling and pushing. The message states the fact, [`Error::hint`] what to do about it.

mod auth;
mod connection;
mod content;

use std::path::PathBuf;

use mlpack_http::{Retry, Retryable, is_transient};

use crate::Reply;

pub use auth::AuthError;
pub use connection::ConnectionError;
pub use content::ContentError;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry requires a login, rejects one, or a login cannot be read.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// There is no usable connection to a host.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// An image or blob is missing, is another one, or may not be replaced.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// Too many requests, and waiting did not help.
    #[error("too many requests to {registry}: {reply}")]
    RateLimited {
        /// Host and port.
        registry: String,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// Any other refusal.
    #[error("{registry} refused a request to {action}: {reply}")]
    Refused {
        /// Host and port.
        registry: String,
        /// What the request was for, as in `read the manifest`.
        action: String,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// An answer that the protocol does not allow.
    #[error("unexpected response from {registry} to a request to {action}: {reason}")]
    Protocol {
        /// Host and port.
        registry: String,
        /// What the request was for, as in `read the manifest`.
        action: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The registry sent an upload to another address, and that failed.
    #[error("{registry} sent the upload to {address} (its Location header): {source}")]
    SentElsewhere {
        /// Host and port.
        registry: String,
        /// Scheme, host and port.
        address: String,
        /// What happened there.
        source: Box<Error>,
    },
    /// A file of certificates cannot be used.
    #[error("cannot load certificates from {}: {reason}", path.display())]
    CaCertificate {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A setting, a registry's name or a digest in a reference is invalid.
    #[error("invalid {setting}: {reason}")]
    Setting {
        /// What is invalid, as in `HTTPS_PROXY`.
        setting: String,
        /// The reason.
        reason: String,
    },
    /// An image's documents or blobs cannot be used.
    #[error(transparent)]
    Image(#[from] mlpack_oci::Error),
}

impl Error {
    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Auth(error) => Some(error.hint()),
            Self::Connection(error) => Some(error.hint()),
            Self::Content(error) => error.hint(),
            Self::RateLimited { registry, reply } => {
                let wait = reply.retry_after.map_or_else(
                    || "wait some minutes".to_owned(),
                    |wait| format!("wait {} s", wait.as_secs()),
                );
                Some(format!("{wait}, or run `mlpack login {registry}` for a higher limit"))
            }
            Self::Image(error) => error.hint(),
            Self::SentElsewhere { registry, .. } => Some(format!(
                "where {registry} runs, let it name the address that clients use: `http.host` in its configuration, or `X-Forwarded-Proto` and `X-Forwarded-Host` with the port in the proxy before it"
            )),
            Self::Refused { .. }
            | Self::Protocol { .. }
            | Self::CaCertificate { .. }
            | Self::Setting { .. } => None,
        }
    }
}

impl Retryable for Error {
    fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { reply, .. } => Retry::asked(reply.retry_after),
            Self::Refused { reply, .. } if is_transient(reply.status) => {
                Retry::asked(reply.retry_after)
            }
            Self::Connection(error) => error.retry(),
            Self::SentElsewhere { source, .. } => source.retry(),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_limit_is_waited_for_as_long_as_the_registry_asks() {
        let retry_after = Some(Duration::from_secs(30));
        let reply = Box::new(Reply { status: 429, retry_after, ..Reply::default() });
        let limited = Error::RateLimited { registry: "h".to_owned(), reply };
        assert_eq!(limited.retry(), Retry::After(Duration::from_secs(30)));
        assert_eq!(
            limited.hint().unwrap(),
            "wait 30 s, or run `mlpack login h` for a higher limit"
        );
    }

    #[test]
    fn only_a_transient_status_is_retried() {
        let of = |status| {
            let reply = Box::new(Reply { status, ..Reply::default() });
            Error::Refused { registry: "h".to_owned(), action: "log in".to_owned(), reply }.retry()
        };
        assert_eq!(of(503), Retry::After(Duration::ZERO));
        assert_eq!(of(404), Retry::Never);
    }
}
