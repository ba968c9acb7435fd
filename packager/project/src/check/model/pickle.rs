//! Models that were pickled with other packages than the image has (docs/azureml-2019.md#9.17): the
//! protocol, the scikit-learn that wrote them, and missing modules. A model need not be loaded at
//! all, so this only warns.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::pickle::Pickle;
use crate::check::bounds::Release;
use crate::check::modules::{absent, is_local};
use crate::check::resolved::Resolved;
use crate::check::tables::Moved;
use crate::check::{Finding, Needs, Subject, tables};
use crate::project::PackedKind;

pub(crate) const ID: &str = "model.pickle";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// The newest protocol, by the first Python that reads it (Python documentation, "Data stream
/// format").
const PROTOCOLS: [(u8, (u32, u32)); 2] = [(5, (3, 8)), (4, (3, 4))];

/// Modules of Python 2 that the unpickler knows under their new names (CPython,
/// `Lib/_compat_pickle.py`).
const OF_PYTHON_2: [&str; 11] = [
    "__builtin__",
    "copy_reg",
    "exceptions",
    "cPickle",
    "cStringIO",
    "StringIO",
    "UserDict",
    "UserList",
    "UserString",
    "Queue",
    "_abcoll",
];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(resolved) = &subject.resolved else { return Vec::new() };
    let mut found = Vec::new();
    for file in subject.project.models.iter().flat_map(|model| &model.files) {
        if !matches!(file.kind, PackedKind::File { .. }) {
            continue;
        }
        // A registered model's files are in its layer. A file that cannot be read is reported when it is packaged.
        let Ok(Some(pickle)) = Pickle::read(&file.host) else { continue };
        let mut warn = |(message, hint): (String, String)| {
            found.push(Finding::warning(ID, message, hint).at(&file.host, 0));
        };
        protocol(resolved, &pickle).into_iter().for_each(&mut warn);
        scikit_learn(resolved, &pickle).into_iter().for_each(&mut warn);
        modules(subject, resolved, &pickle).into_iter().for_each(&mut warn);
    }
    found
}

fn protocol(resolved: &Resolved<'_>, pickle: &Pickle) -> Option<(String, String)> {
    let python = resolved.environment.target.python;
    let (_, first) = PROTOCOLS.into_iter().find(|(protocol, _)| *protocol <= pickle.protocol)?;
    if (python.major, python.minor) >= first {
        return None;
    }
    let protocol = pickle.protocol;
    let newest = protocol - 1;
    Some((
        format!(
            "it is pickled with protocol {protocol}, which Python {} cannot read",
            python.minor_text()
        ),
        format!(
            "dump the model with `protocol={newest}`, or use Python {}.{} or newer",
            first.0, first.1
        ),
    ))
}

/// scikit-learn warns about any other version; another patch release is not known to break
/// anything.
fn scikit_learn(resolved: &Resolved<'_>, pickle: &Pickle) -> Option<(String, String)> {
    let wrote = pickle.scikit_learn.as_deref()?;
    let there = resolved.release("scikit-learn")?;
    let minor = |text: &str| {
        let minor: Vec<&str> = text.split('.').take(2).collect();
        Release::parse(&minor.join("."))
    };
    if minor(wrote) == minor(there) {
        return None;
    }
    Some((
        format!(
            "scikit-learn {wrote} wrote it, and the environment has {there}: it may not load, or predict differently"
        ),
        format!("pin scikit-learn=={wrote}, or retrain the model with {there}"),
    ))
}

fn modules(
    subject: &Subject<'_>,
    resolved: &Resolved<'_>,
    pickle: &Pickle,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if pickle.modules.contains("__main__") {
        found.push((
            "it contains classes or functions of `__main__`, the script or notebook that wrote it, which a service does not have".to_owned(),
            "move them into a module beside the entry script, import them from it, and pickle the model again".to_owned(),
        ));
    }
    let there = resolved.modules();
    let mut seen = BTreeSet::new();
    for module in &pickle.modules {
        let moved = tables::moved(module).filter(|_| !there.has(module));
        let moved = moved.and_then(|moved| Some((moved, resolved.release(moved.package)?)));
        if let Some((moved, release)) = moved.filter(|(moved, release)| !moved.is_in(release)) {
            if seen.insert(moved.module) {
                found.push(of_another_release(module, &moved, release));
            }
        } else if let Some(absent) = absent(&there, module).filter(|absent| seen.insert(absent)) {
            found.push((
                format!("it needs `{module}`, and no package of the environment has `{absent}`"),
                "use the releases that the model was trained with, or retrain the model".to_owned(),
            ));
        }
    }
    found.extend(lacking(subject, resolved, pickle));
    found
}

fn of_another_release(module: &str, moved: &Moved, release: &str) -> (String, String) {
    let Moved { package, since, before, .. } = moved;
    let wanted = match (since, before) {
        (Some(since), _) if !moved.is_in("0") => format!("{since} or newer"),
        (_, before) => format!("older than {}", before.unwrap_or_default()),
    };
    (
        format!("it needs `{module}`, which {package} {release} does not have"),
        format!("use {package} {wanted}, or retrain the model with {release}"),
    )
}

/// Modules of packages that the environment does not have.
fn lacking(
    subject: &Subject<'_>,
    resolved: &Resolved<'_>,
    pickle: &Pickle,
) -> Vec<(String, String)> {
    if subject.project.environment_variables.contains_key("PYTHONPATH") {
        return Vec::new();
    }
    let there = resolved.modules();
    let mut lacking: BTreeMap<String, &str> = BTreeMap::new();
    for module in &pickle.modules {
        let top = module.split('.').next().unwrap_or(module);
        let known = top == "__main__"
            || OF_PYTHON_2.contains(&top)
            || tables::stdlib(top).is_some()
            || is_local(subject, top);
        if let (false, Some(part)) = (known, there.lacks(module)) {
            lacking.entry(part.to_owned()).or_insert(module);
        }
    }
    lacking
        .into_iter()
        .map(|(part, module)| {
            let usual = tables::packages_of(&part).into_iter().next().unwrap_or_default();
            (
                format!("it needs `{module}`, and no package of the environment has `{part}`"),
                format!("add {usual} to the pip list"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, GOOD_SCRIPT, finding};

    /// A project whose model is a pickle of an object of a class.
    fn case(protocol: u8, module: &str, version: &str) -> Case {
        let case = Case::new(&[("score.py", GOOD_SCRIPT), ("near.py", "")]);
        let mut bytes = vec![0x80, protocol, b'c'];
        bytes.extend(format!("{module}\nRidge\n").as_bytes());
        bytes.extend(b")\x81}(X\x10\x00\x00\x00_sklearn_versionX");
        bytes.extend(u32::try_from(version.len()).unwrap().to_le_bytes());
        bytes.extend(version.as_bytes());
        bytes.extend(b"ub.");
        std::fs::write(case.root().join("m.pkl"), bytes).unwrap();
        case.model("m=m.pkl")
    }

    fn warning(message: &str, hint: &str) -> Finding {
        finding(ID, Warning, Some(("m.pkl", 0)), message, hint)
    }

    const PACKAGES: &[(&str, &str)] = &[("scikit-learn", "0.24.2"), ("numpy", "1.19.5")];
    const MODULES: &[&str] = &["sklearn/__init__.py", "numpy/__init__.py"];

    #[test]
    fn protocol_and_version() {
        let protocol = warning(
            "it is pickled with protocol 5, which Python 3.6 cannot read",
            "dump the model with `protocol=4`, or use Python 3.8 or newer",
        );
        let version = warning(
            "scikit-learn 0.20.3 wrote it, and the environment has 0.24.2: it may not load, or predict differently",
            "pin scikit-learn==0.20.3, or retrain the model with 0.24.2",
        );
        let ridge = "sklearn.linear_model._ridge";
        let found = |protocol, version: &str, python: &str| {
            let case = case(protocol, ridge, version).python(python);
            case.packages(PACKAGES, MODULES).run(run)
        };
        assert_eq!(found(5, "0.20.3", "3.6.15"), [protocol, version.clone()]);
        assert_eq!(found(4, "0.20.3", "3.6.15"), [version]);
        assert_eq!(found(4, "0.24.0", "3.6.15"), []);
        assert_eq!(found(5, "0.24.0", "3.8.1"), []);
    }

    #[test]
    fn modules_that_are_not_there() {
        let found = |module: &str| case(4, module, "0.24.2").packages(PACKAGES, MODULES).run(run);
        assert_eq!(
            found("xgboost.sklearn"),
            [warning(
                "it needs `xgboost.sklearn`, and no package of the environment has `xgboost`",
                "add xgboost to the pip list",
            )]
        );
        assert_eq!(
            found("numpy._core.multiarray"),
            [warning(
                "it needs `numpy._core.multiarray`, which numpy 1.19.5 does not have",
                "use numpy 1.26 or newer, or retrain the model with 1.19.5",
            )]
        );
        assert_eq!(
            found("sklearn.externals.joblib.numpy_pickle"),
            [warning(
                "it needs `sklearn.externals.joblib.numpy_pickle`, which scikit-learn 0.24.2 does not have",
                "use scikit-learn older than 0.23, or retrain the model with 0.24.2",
            )]
        );
        assert_eq!(
            found("sklearn.linear_model.ridge"),
            [warning(
                "it needs `sklearn.linear_model.ridge`, which scikit-learn 0.24.2 does not have",
                "use scikit-learn older than 0.24, or retrain the model with 0.24.2",
            )]
        );
        assert_eq!(
            found("__main__"),
            [warning(
                "it contains classes or functions of `__main__`, the script or notebook that wrote it, which a service does not have",
                "move them into a module beside the entry script, import them from it, and pickle the model again",
            )]
        );
        for good in ["sklearn.svm", "numpy.core.multiarray", "copy_reg", "collections", "near"] {
            assert_eq!(found(good), [], "{good}");
        }
    }
}
