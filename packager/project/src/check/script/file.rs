//! The entry script is a file that Python can import (docs/azureml-2019.md#2.4,
//! docs/azureml-2019.md#9.1).

use std::path::Path;

use mlpack_documents::nearest;

use crate::analysis::python::Error;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.file";
pub(crate) const NEEDS: Needs = Needs::Project;

/// Python's keywords (language reference, section 2.3.1).
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let project = subject.project;
    let path = &project.entry_script;
    let shown = path.display();
    let (message, hint) = if !path.exists() {
        (format!("the entry script {shown} does not exist"), where_looked(subject))
    } else if !path.is_file() {
        (
            format!("the entry script {shown} is not a file"),
            "name the file with init() and run()".to_owned(),
        )
    } else if path.extension().is_none_or(|extension| extension != "py") {
        (format!("the entry script {shown} does not end with `.py`"), "rename it".to_owned())
    } else if !is_module_name(path) {
        (
            format!(
                "the entry script {shown} cannot be imported: its name is not a Python identifier"
            ),
            "rename it to letters, digits and `_`, not beginning with a digit, as in `score.py`"
                .to_owned(),
        )
    } else if let (None, Some(source)) =
        (project.entry_script_in_image(), &project.source_directory)
    {
        (
            format!(
                "the entry script {shown} is outside the source directory {}",
                source.path.display()
            ),
            "move it into the source directory: only that is packaged".to_owned(),
        )
    } else if let Err(error) = &subject.script {
        let message = match error {
            Error::Read { source, .. } => {
                format!("the entry script {shown} cannot be read: {source}")
            }
            Error::Encoding { line, .. } => {
                format!("the entry script {shown} is not UTF-8 (line {line})")
            }
        };
        (message, error.hint())
    } else {
        return Vec::new();
    };
    vec![Finding::error(ID, message, hint).placed(project.place_of("entryScript"))]
}

fn where_looked(subject: &Subject<'_>) -> String {
    let path = &subject.project.entry_script;
    if let Some(near) = beside(path) {
        return format!("did you mean `{near}`?");
    }
    match &subject.project.source_directory {
        Some(_) => {
            "check the path; it is looked up in the source directory, then in the working directory"
        }
        None => "check the path; it is relative to the working directory",
    }
    .to_owned()
}

/// Returns the script in the same folder whose name is most like that of a path.
fn beside(path: &Path) -> Option<String> {
    let entries = std::fs::read_dir(path.parent()?).ok()?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut scripts: Vec<String> = names.filter(|name| name.ends_with(".py")).collect();
    scripts.sort();
    nearest(path.file_name()?.to_str()?, scripts.iter().map(String::as_str)).map(str::to_owned)
}

fn is_module_name(path: &Path) -> bool {
    let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { return false };
    let mut chars = stem.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    fn found(files: &[(&str, &str)], script: &str, source: Option<&str>) -> Vec<Finding> {
        let case = Case::new(files).flags(|flags| flags.entry_script = Some(script.to_owned()));
        match source {
            Some(source) => case.source(source).run(run),
            None => case.run(run),
        }
    }

    fn error(message: &str, hint: &str) -> [Finding; 1] {
        [finding(ID, Error, None, message, hint)]
    }

    #[test]
    fn it_must_be_an_importable_file() {
        let relative = "check the path; it is relative to the working directory";
        assert_eq!(
            found(&[], "score.py", None),
            error("the entry script score.py does not exist", relative)
        );
        assert_eq!(
            found(&[("score.py", ""), ("train.py", "")], "scorr.py", None),
            error("the entry script scorr.py does not exist", "did you mean `score.py`?")
        );
        assert_eq!(
            found(&[("score.py/x", "")], "score.py", None),
            error("the entry script score.py is not a file", "name the file with init() and run()")
        );
        assert_eq!(
            found(&[("score.txt", "")], "score.txt", None),
            error("the entry script score.txt does not end with `.py`", "rename it")
        );
        for name in ["my-score.py", "1.py", "class.py"] {
            assert_eq!(
                found(&[(name, "")], name, None),
                error(
                    &format!(
                        "the entry script {name} cannot be imported: its name is not a Python identifier"
                    ),
                    "rename it to letters, digits and `_`, not beginning with a digit, as in `score.py`"
                )
            );
        }
    }

    #[test]
    fn it_must_be_in_the_source_directory() {
        let files = [("score.py", ""), ("src/inner.py", "")];
        assert_eq!(
            found(&files, "score.py", Some("src")),
            error(
                "the entry script score.py is outside the source directory src",
                "move it into the source directory: only that is packaged"
            )
        );
        assert_eq!(
            found(&files, "gone.py", Some("src")),
            error(
                "the entry script src/gone.py does not exist",
                "check the path; it is looked up in the source directory, then in the working directory"
            )
        );
        for good in ["inner.py", "src/inner.py", "src\\inner.py"] {
            assert_eq!(found(&files, good, Some("src")), [], "{good}");
        }
        assert_eq!(found(&files, "score.py", None), []);
    }

    #[test]
    fn it_must_be_utf8() {
        let case = Case::script("");
        std::fs::write(case.root().join("score.py"), b"x = 1\ny = '\xe9'\n").unwrap();
        let found = case.run(run);
        assert_eq!(
            found,
            error("the entry script score.py is not UTF-8 (line 2)", "save the file as UTF-8")
        );
    }
}
