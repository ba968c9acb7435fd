//! Paths below `AZUREML_MODEL_DIR` exist (docs/azureml-2019.md#1.6, docs/azureml-2019.md#9.5).

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::python::{EntryScript, ModelDirPart, ModelDirUse, Root};
use crate::check::{Edit, Finding, Needs, Subject};
use crate::image::APP_ROOT;
use crate::project::{Model, PackedKind};

pub(crate) const ID: &str = "script.model-dir";
pub(crate) const NEEDS: Needs = Needs::Project;

/// Files of a folder that a hint names.
const NAMED: usize = 5;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    let models = subject.project.models.as_slice();
    if !subject.project.model_errors.is_empty() {
        return Vec::new();
    }
    let parts = script.model_dir_parts.iter().filter_map(|part| part_of(models, script, part));
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for used in &script.model_dir_uses {
        if used.parts.iter().any(|part| part == "..") {
            continue;
        }
        let Some((message, hint)) = fault(models, used) else { continue };
        // A path is first joined and then opened.
        if seen.insert((message.clone(), used.guarded)) {
            let finding = Finding::unless(used.guarded, ID, message, hint);
            found.push(finding.at(&script.path, used.line));
        }
    }
    found.extend(parts);
    found
}

/// Reports a part that is another one than on Azure until 2020, where the variable was `azureml-models/NAME/VERSION`.
fn part_of(models: &[Model], script: &EntryScript, part: &ModelDirPart) -> Option<Finding> {
    let [model] = models else { return None };
    let version = model.version.to_string();
    let relative = ["azureml-models", &model.name, &version];
    let meant = relative.get(part.index)?;
    let folder = format!("{APP_ROOT}/{}", relative.join("/"));
    let taken = folder.split('/').nth(part.index).unwrap_or_default();
    let written = &part.written;
    // From the end the count is the same in both.
    let (begin, _) = written.rsplit_once('[')?;
    let to = format!("{begin}[-{}]", relative.len() - part.index);
    let edit = Edit {
        path: script.path.clone(),
        line: part.line,
        from: written.clone(),
        to: Some(to.clone()),
    };
    let message = format!(
        "AZUREML_MODEL_DIR.{written} is `{taken}` and not `{meant}`: the variable is an absolute path, {folder}"
    );
    let finding = Finding::error(ID, message, format!("write `{to}`"));
    Some(finding.at(&script.path, part.line).with_edits(vec![edit]))
}

/// Returns what is wrong with a path, and the hint.
fn fault(models: &[Model], used: &ModelDirUse) -> Option<(String, String)> {
    let joined = used.parts.join("/");
    let (own, start, shown) = match &used.root {
        Root::ModelDir => (models, String::new(), "AZUREML_MODEL_DIR".to_owned()),
        Root::Model(name) => {
            let mut named = (0..models.len()).filter(|at| models[*at].name == *name);
            let at = named.next().filter(|_| named.next().is_none())?;
            let shown = format!("Model.get_model_path('{name}')");
            (&models[at..=at], models[at].basename.clone(), shown)
        }
    };
    let tree = tree(own);
    let shown = [&shown, &*joined].join(if joined.is_empty() { "" } else { "/" });
    let (mut path, mut there) = (start.clone(), *tree.get(&start)?);
    let exists = used.parts.iter().all(|part| {
        if there != Place::Folder {
            // The target of a link is not known.
            return there == Place::Link;
        }
        path = if path.is_empty() { part.clone() } else { format!("{path}/{part}") };
        let found = tree.get(&path).copied();
        there = found.unwrap_or(there);
        found.is_some()
    });
    let model_is_file = !start.is_empty() && tree.get(&start) == Some(&Place::File);
    match (&used.opened, &used.root) {
        (None, _) if exists => None,
        (Some(_), _) if exists && there != Place::Folder => None,
        (_, Root::ModelDir) if !exists || models.is_empty() => Some(explain(models, &joined)),
        (Some(opener), _) if exists => {
            Some((format!("{shown} is a folder, and `{opener}` opens files"), below(own, &path)))
        }
        _ if model_is_file => Some((
            format!("{shown} does not exist: the model is the file `{start}` itself"),
            format!("omit `/{joined}`: the call returns the path of the file"),
        )),
        _ => {
            Some((format!("{shown} does not exist below the folder `{start}`"), below(own, &start)))
        }
    }
}

/// The hint with the first files of a folder.
fn below(models: &[Model], folder: &str) -> String {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let several = models.len() > 1;
    let files = models.iter().flat_map(|model| {
        let before =
            if several { format!("{}/{}/", model.name, model.version) } else { String::new() };
        let files = model.files.iter().filter(|file| matches!(file.kind, PackedKind::File { .. }));
        files.map(move |file| format!("{before}{}", file.path))
    });
    let mut names: Vec<String> = files
        .filter_map(|file| file.strip_prefix(&prefix).map(|name| format!("`{name}`")))
        .collect();
    let more = names.len() > NAMED;
    names.truncate(NAMED);
    let end = if more { ", ..." } else { "" };
    format!("join a file of it: {}{end}", names.join(", "))
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    Folder,
    Link,
}

/// Returns paths below `AZUREML_MODEL_DIR`. With one model it is the folder of its version, with more
/// the folder of all.
fn tree(models: &[Model]) -> BTreeMap<String, Place> {
    let mut tree = BTreeMap::from([(String::new(), Place::Folder)]);
    let mut add = |prefix: &str, model: &Model| {
        for file in &model.files {
            let place = match file.kind {
                PackedKind::Link { .. } => Place::Link,
                PackedKind::File { .. } => Place::File,
                _ => Place::Folder,
            };
            tree.insert(format!("{prefix}{}", file.path), place);
        }
    };
    if let [model] = models {
        add("", model);
        return tree;
    }
    for model in models {
        add(&format!("{}/{}/", model.name, model.version), model);
    }
    for model in models {
        tree.insert(model.name.clone(), Place::Folder);
        tree.insert(format!("{}/{}", model.name, model.version), Place::Folder);
    }
    tree
}

fn explain(models: &[Model], joined: &str) -> (String, String) {
    match models {
        [] => (
            format!("AZUREML_MODEL_DIR/{joined}: no model is passed"),
            "pass a model: --model NAME=PATH".to_owned(),
        ),
        [model] => {
            let same_file = model.files.iter().find(|file| file.name() == joined);
            let right = same_file.map_or(model.basename.as_str(), |file| file.path.as_str());
            (
                format!(
                    "AZUREML_MODEL_DIR/{joined} does not exist: the folder contains `{}`",
                    model.basename
                ),
                open(right),
            )
        }
        models => {
            let folder =
                |model: &Model| format!("{}/{}/{}", model.name, model.version, model.basename);
            let right = models.iter().find(|model| {
                joined.split('/').any(|part| part == model.basename || part == model.name)
            });
            (
                format!(
                    "AZUREML_MODEL_DIR/{joined} does not exist: with {} models the folder contains NAME/VERSION/FILE",
                    models.len()
                ),
                match right {
                    Some(model) => open(&folder(model)),
                    None => format!(
                        "join one of {} to AZUREML_MODEL_DIR",
                        models.iter().map(folder).collect::<Vec<_>>().join(", ")
                    ),
                },
            )
        }
    }
}

/// The hint that shows how a file of the folder is found.
fn open(path: &str) -> String {
    format!("use `os.path.join(os.environ[\"AZUREML_MODEL_DIR\"], \"{path}\")`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    fn case(path: &str) -> Case {
        let script = format!(
            "import os\nd = os.environ['AZUREML_MODEL_DIR']\np = os.path.join(d, {path})\n"
        );
        Case::new(&[("score.py", &script), ("a.pkl", "x"), ("net/w/b.bin", "x")])
    }

    fn error(message: &str, hint: &str) -> [Finding; 1] {
        [finding(ID, Error, Some(("score.py", 3)), message, hint)]
    }

    #[test]
    fn one_model() {
        let one = |path: &str| case(path).model("a=a.pkl").run(run);
        assert_eq!(
            one("'model.pkl'"),
            error(
                "AZUREML_MODEL_DIR/model.pkl does not exist: the folder contains `a.pkl`",
                "use `os.path.join(os.environ[\"AZUREML_MODEL_DIR\"], \"a.pkl\")`"
            )
        );
        assert_eq!(one("'a.pkl'"), []);
        assert_eq!(one("name"), []);
        let net = |path: &str| case(path).model("n=net").run(run);
        assert_eq!(
            net("'b.bin'"),
            error(
                "AZUREML_MODEL_DIR/b.bin does not exist: the folder contains `net`",
                &open("net/w/b.bin")
            )
        );
        assert_eq!(net("'net', 'w', 'b.bin'"), []);
        assert_eq!(net("'net', name, 'b.bin'"), []);
    }

    #[test]
    fn several_models_and_none() {
        let two = |path: &str| case(path).model("a:3=a.pkl").model("n=net").run(run);
        assert_eq!(
            two("'a.pkl'"),
            error(
                "AZUREML_MODEL_DIR/a.pkl does not exist: with 2 models the folder contains NAME/VERSION/FILE",
                &open("a/3/a.pkl")
            )
        );
        assert_eq!(two("'a/3/a.pkl'"), []);
        assert_eq!(two("'n', '0'"), []);
        assert_eq!(
            case("'a.pkl'").run(run),
            error("AZUREML_MODEL_DIR/a.pkl: no model is passed", "pass a model: --model NAME=PATH")
        );
    }

    #[test]
    fn parts_are_counted_from_the_end() {
        let script = "import os\nos.getenv('AZUREML_MODEL_DIR').split('/')[1]\n";
        let case = |models: &[&str]| {
            let case = Case::new(&[("score.py", script), ("a.pkl", "x"), ("b.pkl", "x")]);
            models.iter().fold(case, |case, model| case.model(model)).run(run)
        };
        let found = case(&["net:3=a.pkl"]);
        let [Finding { message, hint, .. }] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            message,
            "AZUREML_MODEL_DIR.split('/')[1] is `var` and not `net`: the variable is an absolute path, /var/azureml-app/azureml-models/net/3"
        );
        assert_eq!(hint, "write `split('/')[-2]`");
        // The folder of several models has no name and no version.
        assert_eq!(case(&["a=a.pkl", "b=b.pkl"]), []);
    }

    #[test]
    fn files_and_folders_of_get_model_path() {
        let found = |code: &str| {
            let script =
                format!("import os, joblib\nfrom azureml.core.model import Model\n{code}\n");
            let case = Case::new(&[("score.py", &script), ("a.pkl", "x"), ("net/w/b.bin", "x")]);
            case.model("a=a.pkl").model("n=net").run(run)
        };
        assert_eq!(
            found("open(Model.get_model_path('a') + '/a.pkl')"),
            error(
                "Model.get_model_path('a')/a.pkl does not exist: the model is the file `a.pkl` itself",
                "omit `/a.pkl`: the call returns the path of the file"
            )
        );
        assert_eq!(
            found("open(Model.get_model_path(model_name='n'), 'rb')"),
            error(
                "Model.get_model_path('n') is a folder, and `open` opens files",
                "join a file of it: `w/b.bin`"
            )
        );
        assert_eq!(
            found("os.path.join(Model.get_model_path('n'), 'b.bin')"),
            error(
                "Model.get_model_path('n')/b.bin does not exist below the folder `net`",
                "join a file of it: `w/b.bin`"
            )
        );
        assert_eq!(
            found("joblib.load(os.getenv('AZUREML_MODEL_DIR'))"),
            error(
                "AZUREML_MODEL_DIR is a folder, and `joblib.load` opens files",
                "join a file of it: `a/0/a.pkl`, `n/0/net/w/b.bin`"
            )
        );
        for good in [
            "joblib.load(Model.get_model_path('a'))",
            "open(os.path.join(Model.get_model_path('n'), 'w', 'b.bin'))",
            "os.listdir(Model.get_model_path('n') + '/w')",
            "open(Model.get_model_path('other') + '/x')",
            "open(os.path.join(Model.get_model_path('n'), name))",
        ] {
            assert_eq!(found(good), [], "{good}");
        }
    }

    #[test]
    fn what_may_be_meant_only_warns() {
        let script = "import os\nif x:\n    open(os.environ['AZUREML_MODEL_DIR'] + '/b')\n";
        let case = Case::new(&[("score.py", script), ("a.pkl", "x")]).model("a=a.pkl");
        assert_eq!(
            case.run(run),
            [finding(
                ID,
                Warning,
                Some(("score.py", 3)),
                "AZUREML_MODEL_DIR/b does not exist: the folder contains `a.pkl`",
                &open("a.pkl"),
            )]
        );
    }
}
