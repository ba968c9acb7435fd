//! Names and versions given to `Model.get_model_path` are those of this deployment (docs/azureml-2019.md#1.5, docs/azureml-2019.md#9.5).

use super::{Finding, Subject};
use mlpack_documents::nearest;

use crate::project::is_model_name;
use crate::script::{Argument, ModelPathCall};

pub(super) const ID: &str = "script.model-name";

pub(super) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    // Where models could not be read, their names say nothing yet.
    if !subject.project.model_errors.is_empty() {
        return Vec::new();
    }
    let app_root: Vec<&str> =
        subject.source_files().files.iter().map(|file| file.path.as_str()).collect();
    let check = |call: &ModelPathCall| {
        // Extra Dockerfile lines may put a file there.
        let doubtful = call.guarded || subject.project.docker_steps.is_some();
        let faults = name_fault(subject, call, &app_root).or_else(|| version_fault(subject, call));
        faults.map(|(message, remedy)| {
            Finding::unless(doubtful, ID, message, remedy).at(&script.path, call.line)
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
            let message = "get_model_path is called without a model's name".to_owned();
            return Some((message, "give the model's name as text".to_owned()));
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
                "get_model_path('{name}'): that is the file's name; the model is called `{}`",
                model.name
            ),
            if is_model_name(name) {
                format!(
                    "write get_model_path('{}'), or name the model by its file: {name}=PATH",
                    model.name
                )
            } else {
                format!("write get_model_path('{}')", model.name)
            },
        ),
        Some(model) => (
            format!("get_model_path('{name}'): a model is asked for by its name, not by a path"),
            format!("write get_model_path('{}')", model.name),
        ),
        None if names.is_empty() => (
            format!("get_model_path('{name}'): no model is given"),
            format!("give the model: {name}=PATH"),
        ),
        None => (
            format!(
                "get_model_path('{name}'): no model has this name; there is {}",
                names.join(", ")
            ),
            match nearest(name, names.iter().copied()) {
                Some(near) => format!("write get_model_path('{near}')"),
                None => "ask for one of these, or give a model of this name".to_owned(),
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
                    "get_model_path('{name}', {version}): only version {} is given",
                    there.join(", ")
                ),
                format!("leave the version out, or give {name}:{version}=PATH"),
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Severity::{Error, Warning};
    use super::super::testing::{Case, finding};
    use super::*;

    fn case(call: &str) -> Case {
        let script = format!("from azureml.core.model import Model\n{call}\n");
        Case::new(&[("score.py", &script), ("out/digits.pkl", "x")])
    }

    fn found(call: &str) -> Vec<Finding> {
        case(call).model("digits:2=out/digits.pkl").run(run)
    }

    fn error(message: &str, remedy: &str) -> [Finding; 1] {
        [finding(ID, Error, Some(("score.py", 2)), message, remedy)]
    }

    #[test]
    fn names_that_no_model_has() {
        assert_eq!(
            found("Model.get_model_path('digits.pkl')"),
            error(
                "get_model_path('digits.pkl'): that is the file's name; the model is called `digits`",
                "write get_model_path('digits'), or name the model by its file: digits.pkl=PATH",
            )
        );
        assert_eq!(
            found("Model.get_model_path('out/digits.pkl')"),
            error(
                "get_model_path('out/digits.pkl'): a model is asked for by its name, not by a path",
                "write get_model_path('digits')",
            )
        );
        assert_eq!(
            found("Model.get_model_path('digit')"),
            error(
                "get_model_path('digit'): no model has this name; there is digits",
                "write get_model_path('digits')",
            )
        );
        assert_eq!(
            case("Model.get_model_path('digits')").run(run),
            error("get_model_path('digits'): no model is given", "give the model: digits=PATH")
        );
        assert_eq!(
            found("Model.get_model_path()"),
            error(
                "get_model_path is called without a model's name",
                "give the model's name as text"
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
                "get_model_path('digits', 3): only version 2 is given",
                "leave the version out, or give digits:3=PATH",
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
                "get_model_path('gone'): no model has this name; there is digits",
                "ask for one of these, or give a model of this name",
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
