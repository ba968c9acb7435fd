//! `mlpack service`: services by name, as `az ml service` has them (docs/azureml-2019.md#5).

mod keys;
mod list;
mod logs;
mod run;
mod show;
mod update;

use std::path::PathBuf;

use mlpack_deploy::{Deployer, ServiceName};
use mlpack_workflow::Session;
use mlpack_workflow::deploy::{ServiceTarget, deployer};

use crate::args::{AzurePlaceArgs, OutputArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::output;

/// Manage running services, like `az ml service`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::Args),
    Show(show::ShowArgs),
    Update(Box<update::Args>),
    GetLogs(logs::Args),
    Run(run::Args),
    GetKeys(keys::GetArgs),
    RegenKey(keys::RegenArgs),
    Delete(show::DeleteArgs),
}

/// What every command on services has.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    target: ServiceTargetArgs,
    #[command(flatten)]
    azure: AzurePlaceArgs,
    /// Folder of the workspace's configuration, which services here do not need
    #[arg(long, value_name = "DIR", hide = true)]
    path: Option<PathBuf>,
}

/// A service by name.
#[derive(Debug, clap::Args)]
struct NameArgs {
    /// Service name
    #[arg(long, short)]
    name: String,
    #[command(flatten)]
    common: Common,
}

/// The target of a service.
#[derive(Debug, clap::Args)]
struct ServiceTargetArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Namespace of the service in its cluster [default: the context's]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
}

/// The target of a service, without a namespace.
#[derive(Debug, clap::Args)]
struct ClusterArgs {
    /// Kind of compute target: `local`, `aks` or `aci` [default: local, or aks with one of the next two]
    #[arg(long, short, value_name = "TYPE")]
    compute_type: Option<String>,
    /// Context of the kubeconfig whose cluster has the service
    #[arg(long, visible_alias = "ct", value_name = "CONTEXT")]
    compute_target: Option<String>,
}

impl ServiceTargetArgs {
    fn target(&self) -> ServiceTarget {
        self.cluster.target(self.namespace.clone())
    }
}

impl ClusterArgs {
    fn target(&self, namespace: Option<String>) -> ServiceTarget {
        ServiceTarget {
            compute_type: self.compute_type.as_deref().map(str::to_lowercase),
            compute_target: self.compute_target.clone(),
            namespace,
        }
    }
}

impl Common {
    fn open(&self, context: &Context) -> Result<Services> {
        self.open_target(context, &self.target.target())
    }

    fn open_target(&self, context: &Context, target: &ServiceTarget) -> Result<Services> {
        self.azure.warn(context.format, target.compute_type());
        if self.path.is_some() {
            output::warning(context.format, "`--path` has no effect: services are this machine's");
        }
        let session = self.azure.add_to(context.session(&RegistryArgs::default())?);
        Ok(Services { deployer: deployer(&session, target)?, session })
    }
}

impl NameArgs {
    fn open(&self, context: &Context) -> Result<(ServiceName, Services)> {
        Ok((self.name.parse()?, self.common.open(context)?))
    }
}

/// The services of a target.
struct Services {
    session: Session,
    deployer: Box<dyn Deployer>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    match &args.command {
        Command::List(args) => list::run(context, args),
        Command::Show(args) => show::show(context, args),
        Command::Update(args) => update::run(context, args),
        Command::GetLogs(args) => logs::run(context, args),
        Command::Run(args) => run::run(context, args),
        Command::GetKeys(args) => keys::get(context, args),
        Command::RegenKey(args) => keys::regenerate(context, args),
        Command::Delete(args) => show::delete(context, args),
    }
}
