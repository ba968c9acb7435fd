//! The conda file: what an environment is made of, as the user wrote it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::requirements_file::shown;
use crate::yaml;
use crate::yaml::{Key, Node, Value};
use crate::{Error, MatchSpec, PipLine, PythonSpec, Result};

const KEYS: [&str; 5] = ["name", "channels", "dependencies", "variables", "prefix"];

/// A conda environment file (`environment.yml`; docs/azureml-2019.md#2.1, `condaFile`), read in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CondaFile {
    /// Where it was read from; relative lines of its `pip:` list start from this file's folder.
    pub path: PathBuf,
    /// The environment's name.
    pub name: Option<String>,
    /// Channels in order of priority; empty means conda's `defaults`.
    pub channels: Vec<String>,
    /// Conda packages in the order written, with `python` and `pip` among them.
    pub dependencies: Vec<CondaDependency>,
    /// The nested `pip:` list in the order written.
    pub pip: Vec<PipLine>,
    /// Environment variables to set where the environment is used.
    pub variables: BTreeMap<String, String>,
    /// The `python` line, if there is one.
    python: Option<PythonSpec>,
    /// What was read but has no effect, one sentence each.
    pub notes: Vec<String>,
}

/// A conda package and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CondaDependency {
    /// What is asked for.
    pub spec: MatchSpec,
    /// From 1.
    pub line: usize,
}

impl CondaFile {
    /// Reads a file.
    ///
    /// # Errors
    /// As [`CondaFile::parse`], or [`Error::Io`].
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        Self::parse(&text, path)
    }

    /// Reads the text of a file; `path` is only told in errors and kept.
    ///
    /// # Errors
    /// One of the conda file errors of [`Error`], each with file and line.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let root = yaml::parse(text.trim_start_matches('\u{feff}')).map_err(|fault| {
            Error::Yaml { path: path.to_owned(), line: fault.line, reason: fault.reason }
        })?;
        let mut file = Self {
            path: path.to_owned(),
            name: None,
            channels: Vec::new(),
            dependencies: Vec::new(),
            pip: Vec::new(),
            variables: BTreeMap::new(),
            python: None,
            notes: Vec::new(),
        };
        let Value::Map(entries) = root.value else {
            return Err(file.shape(&root, "the file", "a mapping with `dependencies:`"));
        };
        for (key, node) in &entries {
            file.key(key, node)?;
        }
        Ok(file)
    }

    /// The `python` line; without one any Python will do.
    pub fn python_spec(&self) -> Option<&PythonSpec> {
        self.python.as_ref()
    }

    /// The `pip:` list.
    pub fn pip_requirements(&self) -> &[PipLine] {
        &self.pip
    }

    /// Conda packages other than `python` and `pip`.
    pub fn conda_packages(&self) -> impl Iterator<Item = &CondaDependency> {
        self.dependencies
            .iter()
            .filter(|dependency| !matches!(&*dependency.spec.name, "python" | "pip"))
    }

    fn key(&mut self, key: &Key, node: &Node) -> Result<()> {
        match &*key.name {
            "name" => self.name = self.text(node, "name")?,
            "channels" => {
                for item in self.list(node, "channels")? {
                    let channel = self.text(item, "channels")?;
                    self.channels.extend(channel);
                }
            }
            "dependencies" => self.read_dependencies(node)?,
            "variables" => self.read_variables(node)?,
            "prefix" => self.notes.push(format!(
                "{}:{}: `prefix` is ignored: the environment's place in the image is fixed",
                self.path.display(),
                key.line
            )),
            "pip" => {
                return Err(Error::PipMisplaced { path: self.path.clone(), line: key.line });
            }
            unknown => {
                return Err(Error::UnknownKey {
                    path: self.path.clone(),
                    line: key.line,
                    key: unknown.to_owned(),
                    nearest: nearest(unknown, &KEYS),
                });
            }
        }
        Ok(())
    }

    fn read_dependencies(&mut self, node: &Node) -> Result<()> {
        for item in self.list(node, "dependencies")? {
            match &item.value {
                Value::Text(text) => {
                    let spec = MatchSpec::parse(text)
                        .map_err(|reason| self.spec_error(item.line, text, reason))?;
                    if spec.name == "python" {
                        let python = PythonSpec::parse(&spec)
                            .map_err(|reason| self.spec_error(item.line, text, reason))?;
                        if self.python.replace(python).is_some() {
                            let reason = "`python` is there twice".to_owned();
                            return Err(self.spec_error(item.line, text, reason));
                        }
                    }
                    if spec.name == "pip" && spec.version.is_some() {
                        self.notes.push(format!(
                            "{}:{}: the version in `{text}` has no effect: packages are installed without running pip",
                            self.path.display(),
                            item.line
                        ));
                    }
                    self.dependencies.push(CondaDependency { spec, line: item.line });
                }
                Value::Map(entries) => match &entries[..] {
                    [(key, list)] if key.name == "pip" => self.read_pip(list)?,
                    [(key, _), ..] if key.name != "pip" => {
                        return Err(self.shape(
                            item,
                            "dependencies",
                            "package lines and one `pip:` list",
                        ));
                    }
                    _ => {
                        return Err(self.shape(
                            item,
                            "pip",
                            "a list of lines, indented below `- pip:`",
                        ));
                    }
                },
                _ => {
                    return Err(self.shape(
                        item,
                        "dependencies",
                        "a package, as in `- python=3.6.2`",
                    ));
                }
            }
        }
        Ok(())
    }

    fn read_pip(&mut self, node: &Node) -> Result<()> {
        // Lines that are not indented further would be taken for conda packages.
        if matches!(node.value, Value::Empty) {
            return Err(self.shape(node, "pip", "a list of lines, indented below `- pip:`"));
        }
        for item in self.list(node, "pip")? {
            let Value::Text(text) = &item.value else {
                return Err(self.shape(
                    item,
                    "pip",
                    "a requirement, as in `- scikit-learn==0.24.2`",
                ));
            };
            let line = PipLine::parse(text, item.line).map_err(|reason| Error::PipLine {
                path: self.path.clone(),
                line: item.line,
                text: shown(text),
                reason,
            })?;
            self.pip.push(line.of(&self.path));
        }
        Ok(())
    }

    fn read_variables(&mut self, node: &Node) -> Result<()> {
        match &node.value {
            Value::Empty => Ok(()),
            Value::Map(entries) => {
                for (key, value) in entries {
                    let value = self.text(value, "variables")?.unwrap_or_default();
                    self.variables.insert(key.name.clone(), value);
                }
                Ok(())
            }
            _ => Err(self.shape(node, "variables", "a mapping of names to values")),
        }
    }

    fn text(&self, node: &Node, key: &'static str) -> Result<Option<String>> {
        match &node.value {
            Value::Empty => Ok(None),
            Value::Text(text) => Ok(Some(text.clone())),
            _ => Err(self.shape(node, key, "text")),
        }
    }

    fn list<'a>(&self, node: &'a Node, key: &'static str) -> Result<&'a [Node]> {
        match &node.value {
            Value::Empty => Ok(&[]),
            Value::List(items) => Ok(items),
            _ => Err(self.shape(node, key, "a list, each item on its own line after `- `")),
        }
    }

    fn shape(&self, node: &Node, key: &'static str, expected: &'static str) -> Error {
        Error::WrongShape {
            path: self.path.clone(),
            line: node.line,
            key,
            expected,
            found: node.value.kind(),
        }
    }

    fn spec_error(&self, line: usize, text: &str, reason: String) -> Error {
        Error::CondaLine { path: self.path.clone(), line, text: text.to_owned(), reason }
    }
}

/// The known key that is most like an unknown one, if any is close.
fn nearest(unknown: &str, known: &[&str]) -> Option<String> {
    known
        .iter()
        .map(|key| (strsim::jaro_winkler(&unknown.to_lowercase(), key), *key))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, key)| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fit;

    fn read(text: &str) -> Result<CondaFile> {
        CondaFile::parse(text, Path::new("env.yml"))
    }

    fn message(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    const DOCUMENT: &str = "name: project_environment\ndependencies:\n  - python=3.6.2\n\n  - pip:\n    - azureml-defaults\n    - scikit-learn\n    - inference-schema[numpy-support]\n";

    #[test]
    fn the_documents_own_file_is_read() {
        let file = read(DOCUMENT).unwrap();
        assert_eq!(file.name.as_deref(), Some("project_environment"));
        assert!(file.channels.is_empty() && file.notes.is_empty());
        let python = file.python_spec().unwrap();
        assert_eq!(python.text, "python=3.6.2");
        assert_eq!(python.satisfied_by(crate::PythonVersion::new(3, 6, 15)), Fit::SameMinor);
        assert_eq!(file.conda_packages().count(), 0);
        let pip: Vec<_> =
            file.pip_requirements().iter().map(|line| (line.name().unwrap(), line.line)).collect();
        assert_eq!(pip, [("azureml-defaults", 6), ("scikit-learn", 7), ("inference-schema", 8)]);
    }

    #[test]
    fn every_key_is_read() {
        let file = read(
            "name: a\nchannels: [conda-forge, defaults]\nvariables:\n  OMP_NUM_THREADS: 1\nprefix: /home/a\ndependencies:\n- python\n- pip=9\n- conda-forge::NumPy=1.16\n- scipy\n- pip:\n  - numpy\n  - -r more.txt\n",
        )
        .unwrap();
        assert_eq!(file.channels, ["conda-forge", "defaults"]);
        assert_eq!(
            file.variables,
            BTreeMap::from([("OMP_NUM_THREADS".to_owned(), "1".to_owned())])
        );
        let conda: Vec<_> = file.conda_packages().map(|d| (&*d.spec.name, d.line)).collect();
        assert_eq!(conda, [("numpy", 9), ("scipy", 10)]);
        assert_eq!(file.notes.len(), 2, "{:?}", file.notes);
    }

    #[test]
    fn faults_name_file_line_and_the_way_out() {
        let error = read("dependancies:\n- python\n").unwrap_err();
        assert_eq!(error.to_string(), "env.yml:1: unknown key `dependancies`");
        assert_eq!(error.hint().unwrap(), "did you mean `dependencies`?");
        assert_eq!(
            message("- python\n"),
            "env.yml:1: the file must be a mapping with `dependencies:`, found a list"
        );
        assert_eq!(
            message("dependencies:\n- python\n\t- pip\n"),
            "env.yml:3: a tab is used to indent"
        );
        assert_eq!(
            message("dependencies:\n- python\npip:\n- a\n"),
            "env.yml:3: `pip:` stands beside `dependencies:`, not inside it"
        );
        assert_eq!(
            message("dependencies:\n- pip:\n    a\n"),
            "env.yml:3: pip must be a list, each item on its own line after `- `, found text"
        );
        assert_eq!(
            message("dependencies:\n- pip:\n- a\n"),
            "env.yml:2: pip must be a list of lines, indented below `- pip:`, found nothing"
        );
        assert_eq!(
            message("dependencies:\n- python\n- pip:\n  - x\n- a:\n  - b\n"),
            "env.yml:5: dependencies must be package lines and one `pip:` list, found a mapping"
        );
        assert_eq!(
            message("dependencies:\n- pip:\n  - a=1\n"),
            "env.yml:3: cannot read the pip line `a=1`: pip pins with `==`; a single `=` is conda's way"
        );
        assert_eq!(
            message("dependencies:\n- python=x\n"),
            "env.yml:2: cannot read `python=x`: `x.*` is not a Python version"
        );
        assert_eq!(
            message(""),
            "env.yml:1: the file must be a mapping with `dependencies:`, found nothing"
        );
    }
}
