//! Chooses the inference server that is added to an environment (docs/azureml-2019.md#0.1 to #0.3).

use crate::error::PipError;
use std::str::FromStr as _;

use pep440_rs::{Operator, Version};

use crate::Result;
use mlpack_lock::SERVER;
use mlpack_requirements::{PipLine, PythonVersion};

const DEFAULTS: &str = "azureml-defaults";
/// The first `azureml-defaults` that depends on the server (docs/azureml-2019.md#0.2).
const DEFAULTS_WITH_SERVER: &str = "1.34";

/// One row of docs/azureml-2019.md#0.1: what fits an interpreter, and each other.
struct Pair {
    /// First and last minor version of Python 3; the last row is open.
    minors: (u32, u32),
    /// Newest `azureml-defaults` that this Python can install.
    defaults: &'static str,
    /// The versions of `azureml-defaults` whose dependencies this Python meets, with a server.
    defaults_range: &'static str,
    /// The server versions that this Python can install and those defaults ask for.
    server_range: &'static str,
    /// What the newest of these servers asks of packages that lists from before it pin (its
    /// metadata on the index), as name and version constraint.
    companions: [(&'static str, &'static str); 2],
}

const PAIRS: [Pair; 4] = [
    Pair {
        minors: (6, 6),
        defaults: "1.47.0",
        defaults_range: ">=1.47,<1.49",
        server_range: ">=0.7.2,<0.8",
        companions: [("gunicorn", "==20.1.0"), ("inference-schema", "~=1.4.0")],
    },
    Pair {
        minors: (7, 7),
        defaults: "1.54.0",
        defaults_range: ">=1.49,<1.55",
        server_range: ">=0.8.0,<0.9",
        companions: [("gunicorn", "==20.1.0"), ("inference-schema", "~=1.7.0")],
    },
    Pair {
        minors: (8, 8),
        defaults: "1.60.0",
        defaults_range: ">=1.58,<1.61",
        server_range: ">=1.3,<1.4",
        companions: [("gunicorn", ">=23"), ("inference-schema", "~=1.8.0")],
    },
    Pair {
        minors: (9, u32::MAX),
        defaults: "1.62.0",
        defaults_range: ">=1.61",
        server_range: ">=1.4,<2",
        companions: [("gunicorn", ">=23"), ("inference-schema", "~=1.8.0")],
    },
];

/// What is added to a requirement list so that a server comes out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ServerChoice {
    /// Requirement lines to resolve together with the list.
    pub(crate) added: Vec<String>,
    /// Why, one sentence each.
    pub(crate) notes: Vec<String>,
    /// The server's own line, for a list that does not go together with the others.
    pub(crate) alone: Option<String>,
    /// What gives way to the server then.
    pub(crate) companions: Vec<(&'static str, &'static str)>,
}

/// Decides before resolution, from the interpreter and the `pip:` list.
///
/// # Errors
/// [`PipError::NoServer`] for a Python that no server supports.
pub(crate) fn choose_server(python: PythonVersion, pip: &[PipLine]) -> Result<ServerChoice> {
    let pair = PAIRS
        .iter()
        .find(|pair| python.major == 3 && (pair.minors.0..=pair.minors.1).contains(&python.minor))
        .ok_or(PipError::NoServer { python })?;
    let line = |name: &str| pip.iter().find(|line| line.name() == Some(name));
    let mut choice = ServerChoice::default();
    if line(SERVER).is_none() {
        choice.alone = Some(format!("{SERVER}{}", pair.server_range));
        choice.companions = pair.companions.to_vec();
    }
    match line(DEFAULTS) {
        Some(defaults) if admits(defaults, pair.defaults) => {
            // Without bounds a resolver may walk azureml-defaults back to a release without a server
            // (docs/azureml-2019.md#0.3, Python 3.8), so both are constrained together.
            choice.added.push(format!("{DEFAULTS}{}", pair.defaults_range));
            if line(SERVER).is_none() {
                choice.added.push(format!("{SERVER}{}", pair.server_range));
            }
            choice.notes.push(format!(
                "constraining azureml-defaults to {} and its server to {} for Python {}",
                pair.defaults_range,
                pair.server_range,
                python.minor_text()
            ));
        }
        _ if line(SERVER).is_some() => {}
        Some(defaults) => {
            // The list asks for another release, which depends on a server only from 1.34 on.
            choice.added.push(SERVER.to_owned());
            if predates(defaults, DEFAULTS_WITH_SERVER) {
                choice.notes.push(format!(
                    "`{}` predates the bundled web server; adding {SERVER}",
                    defaults.text
                ));
            }
        }
        None => {
            choice.added.push(format!("{SERVER}{}", pair.server_range));
            choice.notes.push(format!(
                "the pip list has no web server; adding {SERVER}{} for Python {}",
                pair.server_range,
                python.minor_text()
            ));
        }
    }
    Ok(choice)
}

/// Whether every release that a requirement admits is older than a version.
fn predates(line: &PipLine, version: &str) -> bool {
    let (Some(specifiers), Ok(first)) = (line.specifier(), Version::from_str(version)) else {
        return false;
    };
    specifiers.iter().any(|of| match of.operator() {
        Operator::Equal | Operator::EqualStar | Operator::ExactEqual | Operator::LessThanEqual => {
            *of.version() < first
        }
        Operator::LessThan => *of.version() <= first,
        // `~=1.30` has no bound below 2.
        Operator::TildeEqual => of.version().release().len() > 2 && *of.version() < first,
        _ => false,
    })
}

/// Whether a requirement admits a version; one that cannot be parsed admits all.
fn admits(line: &PipLine, version: &str) -> bool {
    match (line.specifier(), Version::from_str(version)) {
        (Some(specifiers), Ok(version)) => specifiers.contains(&version),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(minor: u32, lines: &[&str]) -> Vec<String> {
        let pip: Vec<_> = lines.iter().map(|line| PipLine::parse(line, 1).unwrap()).collect();
        choose_server(PythonVersion::new(3, minor, 5), &pip).unwrap().added
    }

    #[test]
    fn releases_without_a_server_are_known_by_their_bounds() {
        let noted = |line: &str| {
            let pip = [PipLine::parse(line, 1).unwrap()];
            let notes = choose_server(PythonVersion::new(3, 8, 5), &pip).unwrap().notes;
            notes.iter().any(|note| note.contains("predates"))
        };
        for old in ["==1.30.0", "==1.33.*", "<1.34", "<=1.33.9", "~=1.33.0", ">1.2,<1.20"] {
            assert!(noted(&format!("azureml-defaults{old}")), "{old}");
        }
        for new in ["==1.34.0", "==1.40.0", ">=1.35,<1.50", "~=1.40.0", "!=1.60.0,<1.55"] {
            assert!(!noted(&format!("azureml-defaults{new}")), "{new}");
        }
    }

    #[test]
    fn a_list_without_a_server_gets_the_one_that_fits() {
        assert_eq!(choose(6, &["scikit-learn"]), ["azureml-inference-server-http>=0.7.2,<0.8"]);
        assert_eq!(choose(7, &[]), ["azureml-inference-server-http>=0.8.0,<0.9"]);
        assert_eq!(choose(8, &[]), ["azureml-inference-server-http>=1.3,<1.4"]);
        assert_eq!(choose(13, &[]), ["azureml-inference-server-http>=1.4,<2"]);
    }

    /// Each row of docs/azureml-2019.md#0.1.
    #[test]
    fn every_python_gets_its_pair() {
        let table = [
            (6, "azureml-defaults>=1.47,<1.49", "azureml-inference-server-http>=0.7.2,<0.8"),
            (7, "azureml-defaults>=1.49,<1.55", "azureml-inference-server-http>=0.8.0,<0.9"),
            (8, "azureml-defaults>=1.58,<1.61", "azureml-inference-server-http>=1.3,<1.4"),
            (9, "azureml-defaults>=1.61", "azureml-inference-server-http>=1.4,<2"),
            (10, "azureml-defaults>=1.61", "azureml-inference-server-http>=1.4,<2"),
            (11, "azureml-defaults>=1.61", "azureml-inference-server-http>=1.4,<2"),
            (12, "azureml-defaults>=1.61", "azureml-inference-server-http>=1.4,<2"),
            (13, "azureml-defaults>=1.61", "azureml-inference-server-http>=1.4,<2"),
        ];
        for (minor, defaults, server) in table {
            assert_eq!(choose(minor, &["azureml-defaults"]), [defaults, server], "3.{minor}");
            assert_eq!(choose(minor, &[]), [server], "3.{minor}");
        }
    }

    #[test]
    fn a_list_with_a_server_is_left_alone() {
        assert!(choose(8, &["Azureml_Inference_Server_Http==1.0.0"]).is_empty());
    }

    #[test]
    fn the_pair_of_the_table_is_held_together_unless_the_list_says_otherwise() {
        let pair = ["azureml-defaults>=1.58,<1.61", "azureml-inference-server-http>=1.3,<1.4"];
        assert_eq!(choose(8, &["azureml-defaults", "inference-schema"]), pair);
        assert_eq!(choose(8, &["azureml-defaults>=1.50"]), pair);
        assert_eq!(choose(8, &["azureml-defaults==1.0.45"]), ["azureml-inference-server-http"]);
        assert_eq!(choose(8, &["azureml-defaults==1.35.0"]), ["azureml-inference-server-http"]);
    }

    #[test]
    fn pythons_without_a_server_are_refused() {
        for python in [PythonVersion::new(3, 5, 10), PythonVersion::new(2, 7, 18)] {
            let error = choose_server(python, &[]).unwrap_err();
            assert_eq!(error.to_string(), format!("no inference server supports Python {python}"));
            assert_eq!(
                error.hint().unwrap(),
                format!(
                    "use a base image with Python 3.6 or newer instead of {}",
                    python.minor_text()
                )
            );
        }
    }
}
