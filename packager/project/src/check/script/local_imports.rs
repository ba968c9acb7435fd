//! Imports of modules of the project that are not packaged or cannot be resolved
//! (docs/azureml-2019.md#2.5, docs/azureml-2019.md#4.2, docs/azureml-2019.md#9.4).

use std::path::Path;

use crate::check::modules::is_module;
use crate::check::{Finding, Needs, Subject, tables};

pub(crate) const ID: &str = "script.local-imports";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    let project = subject.project;
    let folder = project.entry_script.parent().unwrap_or(Path::new(""));
    let packages = subject.packages();
    let mut found = Vec::new();
    for import in &script.imports {
        let (message, hint) = if import.level > 0 {
            let shown = format!("{}{}", ".".repeat(import.level as usize), import.module);
            (
                format!(
                    "`from {shown} import ...`: the entry script is loaded as a file, not as part of a package"
                ),
                "import it without the dots".to_owned(),
            )
        } else if project.source_directory.is_none()
            && is_module(folder, import.top())
            && tables::stdlib(import.top()).is_none()
            && !packages.is_some_and(|packages| {
                tables::packages_of(&import.module).iter().any(|name| packages.get(name).is_some())
            })
            && script.path.file_stem().is_none_or(|stem| stem != import.top())
        {
            (
                format!(
                    "`import {}`: the module beside the entry script is not packaged",
                    import.module
                ),
                "use the folder as source directory (--source-directory)".to_owned(),
            )
        } else {
            continue;
        };
        found.push(
            Finding::unless(import.optional, ID, message, hint).at(&script.path, import.line),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    const FILES: [(&str, &str); 3] = [
        ("src/score.py", "import near\nfrom .near import x\nimport json\n"),
        ("src/near.py", ""),
        ("src/json.py", ""),
    ];

    #[test]
    fn modules_beside_the_script() {
        let relative = finding(
            ID,
            Error,
            Some(("src/score.py", 2)),
            "`from .near import ...`: the entry script is loaded as a file, not as part of a package",
            "import it without the dots",
        );
        let script =
            |case: Case| case.flags(|flags| flags.entry_script = Some("src/score.py".to_owned()));
        assert_eq!(
            script(Case::new(&FILES)).run(run),
            [
                finding(
                    ID,
                    Error,
                    Some(("src/score.py", 1)),
                    "`import near`: the module beside the entry script is not packaged",
                    "use the folder as source directory (--source-directory)",
                ),
                relative.clone(),
            ]
        );
        assert_eq!(script(Case::new(&FILES).source("src")).run(run), [relative]);
        assert_eq!(Case::script("import numpy\n").run(run), []);
    }
}
