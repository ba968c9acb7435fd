//! Models: the argument that names one, and its files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::listing::normal;
use super::stored_layer::StoredLayer;
use super::{Error, Listing, PackedFile, Result};

/// The version of a model that was not registered (docs/azureml-2019.md#1.6).
pub const UNREGISTERED: u32 = 0;

/// Longest name made from a path (docs/azureml-2019.md#1.1).
const DERIVED_NAME: usize = 30;

/// A model as it is given: `NAME[:VERSION]=PATH`, or a bare `PATH` whose last part is the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSpec {
    /// The argument of `Model.get_model_path`.
    pub name: String,
    /// 0 if it was not registered.
    pub version: u32,
    /// As given.
    pub path: PathBuf,
}

impl FromStr for ModelSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let error = |reason: String| Error::ModelSpec { found: text.to_owned(), reason };
        let named = text.split_once('=').filter(|(name, _)| !name.contains(['/', '\\']));
        let Some((name, path)) = named else {
            let path = Path::new(text.trim_end_matches(['/', '\\']));
            let base = normal(path).file_name().and_then(|name| name.to_str()).map(str::to_owned);
            let base = base
                .ok_or_else(|| error("the path has no last part to use as the name".to_owned()))?;
            let name: String = base.chars().take(DERIVED_NAME).collect();
            if !is_model_name(&name) {
                return Err(error(format!("`{name}`, the last part of the path, {NAME_RULE}")));
            }
            return Ok(Self { name, version: UNREGISTERED, path: path.to_owned() });
        };
        let (name, version) = match name.split_once(':') {
            None => (name, UNREGISTERED),
            Some((name, version)) => (
                name,
                version
                    .parse()
                    .map_err(|_| error(format!("the version `{version}` is not a whole number")))?,
            ),
        };
        if !is_model_name(name) {
            return Err(error(format!("the name `{name}` {NAME_RULE}")));
        }
        if path.is_empty() {
            return Err(error("the path after `=` is missing".to_owned()));
        }
        let path = path.trim_end_matches(['/', '\\']);
        let path = PathBuf::from(if path.is_empty() { "/" } else { path });
        Ok(Self { name: name.to_owned(), version, path })
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if self.version != UNREGISTERED {
            write!(f, ":{}", self.version)?;
        }
        write!(f, "={}", self.path.display())
    }
}

const NAME_RULE: &str =
    "must be at most 255 letters, digits, `-`, `.` and `_`, beginning with a letter or digit";

/// `^[a-zA-Z0-9][a-zA-Z0-9\-\._]{0,254}$` (docs/azureml-2019.md#1.1).
pub fn is_model_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 255
        && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// A model and its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The argument of `Model.get_model_path`.
    pub name: String,
    /// 0 if it was not registered.
    pub version: u32,
    /// The file or folder on this machine.
    pub path: PathBuf,
    /// Its last part, the one entry of the version's folder in the image.
    pub basename: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// What goes into `models/NAME/VERSION/`, sorted; paths begin with the basename. Files of a registered model are
    /// not on this machine.
    pub files: Vec<PackedFile>,
    /// The layer of a registered model.
    pub stored: Option<StoredLayer>,
}

impl Model {
    /// Loads a model, relative to `cwd`, with all its files.
    ///
    /// # Errors
    /// [`Error::ModelMissing`]; [`Error::LinkLeaves`], [`Error::LinkBroken`], [`Error::Unpackable`]
    /// or [`Error::Read`] for the first entry that cannot be packed.
    pub fn load(spec: &ModelSpec, cwd: &Path) -> Result<Self> {
        let path = normal(&cwd.join(&spec.path));
        if !path.exists() {
            return Err(Error::ModelMissing { name: spec.name.clone(), path });
        }
        let basename = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| Error::Unpackable {
                path: path.clone(),
                reason: "it has no name in UTF-8",
            })?
            .to_owned();
        let listing = Listing::of(&path, &basename, &[])?;
        if let Some(problem) = listing.problems.into_iter().next() {
            return Err(problem);
        }
        Ok(Self {
            name: spec.name.clone(),
            version: spec.version,
            is_folder: path.is_dir(),
            path,
            basename,
            files: listing.files,
            stored: None,
        })
    }

    /// Returns its folder below the folder of all models: `NAME/VERSION` (docs/azureml-2019.md#1.6).
    pub fn folder(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }

    /// Sum of its files' sizes in bytes.
    pub fn size(&self) -> u64 {
        self.files.iter().map(PackedFile::size).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::PackedKind;
    use super::*;

    fn spec(name: &str, version: u32, path: &str) -> ModelSpec {
        ModelSpec { name: name.to_owned(), version, path: path.into() }
    }

    #[test]
    fn arguments_are_read() {
        for (text, expected) in [
            ("digits=a/b.onnx", spec("digits", 0, "a/b.onnx")),
            ("digits:12=a/b", spec("digits", 12, "a/b")),
            ("digits:12=a/b/", spec("digits", 12, "a/b")),
            ("d=a=b", spec("d", 0, "a=b")),
            ("a/b.onnx", spec("b.onnx", 0, "a/b.onnx")),
            ("a/x=y/model.pkl", spec("model.pkl", 0, "a/x=y/model.pkl")),
            ("out/model/", spec("model", 0, "out/model")),
            (
                "a/an-exceedingly-long-name-of-a-model.pkl",
                spec(
                    "an-exceedingly-long-name-of-a-",
                    0,
                    "a/an-exceedingly-long-name-of-a-model.pkl",
                ),
            ),
        ] {
            assert_eq!(text.parse::<ModelSpec>().unwrap(), expected, "{text}");
        }
        assert_eq!(spec("d", 3, "p").to_string(), "d:3=p");
        assert_eq!(spec("d", 0, "p").to_string(), "d=p");
    }

    #[test]
    fn bad_arguments_say_why() {
        for (text, reason) in [
            ("-d=p", "the name `-d` must be"),
            ("my model=p", "the name `my model` must be"),
            ("d:x=p", "the version `x` is not a whole number"),
            ("d=", "the path after `=` is missing"),
            ("a/my model.pkl", "`my model.pkl`, the last part of the path, must be"),
            ("..", "the path has no last part"),
        ] {
            let error = text.parse::<ModelSpec>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a model: {reason}")), "{error}");
        }
    }

    #[test]
    fn a_folder_keeps_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let cwd = dir.path().canonicalize().unwrap();
        fs::create_dir_all(cwd.join("out/net")).unwrap();
        fs::write(cwd.join("out/net/w"), "123").unwrap();
        let model = Model::load(&spec("n", 2, "./out/net"), &cwd).unwrap();
        let path = cwd.join("out/net");
        let entry =
            |name: &str, host: PathBuf, kind| PackedFile { path: name.to_owned(), host, kind };
        assert_eq!(
            model,
            Model {
                name: "n".to_owned(),
                version: 2,
                basename: "net".to_owned(),
                is_folder: true,
                files: vec![
                    entry("net", path.clone(), PackedKind::Directory),
                    entry("net/w", path.join("w"), PackedKind::File { size: 3, executable: false }),
                ],
                path,
                stored: None,
            }
        );
        assert_eq!((model.folder().as_str(), model.size()), ("n/2", 3));
        let error = Model::load(&spec("n", 0, "digits:3"), &cwd).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("model `n`: {} does not exist", cwd.join("digits:3").display())
        );
        assert!(error.hint().unwrap().contains("digits:3=PATH"));
    }
}
