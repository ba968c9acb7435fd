//! One line of the `pip:` list: a requirement, an option, or a place to install from.

use std::str::FromStr as _;

use pep508_rs::{PackageName, Requirement, VerbatimUrl, VersionOrUrl};
use serde::{Deserialize, Serialize};

/// A line as pip's requirement files have it (pip documentation, "Requirements File Format").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipLine {
    /// As written, without a trailing comment.
    pub text: String,
    /// Line in the conda file, from 1.
    pub line: usize,
    /// What it is.
    pub kind: PipLineKind,
}

/// What a line of the `pip:` list is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PipLineKind {
    /// A package by name (PEP 508).
    Requirement {
        /// Normalised name (PEP 503).
        name: String,
        /// Extras, sorted.
        extras: Vec<String>,
        /// Version constraint as PEP 440 prints it; empty for any version.
        specifier: String,
        /// Where it comes from instead of the index, as in `name @ https://...`.
        url: Option<String>,
    },
    /// `-r other.txt`, `--extra-index-url https://...` and the like.
    Option,
    /// A path or an URL without a name, `./wheels/a.whl` or `git+https://...`.
    Place,
}

impl PipLine {
    /// Reads one line; the error says what is wrong with it.
    pub fn parse(text: &str, line: usize) -> Result<Self, String> {
        let text = strip_comment(text);
        if text.is_empty() {
            return Err("the line is empty".to_owned());
        }
        let kind = if text.starts_with('-') {
            PipLineKind::Option
        } else if is_place(text) {
            PipLineKind::Place
        } else {
            // Hashes and per-requirement options follow the requirement in pip's files only.
            let requirement = text.split(" --").next().unwrap_or(text);
            read_requirement(requirement.trim())?
        };
        Ok(Self { text: text.to_owned(), line, kind })
    }

    /// The package's normalised name, where the line has one.
    pub fn name(&self) -> Option<&str> {
        match &self.kind {
            PipLineKind::Requirement { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The version constraint as text, empty for none; nothing if the line is no requirement.
    pub fn specifier(&self) -> Option<&str> {
        match &self.kind {
            PipLineKind::Requirement { specifier, .. } => Some(specifier),
            _ => None,
        }
    }
}

/// A package name in the one form that compares equal: lower case, runs of `-_.` as one `-` (PEP 503).
///
/// Text that is no package name is given back in lower case.
pub fn normalize_name(name: &str) -> String {
    PackageName::from_str(name).map_or_else(|_| name.to_lowercase(), |name| name.to_string())
}

fn strip_comment(text: &str) -> &str {
    if text.trim_start().starts_with('#') {
        return "";
    }
    text.split(" #").next().unwrap_or(text).trim()
}

fn is_place(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or(text);
    let archive = [".whl", ".tar.gz", ".zip", ".tar.bz2"].iter().any(|end| first.ends_with(end));
    first.starts_with(['.', '/', '~'])
        || (!text.contains(" @ ") && (first.contains("://") || archive))
}

fn read_requirement(text: &str) -> Result<PipLineKind, String> {
    let requirement = Requirement::<VerbatimUrl>::from_str(text).map_err(|error| {
        let single =
            text.contains('=') && !text.contains("==") && !text.contains(['<', '>', '~', '!']);
        if single {
            "pip pins with `==`; a single `=` is conda's way".to_owned()
        } else {
            // The parser draws the line with a marker below; only its sentence is wanted.
            let message = error.message.to_string();
            message.lines().next().unwrap_or(&message).to_owned()
        }
    })?;
    let (specifier, url) = match &requirement.version_or_url {
        None => (String::new(), None),
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => (specifiers.to_string(), None),
        Some(VersionOrUrl::Url(url)) => (String::new(), Some(url.to_string())),
    };
    let mut extras: Vec<String> = requirement.extras.iter().map(ToString::to_string).collect();
    extras.sort();
    Ok(PipLineKind::Requirement { name: requirement.name.to_string(), extras, specifier, url })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(name: &str, extras: &[&str], specifier: &str, url: Option<&str>) -> PipLineKind {
        PipLineKind::Requirement {
            name: name.to_owned(),
            extras: extras.iter().map(|extra| (*extra).to_owned()).collect(),
            specifier: specifier.to_owned(),
            url: url.map(str::to_owned),
        }
    }

    #[test]
    fn every_kind_of_line_is_told_apart() {
        let table = [
            ("azureml-defaults", requirement("azureml-defaults", &[], "", None)),
            ("Scikit_Learn==0.20.3  # pickle", requirement("scikit-learn", &[], "==0.20.3", None)),
            (
                "inference-schema[numpy-support]",
                requirement("inference-schema", &["numpy-support"], "", None),
            ),
            ("a>=1,<2; python_version<'3.8'", requirement("a", &[], ">=1, <2", None)),
            (
                "a @ https://example.com/a.whl",
                requirement("a", &[], "", Some("https://example.com/a.whl")),
            ),
            ("a==1 --hash=sha256:00", requirement("a", &[], "==1", None)),
            ("-r more.txt", PipLineKind::Option),
            ("--extra-index-url https://example.com/simple", PipLineKind::Option),
            ("./local", PipLineKind::Place),
            ("dist/a-1-py3-none-any.whl", PipLineKind::Place),
            ("git+https://example.com/a", PipLineKind::Place),
        ];
        for (text, kind) in table {
            assert_eq!(PipLine::parse(text, 1).unwrap().kind, kind, "{text}");
        }
    }

    #[test]
    fn condas_way_of_pinning_is_explained() {
        let error = PipLine::parse("scikit-learn=0.20.3", 1).unwrap_err();
        assert_eq!(error, "pip pins with `==`; a single `=` is conda's way");
        assert!(PipLine::parse("# nothing", 1).is_err());
        assert!(PipLine::parse("two words", 1).is_err());
    }
}
