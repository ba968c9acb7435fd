//! Arguments of `az ml` that have no meaning without an Azure workspace, so that users' lines run unchanged
//! (docs/azureml-2019.md#1.4).

use std::path::PathBuf;

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
    #[arg(long, value_name = "DIR", hide = true)]
    path: Option<PathBuf>,
    #[arg(long, alias = "pi", value_name = "FILE", hide = true)]
    profile_input: Option<PathBuf>,
    #[arg(long, short = 'v', hide = true)]
    verbose: bool,
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
            ("--path", self.path.is_some()),
            ("--profile-input", self.profile_input.is_some()),
            ("--verbose", self.verbose),
        ];
        let names: Vec<String> =
            given.iter().filter(|(_, given)| *given).map(|(name, _)| format!("`{name}`")).collect();
        let verb = if names.len() == 1 { "has" } else { "have" };
        (!names.is_empty())
            .then(|| format!("{} {verb} no effect: there is no Azure workspace", names.join(", ")))
    }
}
