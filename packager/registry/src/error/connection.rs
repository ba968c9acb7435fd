//! Errors of connections, before there is an answer.

use std::time::Duration;

use mlpack_http::{Cause, CauseKind, Retry};

/// There is no usable connection to a host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The certificate is not trusted.
    #[error("certificate of {host} is not trusted: {reason}")]
    Certificate {
        /// Host and port.
        host: String,
        /// The TLS library's reason.
        reason: String,
        /// The certificate is too old, or not valid yet.
        outside_validity: bool,
    },
    /// The host's name is unknown.
    #[error("cannot resolve {host}: {reason}")]
    NameUnknown {
        /// Host and port.
        host: String,
        /// The resolver's reason.
        reason: String,
    },
    /// Nothing answers at that address, and nothing did before.
    #[error("cannot connect to {host}: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The system's reason, as in `Connection refused`.
        reason: String,
    },
    /// The connection broke.
    #[error("connection to {host} failed: {reason}")]
    Broken {
        /// Host and port.
        host: String,
        /// The reason.
        reason: String,
    },
    /// No byte moved for too long.
    #[error("no response from {host} within {} s to a request to {action}", waited.as_secs())]
    Silent {
        /// Host and port.
        host: String,
        /// What the request was for, as in `read the manifest`.
        action: String,
        /// How long.
        waited: Duration,
    },
    /// Almost nothing arrives.
    #[error("connection to {host} is too slow: {reason}")]
    TooSlow {
        /// Host and port.
        host: String,
        /// How much arrived in which time.
        reason: String,
    },
    /// An address without TLS that is not loopback.
    #[error("refusing plain HTTP to `{host}`")]
    PlainHttp {
        /// Host and port.
        host: String,
    },
    /// A registry redirected to an address inside a private network.
    #[error("refusing to follow {registry} to the {kind} address `{target}`")]
    PrivateTarget {
        /// The registry.
        registry: String,
        /// `private`, `loopback` or `link-local`.
        kind: &'static str,
        /// The host it redirects to.
        target: String,
    },
}

impl ConnectionError {
    /// Returns the error of a failed request. `reached` says whether the host has answered before:
    /// a registry that was there a moment ago is being restarted, which is worth a longer wait.
    pub(crate) fn new(host: String, cause: Cause, reached: bool) -> Self {
        let Cause { kind, reason } = cause;
        match kind {
            CauseKind::Certificate { outside_validity } => {
                Self::Certificate { host, reason, outside_validity }
            }
            CauseKind::NameUnknown => Self::NameUnknown { host, reason },
            CauseKind::TooSlow => Self::TooSlow { host, reason },
            CauseKind::Unreachable if !reached => Self::Unreachable { host, reason },
            CauseKind::Unreachable | CauseKind::Request | CauseKind::Broken => {
                Self::Broken { host, reason }
            }
        }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Certificate { outside_validity: true, .. } => {
                "the certificate is expired or not valid yet, or this machine's clock is wrong: check `date`".to_owned()
            }
            Self::Certificate { .. } => {
                "pass the certificate of its authority with `--ca-cert FILE`".to_owned()
            }
            Self::NameUnknown { host, .. } => format!(
                "check the spelling of `{}` and the network, or set HTTPS_PROXY",
                host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name)
            ),
            Self::Unreachable { host, .. } => format!(
                "check that {host} is the right address and can be reached from here, or set HTTPS_PROXY"
            ),
            Self::Broken { host, .. } => format!(
                "check that {host} is running; the same command continues where this one stopped"
            ),
            Self::Silent { .. } | Self::TooSlow { .. } => {
                "check the network; the same command continues where this one stopped".to_owned()
            }
            Self::PlainHttp { host } => {
                format!("if you trust the network, add `--insecure-registry {host}`")
            }
            Self::PrivateTarget { target, .. } => format!(
                "if that address is the registry's own storage, add `--insecure-registry {target}`"
            ),
        }
    }

    pub(crate) fn retry(&self) -> Retry {
        match self {
            Self::Broken { .. } | Self::Silent { .. } => Retry::asked(None),
            Self::Unreachable { .. } | Self::NameUnknown { .. } => Retry::Soon,
            Self::TooSlow { .. }
            | Self::Certificate { .. }
            | Self::PlainHttp { .. }
            | Self::PrivateTarget { .. } => Retry::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: CauseKind, reached: bool) -> ConnectionError {
        ConnectionError::new("h:1".to_owned(), Cause { kind, reason: "r".to_owned() }, reached)
    }

    #[test]
    fn a_host_that_has_answered_is_waited_for() {
        assert_eq!(error(CauseKind::Unreachable, false).retry(), Retry::Soon);
        assert_eq!(error(CauseKind::Unreachable, true).retry(), Retry::asked(None));
        assert_eq!(error(CauseKind::NameUnknown, true).retry(), Retry::Soon);
    }

    #[test]
    fn an_expired_certificate_points_at_the_clock() {
        let of =
            |outside_validity| error(CauseKind::Certificate { outside_validity }, false).hint();
        assert!(of(true).contains("clock"));
        assert!(of(false).contains("--ca-cert"));
    }

    #[test]
    fn plain_http_names_the_option_that_allows_it() {
        let plain = ConnectionError::PlainHttp { host: "h:80".to_owned() };
        assert_eq!(plain.hint(), "if you trust the network, add `--insecure-registry h:80`");
    }
}
