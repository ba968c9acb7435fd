//! A problem that a check found, and its hint.

use std::path::{Path, PathBuf};

use serde::Serialize;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The build continues.
    Warning,
    /// The service would fail; nothing is built.
    Error,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check that found it: `script.syntax`.
    pub check: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// File and line, from 1; line 0 is the file as a whole.
    pub place: Option<(PathBuf, usize)>,
    /// What to do about it.
    pub hint: String,
    /// Changes of lines that do it, where that needs no decision.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// A change of one line of a file of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The file.
    pub path: PathBuf,
    /// From 1.
    pub line: usize,
    /// A part of the line, which has it once.
    pub from: String,
    /// What takes its place; nothing to remove the item of a list that the line is.
    pub to: Option<String>,
}

impl Finding {
    pub(super) fn error(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            check,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            hint: hint.into(),
            edits: Vec::new(),
        }
    }

    pub(super) fn warning(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(check, message, hint) }
    }

    /// An error, or a warning if it may be intended.
    pub(super) fn unless(
        doubtful: bool,
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let severity = if doubtful { Severity::Warning } else { Severity::Error };
        Self { severity, ..Self::error(check, message, hint) }
    }

    pub(super) fn at(self, path: &Path, line: usize) -> Self {
        Self { place: Some((path.to_owned(), line)), ..self }
    }

    pub(super) fn with_edits(self, edits: Vec<Edit>) -> Self {
        Self { edits, ..self }
    }

    pub(super) fn placed(self, place: Option<(PathBuf, usize)>) -> Self {
        Self { place, ..self }
    }
}
