//! Names and versions passed to `Model.get_model_path` exist (docs/azureml-2019.md#1.5,
//! docs/azureml-2019.md#9.5).

use mlpack_documents::nearest;

use crate::analysis::python::{Argument, ModelPathCall};
use crate::check::{Finding, Needs, Subject};
use crate::project::is_model_name;

pub(crate) const ID: &str = "script.model-name";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    // If models could not be read, their names are not known.
    if !subject.project.model_errors.is_empty() {
        return Vec::new();
    }
    let app_root: Vec<&str> =
        subject.source_files().files.iter().map(|file| file.path.as_str()).collect();
    let check = |call: &ModelPathCall| {
        // Extra Dockerfile lines may add the file.
        let doubtful = call.guarded || subject.project.docker_steps.is_some();
        let faults = name_fault(subject, call, &app_root).or_else(|| version_fault(subject, call));
        faults.map(|(message, hint)| {
            Finding::unless(doubtful, ID, message, hint).at(&script.path, call.line)
        })
    };
    script.model_path_calls.iter().filter_map(check).collect()
}

fn name_fault(
    subject: &Subject<'_>,
    call: &ModelPathCall,
    app_root: &[&str],
) -> Option<(String, String)> {
    let models = &subject.project.models;
    let name = match &call.name {
        Argument::Text(name) => name,
        Argument::Absent | Argument::None | Argument::Int(_) => {
            let message = "get_model_path is called without the name of a model".to_owned();
            return Some((message, "pass the name of the model as a string".to_owned()));
        }
        Argument::Other => return None,
    };
    let in_root = name.trim_start_matches("./").trim_end_matches('/');
    if models.iter().any(|model| model.name == *name) || app_root.contains(&in_root) {
        return None;
    }
    let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let by_file = models.iter().find(|model| model.basename == last || model.name == last);
    Some(match by_file {
        Some(model) if model.basename == *name => (
            format!(
                "get_model_path('{name}'): this is the name of the file; the model is called `{}`",
                model.name
            ),
            if is_model_name(name) {
                format!(
                    "write get_model_path('{}'), or name the model like its file: --model {name}=PATH",
                    model.name
                )
            } else {
                format!("write get_model_path('{}')", model.name)
            },
        ),
        Some(model) => (
            format!(
                "get_model_path('{name}'): get_model_path takes the name of a model, not a path"
            ),
            format!("write get_model_path('{}')", model.name),
        ),
        None if names.is_empty() => (
            format!("get_model_path('{name}'): no model is passed"),
            format!("pass the model: --model {name}=PATH"),
        ),
        None => (
            format!(
                "get_model_path('{name}'): no model has this name; known are {}",
                names.join(", ")
            ),
            match nearest(name, names.iter().copied()) {
                Some(near) => format!("write get_model_path('{near}')"),
                None => "use one of these names, or pass a model of this name".to_owned(),
            },
        ),
    })
}

fn version_fault(subject: &Subject<'_>, call: &ModelPathCall) -> Option<(String, String)> {
    let Argument::Text(name) = &call.name else { return None };
    match &call.version {
        Argument::Text(version) => Some((
            format!(
                "get_model_path('{name}', '{version}'): a version must be a whole number, not text"
            ),
            format!("write get_model_path('{name}', {version}), or leave the version out"),
        )),
        Argument::Int(version) => {
            let models = subject.project.models.iter().filter(|model| model.name == *name);
            let there: Vec<String> = models.map(|model| model.version.to_string()).collect();
            if there.is_empty() || there.contains(&version.to_string()) {
                return None;
            }
            Some((
                format!(
                    "get_model_path('{name}', {version}): only version {} is passed",
                    there.join(", ")
                ),
                format!("leave the version out, or pass --model {name}:{version}=PATH"),
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    fn case(call: &str) -> Case {
        let script = format!("from azureml.core.model import Model\n{call}\n");
        Case::new(&[("score.py", &script), ("out/digits.pkl", "x")])
    }

    fn found(call: &str) -> Vec<Finding> {
        case(call).model("digits:2=out/digits.pkl").run(run)
    }

    fn error(message: &str, hint: &str) -> [Finding; 1] {
        [finding(ID, Error, Some(("score.py", 2)), message, hint)]
    }

    #[test]
    fn names_that_no_model_has() {
        assert_eq!(
            found("Model.get_model_path('digits.pkl')"),
            error(
                "get_model_path('digits.pkl'): this is the name of the file; the model is called `digits`",
                "write get_model_path('digits'), or name the model like its file: --model digits.pkl=PATH",
            )
        );
        assert_eq!(
            found("Model.get_model_path('out/digits.pkl')"),
            error(
                "get_model_path('out/digits.pkl'): get_model_path takes the name of a model, not a path",
                "write get_model_path('digits')",
            )
        );
        assert_eq!(
            found("Model.get_model_path('digit')"),
            error(
                "get_model_path('digit'): no model has this name; known are digits",
                "write get_model_path('digits')",
            )
        );
        assert_eq!(
            case("Model.get_model_path('digits')").run(run),
            error(
                "get_model_path('digits'): no model is passed",
                "pass the model: --model digits=PATH"
            )
        );
        assert_eq!(
            found("Model.get_model_path()"),
            error(
                "get_model_path is called without the name of a model",
                "pass the name of the model as a string"
            )
        );
    }

    #[test]
    fn versions_are_whole_numbers_that_are_there() {
        assert_eq!(
            found("Model.get_model_path('digits', version='2')"),
            error(
                "get_model_path('digits', '2'): a version must be a whole number, not text",
                "write get_model_path('digits', 2), or leave the version out",
            )
        );
        assert_eq!(
            found("Model.get_model_path('digits', 3)"),
            error(
                "get_model_path('digits', 3): only version 2 is passed",
                "leave the version out, or pass --model digits:3=PATH",
            )
        );
    }

    #[test]
    fn what_may_be_meant_only_warns() {
        let guarded = "if local: Model.get_model_path('gone')";
        assert_eq!(
            found(guarded),
            [finding(
                ID,
                Warning,
                Some(("score.py", 2)),
                "get_model_path('gone'): no model has this name; known are digits",
                "use one of these names, or pass a model of this name",
            )]
        );
    }

    #[test]
    fn names_that_are_found() {
        for good in [
            "Model.get_model_path('digits')",
            "Model.get_model_path('digits', 2)",
            "Model.get_model_path('digits', None)",
            "Model.get_model_path(name())",
            // The fallback to `./NAME` in the app root.
            "Model.get_model_path('score.py')",
        ] {
            assert_eq!(found(good), [], "{good}");
        }
    }
}
