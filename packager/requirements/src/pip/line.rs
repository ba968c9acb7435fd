//! One line of the `pip:` list: a requirement, an option, or a place to install from.

use std::fmt;
use std::path::{Path, PathBuf};

use mlpack_documents::limits::check_line;
use pep440_rs::VersionSpecifiers;
use pep508_rs::VersionOrUrl;

use super::option::{self, PipOption};
use super::requirement;
use crate::comment::without_comment;
use crate::{Error, redact};

/// A line as pip's requirement files have it (pip documentation, "Requirements File Format").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipLine {
    /// As written, without a trailing comment and without passwords.
    pub text: String,
    /// The file it is from, where that is known.
    pub file: PathBuf,
    /// Line in that file, from 1.
    pub line: usize,
    /// What it is.
    pub kind: PipLineKind,
    written: Written,
}

/// What a line of the `pip:` list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipLineKind {
    /// A package by name (PEP 508).
    Requirement {
        /// Normalised name (PEP 503).
        name: String,
        /// Extras, sorted.
        extras: Vec<String>,
        /// Version constraint; empty for any version.
        specifier: VersionSpecifiers,
        /// Where it comes from instead of the index, as in `name @ https://...`.
        url: Option<String>,
    },
    /// `-r other.txt`, `--extra-index-url https://...` and the like.
    Option,
    /// A path or an URL without a name, `./wheels/a.whl` or `git+https://...`.
    Place,
}

/// A line with its passwords.
#[derive(Clone, Default, PartialEq, Eq)]
struct Written(String);

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&redact(&self.0), f)
    }
}

impl PipLine {
    /// Returns a line that cannot be parsed as it was meant, where that is certain: with pip's operators for conda's, and
    /// for those with their signs exchanged.
    pub(crate) fn mended(text: &str) -> Option<String> {
        // An option has a sign of another meaning, and a line that is printed has no password.
        if redact(text) != text || text.starts_with('-') || text.contains(" -") {
            return None;
        }
        let operators = [("=", "=="), ("=>", ">="), ("=<", "<="), ("=!", "!=")];
        // `===` compares texts.
        let operators = operators.iter().filter(|(slip, _)| *slip != "=" || !text.contains("=="));
        let mut lines = operators.map(|(slip, meant)| text.replacen(slip, meant, 1));
        lines.find(|line| Self::parse(line, 1).is_ok())
    }

    /// Parses one line; the error is the reason why it is not valid.
    pub fn parse(text: &str, line: usize) -> Result<Self, String> {
        let text = without_comment(text);
        if text.is_empty() {
            return Err("the line is empty".to_owned());
        }
        check_line(text)?;
        let kind = if text.starts_with('-') {
            if option::read(text)?.iter().any(|option| matches!(option, PipOption::Hash(_))) {
                return Err("`--hash` must follow a requirement".to_owned());
            }
            PipLineKind::Option
        } else {
            let (requirement, options) = split_options(text);
            let requirement = without_empty_marker(requirement);
            let foreign = |option: &PipOption| !matches!(option, PipOption::Hash(_));
            if option::read(options)?.iter().any(foreign) {
                return Err("only `--hash` is valid after a requirement".to_owned());
            }
            if is_place(requirement) { PipLineKind::Place } else { read_requirement(requirement)? }
        };
        let written = Written(text.to_owned());
        Ok(Self { text: redact(text), file: PathBuf::new(), line, kind, written })
    }

    /// Returns the same line as one of a file.
    pub(crate) fn of(self, file: &Path) -> Self {
        Self { file: file.to_owned(), ..self }
    }

    /// Returns the same line with the text that the resolver gets.
    pub(crate) fn with_text(self, text: &str) -> Self {
        Self { written: Written(text.to_owned()), ..self }
    }

    /// Returns the same line with its name taken for a path: `-e mypkg` is a folder.
    pub(crate) fn into_place(self) -> Self {
        let by_name = matches!(self.kind, PipLineKind::Requirement { url: None, .. });
        if by_name { Self { kind: PipLineKind::Place, ..self } } else { self }
    }

    /// Returns the line as written, with its passwords.
    pub fn secret(&self) -> &str {
        if self.written.0.is_empty() { &self.text } else { &self.written.0 }
    }

    /// The package's normalised name, where the line has one.
    pub fn name(&self) -> Option<&str> {
        match &self.kind {
            PipLineKind::Requirement { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Where it is written, as `env.yml:3`.
    pub fn place(&self) -> String {
        if self.file.as_os_str().is_empty() {
            format!("line {} of the pip list", self.line)
        } else {
            format!("{}:{}", self.file.display(), self.line)
        }
    }

    /// An error about this line.
    pub fn error(&self, reason: String, hint: Option<String>) -> Error {
        Error::PipRequirement { place: self.place(), text: self.text.clone(), reason, hint }
    }

    /// The version constraint, empty for none; `None` if the line is not a requirement.
    pub fn specifier(&self) -> Option<&VersionSpecifiers> {
        match &self.kind {
            PipLineKind::Requirement { specifier, .. } => Some(specifier),
            _ => None,
        }
    }
}

/// A requirement without a semicolon that nothing follows, which pip before 20.3 read.
pub(crate) fn without_empty_marker(text: &str) -> &str {
    text.trim_end_matches(|c: char| c == ';' || c.is_whitespace())
}

/// A requirement and the options behind it.
pub(crate) fn split_options(text: &str) -> (&str, &str) {
    match text.split_once(" --") {
        Some((requirement, _)) => (requirement.trim(), text[requirement.len()..].trim()),
        None => (text.trim(), ""),
    }
}

/// Ends of files that pip installs from.
pub(crate) const ARCHIVES: [&str; 7] =
    [".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz", ".tar"];

fn is_place(text: &str) -> bool {
    if split_direct(text).is_some() {
        return false;
    }
    let first = text.split([';', '#']).next().unwrap_or(text).trim_end();
    let first = first.split_once('[').map_or(first, |(place, _)| place);
    let archive = ARCHIVES.iter().any(|end| first.ends_with(end));
    let bare = first.split_whitespace().next() == Some(first);
    first.starts_with(['.', '/', '~'])
        || first.contains("://")
        || first.starts_with("file:")
        || (bare && archive)
        || (bare && first.contains('/'))
}

/// `name[extras]` and the rest of a line of the form `name[extras] @ place`.
pub(crate) fn split_direct(text: &str) -> Option<(&str, &str)> {
    let (name, place) = text.split_once('@')?;
    let name = name.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.[], ".contains(c);
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(allowed);
    good.then(|| (name, place.trim()))
}

fn read_requirement(text: &str) -> Result<PipLineKind, String> {
    // The parser of addresses reads the environment of this process.
    let (named, url) = match split_direct(text) {
        Some((_, "")) => return Err("an address is missing after `@`".to_owned()),
        Some((name, place)) => (name, Some(redact(place))),
        None => (text, None),
    };
    let requirement = requirement::parse(named).map_err(|message| {
        let single =
            text.contains('=') && !text.contains("==") && !text.contains(['<', '>', '~', '!']);
        if single { "pip pins with `==`; a single `=` is conda's way".to_owned() } else { message }
    })?;
    let specifier = match requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers,
        _ => VersionSpecifiers::empty(),
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
            specifier: specifier.parse().unwrap(),
            url: url.map(str::to_owned),
        }
    }

    #[test]
    fn only_certain_slips_are_mended() {
        let mended = |text: &str| PipLine::mended(text);
        assert_eq!(mended("numpy=1.16").as_deref(), Some("numpy==1.16"));
        assert_eq!(mended("numpy=>1.16,<2").as_deref(), Some("numpy>=1.16,<2"));
        for text in ["numpy==1.x", "numpy==1.0=py36_0", "a --hash=sha256:0", "--foo=1", "a b"] {
            assert_eq!(mended(text), None, "{text}");
        }
    }

    #[test]
    fn every_kind_of_line_is_recognized() {
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
            (
                "a==1 --hash=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                requirement("a", &[], "==1", None),
            ),
            (
                "a[b] @ git+https://me:secret@example.com/a@v1#egg=a ; python_version < '3.8'",
                requirement(
                    "a",
                    &["b"],
                    "",
                    Some("git+https://example.com/a@v1#egg=a ; python_version < '3.8'"),
                ),
            ),
            ("-r more.txt", PipLineKind::Option),
            ("--extra-index-url https://example.com/simple", PipLineKind::Option),
            ("./local", PipLineKind::Place),
            ("./local[extra] ; python_version < '3.8'", PipLineKind::Place),
            ("sub/local", PipLineKind::Place),
            ("file:local", PipLineKind::Place),
            ("-e ./local", PipLineKind::Option),
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
        let options = [
            ("a --pre", "only `--hash` is valid after a requirement"),
            (
                "--hash=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "`--hash` must follow a requirement",
            ),
            ("a @", "an address is missing after `@`"),
        ];
        for (text, message) in options {
            assert_eq!(PipLine::parse(text, 1).unwrap_err(), message, "{text}");
        }
    }

    #[test]
    fn a_password_stays_out_of_what_is_shown() {
        let line = PipLine::parse("a @ https://me:secret@example.com/a.whl", 1).unwrap();
        assert_eq!(line.text, "a @ https://example.com/a.whl");
        assert_eq!(line.secret(), "a @ https://me:secret@example.com/a.whl");
        assert!(!format!("{line:?}").contains("secret"), "{line:?}");
    }
}
