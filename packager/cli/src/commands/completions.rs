//! `mlpack completions`: prints a script that completes arguments in a shell.

use clap::ValueEnum;
use clap_complete::env::{self, EnvCompleter};

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack completions bash > ~/.local/share/bash-completion/completions/mlpack
  mlpack completions zsh > ~/.zfunc/_mlpack
  eval \"$(mlpack completions az)\"

The script asks mlpack, so that options, registered models and services are completed. `az` defines a function for POSIX shells, so that scripts with `az ml model` and `az ml service` run mlpack.";

/// The function that takes the place of `az`. Everything but models and services is still Azure's.
const AZ: &str = r#"az() {
    case "$1 $2" in
        "ml model" | "ml service") shift && mlpack "$@" ;;
        *) command az "$@" ;;
    esac
}
"#;

/// The variable by which the script of a shell asks for completions.
pub(crate) const COMPLETE: &str = "MLPACK_COMPLETE";

const NAME: &str = "mlpack";

/// Print completions for a shell, or a function that replaces `az ml`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Shell to complete for, or `az`
    #[arg(value_enum, value_name = "SHELL")]
    script: Script,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Script {
    Az,
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

pub(super) fn run(_: &Context, args: &Args) -> Result<()> {
    let shell: &dyn EnvCompleter = match args.script {
        Script::Az => {
            output::raw(AZ.as_bytes());
            return Ok(());
        }
        Script::Bash => &env::Bash,
        Script::Elvish => &env::Elvish,
        Script::Fish => &env::Fish,
        Script::Powershell => &env::Powershell,
        Script::Zsh => &env::Zsh,
    };
    let mut script = Vec::new();
    shell
        .write_registration(COMPLETE, NAME, NAME, NAME, &mut script)
        .map_err(Failure::io("write", "the script"))?;
    output::raw(&script);
    Ok(())
}
