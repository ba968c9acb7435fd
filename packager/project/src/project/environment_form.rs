//! The `environment` object of an inference configuration (docs/azureml-2019.md#2.2).
//!
//! Files of this form were mostly written by the SDK, with every key and many nulls in them, and
//! later releases added keys (`assetId`, `r`, `docker.platform`, `docker.buildContext`): all are
//! known here. Keys that a web service does not use are noted, not refused.

use std::path::Path;

use mlpack_documents::{Document, Fields, Located, Value, read_text};

use super::{Error, ProjectOptions, RegistryAccess, Result};

/// The keys of an environment that matter for a web service.
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
    /// `python.condaDependencies`: a conda file inside the configuration.
    pub conda_inline: Option<Located<Document>>,
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

/// Files of the directory of an environment.
const FILE: &str = "azureml_environment.json";
const CONDA_FILE: &str = "conda_dependencies.yml";

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
    pub(super) fn read(outer: &Fields<'_>) -> Result<Option<Located<Self>>> {
        let line = outer.line("environment");
        let Some(fields) = outer.mapping("environment", KEYS)? else { return Ok(None) };
        Ok(Some(Located { value: Self::of(&fields)?, line }))
    }

    /// Reads the directory of an environment, as `Environment.save_to_directory` and `az ml environment download` write
    /// it (docs/azureml-2019.md#2.2). Its conda file is looked up in the directory.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Document`].
    pub fn load(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        let text = read_text(&path).map_err(Error::read(&path))?;
        let document = Document::parse_configuration(&path, &text)?;
        let mut form = Self::of(&Fields::open(&document, KEYS)?)?;
        let conda = directory.join(CONDA_FILE);
        match &mut form.conda_file {
            Some(file) => file.value = directory.join(&file.value).to_string_lossy().into_owned(),
            None if form.conda_inline.is_none() && !form.user_managed && conda.exists() => {
                let value = conda.to_string_lossy().into_owned();
                form.conda_file = Some(Located { value, line: 0 });
            }
            None => {}
        }
        Ok(form)
    }

    /// Removes the lines of the values that can be in another file than the configuration's.
    pub(super) fn without_lines(mut self) -> Self {
        self.conda_file.iter_mut().for_each(|found| found.line = 0);
        self.base_image.iter_mut().for_each(|found| found.line = 0);
        self.registry.iter_mut().for_each(|found| found.line = 0);
        self
    }

    fn of(fields: &Fields<'_>) -> Result<Self> {
        let mut form = Self {
            name: fields.text("name")?.map(|text| text.value),
            version: fields.written("version")?.map(|text| text.value),
            variables: fields.pairs("environmentVariables")?,
            inferencing_stack: fields.written("inferencingStackVersion")?.map(|text| text.value),
            ..Self::default()
        };
        if let Some(python) = fields.mapping("python", PYTHON_KEYS)? {
            form.read_python(&python)?;
        }
        if let Some(docker) = fields.mapping("docker", DOCKER_KEYS)? {
            form.read_docker(&docker)?;
        }
        if let Some(spark) = fields.mapping("spark", SPARK_KEYS)? {
            spark.boolean("precachePackages")?;
            form.note_lists(&spark, &["repositories", "packages"])?;
        }
        if let Some(databricks) = fields.mapping("databricks", DATABRICKS_KEYS)? {
            form.note_lists(&databricks, DATABRICKS_KEYS)?;
        }
        if let Some(r) = fields.entry("r") {
            form.unused.push((fields.dotted("r"), r.at.line));
        }
        fields.text("assetId")?;
        Ok(form)
    }

    /// Returns the options that it gives, in place of the flat keys.
    pub(super) fn options(&self) -> ProjectOptions {
        let mut options = ProjectOptions {
            environment_variables: self.variables.clone(),
            ..ProjectOptions::default()
        };
        let mut line = |key, line: Option<usize>| {
            options.lines.extend(line.filter(|&line| line > 0).map(|line| (key, line)));
        };
        line("condaFile", self.conda_file.as_ref().map(|found| found.line));
        line("baseImage", self.base_image.as_ref().map(|found| found.line));
        line("baseImageRegistry", self.registry.as_ref().map(|found| found.line));
        options.conda_file = self.conda_file.as_ref().map(|found| found.value.clone());
        options.base_image = self.base_image.as_ref().map(|found| found.value.clone());
        options.registry = self.registry.as_ref().map(|found| found.value.clone());
        options
    }

    fn read_python(&mut self, python: &Fields<'_>) -> Result<()> {
        self.user_managed = python.boolean("userManagedDependencies")?.is_some_and(|l| l.value);
        self.interpreter = python.text("interpreterPath")?.map(|text| text.value);
        self.conda_file = python.text("condaDependenciesFile")?;
        if let Some(entry) = python.entry("condaDependencies") {
            let Value::Map(_) = entry.node.value else {
                return Err(python.wrong_type(entry, "a mapping").into());
            };
            self.conda_inline =
                Some(Located { value: python.document_of(entry), line: entry.at.line });
        }
        if let Some(base) = python.text("baseCondaEnvironment")? {
            self.unused.push((python.dotted("baseCondaEnvironment"), base.line));
        }
        Ok(())
    }

    fn read_docker(&mut self, docker: &Fields<'_>) -> Result<()> {
        docker.boolean("enabled")?;
        docker.boolean("sharedVolumes")?;
        self.base_image = docker.text("baseImage")?;
        self.base_dockerfile = docker.text("baseDockerfile")?;
        self.registry = RegistryAccess::read_key(docker, "baseImageRegistry")?;
        docker.written("shmSize")?;
        self.note_lists(docker, &["arguments"])?;
        if let Some(platform) = docker.mapping("platform", &["os", "architecture"])? {
            platform.text("os")?;
            platform.text("architecture")?;
        }
        if let Some(entry) = docker.entry("buildContext") {
            self.unused.push((docker.dotted("buildContext"), entry.at.line));
        }
        Ok(())
    }

    fn note_lists(&mut self, fields: &Fields<'_>, keys: &[&str]) -> Result<()> {
        for key in keys {
            if let Some(list) = fields.list(key)?
                && !list.value.is_empty()
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
        let found = parse("c.json", text).unwrap();
        let inline = found.conda_inline.as_ref().unwrap();
        let json = r#"{"dependencies":["python=3.6.2",{"pip":["a"]}]}"#;
        assert_eq!((inline.value.root.to_json().to_string().as_str(), inline.line), (json, 5));
        let expected = EnvironmentForm {
            name: Some("env".to_owned()),
            version: Some("3".to_owned()),
            variables: [("B", "2"), ("A", "1"), ("C", "true")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            user_managed: false,
            interpreter: Some("python".to_owned()),
            conda_file: None,
            conda_inline: found.conda_inline.clone(),
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
        assert_eq!(found, expected);
    }

    #[test]
    fn faults_name_the_whole_key() {
        let error = parse("c.yml", "environment:\n  docker:\n    baseImge: x\n").unwrap_err();
        assert_eq!(error.to_string(), "c.yml:3:5: unknown key `environment.docker.baseImge`");
        assert_eq!(error.hint().unwrap(), "did you mean `baseImage`?");
        let error =
            parse("c.yml", "environment:\n  python:\n    condaDependencies: a.yml\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "c.yml:3:5: `environment.python.condaDependencies` must be a mapping, found text"
        );
    }
}
