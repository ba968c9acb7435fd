//! File names that Azure's inference server and the image use (docs/azureml-2019.md#4.1, docs/azureml-2019.md#4.5,
//! docs/azureml-2019.md#9.12).

use mlpack_lock::Server;

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "source.names";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let project = subject.project;
    let azures = project.server == Server::Azmlinfsrv;
    let mut found = Vec::new();
    let script =
        project.entry_script.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(source) = &project.source_directory else {
        if azures && matches!(script, "main.py" | "app.py") {
            found.push(
                Finding::warning(
                    ID,
                    format!("the entry script is called {script}, like a file of the server in the same folder"),
                    "rename it, as in `score.py`",
                )
                .placed(project.place_of("entryScript")),
            );
        }
        return found;
    };
    if source.name == "azureml-models" {
        found.push(
            Finding::error(
                ID,
                "the source directory is called azureml-models, which is the folder of the models",
                "rename the folder",
            )
            .placed(project.place_of("sourceDirectory")),
        );
    }
    let beside_script = project.entry_script_in_image();
    let folder =
        beside_script.as_deref().and_then(|path| path.rsplit_once('/')).map(|(folder, _)| folder);
    for file in &subject.source_files().files {
        let Some((parent, name)) = file.path.rsplit_once('/') else { continue };
        let (message, hint) = match name {
            "config.json" | "logging.json" if azures && Some(parent) == folder => (
                format!(
                    "{} is beside the entry script, where the server reads it as its settings",
                    file.path
                ),
                "rename the file, or move it into a folder",
            ),
            "azureml-models" if parent == source.name => (
                format!("{} is not the folder in which models are looked up", file.path),
                "pass the models with --model NAME:VERSION=PATH",
            ),
            _ => continue,
        };
        found.push(Finding::warning(ID, message, hint));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    #[test]
    fn names_of_the_server() {
        let case = |name: &str| {
            Case::new(&[(name, "")]).flags(|flags| flags.entry_script = Some(name.to_owned()))
        };
        assert_eq!(
            case("main.py").azmlinfsrv().run(run),
            [finding(
                ID,
                Warning,
                None,
                "the entry script is called main.py, like a file of the server in the same folder",
                "rename it, as in `score.py`",
            )]
        );
        assert_eq!(case("score.py").azmlinfsrv().run(run), []);
        assert_eq!(case("main.py").run(run), []);
    }

    #[test]
    fn names_in_the_source_directory() {
        let files = [
            ("src/score.py", ""),
            ("src/config.json", "{}"),
            ("src/in/config.json", "{}"),
            ("src/azureml-models/m/1/x", ""),
        ];
        assert_eq!(
            Case::new(&files).source("src").azmlinfsrv().run(run),
            [
                finding(
                    ID,
                    Warning,
                    None,
                    "src/azureml-models is not the folder in which models are looked up",
                    "pass the models with --model NAME:VERSION=PATH",
                ),
                finding(
                    ID,
                    Warning,
                    None,
                    "src/config.json is beside the entry script, where the server reads it as its settings",
                    "rename the file, or move it into a folder",
                ),
            ]
        );
        assert_eq!(
            Case::new(&[("azureml-models/score.py", "")]).source("azureml-models").run(run),
            [finding(
                ID,
                Error,
                None,
                "the source directory is called azureml-models, which is the folder of the models",
                "rename the folder",
            )]
        );
    }
}
