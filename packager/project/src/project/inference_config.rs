//! `inferenceconfig.json` (or YAML): the flat form of May 2019 and the environment form that came
//! half a year later (docs/azureml-2019.md#2.1 and #2.2).

use std::path::{Path, PathBuf};

use mlpack_documents::{Document, Fields, Ignored, Located, Place, read_text};

use super::environment_form::EnvironmentForm;
use super::{Error, ProjectOptions, Result};

/// An inference configuration as written: paths are not resolved and defaults are not applied.
#[derive(Debug, Clone, PartialEq)]
pub struct InferenceConfig {
    /// The file.
    pub path: PathBuf,
    /// Keys without effect.
    pub ignored: Vec<Ignored>,
    /// The flat keys.
    pub options: ProjectOptions,
    /// `environment`, which replaces some of them.
    pub environment: Option<Located<EnvironmentForm>>,
    /// Where `environment` is a name, as of an environment in a workspace: it has no effect beside a conda file.
    pub named_environment: Option<Place>,
}

impl InferenceConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Read`], or as [`InferenceConfig::parse`].
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_text(path).map_err(Error::read(path))?;
        Self::parse(path, &text)
    }

    /// Returns the configuration with its environment replaced by that of a directory.
    ///
    /// # Errors
    /// As [`EnvironmentForm::load`].
    pub fn with_environment(config: Option<Self>, directory: &Path) -> Result<Self> {
        let form = EnvironmentForm::load(directory)?.without_lines();
        let environment = Some(Located { value: form, line: 0 });
        Ok(match config {
            Some(config) => Self { environment, ..config },
            None => Self {
                path: directory.to_owned(),
                ignored: Vec::new(),
                options: ProjectOptions::default(),
                environment,
                named_environment: None,
            },
        })
    }

    /// Parses the text of a file, YAML or JSON; `path` is only used in messages.
    ///
    /// # Errors
    /// [`Error::Document`], with its place. Missing keys are not errors yet: a flag may give them.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let document = Document::parse_configuration(path, text)?;
        let keys: Vec<_> = ProjectOptions::keys().chain(["environment"]).collect();
        let fields = Fields::of(&document)?;
        let named_environment = named_environment(&fields)?;
        let environment = match named_environment {
            Some(_) => None,
            None => EnvironmentForm::read(&fields)?,
        };
        Ok(Self {
            path: path.to_owned(),
            ignored: fields.ignored(&keys, &[], &[])?,
            options: ProjectOptions::read(&fields)?,
            environment,
            named_environment,
        })
    }
}

/// Returns where `environment` is a name beside a conda file.
fn named_environment(fields: &Fields<'_>) -> Result<Option<Place>> {
    let Some(entry) = fields.entry("environment") else { return Ok(None) };
    if entry.node.scalar().is_none() {
        return Ok(None);
    }
    if fields.entry("condaFile").is_none() {
        let expected = "a mapping; environments of a workspace are not read, but pass the folder of `az ml environment download` with --environment-directory";
        return Err(fields.wrong_type(entry, expected).into());
    }
    Ok(Some(fields.place(entry.at)))
}

#[cfg(test)]
mod tests {
    use super::super::Runtime;
    use super::super::options::VersionText;
    use super::super::{RegistryAccess, Secret};
    use mlpack_lock::Server;

    use super::*;

    fn parse(name: &str, text: &str) -> Result<InferenceConfig> {
        InferenceConfig::parse(Path::new(name), text)
    }

    #[test]
    fn the_flat_form_in_both_languages() {
        let json = r#"{
"entryScript": "score.py",
"runtime": "Spark-Py",
"server": "azmlinfsrv",
"condaFile": "env.yml",
"extraDockerFileSteps": "steps",
"sourceDirectory": "src",
"enableGpu": true,
"baseImage": "azureml/onnxruntime:latest",
"baseImageRegistry": "mcr.microsoft.com",
"cudaVersion": "9.0",
"description": "d"}"#;
        let yaml = "
entryScript: score.py
runtime: spark-py
server: azmlinfsrv
condaFile: env.yml
extraDockerfileSteps: steps
sourceDirectory: src
enableGpu: true
baseImage: azureml/onnxruntime:latest
baseImageRegistry:
  {address: mcr.microsoft.com}
cudaVersion: 9.0
description: d
";
        let keys = [
            "entryScript",
            "runtime",
            "server",
            "condaFile",
            "extraDockerfileSteps",
            "sourceDirectory",
            "enableGpu",
            "baseImage",
            "baseImageRegistry",
            "cudaVersion",
            "description",
        ];
        let text = |text: &str| Some(text.to_owned());
        let expected = ProjectOptions {
            entry_script: text("score.py"),
            runtime: Some(Runtime::SparkPy),
            server: Some(Server::Azmlinfsrv),
            conda_file: text("env.yml"),
            docker_steps: text("steps"),
            source_directory: text("src"),
            enable_gpu: Some(true),
            base_image: text("azureml/onnxruntime:latest"),
            registry: Some(RegistryAccess {
                address: text("mcr.microsoft.com"),
                ..RegistryAccess::default()
            }),
            cuda_version: Some(VersionText("9.0".to_owned())),
            description: text("d"),
            environment_variables: Vec::new(),
            lines: keys.into_iter().zip(2..).collect(),
        };
        assert_eq!(parse("c.json", json).unwrap().options, expected);
        let mut from_yaml = parse("c.yml", yaml).unwrap().options;
        for moved in ["cudaVersion", "description"] {
            *from_yaml.lines.get_mut(moved).unwrap() -= 1;
        }
        assert_eq!(from_yaml, expected);
    }

    #[test]
    fn the_registry_as_an_object_hides_its_password() {
        let text =
            r#"{"baseImageRegistry": {"address": "a.io", "username": "u", "password": "hunter2"}}"#;
        let config = parse("c.json", text).unwrap();
        let registry = config.options.registry.as_ref().unwrap();
        assert_eq!(
            *registry,
            RegistryAccess {
                address: Some("a.io".to_owned()),
                username: Some("u".to_owned()),
                password: Some(Secret::new("hunter2")),
            }
        );
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn faults_name_file_line_and_key() {
        for (text, message) in [
            ("{\n\"entryscript\": \"a\"}", "c.json:2:1: unknown key `entryscript`"),
            (
                "{\"runtime\": \"java\"}",
                "c.json:1:2: `runtime` must be `python` or `spark-py`, found `java`",
            ),
            (
                "{\"enableGpu\":\n\"yes\"}",
                "c.json:1:2: `enableGpu` must be true or false, found text",
            ),
            (
                "{\"extraDockerFileSteps\": \"a\",\n\"extraDockerfileSteps\": \"b\"}",
                "c.json:2:1: duplicate key `extraDockerfileSteps` (first given as `extraDockerFileSteps` on line 1)",
            ),
            (
                "{\"baseImageRegistry\": 1}",
                "c.json:1:2: `baseImageRegistry` must be a mapping, found a number",
            ),
            ("[]", "c.json:1:1: expected a mapping of keys to values, found a list"),
        ] {
            assert_eq!(parse("c.json", text).unwrap_err().to_string(), message);
        }
        let error = parse("c.json", "{\"entryscript\": \"a\"}").unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean `entryScript`?");
    }
}
