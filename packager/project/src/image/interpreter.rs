//! Whose interpreter the environment gets: the base's, or one of its own among conda packages.

use mlpack_lock::{LockTarget, VirtualPackages};
use mlpack_requirements::{CondaFile, Fit, PythonVersion, Target};

use crate::base::BaseFacts;
use crate::{Error, Result};

/// Where an environment of its own lies if the base has no conda.
const WITHOUT_CONDA: &str = "/opt/mlpack";

/// Name of an environment whose conda file gives none, as Azure's own files have it.
const UNNAMED: &str = "project_environment";

/// The interpreter that packages are resolved for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterpreterSource {
    /// The base's, kept as it is.
    Base(Target),
    /// One that conda packages bring.
    New {
        /// What the base offers conda packages.
        virtual_packages: VirtualPackages,
        /// Where the environment lies, absolute.
        prefix: String,
    },
}

/// What `--environment` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterpreterPreference {
    /// Keep the base's interpreter.
    Base,
    /// An interpreter of its own.
    New,
}

/// An interpreter and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterpreterSelection {
    /// Which one.
    pub interpreter: InterpreterSource,
    /// Half a sentence.
    pub why: String,
}

impl InterpreterSelection {
    /// What a lock file would be for.
    pub fn lock_target(&self) -> LockTarget<'_> {
        match &self.interpreter {
            InterpreterSource::Base(target) => LockTarget::Base(target),
            InterpreterSource::New { virtual_packages, prefix } => {
                LockTarget::New { virtual_packages, prefix }
            }
        }
    }

    /// The interpreter's release, where it is known before packages are resolved.
    pub fn python(&self) -> Option<PythonVersion> {
        match &self.interpreter {
            InterpreterSource::Base(target) => Some(target.python),
            InterpreterSource::New { .. } => None,
        }
    }

    /// Keeps the base's interpreter where it satisfies the file, unless `preference` says otherwise.
    ///
    /// # Errors
    /// [`Error::OtherPython`] and [`Error::CondaOnBase`] for a file that the base's interpreter
    /// cannot satisfy although it must, [`Error::NoCondaFile`], or what the base lacks.
    pub fn of(
        conda: Option<&CondaFile>,
        facts: &BaseFacts,
        base: &str,
        preference: Option<InterpreterPreference>,
    ) -> Result<Self> {
        let Some(file) = conda else {
            if preference == Some(InterpreterPreference::New) {
                return Err(Error::NoCondaFile);
            }
            let interpreter = InterpreterSource::Base(facts.target(base)?);
            return Ok(Self { interpreter, why: "no conda file asks for another".to_owned() });
        };
        let obstacle = obstacle(file, facts);
        let why = match (preference, obstacle) {
            (Some(InterpreterPreference::New), _) => "as asked for".to_owned(),
            (None, Some(obstacle)) => obstacle.why(file),
            (Some(InterpreterPreference::Base), Some(obstacle)) => {
                return Err(obstacle.error(file, facts, base));
            }
            (_, None) => {
                let interpreter = InterpreterSource::Base(facts.target(base)?);
                return Ok(Self { interpreter, why: "it satisfies the conda file".to_owned() });
            }
        };
        let root = facts.conda.first().map_or(WITHOUT_CONDA, |conda| &conda.value.root);
        let name = file.name.as_deref().map_or(UNNAMED.to_owned(), folder_name);
        let prefix = format!("{}/envs/{name}", root.trim_end_matches('/'));
        Ok(Self {
            interpreter: InterpreterSource::New {
                virtual_packages: facts.virtual_packages(base)?,
                prefix,
            },
            why,
        })
    }
}

/// Why the base's interpreter does not do.
enum Obstacle {
    NoPython,
    Python { wanted: String, found: String, interpreter: String },
    Packages(Vec<String>),
}

fn obstacle(file: &CondaFile, facts: &BaseFacts) -> Option<Obstacle> {
    let packages: Vec<_> = file.conda_packages().map(|line| line.spec.name.clone()).collect();
    if !packages.is_empty() {
        return Some(Obstacle::Packages(packages));
    }
    let Some(python) = facts.python() else { return Some(Obstacle::NoPython) };
    let spec = file.python_spec()?;
    // Another patch release is let pass, as the service of 2019 did; the checks say so.
    (spec.satisfied_by(python.value.version) == Fit::No).then(|| Obstacle::Python {
        wanted: spec.text.clone(),
        found: python.value.version.to_string(),
        interpreter: python.value.path.clone(),
    })
}

impl Obstacle {
    fn why(&self, file: &CondaFile) -> String {
        match self {
            Self::NoPython => "the base has no Python".to_owned(),
            Self::Python { wanted, found, .. } => {
                format!("`{wanted}` is asked for, the base has {found}")
            }
            Self::Packages(names) => {
                let file = file.path.file_name().unwrap_or_default().to_string_lossy();
                let more = match names.len() {
                    1 => String::new(),
                    n => format!(" and {} more", n - 1),
                };
                format!("{file} asks for the conda package {}{more}", names[0])
            }
        }
    }

    fn error(self, file: &CondaFile, facts: &BaseFacts, base: &str) -> Error {
        match self {
            Self::NoPython => facts
                .target(base)
                .err()
                .unwrap_or_else(|| Error::NoPython { base: base.to_owned() }),
            Self::Python { wanted, found, interpreter } => {
                Error::OtherPython { file: file.path.clone(), wanted, found, interpreter }
            }
            Self::Packages(names) => Error::CondaOnBase { file: file.path.clone(), names },
        }
    }
}

/// A name as a folder may have it: what a path or a script would stumble over becomes `_`.
fn folder_name(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().map(|c| if legal(c) { c } else { '_' }).collect();
    if name.trim_matches('.').is_empty() { UNNAMED.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_folders() {
        assert_eq!(folder_name("my env/1"), "my_env_1");
        assert_eq!(folder_name(".."), UNNAMED);
    }
}
