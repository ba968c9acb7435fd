//! The ways to log in to a registry.

use crate::Secret;

/// The user name Azure Container Registry gives to refresh tokens (Azure/acr, AAD-OAuth.md).
pub(crate) const AZURE_TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";

/// The user name Docker's credential helpers give to refresh tokens.
pub(crate) const HELPER_TOKEN_USER: &str = "<token>";

/// How to log in to one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// No login. Also ends the lookup, so that an address without a user means anonymous.
    Anonymous,
    /// User and password, service principal and its secret, admin user, repository token.
    Basic {
        /// User name or the application's id.
        username: String,
        /// Password or secret.
        password: Secret,
    },
    /// An OAuth2 refresh token, as `docker login` keeps it in `identitytoken`.
    IdentityToken(Secret),
    /// An access token of Azure Active Directory, exchanged at the registry's `/oauth2/exchange`.
    AzureAccessToken(Secret),
    /// A registry token, sent as it is.
    Bearer(Secret),
}

impl Credentials {
    /// Returns a refresh token where the user name says that the password is one.
    pub(crate) fn normalized(self) -> Self {
        match self {
            Self::Basic { username, password }
                if [AZURE_TOKEN_USER, HELPER_TOKEN_USER].contains(&username.as_str())
                    && !password.reveal().is_empty() =>
            {
                Self::IdentityToken(password)
            }
            other => other,
        }
    }

    /// Returns the user, for messages.
    pub(crate) fn user(&self) -> String {
        match self {
            Self::Anonymous => "the anonymous user".to_owned(),
            Self::Basic { username, .. } => format!("user `{username}`"),
            Self::IdentityToken(_) => "the identity token".to_owned(),
            Self::AzureAccessToken(_) => "the Azure access token".to_owned(),
            Self::Bearer(_) => "the bearer token".to_owned(),
        }
    }
}
