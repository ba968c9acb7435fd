//! The flags that are keys of the deployment configuration too, from the one list of both.

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};
use mlpack_deploy::config::{FLAGS, FlagKind, FlagSpec, Setting};

/// Settings of a deployment that flags give.
#[derive(Debug, Clone, Default)]
pub(crate) struct SettingFlags(pub(crate) Vec<Setting>);

/// The flags that `-h` lists: those of the target that is supported here. `--help` lists all.
const COMMON: &[&str] = &["port", "cpu-cores", "memory-gb", "auth-enabled", "ssl-enabled"];

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn flag(spec: &'static FlagSpec) -> Arg {
    let flag = Arg::new(spec.flag)
        .long(spec.flag)
        .visible_aliases(spec.aliases.iter().copied())
        .help(spec.help)
        .help_heading("Deployment")
        .hide_short_help(!COMMON.contains(&spec.flag));
    match spec.kind {
        FlagKind::Switch => flag.value_name("BOOL").num_args(0..=1).default_missing_value("true"),
        FlagKind::Number(name) | FlagKind::Text(name) => flag.value_name(name),
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        let given = FLAGS.iter().filter_map(|spec| {
            let text = matches.get_one::<String>(spec.flag)?.clone();
            Some(Setting { spec, text })
        });
        self.0.extend(given);
        Ok(())
    }
}
