//! The `environment` object of an inference configuration (docs/azureml-2019.md#2.2).
//!
//! Files of this form were mostly written by the SDK, with every key and many nulls in them, and
//! later releases added keys (`assetId`, `r`, `docker.platform`, `docker.buildContext`): all are
//! known here. What a web service does not use is noted, not refused.

use super::document::{Node, Value};
use super::fields::{Fields, Located};
use super::{ProjectOptions, RegistryAccess, Result};

/// What an environment says, as far as it means something for a web service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EnvironmentForm {
    /// `name`.
    pub name: Option<String>,
    /// `version`.
    pub version: Option<String>,
    /// `environmentVariables`, in the order of the file.
    pub variables: Vec<(String, String)>,
    /// `python.userManagedDependencies`: the base's packages are used as they are.
    pub user_managed: bool,
    /// `python.interpreterPath`.
    pub interpreter: Option<String>,
    /// `python.condaDependenciesFile`.
    pub conda_file: Option<Located<String>>,
    /// `python.condaDependencies` as JSON text, which a conda file's reader takes as YAML.
    pub conda_inline: Option<Located<String>>,
    /// `docker.baseImage`.
    pub base_image: Option<Located<String>>,
    /// `docker.baseDockerfile`: the text or path of a Dockerfile.
    pub base_dockerfile: Option<Located<String>>,
    /// `docker.baseImageRegistry`.
    pub registry: Option<Located<RegistryAccess>>,
    /// `inferencingStackVersion`.
    pub inferencing_stack: Option<String>,
    /// Keys that have a value and no effect, with their lines.
    pub unused: Vec<(String, usize)>,
}

const KEYS: &[&str] = &[
    "name",
    "version",
    "assetId",
    "environmentVariables",
    "python",
    "docker",
    "spark",
    "databricks",
    "r",
    "inferencingStackVersion",
];
const PYTHON_KEYS: &[&str] = &[
    "userManagedDependencies",
    "interpreterPath",
    "condaDependenciesFile",
    "condaDependencies",
    "baseCondaEnvironment",
];
const DOCKER_KEYS: &[&str] = &[
    "enabled",
    "baseImage",
    "baseDockerfile",
    "sharedVolumes",
    "shmSize",
    "arguments",
    "baseImageRegistry",
    "platform",
    "buildContext",
];
const SPARK_KEYS: &[&str] = &["repositories", "packages", "precachePackages"];
const DATABRICKS_KEYS: &[&str] =
    &["mavenLibraries", "pypiLibraries", "rcranLibraries", "jarLibraries", "eggLibraries"];

impl EnvironmentForm {
    pub(super) fn take(outer: &mut Fields<'_>) -> Result<Option<Located<Self>>> {
        let line = outer.line("environment");
        let Some(mut fields) = outer.object("environment", KEYS)? else { return Ok(None) };
        let mut form = Self {
            name: fields.text("name")?.map(|text| text.value),
            version: fields.version("version")?.map(|text| text.value),
            variables: fields.pairs("environmentVariables")?,
            inferencing_stack: fields.version("inferencingStackVersion")?.map(|text| text.value),
            ..Self::default()
        };
        if let Some(python) = fields.object("python", PYTHON_KEYS)? {
            form.take_python(python)?;
        }
        if let Some(docker) = fields.object("docker", DOCKER_KEYS)? {
            form.take_docker(docker)?;
        }
        if let Some(mut spark) = fields.object("spark", SPARK_KEYS)? {
            spark.truth("precachePackages")?;
            form.note_lists(&mut spark, &["repositories", "packages"])?;
        }
        if let Some(mut databricks) = fields.object("databricks", DATABRICKS_KEYS)? {
            form.note_lists(&mut databricks, DATABRICKS_KEYS)?;
        }
        if let Some(r) = fields.take("r") {
            form.unused.push((fields.dotted("r"), r.line));
        }
        fields.text("assetId")?;
        Ok(Some(Located { value: form, line }))
    }

    /// Returns the options that it gives, in place of the flat keys.
    pub(super) fn options(&self) -> ProjectOptions {
        let mut options = ProjectOptions {
            environment_variables: self.variables.clone(),
            ..ProjectOptions::default()
        };
        let mut line =
            |key, line: Option<usize>| options.lines.extend(line.map(|line| (key, line)));
        line("condaFile", self.conda_file.as_ref().map(|found| found.line));
        line("baseImage", self.base_image.as_ref().map(|found| found.line));
        line("baseImageRegistry", self.registry.as_ref().map(|found| found.line));
        options.conda_file = self.conda_file.as_ref().map(|found| found.value.clone());
        options.base_image = self.base_image.as_ref().map(|found| found.value.clone());
        options.registry = self.registry.as_ref().map(|found| found.value.clone());
        options
    }

    fn take_python(&mut self, mut python: Fields<'_>) -> Result<()> {
        self.user_managed = python.truth("userManagedDependencies")?.is_some_and(|l| l.value);
        self.interpreter = python.text("interpreterPath")?.map(|text| text.value);
        self.conda_file = python.text("condaDependenciesFile")?;
        if let Some(node) = python.take("condaDependencies") {
            let line = node.line;
            if !matches!(node.value, Value::Map(_)) {
                return Err(python.wrong("condaDependencies", &node, "an object"));
            }
            self.conda_inline = Some(Located { value: node.to_json().to_string(), line });
        }
        if let Some(base) = python.text("baseCondaEnvironment")? {
            self.unused.push((python.dotted("baseCondaEnvironment"), base.line));
        }
        Ok(())
    }

    fn take_docker(&mut self, mut docker: Fields<'_>) -> Result<()> {
        docker.truth("enabled")?;
        docker.truth("sharedVolumes")?;
        self.base_image = docker.text("baseImage")?;
        self.base_dockerfile = docker.text("baseDockerfile")?;
        self.registry = RegistryAccess::take(&mut docker, "baseImageRegistry")?;
        docker.version("shmSize")?;
        self.note_lists(&mut docker, &["arguments"])?;
        if let Some(mut platform) = docker.object("platform", &["os", "architecture"])? {
            platform.text("os")?;
            platform.text("architecture")?;
        }
        if let Some(Node { line, .. }) = docker.take("buildContext") {
            self.unused.push((docker.dotted("buildContext"), line));
        }
        Ok(())
    }

    fn note_lists(&mut self, fields: &mut Fields<'_>, keys: &[&str]) -> Result<()> {
        for key in keys {
            if let Some(list) = fields.list(key)?
                && list.value > 0
            {
                self.unused.push((fields.dotted(key), list.line));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{InferenceConfig, Secret};
    use super::*;

    fn parse(name: &str, text: &str) -> Result<EnvironmentForm> {
        let config = InferenceConfig::parse(Path::new(name), text)?;
        Ok(config.environment.unwrap().value)
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"{"entryScript": "score.py", "environment": {
"name": "env", "version": "3", "assetId": null, "r": null, "inferencingStackVersion": "latest",
"environmentVariables": {"B": "2", "A": 1, "C": true},
"python": {"userManagedDependencies": false, "interpreterPath": "python", "baseCondaEnvironment": null,
"condaDependencies": {"dependencies": ["python=3.6.2", {"pip": ["a"]}]}},
"docker": {"enabled": true, "baseImage": "img:1", "baseDockerfile": null, "sharedVolumes": true,
"shmSize": "2g", "arguments": ["-x"], "platform": {"os": "Linux", "architecture": "amd64"},
"baseImageRegistry": {"address": "a.io", "username": "u", "password": "p", "registryIdentity": null}},
"spark": {"repositories": [], "packages": [{"group": "g", "artifact": "a", "version": "1"}], "precachePackages": true},
"databricks": {"mavenLibraries": [], "pypiLibraries": [], "rcranLibraries": [], "jarLibraries": [], "eggLibraries": []}}}"#;
        let expected = EnvironmentForm {
            name: Some("env".to_owned()),
            version: Some("3".to_owned()),
            variables: [("B", "2"), ("A", "1"), ("C", "true")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            user_managed: false,
            interpreter: Some("python".to_owned()),
            conda_file: None,
            conda_inline: Some(Located {
                value: r#"{"dependencies":["python=3.6.2",{"pip":["a"]}]}"#.to_owned(),
                line: 5,
            }),
            base_image: Some(Located { value: "img:1".to_owned(), line: 6 }),
            base_dockerfile: None,
            registry: Some(Located {
                value: RegistryAccess {
                    address: Some("a.io".to_owned()),
                    username: Some("u".to_owned()),
                    password: Some(Secret::new("p")),
                },
                line: 8,
            }),
            inferencing_stack: Some("latest".to_owned()),
            unused: vec![
                ("environment.docker.arguments".to_owned(), 7),
                ("environment.spark.packages".to_owned(), 9),
            ],
        };
        assert_eq!(parse("c.json", text).unwrap(), expected);
    }

    #[test]
    fn faults_name_the_whole_key() {
        let error = parse("c.yml", "environment:\n  docker:\n    baseImge: x\n").unwrap_err();
        assert_eq!(error.to_string(), "c.yml:3: unknown key `environment.docker.baseImge`");
        assert_eq!(error.hint().unwrap(), "did you mean `baseImage`?");
        let error =
            parse("c.yml", "environment:\n  python:\n    condaDependencies: a.yml\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "c.yml:3: `environment.python.condaDependencies` is text; it must be an object"
        );
    }
}
