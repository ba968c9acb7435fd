//! Findings of checks.

use mlpack_project::check::{Finding, Severity};

use crate::output;

/// Formats a finding with its place, and its hint on a second line.
pub(crate) fn finding(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => output::red("error"),
        Severity::Warning => output::yellow("warning"),
    };
    let place = finding.place.as_ref().map(|(path, line)| {
        let line = if *line > 0 { format!(":{line}") } else { String::new() };
        format!("{}{line}: ", path.display())
    });
    format!(
        "{word}[{}]: {}{}\n  hint: {}",
        finding.check,
        place.unwrap_or_default(),
        finding.message,
        finding.hint
    )
}
