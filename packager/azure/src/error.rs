//! Errors of Azure.

use std::time::Duration;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of Azure. The message is the fact; [`Error::hint`] is what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No cloud of that name or address.
    #[error("`{found}` is no cloud of Azure")]
    Cloud {
        /// The name or address.
        found: String,
    },
    /// Nothing on this machine can sign in.
    #[error("not signed in to Azure: {}", tried.join("; "))]
    NotSignedIn {
        /// What was looked for, and why it was not there.
        tried: Vec<String>,
    },
    /// What should sign in did not.
    #[error("cannot sign in to Azure with {source_name}: {reason}")]
    SignIn {
        /// As in `the service principal of AZURE_CLIENT_ID`.
        source_name: &'static str,
        /// Azure's words.
        reason: String,
    },
    /// No subscription is named.
    #[error("no Azure subscription is named")]
    NoSubscription,
    /// Azure cannot be reached.
    #[error("cannot {action}: {host}: {reason}")]
    Unreachable {
        /// As in `get containerGroups/digits`.
        action: String,
        /// The host.
        host: String,
        /// The innermost cause.
        reason: String,
    },
    /// Azure refused a request.
    #[error("Azure refused to {action}: {message} ({code}, status {status})")]
    Refused {
        /// As in `put containerGroups/digits`.
        action: String,
        /// Azure's code, as in `AuthorizationFailed`.
        code: String,
        /// Azure's words.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// An operation that Azure had accepted failed.
    #[error("Azure could not {action}: {message} ({code})")]
    Failed {
        /// As in `put containerGroups/digits`.
        action: String,
        /// Azure's code.
        code: String,
        /// Azure's words.
        message: String,
    },
    /// An answer is not what its kind of request is answered with.
    #[error("cannot read Azure's answer to {action}: {reason}")]
    Answer {
        /// As in `put containerGroups/digits`.
        action: String,
        /// What is wrong.
        reason: String,
    },
    /// An operation did not end in time.
    #[error("Azure did not {action} within {} s", limit.as_secs())]
    TimedOut {
        /// As in `delete containerGroups/digits`.
        action: String,
        /// The time limit.
        limit: Duration,
    },
}

impl Error {
    /// Returns Azure's code, as in `ResourceNotFound`, if it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } | Self::Failed { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Cloud { .. } => {
                "set MLPACK_AZURE_CLOUD to public, china, government, or the https address of a resource manager"
            }
            Self::NotSignedIn { .. } => {
                "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign in with `az login`"
            }
            Self::SignIn { .. } => {
                "check the variables that begin with AZURE_, or `az login` again"
            }
            Self::NoSubscription => {
                "name it with `--subscription-id`, AZURE_SUBSCRIPTION_ID, or `subscription_id` in .azureml/config.json"
            }
            Self::Unreachable { .. } => "check the network, the proxy and MLPACK_AZURE_CLOUD",
            Self::Refused { code, .. } | Self::Failed { code, .. } => return of_code(code),
            Self::TimedOut { .. } => "it may still end: ask again in a while",
            Self::Answer { .. } => return None,
        };
        Some(text.to_owned())
    }
}

/// Returns what to do about a code of Azure (Azure, "Troubleshoot common issues in Azure Container Instances" and "Resolve
/// common Azure deployment errors").
fn of_code(code: &str) -> Option<String> {
    Some(
        match code {
            "AuthorizationFailed" | "LinkedAuthorizationFailed" => {
                "let an owner give the signed-in identity the role Contributor on the resource group: `az role assignment create --role Contributor --assignee ID --scope /subscriptions/ID/resourceGroups/GROUP`"
            }
            "ResourceGroupNotFound" => "create it with `az group create -n GROUP -l REGION`, or name another with `-g`",
            "SubscriptionNotFound" | "InvalidSubscriptionId" => {
                "check the subscription: `az account list` shows those of the signed-in identity"
            }
            "MissingSubscriptionRegistration" => {
                "register the provider once: `az provider register --namespace Microsoft.ContainerInstance`"
            }
            "InaccessibleImage" | "ImagePullFailure" | "RegistryErrorResponse" => {
                "let Azure pull it: `--pull-login` with this machine's login, or `--pull-identity ID`"
            }
            "ServiceUnavailable" => "the region has no capacity now: try later, another `location`, or fewer cores",
            "ContainerGroupQuotaReached" => "ask for a higher quota, delete container groups, or use another `location`",
            "DnsNameLabelNotAvailable" | "DnsRecordInUse" => "another group has this `dnsNameLabel`; choose another",
            "RequestDisallowedByPolicy" => "a policy of the subscription forbids it; its owner can say what is allowed",
            "InvalidAuthenticationToken" | "ExpiredAuthenticationToken" | "InvalidAuthenticationTokenTenant" => {
                "sign in again, to the tenant of the subscription"
            }
            "TooManyRequests" | "SubscriptionRequestsThrottled" => "wait a minute, then try again",
            _ => return None,
        }
        .to_owned(),
    )
}
