//! What a failed request means.

use std::error::Error as StdError;

use kube::client::AuthError;
use kube::core::Status;

use crate::{Claim, Error, Kind};

/// A request that failed, for its error.
pub(crate) struct Failure<'a> {
    pub(crate) server: &'a str,
    /// The verb of a rule.
    pub(crate) verb: &'static str,
    pub(crate) kind: &'a Kind,
    pub(crate) namespace: Option<&'a str>,
    /// Name of the object; empty for all.
    pub(crate) name: &'a str,
}

impl Failure<'_> {
    /// Returns what was to be done, as in `patch Deployment/digits`.
    pub(crate) fn action(&self) -> String {
        match self.name {
            "" => format!("{} {}", self.verb, self.kind.resource()),
            name => format!("{} {}/{name}", self.verb, self.kind.name),
        }
    }

    pub(crate) fn error(&self, error: kube::Error) -> Error {
        let server = self.server.to_owned();
        match error {
            kube::Error::Api(status) => self.refused(*status),
            kube::Error::Auth(error) => Error::Login { server, reason: Self::login(&error) },
            other => {
                let reason = last_cause(&other);
                match concerns_certificate(&other) {
                    true => Error::Certificate { server, reason },
                    false => Error::Unreachable { server, reason },
                }
            }
        }
    }

    /// Returns why a login failed. What a plugin printed on standard error is for people; what it printed on standard
    /// output may be a token.
    pub(crate) fn login(error: &AuthError) -> String {
        match error {
            AuthError::AuthExecRun { cmd, out } => {
                let said = String::from_utf8_lossy(&out.stderr);
                let said = said.trim().lines().last().unwrap_or("it printed nothing");
                format!("`{cmd}` ended with {}: {said}", out.status)
            }
            AuthError::AuthExecStart(source) => {
                format!("the program that the kubeconfig names for it cannot be run: {source}")
            }
            other => last_cause(other),
        }
    }

    fn refused(&self, status: Status) -> Error {
        let Status { message, details, code, .. } = status;
        let causes = details.map(|details| details.causes).unwrap_or_default();
        let claims: Vec<Claim> = causes
            .into_iter()
            .filter(|cause| cause.reason == "FieldManagerConflict")
            .map(|cause| Claim {
                field: cause.field,
                manager: cause.message.trim_start_matches("conflict with ").to_owned(),
            })
            .collect();
        if !claims.is_empty() {
            let object = format!("{}/{}", self.kind.name, self.name);
            return Error::Conflict { object, found: claims };
        }
        match code {
            401 => Error::Unauthorized { server: self.server.to_owned(), message },
            403 => Error::Forbidden {
                verb: self.verb,
                resource: self.kind.resource(),
                namespace: self.namespace.map(str::to_owned),
                message,
            },
            status => Error::Refused { action: self.action(), message, status },
        }
    }
}

/// Whether a TLS handshake failed because of a certificate.
fn concerns_certificate(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if text.contains("invalid peer certificate") || text.contains("received fatal alert") {
            return true;
        }
        next = error.source();
    }
    false
}

/// Returns the innermost cause, which says the most.
pub(crate) fn last_cause(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
