//! Why a request failed before there was an answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::retryable::Retry;

/// The root cause of a failed request: the layers of the HTTP client above it explain nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What kind of failure it is.
    pub kind: CauseKind,
    /// The words of the system or the TLS library, without any address: queries hold tokens.
    pub reason: String,
}

/// Kinds of failed requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CauseKind {
    /// The request could not be built.
    Request,
    /// The certificate is not trusted.
    Certificate {
        /// The certificate is too old, or not valid yet.
        outside_validity: bool,
    },
    /// The host's name cannot be resolved.
    NameUnknown,
    /// Nothing answers at that address.
    Unreachable,
    /// The connection broke or timed out.
    Broken,
    /// Almost nothing arrives.
    TooSlow,
}

impl Cause {
    /// Looks for the root cause of an error.
    pub fn of(error: reqwest::Error) -> Self {
        let request = error.is_builder();
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut source = error.source();
        let mut certificate = None;
        let (mut unresolved, mut unreachable) = (false, false);
        while let Some(inner) = source {
            reason = inner.to_string();
            // The connector has no public type for a failed look-up.
            unresolved |= reason.starts_with("dns error");
            certificate = untrusted(inner).or(certificate);
            unreachable |= inner.downcast_ref().is_some_and(is_nobody_there);
            source = inner.source();
        }
        if let Some(certificate) = certificate {
            return certificate;
        }
        let kind = match () {
            () if request => CauseKind::Request,
            () if unresolved => CauseKind::NameUnknown,
            () if unreachable => CauseKind::Unreachable,
            () => CauseKind::Broken,
        };
        Self { kind, reason: plain(&reason) }
    }

    /// Returns whether the request is worth repeating.
    pub fn retry(&self) -> Retry {
        match self.kind {
            CauseKind::Request | CauseKind::Certificate { .. } | CauseKind::TooSlow => Retry::Never,
            CauseKind::NameUnknown | CauseKind::Unreachable => Retry::Soon,
            CauseKind::Broken => Retry::After(Duration::ZERO),
        }
    }
}

fn is_nobody_there(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
}

/// Returns the system's words without what the standard library puts around them.
fn plain(reason: &str) -> String {
    let reason = reason.strip_prefix("failed to lookup address information: ").unwrap_or(reason);
    match reason.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => reason.to_owned(),
    }
}

/// Returns what TLS objects to in a certificate. The source of an [`io::Error`] is its inner error's
/// source, so the inner error is inspected here, however often it is wrapped.
fn untrusted(error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(rustls::Error::InvalidCertificate(found)) = error.downcast_ref() {
        use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
        let outside_validity = matches!(
            found,
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }
        );
        let kind = CauseKind::Certificate { outside_validity };
        let reason = match is_authority(found) {
            true => "it is the certificate of an authority, and a server needs one that an authority signed (basicConstraints CA:FALSE)".to_owned(),
            false => found.to_string(),
        };
        return Some(Cause { kind, reason });
    }
    untrusted(error.downcast_ref::<io::Error>()?.get_ref()?)
}

/// Whether a server has the certificate of an authority, as self-signed ones of `openssl req -x509` are.
fn is_authority(error: &rustls::CertificateError) -> bool {
    use rustls::CertificateError::Other;
    // The verifier's own type is not public here.
    matches!(error, Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_the_systems_own_words() {
        for (text, words) in [
            ("Connection refused (os error 111)", "Connection refused"),
            (
                "failed to lookup address information: Name or service not known",
                "Name or service not known",
            ),
            (
                "connection closed before message completed",
                "connection closed before message completed",
            ),
        ] {
            assert_eq!(plain(text), words);
        }
    }

    #[test]
    fn a_certificate_is_found_however_deep_it_is_wrapped() {
        let of = |inner| {
            let error = rustls::Error::InvalidCertificate(inner);
            let wrapped = io::Error::other(io::Error::other(error));
            untrusted(&wrapped).map(|cause| (cause.kind, cause.retry()))
        };
        let kind = |outside_validity| CauseKind::Certificate { outside_validity };
        assert_eq!(of(rustls::CertificateError::Expired), Some((kind(true), Retry::Never)));
        assert_eq!(of(rustls::CertificateError::UnknownIssuer), Some((kind(false), Retry::Never)));
        assert_eq!(untrusted(&io::Error::other("else")), None);
    }

    #[test]
    fn the_certificate_of_an_authority_is_told() {
        // As the verifier names it.
        let error = io::Error::other("CaUsedAsEndEntity");
        let error = rustls::CertificateError::Other(rustls::OtherError(std::sync::Arc::new(error)));
        assert!(is_authority(&error));
        assert!(!is_authority(&rustls::CertificateError::Expired));
        let cause = untrusted(&rustls::Error::InvalidCertificate(error)).unwrap();
        assert!(cause.reason.starts_with("it is the certificate of an authority"), "{cause:?}");
    }
}
