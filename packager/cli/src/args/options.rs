//! The flags that are keys of the inference configuration too, from the one list of both.

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};
use mlpack_project::project::{OPTIONS, OptionSpec, ProjectOptions};

/// Options of a project that flags give.
#[derive(Debug, Clone, Default)]
pub(crate) struct OptionFlags(pub(crate) ProjectOptions);

impl Args for OptionFlags {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.iter().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn flag(option: &'static OptionSpec) -> Arg {
    let check = |text: &str| {
        let mut options = ProjectOptions::default();
        (option.set)(&mut options, text)
            .map(|()| text.to_owned())
            .map_err(|expected| format!("expected {expected}"))
    };
    let flag = Arg::new(option.flag)
        .long(option.flag)
        .visible_aliases(option.aliases.iter().copied())
        .value_name(option.value_name)
        .help(option.help.trim())
        .help_heading(option.heading)
        .value_parser(check);
    match option.is_switch {
        true => flag.num_args(0..=1).require_equals(true).default_missing_value("true"),
        false => flag,
    }
}

impl FromArgMatches for OptionFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for option in OPTIONS {
            if let Some(text) = matches.get_one::<String>(option.flag) {
                // The parser of the flag has accepted the text.
                let _ = (option.set)(&mut self.0, text);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &[&str]) -> Result<ProjectOptions, Error> {
        let command = OptionFlags::augment_args(Command::new("test").no_binary_name(true));
        let matches = command.try_get_matches_from(flags)?;
        Ok(OptionFlags::from_arg_matches(&matches)?.0)
    }

    #[test]
    fn flags_set_the_options_of_the_list() {
        let flags = ["--es", "score.py", "--enable-gpu", "--cv=10.0", "--runtime", "spark-py"];
        let options = parse(&flags).unwrap();
        assert_eq!(options.entry_script.as_deref(), Some("score.py"));
        assert_eq!((options.enable_gpu, options.conda_file), (Some(true), None));
        assert_eq!(options.cuda_version.unwrap().0, "10.0");
        assert_eq!(options.runtime.unwrap().to_string(), "spark-py");
        assert_eq!(parse(&["--eg=false"]).unwrap().enable_gpu, Some(false));
    }

    #[test]
    fn a_wrong_value_names_what_is_expected() {
        let error = parse(&["--runtime", "java"]).unwrap_err().to_string();
        assert!(error.contains("expected `python` or `spark-py`"), "{error}");
    }
}
