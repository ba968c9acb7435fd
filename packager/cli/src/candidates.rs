//! Names that a shell completes: registered models, and services of this machine.

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use mlpack_workflow::{Session, deploy, models};

use crate::args::RegistryArgs;
use crate::context::{Context, Global};
use crate::output::{Format, When};

/// Adds the names to a command line. They are only looked up when one is completed.
pub(crate) fn add(command: Command) -> Command {
    command.mut_subcommands(|verb| match verb.get_name() {
        "service" => verb.mut_subcommands(|verb| with(verb, "name", services)),
        "model" => verb.mut_subcommands(|verb| match verb.get_name() {
            "list" | "show" => with(with(verb, "name", names), "model_id", ids),
            _ => with(with(verb, "model_id", ids), "models", ids),
        }),
        _ => with(verb, "models", ids),
    })
}

/// Adds the candidates of an argument, if the command has it.
fn with(command: Command, name: &str, find: fn(&Session) -> Option<Vec<String>>) -> Command {
    if !command.get_arguments().any(|arg| arg.get_id() == name) {
        return command;
    }
    let candidates = move || {
        let found = session().and_then(|(_context, session)| find(&session));
        found.unwrap_or_default().into_iter().map(CompletionCandidate::new).collect()
    };
    command.mut_arg(name, |arg: Arg| arg.add(ArgValueCandidates::new(candidates)))
}

/// A session that prints nothing. The context has the runtime, and must live as long.
fn session() -> Option<(Context, Session)> {
    let global = Global { format: Format::Text, color: When::Never, quiet: true, cache_dir: None };
    let context = Context::new(global, || Command::new("mlpack")).ok()?;
    let session = context.session(&RegistryArgs::default()).ok()?;
    Some((context, session))
}

fn names(session: &Session) -> Option<Vec<String>> {
    let mut names: Vec<_> = models::open(session)
        .ok()?
        .list(None)
        .ok()?
        .into_iter()
        .map(|model| model.record.name)
        .collect();
    names.dedup();
    Some(names)
}

fn ids(session: &Session) -> Option<Vec<String>> {
    let workspace = models::open(session).ok()?;
    let records = workspace.list(None).ok()?;
    let mut ids: Vec<_> = records.iter().map(|model| model.record.id()).collect();
    for name in names(session)? {
        let aliases = workspace.aliases(&name).unwrap_or_default();
        ids.extend(aliases.keys().map(|alias| format!("{name}@{alias}")));
    }
    Some(ids)
}

fn services(session: &Session) -> Option<Vec<String>> {
    let deployer = deploy::deployer(session, &deploy::ServiceTarget::default()).ok()?;
    let services = session.runtime.block_on(deployer.list()).ok()?;
    Some(services.into_iter().map(|service| service.name.to_string()).collect())
}
