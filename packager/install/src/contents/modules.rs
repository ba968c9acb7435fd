//! Which modules can be imported from files of a `site-packages` folder.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Names deeper than this are not kept: `google.cloud.storage_v1` has three.
const DEEPEST: usize = 4;
/// Folders that many distributions share although some put an `__init__.py` there (PyPA,
/// "Packaging namespace packages").
const SHARED: &[&str] = &["azure", "azureml", "azureml.contrib", "google", "google.cloud"];

/// Modules by dotted name. Those inside an ordinary package are kept apart, since a package can
/// make up names as it is imported; those inside a namespace (PEP 420) are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modules {
    names: BTreeSet<String>,
    /// The folders among them that have no `__init__.py`.
    namespaces: BTreeSet<String>,
    /// Modules and folders inside ordinary packages.
    inner: BTreeSet<String>,
    /// The compiled ones among all: what they make up is not known.
    compiled: BTreeSet<String>,
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
            found.add_inner(path, module);
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

    fn add_inner(&mut self, path: &str, module: &str) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !folder.is_empty() && !folder.split('/').all(is_name) {
            return;
        }
        let mut dotted = folder.replace('/', ".");
        if module != "__init__" {
            if !dotted.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(module);
        }
        if path.ends_with(".so") {
            self.compiled.insert(dotted.clone());
        }
        // A folder of folders is known by what is in it.
        for (end, _) in dotted.match_indices('.') {
            self.inner.insert(dotted[..end].to_owned());
        }
        self.inner.insert(dotted);
    }

    /// Adds what another place has.
    pub fn extend(&mut self, other: &Self) {
        self.names.extend(other.names.iter().cloned());
        self.namespaces.extend(other.namespaces.iter().cloned());
        self.inner.extend(other.inner.iter().cloned());
        self.compiled.extend(other.compiled.iter().cloned());
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

    /// The first part of a dotted name that is not among the files of a package which is there:
    /// `sklearn.linear_model.ridge` in a release without it. Nothing if a compiled module, or one that is a
    /// single file, may have made it up.
    pub fn absent<'n>(&self, module: &'n str) -> Option<&'n str> {
        if self.lacks(module).is_some() {
            return None;
        }
        let ends = module.match_indices('.').map(|(end, _)| end).chain([module.len()]);
        let mut parent = "";
        for end in ends {
            let part = &module[..end];
            if self.compiled.contains(part) {
                return None;
            }
            if !self.has(part) {
                return self.has_files(parent).then_some(part);
            }
            parent = part;
        }
        None
    }

    /// Whether a module is among the files.
    pub fn has(&self, module: &str) -> bool {
        self.inner.contains(module) || self.names.contains(module)
    }

    /// Whether a folder has modules.
    fn has_files(&self, folder: &str) -> bool {
        let start = format!("{folder}.");
        self.inner.range(start.clone()..).next().is_some_and(|name| name.starts_with(&start))
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

    #[test]
    fn modules_that_a_release_does_not_have() {
        let modules = Modules::of([
            "sklearn/__init__.py",
            "sklearn/linear_model/__init__.py",
            "sklearn/linear_model/_ridge.py",
            "sklearn/tree/_tree.cpython-36m-x86_64-linux-gnu.so",
            "sklearn/data/iris.csv",
            "six.py",
            "torch/__init__.py",
            "torch/_C.cpython-36m-x86_64-linux-gnu.so",
            "lone/__init__.py",
        ]);
        assert_eq!(
            modules.absent("sklearn.linear_model.ridge"),
            Some("sklearn.linear_model.ridge")
        );
        assert_eq!(modules.absent("sklearn.externals.joblib"), Some("sklearn.externals"));
        for fine in [
            "sklearn.linear_model._ridge",
            "sklearn.tree._tree",
            "sklearn.tree._tree.made_up",
            "six.moves.urllib",
            "torch._C._nn",
            "lone.made_up",
            "nowhere.at.all",
        ] {
            assert_eq!(modules.absent(fine), None, "{fine}");
        }
    }
}
