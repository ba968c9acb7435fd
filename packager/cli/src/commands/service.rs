//! `mlpack service`: list, show, get-logs, run, delete.

use std::io::Read as _;
use std::time::Duration;

use mlpack_deploy::{Deployer, DeploymentConfig, Request, ServiceName};
use serde_json::json;

use super::deploy::lines;
use crate::args::{GetLogsArgs, RunArgs, ServiceCommand};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

pub(crate) fn run(context: &Context, command: ServiceCommand) -> Result<()> {
    let deployer = context.deployer(&DeploymentConfig::default(), None)?;
    match command {
        ServiceCommand::List => {
            let services = context.runtime.block_on(deployer.list())?;
            output::result(context.format, &services, |services| {
                let rows = services.iter().map(|service| {
                    let uri = service.scoring_uri.clone().unwrap_or_else(|| "-".to_owned());
                    vec![service.name.to_string(), service.state.to_string(), uri]
                });
                output::table(&["NAME", "STATE", "SCORING URI"], rows)
            });
        }
        ServiceCommand::Show(args) => {
            let name: ServiceName = args.name.parse()?;
            let service = context.runtime.block_on(deployer.show(&name))?;
            output::result(context.format, &service, lines);
        }
        ServiceCommand::GetLogs(args) => logs(context, &*deployer, &args)?,
        ServiceCommand::Run(args) => ask(context, &*deployer, &args)?,
        ServiceCommand::Delete(args) => {
            let name: ServiceName = args.name.parse()?;
            context.runtime.block_on(deployer.delete(&name))?;
            output::result(context.format, &json!({ "name": name, "state": "deleted" }), |_| {
                format!("{name} deleted")
            });
        }
    }
    Ok(())
}

fn logs(context: &Context, deployer: &dyn Deployer, args: &GetLogsArgs) -> Result<()> {
    let name: ServiceName = args.name.parse()?;
    let log = context.runtime.block_on(deployer.logs(&name, args.num_lines))?;
    output::result(context.format, &json!({ "name": name, "log": log }), |_| log.clone());
    Ok(())
}

fn ask(context: &Context, deployer: &dyn Deployer, args: &RunArgs) -> Result<()> {
    let name: ServiceName = args.name.parse()?;
    let data = data(context, &args.data)?;
    let request = Request {
        data,
        content_type: args.content_type.clone(),
        timeout: Duration::from_secs(args.timeout),
    };
    let answer = context.runtime.block_on(deployer.run(&name, request))?;
    output::raw(&answer.body);
    if !answer.body.ends_with(b"\n") {
        output::raw(b"\n");
    }
    Ok(())
}

/// The text itself, a file after `@`, or standard input for `-`.
fn data(context: &Context, text: &str) -> Result<Vec<u8>> {
    if text == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Failure::io("read", "standard input"))?;
        return Ok(bytes);
    }
    match text.strip_prefix('@') {
        Some(path) => {
            let path = context.cwd.join(path);
            std::fs::read(&path).map_err(Failure::io("read", path.display()))
        }
        None => Ok(text.as_bytes().to_vec()),
    }
}
