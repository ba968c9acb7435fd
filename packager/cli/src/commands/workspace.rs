//! `mlpack workspace`: where registered models are.

use mlpack_models::WorkspaceInfo;
use mlpack_workflow::{AzureConfig, models};
use serde_json::json;

use crate::args::{OutputArgs, RegistryArgs, WorkspaceArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, settings};

/// Manage the workspace of registered models
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(CreateArgs),
    /// Show the workspace and its models
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Common),
    SetDefault(SetDefaultArgs),
    /// Remove what interrupted registrations and deleted models left
    #[command(after_help = GC_EXAMPLES)]
    Gc(Common),
}

const CREATE_EXAMPLES: &str = "\
Examples:
  mlpack workspace create
  mlpack workspace create --workspace ../models -w my-ws -g my-rg";

const SHOW_EXAMPLES: &str = "\
Examples:
  mlpack workspace show
  mlpack workspace show --workspace registry.example.com/team/models --format json";

const GC_EXAMPLES: &str = "\
Examples:
  mlpack workspace gc
  mlpack workspace gc --workspace ../models";

#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    workspace: WorkspaceArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Create a workspace in a folder; one in a registry needs no creation
#[derive(Debug, clap::Args)]
#[command(after_help = CREATE_EXAMPLES)]
struct CreateArgs {
    /// Name that it had on Azure
    #[arg(long, short = 'w', value_name = "NAME")]
    workspace_name: Option<String>,
    /// Resource group that it had on Azure
    #[arg(long, short = 'g', value_name = "NAME")]
    resource_group: Option<String>,
    #[command(flatten)]
    common: Common,
}

const SET_DEFAULT_EXAMPLES: &str = "\
Examples:
  mlpack workspace set-default --workspace registry.example.com/team/models
  mlpack workspace set-default --workspace ../models -w my-ws -g my-rg";

/// Write `.azureml/config.json`, so that commands in this folder and below use a workspace
#[derive(Debug, clap::Args)]
#[command(after_help = SET_DEFAULT_EXAMPLES)]
struct SetDefaultArgs {
    /// Workspace of models: a folder or REGISTRY/PREFIX
    #[arg(long, value_name = "PLACE", required_unless_present_any = ["workspace_name", "resource_group"])]
    workspace: Option<String>,
    /// Name that it had on Azure
    #[arg(long, short = 'w', value_name = "NAME")]
    workspace_name: Option<String>,
    /// Resource group that it had on Azure, and of container groups
    #[arg(long, short = 'g', value_name = "NAME")]
    resource_group: Option<String>,
    /// Subscription of the resource group
    #[arg(long, value_name = "ID")]
    subscription_id: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

fn set_default(context: &Context, args: &SetDefaultArgs) -> Result<()> {
    let config = AzureConfig {
        info: WorkspaceInfo {
            workspace_name: args.workspace_name.clone(),
            resource_group_name: args.resource_group.clone(),
        },
        subscription: args.subscription_id.clone(),
        place: args.workspace.clone(),
    };
    let cwd = context.cwd()?;
    let path = config.write(&cwd)?;
    let written = path.strip_prefix(&cwd).unwrap_or(&path).display().to_string();
    let value = json!({ "file": written, "workspace": config.place, "info": config.info });
    args.output.print(context.format, &value, |_| format!("wrote {written}"))
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    match &args.command {
        Command::Create(args) => {
            let session = args.common.workspace.add_to(context.session(&args.common.registry)?);
            let info = WorkspaceInfo {
                workspace_name: args.workspace_name.clone(),
                resource_group_name: args.resource_group.clone(),
            };
            let workspace = models::create(&session, &info)?;
            let value = json!({ "workspace": workspace.place(), "info": workspace.info });
            args.common.output.print(context.format, &value, |_| workspace.place())
        }
        Command::SetDefault(args) => set_default(context, args),
        Command::Show(args) => {
            let session = args.workspace.add_to(context.session(&args.registry)?);
            let workspace = models::open(&session)?;
            let records = workspace.list(None)?;
            let bytes: u64 = records.iter().map(|model| model.layer.descriptor.size()).sum();
            let value = json!({
                "workspace": workspace.place(), "info": workspace.info,
                "models": records.len(), "bytes": bytes,
            });
            args.output.print(context.format, &value, |_| {
                let place = workspace.place();
                format!("{place}: {} versions of models, {}", records.len(), output::size(bytes))
            })
        }
        Command::Gc(args) => {
            let session = args.workspace.add_to(context.session(&args.registry)?);
            let workspace = models::open(&session)?;
            let cleaned = workspace.clean(&settings::now(24))?;
            args.output.print(context.format, &json!(cleaned), |_| {
                format!(
                    "removed {} blobs ({}) and {} unfinished versions",
                    cleaned.blobs,
                    output::size(cleaned.bytes),
                    cleaned.claims
                )
            })
        }
    }
}
