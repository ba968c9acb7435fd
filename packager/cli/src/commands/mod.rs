//! The verbs, one file each: its arguments and its `run`.

mod base;
mod bases;
mod batch;
mod cache;
mod check;
mod completions;
mod copy;
mod deploy;
mod env;
mod init;
mod inspect;
mod lock;
mod login;
mod logout;
mod man;
mod model;
mod package;
mod pull;
mod push;
mod quickstart;
mod serve;
mod service;
mod workspace;

use std::process::{ExitCode, Termination as _};

pub(crate) use completions::COMPLETE;

use crate::context::Context;
use crate::failure::Result;

macro_rules! verbs {
    ($($verb:ident($module:ident),)*) => {
        /// The verbs in the order of the help.
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum Command {
            $($verb(Box<$module::Args>),)*
        }

        impl Command {
            /// Runs the verb and returns its exit code.
            pub(crate) fn run(&self, context: &Context) -> Result<ExitCode> {
                Ok(match self {
                    $(Self::$verb(args) => $module::run(context, args)?.report(),)*
                })
            }
        }
    };
}

verbs! {
    Init(init),
    Quickstart(quickstart),
    Check(check),
    Serve(serve),
    Package(package),
    Lock(lock),
    Env(env),
    Base(base),
    Bases(bases),
    Inspect(inspect),
    Model(model),
    Workspace(workspace),
    Deploy(deploy),
    Service(service),
    Batch(batch),
    Push(push),
    Pull(pull),
    Copy(copy),
    Login(login),
    Logout(logout),
    Cache(cache),
    Completions(completions),
    Man(man),
}
