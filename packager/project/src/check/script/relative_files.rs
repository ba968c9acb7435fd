//! Relative paths start at the app root, not at the script's folder (docs/azureml-2019.md#2.5,
//! docs/azureml-2019.md#9.9).

use crate::analysis::python::FileRead;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.relative-files";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    let app_root: Vec<&str> =
        subject.source_files().files.iter().map(|file| file.path.as_str()).collect();
    script
        .file_reads
        .iter()
        .filter_map(|read| {
            let path = read.path.trim_start_matches("./").replace('\\', "/");
            if app_root.contains(&path.as_str()) {
                return None;
            }
            let (message, hint) = explain(subject, read, &path)?;
            Some(Finding::warning(ID, message, hint).at(&script.path, read.line))
        })
        .collect()
}

/// Returns message and hint if the path is certainly one of the project: a file beside the script,
/// in the source directory, or a model.
fn explain(subject: &Subject<'_>, read: &FileRead, path: &str) -> Option<(String, String)> {
    let project = subject.project;
    let FileRead { function, path: written, .. } = read;
    let last = path.rsplit('/').next().unwrap_or(path);
    if let Some(model) = project.models.iter().find(|model| model.basename == last) {
        return Some((
            format!(
                "{function}('{written}') reads from the app root, which does not contain the model `{}`",
                model.name
            ),
            format!("write {function}(Model.get_model_path('{}'))", model.name),
        ));
    }
    let folder = project.entry_script.parent()?;
    let Some(source) = &project.source_directory else {
        return folder.join(path).exists().then(|| {
            (
                format!(
                    "{function}('{written}') reads a file beside the script, which is not packaged"
                ),
                "use the folder as source directory, and open the file relative to __file__"
                    .to_owned(),
            )
        });
    };
    let beside = folder.join(path).exists();
    (beside || source.path.join(path).exists()).then(|| {
        (
            format!("{function}('{written}') reads from the app root, but the source directory is `{}` below it", source.name),
            if beside {
                format!("write {function}(os.path.join(os.path.dirname(__file__), '{path}'))")
            } else {
                format!("write {function}('{}/{path}')", source.name)
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    const SCRIPT: &str = "labels = open('labels.txt')\n";

    fn warning(message: &str, hint: &str) -> [Finding; 1] {
        [finding(ID, Warning, Some(("score.py", 1)), message, hint)]
    }

    #[test]
    fn files_beside_the_script() {
        assert_eq!(
            Case::new(&[("score.py", SCRIPT), ("labels.txt", "")]).run(run),
            warning(
                "open('labels.txt') reads a file beside the script, which is not packaged",
                "use the folder as source directory, and open the file relative to __file__",
            )
        );
        let in_source = |script: &str, labels: &str| {
            let mut found = Case::new(&[(script, SCRIPT), (labels, "")])
                .source("src")
                .flags(|flags| flags.entry_script = Some(script.to_owned()))
                .run(run);
            for finding in &mut found {
                finding.place.as_mut().unwrap().0 = "score.py".into();
            }
            found
        };
        let message = "open('labels.txt') reads from the app root, but the source directory is `src` below it";
        assert_eq!(
            in_source("src/score.py", "src/labels.txt"),
            warning(message, "write open(os.path.join(os.path.dirname(__file__), 'labels.txt'))")
        );
        assert_eq!(
            in_source("src/in/score.py", "src/labels.txt"),
            warning(message, "write open('src/labels.txt')")
        );
    }

    #[test]
    fn models_and_what_is_fine() {
        let case = |script: &str| {
            Case::new(&[("score.py", script), ("m.pkl", "")]).model("m=m.pkl").run(run)
        };
        assert_eq!(
            case("import joblib\njoblib.load('m.pkl')\n"),
            [finding(
                ID,
                Warning,
                Some(("score.py", 2)),
                "joblib.load('m.pkl') reads from the app root, which does not contain the model `m`",
                "write joblib.load(Model.get_model_path('m'))",
            )]
        );
        assert_eq!(case("open('made-at-run-time')\n"), []);
        assert_eq!(case("open('score.py')\n"), []);
    }
}
