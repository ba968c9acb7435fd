//! Arguments of `az ml` that name an Azure workspace, so that users' lines run unchanged (docs/azureml-2019.md#1.4). There
//! is no such workspace: the resource group and the subscription are those of container groups.

use clap::Args;
use mlpack_workflow::Session;

use crate::output::{self, Format};

/// Arguments that are accepted and have no effect.
#[derive(Debug, Clone, Args)]
pub(crate) struct AzureArgs {
    #[arg(long, short = 'g', value_name = "NAME", hide = true)]
    resource_group: Option<String>,
    #[arg(long, short = 'w', value_name = "NAME", hide = true)]
    workspace_name: Option<String>,
    #[arg(long, value_name = "ID", hide = true)]
    subscription_id: Option<String>,
}

/// Where services of Azure are.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AzurePlaceArgs {
    /// Resource group of the container group (Azure) [env: AZURE_DEFAULTS_GROUP]
    #[arg(long, short = 'g', value_name = "NAME")]
    resource_group: Option<String>,
    /// Subscription of the resource group (Azure) [env: AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "ID")]
    subscription_id: Option<String>,
    #[arg(long, short = 'w', value_name = "NAME", hide = true)]
    workspace_name: Option<String>,
    #[arg(long, hide = true)]
    no_wait: bool,
}

impl AzurePlaceArgs {
    /// Adds them to a session.
    pub(crate) fn add_to(&self, mut session: Session) -> Session {
        let azure = &mut session.azure;
        azure.resource_group = self.resource_group.clone().or(azure.resource_group.take());
        azure.subscription = self.subscription_id.clone().or(azure.subscription.take());
        session
    }

    /// Prints a line about those that were given and have no effect on a compute type.
    pub(crate) fn warn(&self, format: Format, compute_type: &str) {
        let is_azure = compute_type == "aci";
        let place = AzureArgs {
            resource_group: self.resource_group.clone().filter(|_| !is_azure),
            workspace_name: self.workspace_name.clone(),
            subscription_id: self.subscription_id.clone().filter(|_| !is_azure),
        };
        place.warn(format);
        if self.no_wait {
            output::warning(
                format,
                "`--no-wait` has no effect: mlpack waits until the service answers",
            );
        }
    }
}

impl AzureArgs {
    /// Prints the line about those that were given, if any were.
    pub(crate) fn warn(&self, format: Format) {
        if let Some(note) = self.note() {
            output::warning(format, &note);
        }
    }

    fn note(&self) -> Option<String> {
        let given = [
            ("--resource-group", self.resource_group.is_some()),
            ("--workspace-name", self.workspace_name.is_some()),
            ("--subscription-id", self.subscription_id.is_some()),
        ];
        let names: Vec<String> =
            given.iter().filter(|(_, given)| *given).map(|(name, _)| format!("`{name}`")).collect();
        let verb = if names.len() == 1 { "has" } else { "have" };
        (!names.is_empty())
            .then(|| format!("{} {verb} no effect: there is no Azure workspace", names.join(", ")))
    }
}
