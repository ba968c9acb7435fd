//! Who signs in, as Azure's SDKs decide it: the first source that this machine has.

use std::path::PathBuf;

use mlpack_oci::Secret;

use crate::cloud::Cloud;
use crate::http::Http;
use crate::token::{self, Token};
use crate::{Error, Result};

/// What can sign in, read from the environment by the caller (Azure SDK, "DefaultAzureCredential").
#[derive(Debug, Clone, Default)]
pub struct SignIn {
    /// `MLPACK_AZURE_CLOUD`: the name of a cloud or the address of its resource manager.
    pub cloud: Option<String>,
    /// `AZURE_AUTHORITY_HOST`: the directory's address, which wins over the cloud's.
    pub authority: Option<String>,
    /// `AZURE_TENANT_ID`.
    pub tenant: Option<String>,
    /// `AZURE_CLIENT_ID`: of a service principal, a workload or a managed identity.
    pub client: Option<String>,
    /// `AZURE_CLIENT_SECRET`.
    pub client_secret: Option<Secret>,
    /// `AZURE_FEDERATED_TOKEN_FILE`: the token of a workload.
    pub federated_token_file: Option<PathBuf>,
    /// `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`: the managed identity of an App Service or a job.
    pub identity: Option<(String, Secret)>,
    /// `AZURE_POD_IDENTITY_AUTHORITY_HOST`: where a virtual machine's metadata service is instead.
    pub metadata_service: Option<String>,
    /// The program `az`.
    pub command_line: Option<PathBuf>,
}

impl SignIn {
    /// Gets a token from the first source that this machine has. One that is set up and fails is an error: another would
    /// act as a different identity.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] or [`Error::SignIn`].
    pub(crate) async fn token(&self, cloud: &Cloud, http: &Http) -> Result<Token> {
        if let (Some(tenant), Some(client)) = (&self.tenant, &self.client) {
            if let Some(secret) = &self.client_secret {
                return token::of_principal(http, cloud, (tenant, client), secret).await;
            }
            if let Some(file) = &self.federated_token_file {
                return token::of_workload(http, cloud, (tenant, client), file).await;
            }
        }
        if let Some((endpoint, header)) = &self.identity {
            return token::of_app_service(cloud, endpoint, header, self.client.as_deref()).await;
        }
        let mut tried = vec![self.principal_is_missing()];
        match &self.command_line {
            // Signed out is no mistake: a virtual machine with the command line may have an identity.
            Some(program) => match token::of_command_line(program, cloud).await {
                Err(Error::SignIn { reason, .. }) => tried.push(format!("`az`: {reason}")),
                result => return result,
            },
            None => tried.push("there is no `az` on PATH".to_owned()),
        }
        let service = self.metadata_service.as_deref();
        match token::of_virtual_machine(cloud, service, self.client.as_deref()).await? {
            Some(token) => Ok(token),
            None => {
                tried.push("this is no virtual machine of Azure".to_owned());
                Err(Error::NotSignedIn { tried })
            }
        }
    }

    fn principal_is_missing(&self) -> String {
        let variables = [
            ("AZURE_TENANT_ID", self.tenant.is_none()),
            ("AZURE_CLIENT_ID", self.client.is_none()),
            ("AZURE_CLIENT_SECRET", true),
        ];
        let missing = variables.iter().filter(|(_, missing)| *missing).map(|(name, _)| *name);
        let missing: Vec<&str> = missing.collect();
        let verb = if missing.len() == 1 { "is" } else { "are" };
        format!("{} {verb} not set", missing.join(", "))
    }
}
