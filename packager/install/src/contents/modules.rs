//! Which modules can be imported from files of a `site-packages` folder.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Names deeper than this are not kept: `google.cloud.storage_v1` has three.
const DEEPEST: usize = 4;
/// Folders that many distributions share although some put an `__init__.py` there (PyPA,
/// "Packaging namespace packages").
const SHARED: &[&str] = &["azure", "azureml", "azureml.contrib", "google", "google.cloud"];

/// Modules by dotted name. Those inside an ordinary package are not listed, since a package can
/// make up names as it is imported; those inside a namespace (PEP 420) are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modules {
    names: BTreeSet<String>,
    /// The folders among them that have no `__init__.py`.
    namespaces: BTreeSet<String>,
}

impl Modules {
    /// The modules that files have, by their paths below `site-packages`.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let paths: BTreeSet<&str> = paths.into_iter().collect();
        // `__init__.cpython-36m-x86_64-linux-gnu.so`
        let initialised: BTreeSet<&str> = paths
            .iter()
            .filter(|path| path.ends_with(".so"))
            .filter_map(|path| Some(path.split_once("/__init__.")?.0))
            .collect();
        let ordinary = |dir: &str| {
            ["__init__.py", "__init__.pyc"]
                .iter()
                .any(|init| paths.contains(&*format!("{dir}/{init}")))
                || initialised.contains(dir)
        };
        let mut found = Self::default();
        for path in &paths {
            let Some(module) = module(path) else { continue };
            let parts: Vec<&str> = path.split('/').collect();
            let mut dotted = String::new();
            let mut folder = String::new();
            for dir in &parts[..parts.len() - 1] {
                if folder.split('/').count() >= DEEPEST || !is_name(dir) {
                    folder.clear();
                    break;
                }
                dotted =
                    if dotted.is_empty() { (*dir).to_owned() } else { format!("{dotted}.{dir}") };
                folder = dotted.replace('.', "/");
                found.names.insert(dotted.clone());
                if ordinary(&folder) {
                    if SHARED.contains(&dotted.as_str()) {
                        continue;
                    }
                    folder.clear();
                    break;
                }
                found.namespaces.insert(dotted.clone());
            }
            let inside = !folder.is_empty() || parts.len() == 1;
            if inside && module != "__init__" {
                let name = if dotted.is_empty() {
                    module.to_owned()
                } else {
                    format!("{dotted}.{module}")
                };
                found.names.insert(name);
            }
        }
        found
    }

    /// Adds what another place has.
    pub fn extend(&mut self, other: &Self) {
        self.names.extend(other.names.iter().cloned());
        self.namespaces.extend(other.namespaces.iter().cloned());
    }

    /// The first part of a dotted name that is not there: `azureml.core` of `azureml.core.model`
    /// where another package has `azureml` alone.
    pub fn lacks<'n>(&self, module: &'n str) -> Option<&'n str> {
        let ends = module.match_indices('.').map(|(end, _)| end).chain([module.len()]);
        for end in ends {
            let part = &module[..end];
            if !self.names.contains(part) {
                return Some(part);
            }
            if !self.namespaces.contains(part) && !SHARED.contains(&part) {
                return None;
            }
        }
        None
    }

    /// Every name.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

/// The module that a file is: `x.py`, `x.pyc`, `x.so`, `x.cpython-36m-x86_64-linux-gnu.so`.
fn module(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let (stem, rest) = name.split_once('.')?;
    let of_python = matches!(rest, "py" | "pyc" | "so") || rest.ends_with(".so");
    (of_python && is_name(stem)).then_some(stem)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text != "__pycache__"
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: [&str; 14] = [
        "six.py",
        "old.pyc",
        "numpy/__init__.py",
        "numpy/core/__init__.py",
        "fast.cpython-36m-x86_64-linux-gnu.so",
        "compiled/__init__.cpython-36m-x86_64-linux-gnu.so",
        "google/cloud/storage/__init__.py",
        "google/cloud/storage/client.py",
        "google/api/http_pb2.py",
        "azureml/__init__.py",
        "azureml/monitoring/__init__.py",
        "six-1.dist-info/METADATA",
        "__pycache__/six.cpython-36.pyc",
        "data/only.txt",
    ];

    #[test]
    fn files_are_modules() {
        let modules = Modules::of(PATHS);
        assert_eq!(
            modules.iter().collect::<Vec<_>>(),
            [
                "azureml",
                "azureml.monitoring",
                "compiled",
                "fast",
                "google",
                "google.api",
                "google.api.http_pb2",
                "google.cloud",
                "google.cloud.storage",
                "numpy",
                "old",
                "six",
            ]
        );
    }

    #[test]
    fn what_is_missing_in_a_shared_folder_is_told_from_what_a_package_may_make_up() {
        let mut modules = Modules::of(PATHS);
        assert_eq!(modules.lacks("six.moves.urllib"), None);
        assert_eq!(modules.lacks("numpy.anything"), None);
        assert_eq!(modules.lacks("google.cloud.storage.blob"), None);
        assert_eq!(modules.lacks("google.cloud"), None);
        assert_eq!(modules.lacks("google.cloud.vision.x"), Some("google.cloud.vision"));
        assert_eq!(modules.lacks("azureml.core.model"), Some("azureml.core"));
        assert_eq!(modules.lacks("cv2.dnn"), Some("cv2"));
        modules.extend(&Modules::of(["azureml/core/__init__.py"]));
        assert_eq!(modules.lacks("azureml.core.model"), None);
    }
}
