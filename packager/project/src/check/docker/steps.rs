//! Extra Dockerfile lines that are not supported.

use crate::check::{Finding, Needs, Subject};
use crate::project::docker_steps::{BaseState, DockerSteps, StepFault};

pub(crate) const ID: &str = "docker.steps";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let project = subject.project;
    let Some(path) = &project.docker_steps else { return Vec::new() };
    let steps = match DockerSteps::load(path) {
        Ok(steps) => steps,
        Err(error) => {
            let hint = "check the path of the extra Dockerfile lines";
            let finding = Finding::error(ID, error.to_string(), hint);
            return vec![finding.placed(project.place_of("extraDockerfileSteps"))];
        }
    };
    // The base's variables are not known here, so lines that depend on them are not checked.
    let base = BaseState { environment: [].into(), workdir: "/".to_owned(), is_folder: &|_| false };
    let errors = steps.evaluate(&base, &project.context).err().unwrap_or_default();
    let knowable =
        |fault: &StepFault| !matches!(fault, StepFault::NoSource { .. }) || !steps.uses_variables();
    errors
        .iter()
        .filter(|error| knowable(&error.fault))
        .map(|error| {
            Finding::error(ID, error.fault.to_string(), error.fault.hint())
                .at(&error.path, error.line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    fn found(steps: &str) -> Vec<Finding> {
        Case::new(&[("score.py", ""), ("steps", steps), ("a.txt", "")])
            .flags(|flags| flags.docker_steps = Some("steps".to_owned()))
            .run(run)
    }

    #[test]
    fn refused_lines_are_named() {
        assert_eq!(
            found("ENV A=1\nRUN apt-get \\\n  update\nCOPY gone /x\n"),
            [
                finding(
                    ID,
                    Error,
                    Some(("steps", 2)),
                    "RUN is not supported: mlpack runs no program and builds no other image",
                    "add Python packages to the conda file; for system packages build a base image and set baseImage to it",
                ),
                // The folder itself has no slash behind it that could be cut off.
                Finding {
                    message: format!("COPY: nothing matches `gone` in {}", "ROOT"),
                    ..finding(
                        ID,
                        Error,
                        Some(("steps", 4)),
                        "",
                        "check the path; it is relative to the source directory, or to the working directory without one",
                    )
                },
            ]
        );
        assert_eq!(found("ENV A=1\nCOPY a.txt /x/\nCOPY $HOME/gone /x/\n"), []);
    }

    #[test]
    fn the_file_must_be_there() {
        let case = Case::script("").flags(|flags| flags.docker_steps = Some("none".to_owned()));
        assert_eq!(
            case.run(run),
            [finding(
                ID,
                Error,
                None,
                "cannot read none: No such file or directory (os error 2)",
                "check the path of the extra Dockerfile lines",
            )]
        );
    }
}
