//! Azure ML's documents of 2019 write `-ic`, `-dc` and `-ct` with one dash
//! (docs/azureml-2019.md#1.4). clap does not know short options of several letters, so they get
//! their second dash before parsing.

use std::ffi::OsString;

use clap::Command;

/// Turns `-xy` into `--xy` where the active subcommand has a long option or alias `xy`.
pub(crate) fn normalize(root: &Command, argv: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut argv = argv.into_iter();
    let mut fixed: Vec<OsString> = argv.next().into_iter().collect();
    let mut command = root;
    let mut ended = false;
    for arg in argv {
        let Some(text) = arg.to_str().filter(|_| !ended) else {
            fixed.push(arg);
            continue;
        };
        ended = text == "--";
        if let Some(found) = command.find_subcommand(text) {
            command = found;
        }
        let name = text.strip_prefix('-').unwrap_or("");
        let name = name.split('=').next().unwrap_or(name);
        let known = name.len() > 1
            && command.get_arguments().any(|option| {
                option.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
            });
        fixed.push(if known { format!("-{text}").into() } else { arg });
    }
    fixed
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn fix(line: &str) -> String {
        let argv = line.split(' ').map(OsString::from);
        let fixed = normalize(&crate::cli::Cli::command(), argv);
        fixed.iter().map(|arg| arg.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn documented_short_forms_get_their_second_dash() {
        assert_eq!(
            fix("mlpack model deploy -n x -ic i.json -dc=d.json -ct local"),
            "mlpack model deploy -n x --ic i.json --dc=d.json --ct local"
        );
        assert_eq!(fix("mlpack model deploy -- -ic"), "mlpack model deploy -- -ic");
        assert_eq!(fix("mlpack inspect -ic"), "mlpack inspect -ic");
    }
}
