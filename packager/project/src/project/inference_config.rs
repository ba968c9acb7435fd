//! `inferenceconfig.json` (or YAML): the flat form of May 2019 and the environment form that came
//! half a year later (docs/azureml-2019.md#2.1 and #2.2).

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use mlpack_documents::{Document, Fields, Format, Located};

use super::environment_form::EnvironmentForm;
use super::{Error, RegistryAccess, Result};

/// What runs the entry script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// Plain Python.
    Python,
    /// Python with Spark.
    SparkPy,
    /// Python without data packages; never documented, but accepted by Azure ML (2019).
    PythonSlim,
}

impl Runtime {
    const EXPECTED: &'static str = "`python` or `spark-py`";
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "python",
            Self::SparkPy => "spark-py",
            Self::PythonSlim => "python-slim",
        })
    }
}

impl FromStr for Runtime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "python" => Ok(Self::Python),
            "spark-py" => Ok(Self::SparkPy),
            "python-slim" => Ok(Self::PythonSlim),
            _ => Err(Error::Runtime { found: text.to_owned(), expected: Self::EXPECTED }),
        }
    }
}

/// An inference configuration as written: paths are not resolved and defaults are not applied.
#[derive(Debug, Clone, PartialEq)]
pub struct InferenceConfig {
    /// The file.
    pub path: PathBuf,
    /// `entryScript`.
    pub entry_script: Option<Located<String>>,
    /// `sourceDirectory`.
    pub source_directory: Option<Located<String>>,
    /// `description`.
    pub description: Option<Located<String>>,
    /// `runtime`.
    pub runtime: Option<Located<Runtime>>,
    /// `condaFile`.
    pub conda_file: Option<Located<String>>,
    /// `extraDockerfileSteps`, also spelled `extraDockerFileSteps`.
    pub docker_steps: Option<Located<String>>,
    /// `enableGpu`.
    pub enable_gpu: Option<Located<bool>>,
    /// `baseImage`.
    pub base_image: Option<Located<String>>,
    /// `baseImageRegistry`: an address, or an object with address, username and password.
    pub registry: Option<Located<RegistryAccess>>,
    /// `cudaVersion`.
    pub cuda_version: Option<Located<String>>,
    /// `environment`.
    pub environment: Option<Located<EnvironmentForm>>,
}

const KEYS: &[&str] = &[
    "entryScript",
    "sourceDirectory",
    "description",
    "runtime",
    "condaFile",
    "extraDockerfileSteps",
    "extraDockerFileSteps",
    "enableGpu",
    "baseImage",
    "baseImageRegistry",
    "cudaVersion",
    "environment",
];

impl InferenceConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Read`], or as [`InferenceConfig::parse`].
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::read(path))?;
        Self::parse(path, &text)
    }

    /// Parses the text of a file; `path` decides between JSON and YAML and is used in messages.
    ///
    /// # Errors
    /// [`Error::Document`], with its place. Missing keys are not errors yet: a flag may give them.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let document = Document::parse(path, text, Format::of_file(path, text))?;
        let fields = Fields::open(&document, KEYS)?;
        Ok(Self {
            path: path.to_owned(),
            entry_script: fields.text("entryScript")?,
            source_directory: fields.text("sourceDirectory")?,
            description: fields.text("description")?,
            runtime: runtime(&fields)?,
            conda_file: fields.text("condaFile")?,
            docker_steps: fields.text_spelled("extraDockerfileSteps", "extraDockerFileSteps")?,
            enable_gpu: fields.boolean("enableGpu")?,
            base_image: fields.text("baseImage")?,
            registry: RegistryAccess::read(&fields)?,
            cuda_version: fields.written("cudaVersion")?,
            environment: EnvironmentForm::read(&fields)?,
        })
    }

    /// The flat keys given besides `environment`, which replaces them, with their lines.
    pub fn flat_keys(&self) -> Vec<(&'static str, usize)> {
        let line = |line: Option<usize>, key| line.map(|line| (key, line));
        [
            line(self.runtime.as_ref().map(|l| l.line), "runtime"),
            line(self.conda_file.as_ref().map(|l| l.line), "condaFile"),
            line(self.docker_steps.as_ref().map(|l| l.line), "extraDockerfileSteps"),
            line(self.enable_gpu.as_ref().map(|l| l.line), "enableGpu"),
            line(self.base_image.as_ref().map(|l| l.line), "baseImage"),
            line(self.registry.as_ref().map(|l| l.line), "baseImageRegistry"),
            line(self.cuda_version.as_ref().map(|l| l.line), "cudaVersion"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn runtime(fields: &Fields<'_>) -> Result<Option<Located<Runtime>>> {
    let Some(text) = fields.text("runtime")? else { return Ok(None) };
    match text.value.parse() {
        Ok(value) => Ok(Some(Located { value, line: text.line })),
        Err(_) => Err(fields.invalid("runtime", Runtime::EXPECTED).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;

    fn at<T>(line: usize, value: T) -> Option<Located<T>> {
        Some(Located { value, line })
    }

    fn empty(name: &str) -> InferenceConfig {
        InferenceConfig::parse(Path::new(name), "{}").unwrap()
    }

    fn parse(name: &str, text: &str) -> Result<InferenceConfig> {
        InferenceConfig::parse(Path::new(name), text)
    }

    #[test]
    fn the_flat_form_in_both_languages() {
        let json = r#"{
"entryScript": "score.py",
"runtime": "Spark-Py",
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
        let expected = |name| InferenceConfig {
            entry_script: at(2, "score.py".to_owned()),
            runtime: at(3, Runtime::SparkPy),
            conda_file: at(4, "env.yml".to_owned()),
            docker_steps: at(5, "steps".to_owned()),
            source_directory: at(6, "src".to_owned()),
            enable_gpu: at(7, true),
            base_image: at(8, "azureml/onnxruntime:latest".to_owned()),
            registry: at(
                9,
                RegistryAccess {
                    address: Some("mcr.microsoft.com".to_owned()),
                    ..RegistryAccess::default()
                },
            ),
            cuda_version: at(10, "9.0".to_owned()),
            description: at(11, "d".to_owned()),
            ..empty(name)
        };
        assert_eq!(parse("c.json", json).unwrap(), expected("c.json"));
        let mut from_yaml = parse("c.yml", yaml).unwrap();
        for moved in [&mut from_yaml.cuda_version, &mut from_yaml.description] {
            moved.as_mut().unwrap().line -= 1;
        }
        assert_eq!(from_yaml, expected("c.yml"));
    }

    #[test]
    fn the_registry_as_an_object_hides_its_password() {
        let text =
            r#"{"baseImageRegistry": {"address": "a.io", "username": "u", "password": "hunter2"}}"#;
        let config = parse("c.json", text).unwrap();
        let registry = config.registry.as_ref().unwrap();
        assert_eq!(
            registry.value,
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
