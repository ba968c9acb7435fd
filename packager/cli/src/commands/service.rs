//! `mlpack service`: lists, shows, asks and deletes services.

use std::io::Read as _;
use std::time::Duration;

use mlpack_deploy::{Deployer, KeyName, Request, ServiceName};
use mlpack_oci::Secret;
use mlpack_workflow::Session;
use mlpack_workflow::deploy::deployer;
use serde_json::json;

use crate::args::RegistryArgs;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::{output, render};

/// Manage running services
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List all services of this machine
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Show a service
    #[command(after_help = SHOW_EXAMPLES)]
    Show(NameArgs),
    GetLogs(GetLogsArgs),
    Run(RunArgs),
    /// Print a service's keys
    #[command(after_help = KEYS_EXAMPLES)]
    GetKeys(NameArgs),
    RegenKey(RegenKeyArgs),
    /// Stop and remove a service
    #[command(after_help = DELETE_EXAMPLES)]
    Delete(NameArgs),
}

const LIST_EXAMPLES: &str = "\
Examples:
  mlpack service list
  mlpack service list --format json";

const SHOW_EXAMPLES: &str = "\
Examples:
  mlpack service show -n my-service
  mlpack service show -n my-service --format json";

const DELETE_EXAMPLES: &str = "\
Examples:
  mlpack service delete -n my-service
  mlpack service delete --name my-service --format json";

const KEYS_EXAMPLES: &str = "\
Examples:
  mlpack service get-keys -n my-service
  mlpack service get-keys -n my-service --format json";

const REGEN_EXAMPLES: &str = "\
Examples:
  mlpack service regen-key -n my-service --key primary
  mlpack service regen-key -n my-service --key secondary --set-key \"$NEW_KEY\"";

/// Replace a service's key while it runs, and print its keys
#[derive(Debug, clap::Args)]
#[command(after_help = REGEN_EXAMPLES)]
struct RegenKeyArgs {
    #[command(flatten)]
    service: NameArgs,
    /// Key to replace: `primary` or `secondary`
    #[arg(long, short)]
    key: KeyName,
    /// New key [default: a generated one]
    #[arg(long, short)]
    set_key: Option<String>,
}

const LOGS_EXAMPLES: &str = "\
Examples:
  mlpack service get-logs -n my-service
  mlpack service get-logs -n my-service -l 100";

/// A service by name.
#[derive(Debug, clap::Args)]
struct NameArgs {
    /// Service name
    #[arg(long, short)]
    name: String,
}

/// Print a service's logs
#[derive(Debug, clap::Args)]
#[command(after_help = LOGS_EXAMPLES)]
struct GetLogsArgs {
    #[command(flatten)]
    service: NameArgs,
    /// Number of lines from the end
    #[arg(long, short = 'l', visible_alias = "num_lines", default_value_t = 5000)]
    num_lines: usize,
}

const RUN_EXAMPLES: &str = "\
Examples:
  mlpack service run -n my-service -d '{\"data\": [[1, 2]]}'
  mlpack service run -n my-service -d @sample.json";

/// Send data to a service and print its answer
#[derive(Debug, clap::Args)]
#[command(after_help = RUN_EXAMPLES)]
struct RunArgs {
    #[command(flatten)]
    service: NameArgs,
    /// Data to send, `@FILE`, or `-` for standard input
    #[arg(long, short = 'd', visible_alias = "input-data")]
    data: String,
    /// Content type of the data
    #[arg(long, default_value = "application/json")]
    content_type: String,
    /// Seconds to wait for the answer
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.session(&RegistryArgs::default())?;
    let services = Services { context, deployer: deployer(&session)?, session };
    match &args.command {
        Command::List => services.list(),
        Command::Show(args) => services.show(args),
        Command::GetLogs(args) => services.logs(args),
        Command::Run(args) => services.ask(args),
        Command::GetKeys(args) => services.keys(args),
        Command::RegenKey(args) => services.regenerate(args),
        Command::Delete(args) => services.delete(args),
    }
}

struct Services<'a> {
    context: &'a Context,
    session: Session,
    deployer: Box<dyn Deployer>,
}

impl NameArgs {
    fn parse(&self) -> Result<ServiceName> {
        Ok(self.name.parse()?)
    }
}

impl Services<'_> {
    fn list(&self) -> Result<()> {
        let services = self.session.runtime.block_on(self.deployer.list())?;
        output::result(self.context.format, &services, |services| {
            let rows = services.iter().map(|service| {
                let uri = service.scoring_uri.clone().unwrap_or_else(|| "-".to_owned());
                vec![service.name.to_string(), service.state.to_string(), uri]
            });
            output::table(&["NAME", "STATE", "SCORING URI"], rows)
        });
        Ok(())
    }

    fn show(&self, args: &NameArgs) -> Result<()> {
        let service = self.session.runtime.block_on(self.deployer.show(&args.parse()?))?;
        output::result(self.context.format, &service, render::service);
        Ok(())
    }

    fn logs(&self, args: &GetLogsArgs) -> Result<()> {
        let name = args.service.parse()?;
        let log = self.session.runtime.block_on(self.deployer.logs(&name, args.num_lines))?;
        let value = json!({ "name": name, "log": log });
        output::result(self.context.format, &value, |_| log.clone());
        Ok(())
    }

    fn ask(&self, args: &RunArgs) -> Result<()> {
        let name = args.service.parse()?;
        let request = Request {
            data: data(self.context, &args.data)?,
            content_type: args.content_type.clone(),
            timeout: Duration::from_secs(args.timeout),
        };
        let answer = self.session.runtime.block_on(self.deployer.run(&name, request))?;
        output::raw(&answer.body);
        if !answer.body.ends_with(b"\n") {
            output::raw(b"\n");
        }
        Ok(())
    }

    fn keys(&self, args: &NameArgs) -> Result<()> {
        let keys = self.session.runtime.block_on(self.deployer.keys(&args.parse()?))?;
        output::result(self.context.format, &keys, render::keys);
        Ok(())
    }

    fn regenerate(&self, args: &RegenKeyArgs) -> Result<()> {
        let name = args.service.parse()?;
        let key = args.set_key.clone().map(Secret::new);
        let replaced = self.deployer.regenerate_key(&name, args.key, key);
        let keys = self.session.runtime.block_on(replaced)?;
        output::result(self.context.format, &keys, render::keys);
        Ok(())
    }

    fn delete(&self, args: &NameArgs) -> Result<()> {
        let name = args.parse()?;
        self.session.runtime.block_on(self.deployer.delete(&name))?;
        let value = json!({ "name": name, "state": "deleted" });
        output::result(self.context.format, &value, |_| format!("{name} deleted"));
        Ok(())
    }
}

/// Returns the text itself, a file after `@`, or standard input for `-`.
fn data(context: &Context, text: &str) -> Result<Vec<u8>> {
    if text == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Failure::io("read", "standard input"))?;
        return Ok(bytes);
    }
    match text.strip_prefix('@') {
        Some(path) => {
            let path = context.cwd()?.join(path);
            std::fs::read(&path).map_err(Failure::io("read", path.display()))
        }
        None => Ok(text.as_bytes().to_vec()),
    }
}
