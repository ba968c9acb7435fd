//! `inferenceconfig.json` (or YAML): the flat form of May 2019 and the environment form that came
//! half a year later (docs/azureml-2019.md#2.1, docs/azureml-2019.md#2.2).

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::document::{Node, Value};
use super::environment_form::EnvironmentForm;
use super::fields::{Fields, Located};
use super::{Error, RegistryAccess, Result, Secret};

/// What runs the entry script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// Plain Python.
    Python,
    /// Python with Spark.
    SparkPy,
    /// Python without data packages; never documented, but accepted by the service.
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
            _ => Err(Error::WrongValue {
                place: String::new(),
                key: "runtime".to_owned(),
                found: text.to_owned(),
                expected: Self::EXPECTED.to_owned(),
            }),
        }
    }
}

/// An inference configuration as it was written; nothing is looked up and no default filled in.
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

const REGISTRY_KEYS: &[&str] = &["address", "username", "password", "registryIdentity"];

impl InferenceConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Read`], or as [`InferenceConfig::parse`].
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::read(path))?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file; the name `path` only tells JSON from YAML and stands in messages.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::UnknownKey`], [`Error::KeyTwice`], [`Error::WrongType`] or
    /// [`Error::WrongValue`], each with its line. Missing keys are not errors yet: a flag may give
    /// them.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut fields = Fields::open(path, "", Node::parse(path, text)?, KEYS)?;
        Ok(Self {
            path: path.to_owned(),
            entry_script: fields.text("entryScript")?,
            source_directory: fields.text("sourceDirectory")?,
            description: fields.text("description")?,
            runtime: runtime(&mut fields, path)?,
            conda_file: fields.text("condaFile")?,
            docker_steps: fields.text_spelled("extraDockerfileSteps", "extraDockerFileSteps")?,
            enable_gpu: fields.truth("enableGpu")?,
            base_image: fields.text("baseImage")?,
            registry: registry(&mut fields)?,
            cuda_version: fields.version("cudaVersion")?,
            environment: EnvironmentForm::take(&mut fields)?,
        })
    }

    /// The flat keys that stand beside `environment`, which replaces them, with their lines.
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

fn runtime(fields: &mut Fields<'_>, path: &Path) -> Result<Option<Located<Runtime>>> {
    let Some(text) = fields.text("runtime")? else { return Ok(None) };
    match text.value.parse() {
        Ok(value) => Ok(Some(Located { value, line: text.line })),
        Err(_) => Err(Error::WrongValue {
            place: format!("{}:{}: ", path.display(), text.line),
            key: "runtime".to_owned(),
            found: text.value,
            expected: Runtime::EXPECTED.to_owned(),
        }),
    }
}

/// Takes `baseImageRegistry`, which the documents wrote as text and the code as an object.
pub(super) fn registry(fields: &mut Fields<'_>) -> Result<Option<Located<RegistryAccess>>> {
    const KEY: &str = "baseImageRegistry";
    if let Some(address) = fields.text_if_text(KEY) {
        let access = RegistryAccess { address: Some(address.value), ..RegistryAccess::default() };
        return Ok(Some(Located { value: access, line: address.line }));
    }
    let line = fields.line(KEY);
    let Some(mut object) = fields.object(KEY, REGISTRY_KEYS)? else { return Ok(None) };
    let mut text = |key| object.text(key).map(|text| text.map(|text| text.value));
    let value = RegistryAccess {
        address: text("address")?,
        username: text("username")?,
        password: text("password")?.map(Secret::new),
    };
    Ok(if value.is_empty() { None } else { Some(Located { value, line }) })
}

impl Fields<'_> {
    fn text_if_text(&mut self, key: &str) -> Option<Located<String>> {
        match self.peek(key)?.value {
            Value::Text(_) => self.text(key).ok().flatten(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
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
            ("{\n\"entryscript\": \"a\"}", "c.json:2: unknown key `entryscript`"),
            (
                "{\"runtime\": \"java\"}",
                "c.json:1: `runtime` is `java`; it must be `python` or `spark-py`",
            ),
            (
                "{\"enableGpu\":\n\"yes\"}",
                "c.json:1: `enableGpu` is text; it must be true or false",
            ),
            (
                "{\"extraDockerFileSteps\": \"a\",\n\"extraDockerfileSteps\": \"b\"}",
                "c.json:2: `extraDockerfileSteps` is given twice (first as `extraDockerFileSteps` on line 1)",
            ),
            (
                "{\"baseImageRegistry\": 1}",
                "c.json:1: `baseImageRegistry` is a number; it must be an object",
            ),
            ("[]", "c.json:1: `the document` is a list; it must be an object"),
        ] {
            assert_eq!(parse("c.json", text).unwrap_err().to_string(), message);
        }
        let error = parse("c.json", "{\"entryscript\": \"a\"}").unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean `entryScript`?");
    }
}
