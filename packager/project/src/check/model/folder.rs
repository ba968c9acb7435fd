//! Models that are folders: empty ones, and files that do not belong to a model
//! (docs/azureml-2019.md#9.10).

use crate::check::{Finding, Needs, Subject};
use crate::project::{Model, PackedKind};

pub(crate) const ID: &str = "model.folder";
pub(crate) const NEEDS: Needs = Needs::Project;

const STRAY: &[&str] =
    &[".DS_Store", "Thumbs.db", "desktop.ini", "__pycache__", ".ipynb_checkpoints", ".git"];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    subject.project.models.iter().flat_map(of_model).collect()
}

fn of_model(model: &Model) -> Vec<Finding> {
    let mut found = Vec::new();
    if model.stored.is_some() {
        return found;
    }
    let path = model.path.display();
    if !model.is_folder {
        if model.size() == 0 {
            found.push(Finding::error(
                ID,
                format!("the model `{}` is an empty file: {path}", model.name),
                "save the model again",
            ));
        }
        return found;
    }
    let holds_file = |kind: &PackedKind| !matches!(kind, PackedKind::Directory);
    if !model.files.iter().any(|file| holds_file(&file.kind)) {
        found.push(Finding::error(
            ID,
            format!("the model `{}` is an empty folder: {path}", model.name),
            "use the folder that contains the model's files",
        ));
    }
    for file in model.files.iter().filter(|file| STRAY.contains(&file.name())) {
        found.push(Finding::warning(
            ID,
            format!("the model `{}` contains {}, which will be packaged", model.name, file.path),
            "remove it from the model's folder",
        ));
    }
    if let Some(version) = versions_inside(model) {
        found.push(Finding::warning(
            ID,
            format!(
                "the model `{}` looks like a folder of versions ({version}); all of it becomes version {}",
                model.name, model.version
            ),
            format!("pass one version: {}:{version}=PATH/{version}/FILE", model.name),
        ));
    }
    found
}

/// Returns the highest version if the folder has the layout `NAME/VERSION/ONE_ENTRY` of
/// `azureml-models/NAME`. A TensorFlow servable has several entries in a version.
fn versions_inside(model: &Model) -> Option<u32> {
    let below =
        |file: &str| file.strip_prefix(&model.basename)?.strip_prefix('/').map(str::to_owned);
    let paths: Vec<String> = model.files.iter().filter_map(|file| below(&file.path)).collect();
    let depth = |path: &str, n: usize| path.matches('/').count() == n;
    let mut versions = Vec::new();
    for top in paths.iter().filter(|path| depth(path, 0) && !STRAY.contains(&path.as_str())) {
        versions.push(top.parse::<u32>().ok()?);
        let inside =
            paths.iter().filter(|path| depth(path, 1) && path.starts_with(&format!("{top}/")));
        if inside.count() != 1 {
            return None;
        }
    }
    versions.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    fn found(files: &[&str]) -> Vec<Finding> {
        let files: Vec<_> = files.iter().map(|file| (*file, "x")).collect();
        Case::new(&files).model("m=net").run(run)
    }

    #[test]
    fn empty_models() {
        let case = Case::new(&[("e", "")]);
        std::fs::create_dir_all(case.root().join("net/in")).unwrap();
        assert_eq!(
            case.model("m=net").model("e=e").run(run),
            [
                finding(
                    ID,
                    Error,
                    None,
                    "the model `m` is an empty folder: net",
                    "use the folder that contains the model's files",
                ),
                finding(
                    ID,
                    Error,
                    None,
                    "the model `e` is an empty file: e",
                    "save the model again"
                ),
            ]
        );
    }

    #[test]
    fn strays_and_versions() {
        assert_eq!(
            found(&["net/3/m.pkl", "net/10/m.pkl", "net/.DS_Store"]),
            [
                finding(
                    ID,
                    Warning,
                    None,
                    "the model `m` contains net/.DS_Store, which will be packaged",
                    "remove it from the model's folder",
                ),
                finding(
                    ID,
                    Warning,
                    None,
                    "the model `m` looks like a folder of versions (10); all of it becomes version 0",
                    "pass one version: m:10=PATH/10/FILE",
                ),
            ]
        );
        assert_eq!(found(&["net/1/saved_model.pb", "net/1/variables/v"]), []);
        assert_eq!(found(&["net/w.bin", "net/conf/1"]), []);
    }
}
