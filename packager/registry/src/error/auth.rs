//! Errors of logins: those the registry reports, and those of the files and helpers that keep them.

use std::path::PathBuf;

use crate::Reply;
use crate::vendor::{Vendor, login_commands};

/// The registry requires a login, rejects one, or a login cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// 401, and no credentials were found.
    #[error("authentication required to {action} `{}`: {reply}", place(registry, repository))]
    LoginNeeded {
        /// Host and port.
        registry: String,
        /// Repository; empty for the registry as a whole.
        repository: String,
        /// `pull`, `push` or `access`.
        action: &'static str,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// 401 although credentials were sent.
    #[error("{registry} rejected the credentials of {user}: {reply}")]
    WrongCredentials {
        /// Host and port.
        registry: String,
        /// The user's name, or what kind of token it was.
        user: String,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// The credentials are valid but do not allow the action.
    #[error("no permission to {action} `{registry}/{repository}`: {reply}")]
    Denied {
        /// Host and port.
        registry: String,
        /// Repository.
        repository: String,
        /// `pull` or `push`.
        action: &'static str,
        /// Whether no credentials were sent.
        anonymous: bool,
        /// The registry's answer.
        reply: Box<Reply>,
    },
    /// A token that was just issued is rejected, as happens when clocks differ.
    #[error("{registry} rejected a token issued a moment ago: {reply}")]
    TokenRefused {
        /// Host and port.
        registry: String,
        /// The registry's answer.
        reply: Box<Reply>,
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
    #[error("credential helper `{helper}` failed for {registry}: {reason}")]
    CredentialHelper {
        /// Program name.
        helper: String,
        /// Host and port.
        registry: String,
        /// The reason.
        reason: String,
    },
}

impl AuthError {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::LoginNeeded { registry, .. } | Self::Denied { registry, anonymous: true, .. } => {
                format!("log in first: {}", login_commands(registry))
            }
            Self::WrongCredentials { registry, .. } => {
                format!("check the user name and password, then run {}", login_commands(registry))
            }
            Self::Denied { registry, action, .. } if Vendor::of(registry) == Vendor::Azure => {
                let role = if *action == "push" { "AcrPush" } else { "AcrPull" };
                format!("ask for the role {role} on the registry, or log in as a user who has it")
            }
            Self::Denied { action, .. } => format!(
                "check the repository's name, ask the registry's owner for permission to {action}, or log in as another user"
            ),
            Self::TokenRefused { .. } => {
                "the clocks of this machine and the registry probably differ: synchronize this one with a time server".to_owned()
            }
            Self::CredentialFile { path, .. } => format!("correct or remove {}", path.display()),
            Self::CredentialHelper { helper, .. } => {
                format!("install `{helper}`, or remove it from the config file")
            }
        }
    }
}

fn place(registry: &str, repository: &str) -> String {
    match repository {
        "" => registry.to_owned(),
        _ => format!("{registry}/{repository}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_the_next_command() {
        let (registry, repository) = ("team.azurecr.io".to_owned(), "a/b".to_owned());
        let reply = Box::new(Reply { status: 401, ..Reply::default() });
        let needed = AuthError::LoginNeeded {
            registry: registry.clone(),
            repository: repository.clone(),
            action: "push",
            reply: reply.clone(),
        };
        assert_eq!(
            needed.to_string(),
            "authentication required to push `team.azurecr.io/a/b`: status 401"
        );
        assert_eq!(
            needed.hint(),
            "log in first: `mlpack login team.azurecr.io` (or `az acr login --name team`)"
        );
        let denied =
            AuthError::Denied { registry, repository, action: "push", anonymous: false, reply };
        assert_eq!(
            denied.hint(),
            "ask for the role AcrPush on the registry, or log in as a user who has it"
        );
    }
}
