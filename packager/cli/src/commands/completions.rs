//! `mlpack completions`: prints a script that completes arguments in a shell.

use crate::context::Context;
use crate::failure::Result;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack completions bash > ~/.local/share/bash-completion/completions/mlpack
  mlpack completions zsh > ~/.zfunc/_mlpack";

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Shell to complete for
    shell: clap_complete::Shell,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut (context.command_line)(), "mlpack", &mut script);
    output::raw(&script);
    Ok(())
}
