//! The two forms of a configuration cannot be mixed, and a Dockerfile is not a base image
//! (docs/azureml-2019.md#2.2, docs/azureml-2019.md#2.4).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "config.forms";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let project = subject.project;
    let Some(config) = &project.config else { return Vec::new() };
    let mut found: Vec<Finding> = project
        .flat_keys
        .iter()
        .map(|(key, line)| {
            Finding::error(
                ID,
                format!("`{key}` is ignored: `environment` replaces it"),
                format!("remove `{key}`, or move it into `environment`"),
            )
            .at(config, *line)
        })
        .collect();
    let Some(environment) = &project.environment else { return found };
    if let Some(dockerfile) = &environment.base_dockerfile {
        let (message, hint) = if environment.base_image.is_some() {
            ("`baseDockerfile` and `baseImage` exclude each other", "remove `baseDockerfile`")
        } else {
            (
                "`baseDockerfile` is not supported: mlpack does not run Dockerfiles",
                "build and push that image, and set `baseImage` to it",
            )
        };
        found.push(Finding::error(ID, message, hint).at(config, dockerfile.line));
    }
    found.extend(environment.unused.iter().map(|(key, line)| {
        Finding::warning(ID, format!("`{key}` has no effect on a web service"), "remove it")
            .at(config, *line)
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    fn found(config: &str) -> Vec<Finding> {
        Case::script("").config(config).run(run)
    }

    #[test]
    fn flat_keys_beside_an_environment() {
        let config =
            "{\"entryScript\": \"score.py\",\n\"runtime\": \"python\", \"environment\": {}}";
        assert_eq!(
            found(config),
            [finding(
                ID,
                Error,
                Some(("config.json", 2)),
                "`runtime` is ignored: `environment` replaces it",
                "remove `runtime`, or move it into `environment`",
            )]
        );
        assert_eq!(found("{\"entryScript\": \"score.py\", \"environment\": {}}"), []);
        assert_eq!(found("{\"entryScript\": \"score.py\", \"runtime\": \"python\"}"), []);
    }

    #[test]
    fn a_dockerfile_is_no_base() {
        let docker = |inner: &str| {
            format!(
                "{{\"entryScript\": \"score.py\", \"environment\": {{\"docker\": {{\n{inner}}}}}}}"
            )
        };
        assert_eq!(
            found(&docker("\"baseDockerfile\": \"FROM x\", \"arguments\": [\"-v\"]")),
            [
                finding(
                    ID,
                    Error,
                    Some(("config.json", 2)),
                    "`baseDockerfile` is not supported: mlpack does not run Dockerfiles",
                    "build and push that image, and set `baseImage` to it",
                ),
                finding(
                    ID,
                    Warning,
                    Some(("config.json", 2)),
                    "`environment.docker.arguments` has no effect on a web service",
                    "remove it",
                ),
            ]
        );
        assert_eq!(
            found(&docker("\"baseDockerfile\": \"FROM x\", \"baseImage\": \"y\"")),
            [finding(
                ID,
                Error,
                Some(("config.json", 2)),
                "`baseDockerfile` and `baseImage` exclude each other",
                "remove `baseDockerfile`",
            )]
        );
    }
}
