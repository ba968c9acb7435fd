//! The options that are both a key of the inference configuration and a flag
//! (docs/azureml-2019.md#1.4), each defined only once.
//!
//! To add one, write its entry in `project_options!`, its field in `project.rs`, and use it in `resolve.rs`: the
//! configuration's reader and the command line take it from here.

use std::collections::BTreeMap;

use mlpack_documents::{Fields, Located};
use mlpack_lock::Server;

use super::{RegistryAccess, Result, Runtime};

/// An option for the command line.
pub struct OptionSpec {
    /// The flag, without dashes.
    pub flag: &'static str,
    /// Other names of the flag.
    pub aliases: &'static [&'static str],
    /// What stands for the value in help texts.
    pub value_name: &'static str,
    /// What the option sets.
    pub help: &'static str,
    /// The section of the help.
    pub heading: &'static str,
    /// Whether the flag may be given without a value.
    pub is_switch: bool,
    /// Sets the option from text, or returns what is expected instead.
    pub set: fn(&mut ProjectOptions, &str) -> Result<(), &'static str>,
}

/// A type that options have.
trait OptionValue: Clone {
    /// Whether a flag without a value means this type's `true`.
    const IS_SWITCH: bool = false;

    /// Reads a key.
    fn read(fields: &Fields<'_>, keys: &[&'static str]) -> Result<Option<Located<Self>>>;

    /// Parses the value of a flag.
    fn parse(text: &str) -> Result<Self, &'static str>;

    /// Replaces what `over` has.
    fn overlay(&mut self, over: &Self) {
        self.clone_from(over);
    }
}

macro_rules! project_options {
    ($(
        #[doc = $help:literal]
        $field:ident: $type:ty {
            keys: $keys:expr, flag: $flag:literal, aliases: $aliases:expr, value: $value:literal,
            heading: $heading:literal, in_environment: $in_environment:literal,
        }
    )*) => {
        /// Options as they are written; paths are not looked up and no default is filled in.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct ProjectOptions {
            $(#[doc = $help] pub $field: Option<$type>,)*
            /// Environment variables of the image; later ones win.
            pub environment_variables: Vec<(String, String)>,
            /// Lines of the values that a file gives, by key.
            pub lines: BTreeMap<&'static str, usize>,
        }

        /// All options.
        pub const OPTIONS: &[OptionSpec] = &[$(OptionSpec {
            flag: $flag,
            aliases: $aliases,
            value_name: $value,
            help: $help,
            heading: $heading,
            is_switch: <$type as OptionValue>::IS_SWITCH,
            set: |options, text| {
                options.$field = Some(<$type as OptionValue>::parse(text)?);
                Ok(())
            },
        }),*];

        impl ProjectOptions {
            /// Keys of the inference configuration that are options.
            pub(super) fn keys() -> impl Iterator<Item = &'static str> {
                [$(&$keys[..]),*].into_iter().flatten().copied()
            }

            /// Reads the options of an inference configuration.
            pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
                let mut options = Self::default();
                $(if let Some(found) = <$type as OptionValue>::read(fields, &$keys)? {
                    options.$field = Some(found.value);
                    options.lines.insert($keys[0], found.line);
                })*
                Ok(options)
            }

            /// Replaces what `over` has.
            pub(super) fn overlay(&mut self, over: &Self) {
                $(if let Some(value) = &over.$field {
                    match &mut self.$field {
                        Some(own) => own.overlay(value),
                        own => *own = Some(value.clone()),
                    }
                    match over.lines.get($keys[0]) {
                        Some(line) => self.lines.insert($keys[0], *line),
                        None => self.lines.remove($keys[0]),
                    };
                })*
                self.environment_variables.extend(over.environment_variables.iter().cloned());
            }

            /// Removes the options that `environment` replaces, and returns their keys and lines.
            pub(super) fn take_replaced(&mut self) -> Vec<(&'static str, usize)> {
                let mut taken = Vec::new();
                $(if $in_environment && self.$field.take().is_some() {
                    taken.extend(self.lines.remove_entry($keys[0]));
                })*
                taken
            }
        }
    };
}

project_options! {
    /// Entry script with `init()` and `run()`
    entry_script: String {
        keys: ["entryScript"], flag: "entry-script", aliases: &["es"], value: "FILE",
        heading: "Project", in_environment: false,
    }
    /// Directory with source files to include
    source_directory: String {
        keys: ["sourceDirectory"], flag: "source-directory", aliases: &["sd"], value: "DIR",
        heading: "Project", in_environment: false,
    }
    /// Description of the service
    description: String {
        keys: ["description"], flag: "description", aliases: &[], value: "TEXT",
        heading: "Project", in_environment: false,
    }
    /// Runtime: `python` or `spark-py`
    runtime: Runtime {
        keys: ["runtime"], flag: "runtime", aliases: &["rt"], value: "RUNTIME",
        heading: "Project", in_environment: true,
    }
    /// Server that runs the entry script: `builtin` or `azmlinfsrv` [default: builtin]
    server: Server {
        keys: ["server"], flag: "server", aliases: &[], value: "SERVER",
        heading: "Project", in_environment: false,
    }
    /// Conda file
    conda_file: String {
        keys: ["condaFile"], flag: "conda-file", aliases: &["cf"], value: "FILE",
        heading: "Project", in_environment: true,
    }
    /// File of Dockerfile lines: ENV, LABEL, EXPOSE, WORKDIR, USER, COPY and ADD
    docker_steps: String {
        keys: ["extraDockerfileSteps", "extraDockerFileSteps"], flag: "extra-dockerfile-steps",
        aliases: &["ds", "extra-docker-file-steps"], value: "FILE",
        heading: "Project", in_environment: true,
    }
    /// Use a GPU base image
    enable_gpu: bool {
        keys: ["enableGpu"], flag: "enable-gpu", aliases: &["eg"], value: "ENABLE_GPU",
        heading: "Base image", in_environment: true,
    }
    /// Base image [default: the catalogue's for the runtime]
    base_image: String {
        keys: ["baseImage"], flag: "base-image", aliases: &["bi"], value: "IMAGE",
        heading: "Base image", in_environment: true,
    }
    /// Registry of the base image
    registry: RegistryAccess {
        keys: ["baseImageRegistry"], flag: "base-image-registry", aliases: &["ir"], value: "HOST",
        heading: "Base image", in_environment: true,
    }
    /// CUDA version of the base image
    cuda_version: VersionText {
        keys: ["cudaVersion"], flag: "cuda-version", aliases: &["cv"], value: "VERSION",
        heading: "Base image", in_environment: true,
    }
}

/// A version, which files often give as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionText(pub String);

impl OptionValue for String {
    fn read(fields: &Fields<'_>, keys: &[&'static str]) -> Result<Option<Located<Self>>> {
        match keys {
            [one, other] => Ok(fields.text_spelled(one, other)?),
            _ => Ok(fields.text(keys[0])?),
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }
}

impl OptionValue for VersionText {
    fn read(fields: &Fields<'_>, keys: &[&'static str]) -> Result<Option<Located<Self>>> {
        let found = fields.written(keys[0])?;
        Ok(found.map(|found| Located { value: Self(found.value), line: found.line }))
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        Ok(Self(text.to_owned()))
    }
}

impl OptionValue for bool {
    const IS_SWITCH: Self = true;

    fn read(fields: &Fields<'_>, keys: &[&'static str]) -> Result<Option<Located<Self>>> {
        Ok(fields.boolean(keys[0])?)
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        text.parse().map_err(|_| "`true` or `false`")
    }
}

impl OptionValue for Runtime {
    fn read(fields: &Fields<'_>, keys: &[&'static str]) -> Result<Option<Located<Self>>> {
        let Some(found) = fields.text(keys[0])? else { return Ok(None) };
        match Self::parse(&found.value) {
            Ok(value) => Ok(Some(Located { value, line: found.line })),
            Err(expected) => Err(fields.invalid(keys[0], expected).into()),
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        match text.to_ascii_lowercase().as_str() {
            "python" => Ok(Self::Python),
            "spark-py" => Ok(Self::SparkPy),
            "python-slim" => Ok(Self::PythonSlim),
            _ => Err("`python` or `spark-py`"),
        }
    }
}

impl OptionValue for Server {
    fn read(fields: &Fields<'_>, keys: &[&'static str]) -> Result<Option<Located<Self>>> {
        let Some(found) = fields.text(keys[0])? else { return Ok(None) };
        match Self::parse(&found.value) {
            Ok(value) => Ok(Some(Located { value, line: found.line })),
            Err(expected) => Err(fields.invalid(keys[0], expected).into()),
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        Self::of_name(text).ok_or("`builtin` or `azmlinfsrv`")
    }
}

impl OptionValue for RegistryAccess {
    fn read(fields: &Fields<'_>, keys: &[&'static str]) -> Result<Option<Located<Self>>> {
        Self::read_key(fields, keys[0])
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        Ok(Self { address: Some(text.to_owned()), ..Self::default() })
    }

    fn overlay(&mut self, over: &Self) {
        let over = over.clone();
        self.address = over.address.or(self.address.take());
        self.username = over.username.or(self.username.take());
        self.password = over.password.or(self.password.take());
    }
}
