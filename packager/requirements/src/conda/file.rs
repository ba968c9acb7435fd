//! The conda file: what an environment is made of, as the user wrote it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mlpack_documents::{Document, Entry, Fields, Format, Node, Value, read_text, refuse_tabs};

use super::{MatchSpec, PythonSpec};
use crate::{Error, PipLine, Result, redact};

const KEYS: &[&str] = &["name", "channels", "dependencies", "variables", "prefix"];
/// What the shape of a conda file is, for hints.
const EXAMPLE: &str =
    "write it as\n  dependencies:\n    - python=3.6.2\n    - pip:\n      - azureml-defaults";

/// A conda environment file (`environment.yml`; docs/azureml-2019.md#2.1, `condaFile`), read in full.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// A conda package and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaDependency {
    /// The package and its versions.
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
        let text = read_text(path).map_err(Error::io("read", path))?;
        Self::parse(&text, path)
    }

    /// Parses the text of a file; `path` is kept and used in messages.
    ///
    /// # Errors
    /// Those of [`Error`] that are about conda files, each with its place.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        refuse_tabs(path, text)?;
        Self::read(&Document::parse(path, text, Format::Yaml)?)
    }

    /// Reads a document, or the part of one that holds a conda file.
    ///
    /// # Errors
    /// As [`CondaFile::parse`].
    pub fn read(document: &Document) -> Result<Self> {
        let mut file = Self {
            path: document.path.clone(),
            name: None,
            channels: Vec::new(),
            dependencies: Vec::new(),
            pip: Vec::new(),
            variables: BTreeMap::new(),
            python: None,
            notes: Vec::new(),
        };
        let fields = Fields::of(document).map_err(|error| Error::document(error, Some(EXAMPLE)))?;
        let reader = Reader { document, fields };
        let entries = reader.fields.entries().iter();
        Error::of(entries.filter_map(|entry| file.read_entry(&reader, entry).err()).collect())?;
        Ok(file)
    }

    fn read_entry(&mut self, reader: &Reader<'_>, entry: &Entry) -> Result<()> {
        match &*entry.key {
            "name" => self.name = reader.text(entry, &entry.node)?,
            "channels" => {
                for item in reader.list(entry, &entry.node)? {
                    self.channels.extend(reader.text(entry, item)?);
                }
            }
            "dependencies" => self.read_dependencies(reader, entry)?,
            "prefix" => self.notes.push(format!(
                "{}:{}: `prefix` is ignored: the environment's place in the image is fixed",
                self.path.display(),
                entry.at.line
            )),
            "variables" => {
                self.variables = reader.fields.pairs("variables")?.into_iter().collect();
            }
            "pip" => return Err(Error::PipMisplaced { place: reader.document.place(entry.at) }),
            _ => return Err(reader.fields.unknown(entry, KEYS).into()),
        }
        Ok(())
    }

    /// The `python` line; without one, every Python is accepted.
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

    fn read_dependencies(&mut self, reader: &Reader<'_>, dependencies: &Entry) -> Result<()> {
        let items = reader.list(dependencies, &dependencies.node)?;
        let mut errors = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let is_last = number + 1 == items.len();
            match &item.value {
                Value::Scalar(scalar) => {
                    errors.extend(self.read_package(reader, item, &scalar.text).err());
                }
                Value::Map(entries)
                    if !entries.is_empty() && entries.iter().all(|entry| is_list(&entry.key)) =>
                {
                    for entry in entries {
                        let read = self.read_list(reader, entry, is_last, &mut errors);
                        errors.extend(read.err());
                    }
                }
                Value::Map(_) => {
                    let expected = "package lines and one `pip:` list";
                    errors.push(reader.wrong_type(dependencies, item, expected));
                }
                _ => {
                    let expected = "a list of packages, as in `- python=3.6.2`";
                    errors.push(reader.wrong_type(dependencies, item, expected));
                }
            }
        }
        Error::of(errors)
    }

    /// Reads `pip:` or `conda:` among the dependencies; conda takes both.
    fn read_list(
        &mut self,
        reader: &Reader<'_>,
        list: &Entry,
        is_last: bool,
        errors: &mut Vec<Error>,
    ) -> Result<()> {
        if list.key == "pip" {
            return self.read_pip(reader, list, is_last, errors);
        }
        for item in reader.list(list, &list.node)? {
            let Value::Scalar(scalar) = &item.value else {
                let expected = "a list of packages, as in `- python=3.6.2`";
                return Err(reader.wrong_type(list, item, expected));
            };
            errors.extend(self.read_package(reader, item, &scalar.text).err());
        }
        Ok(())
    }

    fn read_package(&mut self, reader: &Reader<'_>, item: &Node, text: &str) -> Result<()> {
        let place = || reader.document.place(item.at);
        let invalid =
            |reason: String| Error::CondaLine { place: place(), text: text.to_owned(), reason };
        let spec = MatchSpec::parse(text).map_err(invalid)?;
        if spec.name == "python" {
            let python = PythonSpec::parse(&spec).map_err(invalid)?;
            if self.python.replace(python).is_some() {
                return Err(invalid("`python` is listed twice".to_owned()));
            }
        }
        if spec.name == "pip" && spec.version.is_some() {
            self.notes.push(format!(
                "{}:{}: the version in `{text}` has no effect: packages are installed without running pip",
                self.path.display(),
                item.at.line
            ));
        }
        self.dependencies.push(CondaDependency { spec, line: item.at.line });
        Ok(())
    }

    fn read_pip(
        &mut self,
        reader: &Reader<'_>,
        pip: &Entry,
        is_last: bool,
        errors: &mut Vec<Error>,
    ) -> Result<()> {
        if pip.node.value == Value::Null && is_last {
            return Ok(());
        }
        // Lines that are not indented further would be taken for conda packages.
        if pip.node.value == Value::Null {
            let expected = "a list of lines, indented below `- pip:`";
            return Err(reader.wrong_type(pip, &pip.node, expected));
        }
        for item in reader.list(pip, &pip.node)? {
            let Value::Scalar(scalar) = &item.value else {
                let expected = "a list of requirements, as in `- scikit-learn==0.24.2`";
                return Err(reader.wrong_type(pip, item, expected));
            };
            let line = item.at.line;
            match PipLine::parse(&scalar.text, line) {
                Ok(read) => self.pip.push(read.of(&self.path)),
                Err(reason) => errors.push(Error::PipLine {
                    place: format!("{}:{line}", self.path.display()),
                    text: redact(&scalar.text),
                    reason,
                    mended: PipLine::mended(&scalar.text),
                }),
            }
        }
        Ok(())
    }
}

/// Whether a key of a mapping among the dependencies is a list that conda reads.
fn is_list(key: &str) -> bool {
    matches!(key, "pip" | "conda")
}

/// Values by type, with their place in every error.
struct Reader<'a> {
    document: &'a Document,
    fields: Fields<'a>,
}

impl Reader<'_> {
    fn text(&self, entry: &Entry, node: &Node) -> Result<Option<String>> {
        match &node.value {
            Value::Null => Ok(None),
            Value::Scalar(scalar) => Ok(Some(scalar.text.clone())),
            _ => Err(self.wrong_type(entry, node, "text")),
        }
    }

    fn list<'n>(&self, entry: &Entry, node: &'n Node) -> Result<&'n [Node]> {
        match &node.value {
            Value::Null => Ok(&[]),
            Value::List(items) => Ok(items),
            _ => Err(self.wrong_type(entry, node, "a list, each item on its own line after `- `")),
        }
    }

    fn wrong_type(&self, entry: &Entry, node: &Node, expected: &str) -> Error {
        let error = mlpack_documents::Error::InvalidValue {
            place: self.document.place(if node.value == Value::Null { entry.at } else { node.at }),
            key: entry.key.clone(),
            expected: expected.into(),
            found: node.kind().into(),
            hint: None,
        };
        let example = matches!(&*entry.key, "dependencies" | "pip").then_some(EXAMPLE);
        Error::document(error, example)
    }
}

#[cfg(test)]
mod tests;
