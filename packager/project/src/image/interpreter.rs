//! Which interpreter an environment uses: the base's, or a new one among conda packages.

use mlpack_lock::LockTarget;
use mlpack_requirements::{CondaFile, Fit, PythonSpec, PythonVersion};

use crate::base::BaseFacts;
use crate::{Error, Result};

/// The folder of new environments if the base has no conda.
const WITHOUT_CONDA: &str = "/opt/mlpack";

/// Minor versions of Python 3 and their patch releases that are tried against a spec.
const MINORS: u32 = 40;
const PATCHES: u32 = 100;

/// Name of an environment whose conda file has none, as in the files of Azure ML.
const UNNAMED: &str = "project_environment";

/// What `--environment` requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterpreterPreference {
    /// Use the base's interpreter.
    Base,
    /// Install a new interpreter.
    New,
}

/// An interpreter and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterpreterSelection {
    /// Which one.
    pub interpreter: LockTarget,
    /// The reason, as half a sentence.
    pub why: String,
}

impl InterpreterSelection {
    /// Returns the interpreter's version as far as it is known before packages are resolved: the
    /// base's, or one of the only minor version that the conda file admits.
    pub fn python(&self, conda: Option<&CondaFile>) -> Option<PythonVersion> {
        let LockTarget::Base(target) = &self.interpreter else {
            return only_minor(conda?.python_spec()?);
        };
        Some(target.python)
    }

    /// Selects the base's interpreter if it satisfies the file, unless `preference` says otherwise.
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
            let interpreter = LockTarget::Base(facts.target(base)?);
            return Ok(Self { interpreter, why: "no conda file requires another".to_owned() });
        };
        let obstacle = obstacle(file, facts);
        let why = match (preference, obstacle) {
            (Some(InterpreterPreference::New), _) => "as requested".to_owned(),
            (None, Some(obstacle)) => obstacle.why(file),
            (Some(InterpreterPreference::Base), Some(obstacle)) => {
                return Err(obstacle.error(file, facts, base));
            }
            (_, None) => {
                let interpreter = LockTarget::Base(facts.target(base)?);
                return Ok(Self { interpreter, why: "it satisfies the conda file".to_owned() });
            }
        };
        let root = facts.conda.first().map_or(WITHOUT_CONDA, |conda| &conda.value.root);
        let name = file.name.as_deref().map_or(UNNAMED.to_owned(), folder_name);
        let prefix = format!("{}/envs/{name}", root.trim_end_matches('/'));
        Ok(Self {
            interpreter: LockTarget::New {
                virtual_packages: facts.virtual_packages(base)?,
                prefix,
            },
            why,
        })
    }
}

/// Returns a version of the only minor version of Python 3 that a spec admits, if there is only
/// one.
fn only_minor(spec: &PythonSpec) -> Option<PythonVersion> {
    let mut minors = (0..MINORS).filter_map(|minor| {
        let exact =
            |patch: &u32| spec.satisfied_by(PythonVersion::new(3, minor, *patch)) == Fit::Exact;
        (0..PATCHES).find(exact).map(|patch| PythonVersion::new(3, minor, patch))
    });
    minors.next().filter(|_| minors.next().is_none())
}

/// Why the base's interpreter cannot be used.
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
    // Another patch release is accepted, as Azure ML (2019) did; `deps.python` warns about it.
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
                format!("`{wanted}` is required, the base has {found}")
            }
            Self::Packages(names) => {
                let file = file.path.file_name().unwrap_or_default().to_string_lossy();
                let more = match names.len() {
                    1 => String::new(),
                    n => format!(" and {} more", n - 1),
                };
                format!("{file} lists the conda package {}{more}", names[0])
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

/// Returns a name as a folder name: characters that break paths or scripts become `_`.
fn folder_name(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().map(|c| if legal(c) { c } else { '_' }).collect();
    if name.trim_matches('.').is_empty() { UNNAMED.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minor_version_is_known_before_resolution() {
        let python = |line: &str| {
            let text = format!("dependencies:\n- {line}\n");
            let file = CondaFile::parse(&text, std::path::Path::new("env.yml")).unwrap();
            only_minor(file.python_spec()?)
        };
        let version = |minor, patch| Some(PythonVersion::new(3, minor, patch));
        assert_eq!(python("python=3.6.2"), version(6, 2));
        assert_eq!(python("python=3.8"), version(8, 0));
        assert_eq!(python("python>=3.8,<3.9"), version(8, 0));
        for open in ["python>=3.8", "python=3", "pip"] {
            assert_eq!(python(open), None, "{open}");
        }
    }

    #[test]
    fn names_become_folders() {
        assert_eq!(folder_name("my env/1"), "my_env_1");
        assert_eq!(folder_name(".."), UNNAMED);
    }
}
