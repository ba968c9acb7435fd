//! Facts and verdicts of a base image.

use mlpack_project::base::{FactLine, Status, Verdict};

use crate::output;

/// Formats verdicts as a table, with hints below.
pub(crate) fn verdicts(verdicts: &[Verdict]) -> String {
    let rows = verdicts.iter().map(|verdict| {
        let status = match verdict.status {
            Status::Met => "ok",
            Status::Failed => "FAILED",
            Status::NotApplicable => "-",
            Status::Open => "?",
        };
        vec![
            status.to_owned(),
            verdict.requirement.clone(),
            match verdict.status {
                Status::Open => verdict.found.clone(),
                _ => format!("found {}", verdict.found),
            },
            format!("wanted {}", verdict.wanted),
        ]
    });
    let mut text = output::table(&[], rows);
    for verdict in verdicts {
        if let Some(hint) = &verdict.hint {
            text.push_str(&format!("\n{}: {hint}", verdict.requirement));
        }
    }
    text
}

/// Formats facts as a table.
pub(crate) fn facts(facts: &[FactLine]) -> String {
    let rows = facts.iter().map(|fact| {
        vec![
            fact.name.clone(),
            fact.value.clone(),
            format!("{} {}", fact.digest.short(), fact.path),
        ]
    });
    output::table(&["FACT", "VALUE", "READ FROM"], rows)
}
