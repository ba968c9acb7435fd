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

    pub(super) fn placed(self, place: Option<(PathBuf, usize)>) -> Self {
        Self { place, ..self }
    }
}
