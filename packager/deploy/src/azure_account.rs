//! The account that services of Azure belong to.

use mlpack_azure::SignIn;

/// Who signs in to Azure, and where services are.
#[derive(Debug, Clone, Default)]
pub struct AzureAccount {
    /// What this machine can sign in with.
    pub sign_in: SignIn,
    /// The subscription's id; that of the signed-in command line if `None`.
    pub subscription: Option<String>,
    /// The resource group.
    pub resource_group: Option<String>,
}
