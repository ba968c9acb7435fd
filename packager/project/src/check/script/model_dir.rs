//! Paths below `AZUREML_MODEL_DIR` exist (docs/azureml-2019.md#1.6, docs/azureml-2019.md#9.5).

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::python::{EntryScript, ModelDirPart};
use crate::check::{Edit, Finding, Needs, Subject};
use crate::image::APP_ROOT;
use crate::project::{Model, PackedKind};

pub(crate) const ID: &str = "script.model-dir";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    let models = subject.project.models.as_slice();
    if !subject.project.model_errors.is_empty() {
        return Vec::new();
    }
    let tree = tree(models);
    let parts = script.model_dir_parts.iter().filter_map(|part| part_of(models, script, part));
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for used in &script.model_dir_uses {
        if used.parts.iter().any(|part| part == "..") {
            continue;
        }
        let mut path = String::new();
        let missing = used.parts.iter().any(|part| {
            if tree.get(&path) == Some(&true) {
                return false;
            }
            path = if path.is_empty() { part.clone() } else { format!("{path}/{part}") };
            !tree.contains_key(&path)
        });
        // The target of a link is not known.
        let linked = path.match_indices('/').any(|(end, _)| tree.get(&path[..end]) == Some(&true));
        if !missing || linked {
            continue;
        }
        let joined = used.parts.join("/");
        // A path is first joined and then opened.
        if !seen.insert((joined.clone(), used.guarded)) {
            continue;
        }
        let (message, hint) = explain(models, &joined);
        found.push(Finding::unless(used.guarded, ID, message, hint).at(&script.path, used.line));
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

/// Returns paths below `AZUREML_MODEL_DIR`; true for links. With one model it is the folder of its
/// version, with more the folder of all.
fn tree(models: &[Model]) -> BTreeMap<String, bool> {
    let mut tree = BTreeMap::from([(String::new(), false)]);
    let mut add = |prefix: &str, model: &Model| {
        for file in &model.files {
            tree.insert(
                format!("{prefix}{}", file.path),
                matches!(file.kind, PackedKind::Link { .. }),
            );
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
        tree.insert(model.name.clone(), false);
        tree.insert(format!("{}/{}", model.name, model.version), false);
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
