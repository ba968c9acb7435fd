//! Arguments of `az ml` that have no meaning without an Azure workspace, so that users' lines run unchanged
//! (docs/azureml-2019.md#1.4).

use clap::Args;

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

/// Arguments of a deployment that are accepted and have no effect.
#[derive(Debug, Clone, Args)]
pub(crate) struct AzureDeployArgs {
    #[command(flatten)]
    workspace: AzureArgs,
    #[arg(long, hide = true)]
    no_wait: bool,
}

impl AzureDeployArgs {
    /// Prints a line about those that were given, if any were.
    pub(crate) fn warn(&self, format: Format) {
        self.workspace.warn(format);
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
