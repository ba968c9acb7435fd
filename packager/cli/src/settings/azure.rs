//! Who signs in to Azure, from the variables of Azure's own tools.

use std::env;
use std::path::{Path, PathBuf};

use configparser::ini::Ini;
use mlpack_deploy::{AzureAccount, SignIn};
use mlpack_oci::Secret;

use super::{search_path, variable};

/// Returns what this machine can sign in with, and where services are (Azure SDK, "EnvironmentCredential").
pub(crate) fn azure(cwd: &Path) -> AzureAccount {
    let secret = |name: &str| variable(name).map(Secret::new);
    let path = search_path().unwrap_or_default();
    let mut on_path = env::split_paths(&path).map(|folder| folder.join("az"));
    AzureAccount {
        sign_in: SignIn {
            cloud: variable("MLPACK_AZURE_CLOUD"),
            authority: variable("AZURE_AUTHORITY_HOST"),
            tenant: variable("AZURE_TENANT_ID"),
            client: variable("AZURE_CLIENT_ID"),
            client_secret: secret("AZURE_CLIENT_SECRET"),
            federated_token_file: variable("AZURE_FEDERATED_TOKEN_FILE").map(|file| cwd.join(file)),
            identity: variable("IDENTITY_ENDPOINT").zip(secret("IDENTITY_HEADER")),
            metadata_service: variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"),
            command_line: on_path.find(|program| program.is_file()),
        },
        subscription: variable("AZURE_SUBSCRIPTION_ID"),
        resource_group: variable("AZURE_DEFAULTS_GROUP").or_else(default_group),
    }
}

/// Returns the resource group that `az configure --defaults group=NAME` wrote. A file that cannot be read has none.
fn default_group() -> Option<String> {
    let folder = variable("AZURE_CONFIG_DIR").map(PathBuf::from);
    let folder = folder.or_else(|| Some(env::home_dir()?.join(".azure")))?;
    let mut config = Ini::new();
    config.load(folder.join("config")).ok()?;
    config.get("defaults", "group").filter(|group| !group.is_empty())
}
