//! The remedy to each error, with the next command where there is one.

use crate::Error;

impl Error {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::LoginNeeded { registry, .. } => login(registry),
            Self::WrongCredentials { registry, .. } => format!(
                "check user and password, then `mlpack login {registry}`{}",
                azure_login(registry)
            ),
            Self::Denied { registry, anonymous: true, .. } => login(registry),
            Self::Denied { registry, action, .. } => denied(registry, action),
            Self::TokenRefused { .. } => {
                "the clocks of this machine and of the registry probably differ: set this one by a time server".to_owned()
            }
            Self::RepositoryMissing { action: "push", registry, repository, .. } => {
                if registry.contains(".dkr.ecr.") {
                    format!("create it first: `aws ecr create-repository --repository-name {repository}`")
                } else {
                    "create it first in the registry, or choose another name".to_owned()
                }
            }
            Self::RepositoryMissing { registry, .. } => format!(
                "check the spelling; if it is private, `mlpack login {registry}` first"
            ),
            Self::ImageMissing { registry, repository, .. } => format!(
                "check tag and digest; `skopeo list-tags docker://{registry}/{repository}` shows the tags"
            ),
            Self::RateLimited { registry, reply, .. } => {
                let wait = reply.retry_after.map_or_else(
                    || "wait a while".to_owned(),
                    |wait| format!("wait {} s", wait.as_secs()),
                );
                format!("{wait}, or `mlpack login {registry}`: a login often has a higher limit")
            }
            Self::TagFixed { .. } => {
                "push under another tag, or allow the registry to move this one".to_owned()
            }
            Self::Certificate { outside_validity: true, .. } => {
                "the certificate is out of its time, or this machine's clock is wrong: check `date`".to_owned()
            }
            Self::Certificate { .. } => {
                "give the certificate of its authority with `--ca-cert FILE`".to_owned()
            }
            Self::NameUnknown { host, .. } => format!(
                "check the spelling of `{}` and the network, or set HTTPS_PROXY",
                host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name)
            ),
            Self::Unreachable { host, .. } => format!(
                "check that {host} is right and up and can be reached from here, or set HTTPS_PROXY"
            ),
            Self::Connection { host, .. } => format!(
                "check that {host} is up and can be reached from here; the same command goes on where this one stopped"
            ),
            Self::Silent { .. } => {
                "check the network; the same command goes on where this one stopped".to_owned()
            }
            Self::PlainHttp { host } => {
                format!("if that is meant, add `--insecure-registry {host}`")
            }
            Self::PrivateTarget { target, .. } => format!(
                "if that address is the registry's own storage, add `--insecure-registry {target}`"
            ),
            Self::DigestMismatch { .. } => {
                "the bytes were changed on the way or in the registry: try again, then ask its owner".to_owned()
            }
            Self::OtherDigest { .. } => {
                "push to the name without `@sha256:...`, or with the image's own digest".to_owned()
            }
            Self::CredentialHelper { helper, .. } => {
                format!("install `{helper}`, or remove it from the config file")
            }
            Self::CredentialFile { path, .. } => {
                format!("correct or remove {}", path.display())
            }
            Self::BlobMissing { .. } => {
                "the image in the registry is incomplete: push it again".to_owned()
            }
            Self::Image(error) => return error.hint(),
            Self::Refused { .. }
            | Self::Protocol { .. }
            | Self::ForeignLayer { .. }
            | Self::CaCertificate { .. }
            | Self::Setting { .. }
            | Self::State { .. } => return None,
        })
    }
}

fn login(registry: &str) -> String {
    format!("log in first: `mlpack login {registry}`{}", azure_login(registry))
}

fn is_azure(registry: &str) -> bool {
    [".azurecr.io", ".azurecr.cn", ".azurecr.us"].iter().any(|end| registry.ends_with(end))
}

fn azure_login(registry: &str) -> String {
    let name = registry.split('.').next().unwrap_or(registry);
    if is_azure(registry) { format!(" (or `az acr login --name {name}`)") } else { String::new() }
}

fn denied(registry: &str, action: &str) -> String {
    if is_azure(registry) {
        let role = if action == "push" { "AcrPush" } else { "AcrPull" };
        format!("ask for the role {role} on the registry, or log in as somebody who has it")
    } else {
        format!(
            "ask the registry's owner for the right to {action}, check the repository's name, or log in as another user"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reply;

    #[test]
    fn hints_name_the_next_command() {
        let registry = "team.azurecr.io".to_owned();
        let (repository, reply) =
            ("a/b".to_owned(), Box::new(Reply { status: 401, ..Reply::default() }));
        let needed = Error::LoginNeeded {
            registry: registry.clone(),
            repository: repository.clone(),
            action: "push",
            reply: reply.clone(),
        };
        assert_eq!(
            needed.hint().unwrap(),
            "log in first: `mlpack login team.azurecr.io` (or `az acr login --name team`)"
        );
        let denied =
            Error::Denied { registry, repository, action: "push", anonymous: false, reply };
        assert!(denied.hint().unwrap().contains("AcrPush"));
        let plain = Error::PlainHttp { host: "h:80".to_owned() };
        assert_eq!(plain.hint().unwrap(), "if that is meant, add `--insecure-registry h:80`");
    }

    #[test]
    fn an_expired_certificate_points_at_the_clock() {
        let of = |outside_validity| {
            let (host, reason) = ("h".to_owned(), "r".to_owned());
            Error::Certificate { host, reason, outside_validity }.hint().unwrap()
        };
        assert!(of(true).contains("clock"));
        assert!(of(false).contains("--ca-cert"));
    }
}
