//! Files whose names differ only in case are one file on Windows and macOS
//! (docs/azureml-2019.md#9.11).

use std::collections::BTreeMap;

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "source.case";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let files = &subject.source_files().files;
    let mut by_lower: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for file in files {
        if let Some(other) = by_lower.insert(file.path.to_lowercase(), &file.path) {
            found.push(Finding::warning(
                ID,
                format!("{other} and {} differ only in case", file.path),
                "rename one of them: on Windows and macOS they are the same file",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    #[test]
    fn twins_are_named() {
        let found = |other: &str| {
            Case::new(&[("src/score.py", ""), ("src/util.py", ""), (other, "")])
                .source("src")
                .run(run)
        };
        assert_eq!(
            found("src/Util.py"),
            [finding(
                ID,
                Warning,
                None,
                "src/Util.py and src/util.py differ only in case",
                "rename one of them: on Windows and macOS they are the same file",
            )]
        );
        assert_eq!(found("src/in/util.py"), []);
    }
}
