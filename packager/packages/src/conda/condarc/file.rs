//! The files that are there, and what a value in one must be.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use mlpack_documents::{Node, Value};
use url::Url;

use crate::{Error, Result};
use mlpack_requirements::Variables;

/// A file, or those of a folder that are YAML, by name.
pub(crate) fn files_at(place: &Path) -> Result<Vec<PathBuf>> {
    match fs::metadata(place) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Ok(vec![place.to_owned()]),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        // The home of another user does not count.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", place)(error)),
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place).map_err(Error::io("list", place))? {
        let path = entry.map_err(Error::io("list", place))?.path();
        let extension = path.extension().and_then(OsStr::to_str);
        if matches!(extension, Some("yml" | "yaml")) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The typed values of a file; every error has its line.
pub(crate) struct File<'a> {
    pub path: &'a Path,
    pub variables: &'a Variables,
}

impl File<'_> {
    fn bad(&self, line: usize, key: &str, reason: &str) -> Error {
        let reason = format!("`{key}` {reason}");
        Error::Condarc { path: self.path.to_owned(), line, reason }
    }

    pub(crate) fn entries<'n>(
        &self,
        node: &'n Node,
        key: &str,
    ) -> Result<Vec<(&'n str, &'n Node)>> {
        match &node.value {
            Value::Null => Ok(Vec::new()),
            Value::Map(entries) => {
                Ok(entries.iter().map(|entry| (&*entry.key, &entry.node)).collect())
            }
            _ => Err(self.bad(node.at.line, key, &format!("is {}, not a mapping", node.kind()))),
        }
    }

    /// Conda takes one word for a list of one.
    pub(crate) fn list(&self, node: &Node, key: &str) -> Result<Vec<String>> {
        match &node.value {
            Value::Null => Ok(Vec::new()),
            Value::List(items) => items.iter().map(|item| self.text(item, key)).collect(),
            Value::Scalar(_) => Ok(vec![self.text(node, key)?]),
            Value::Map(_) => Err(self.bad(node.at.line, key, "is a mapping, not a list")),
        }
    }

    fn text(&self, node: &Node, key: &str) -> Result<String> {
        match &node.value {
            Value::Scalar(scalar) => self.variables.expand(&scalar.text).map_err(|name| {
                self.bad(node.at.line, key, &format!("names ${{{name}}}, which is not set"))
            }),
            _ => Err(self.bad(node.at.line, key, &format!("must be text, found {}", node.kind()))),
        }
    }

    pub(crate) fn address(&self, node: &Node, key: &str) -> Result<(String, Url)> {
        let text = self.text(node, key)?;
        match Url::parse(&text) {
            Ok(url) => Ok((text, url)),
            Err(_) => {
                Err(self.bad(node.at.line, key, "is not an address such as https://HOST/PATH"))
            }
        }
    }
}
