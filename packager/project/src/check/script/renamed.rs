//! Imports of modules that have another name today, and how the line is written now.

use mlpack_install::Modules;

use crate::analysis::python::Import;
use crate::check::Edit;

/// What was where, and is where now. With names, only those are the same in both.
const RENAMED: &[(&str, &str, &[&str])] = &[
    ("sklearn.externals.joblib", "joblib", &[]),
    (
        "sklearn.cross_validation",
        "sklearn.model_selection",
        &["cross_val_predict", "cross_val_score", "train_test_split"],
    ),
    ("sklearn.grid_search", "sklearn.model_selection", &["GridSearchCV", "RandomizedSearchCV"]),
    ("pandas.io.json", "pandas", &["json_normalize"]),
];

/// Returns the change of the line, if one is known and the environment has the new module.
pub(super) fn edit(modules: &Modules, import: &Import, path: &std::path::Path) -> Option<Edit> {
    let changed = |from: String, to: String| {
        Some(Edit { path: path.to_owned(), line: import.line, from, to: Some(to) })
    };
    if import.module == "sklearn.externals" && import.names == ["joblib"] && modules.has("joblib") {
        return changed("from sklearn.externals import joblib".into(), "import joblib".into());
    }
    let (old, new, names) = RENAMED.iter().find(|(old, ..)| *old == import.module)?;
    let same = names.is_empty() || import.names.iter().all(|name| names.contains(&&**name));
    if import.names.is_empty() || !same || !modules.has(new) {
        return None;
    }
    changed(format!("from {old} import"), format!("from {new} import"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::check::resolved::tests::resolved;

    #[test]
    fn a_line_imports_the_same_from_where_it_is_now() {
        let modules =
            ["joblib/__init__.py", "sklearn/__init__.py", "sklearn/model_selection/__init__.py"];
        let packages = [("joblib", "1.4.2"), ("scikit-learn", "1.5.2")];
        let modules = resolved("3.11.7".parse().unwrap(), &packages, &modules).modules();
        let changed = |module: &str, names: &[&str]| {
            let import = Import {
                module: module.to_owned(),
                names: names.iter().map(|name| (*name).to_owned()).collect(),
                level: 0,
                line: 3,
                optional: false,
                at_start: true,
            };
            let edit = edit(&modules, &import, Path::new("score.py"))?;
            assert_eq!((edit.line, &*edit.path), (3, Path::new("score.py")));
            Some((edit.from, edit.to?))
        };
        let text = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        assert_eq!(
            changed("sklearn.externals", &["joblib"]),
            text("from sklearn.externals import joblib", "import joblib")
        );
        assert_eq!(
            changed("sklearn.externals.joblib", &["load"]),
            text("from sklearn.externals.joblib import", "from joblib import")
        );
        assert_eq!(
            changed("sklearn.cross_validation", &["train_test_split"]),
            text("from sklearn.cross_validation import", "from sklearn.model_selection import")
        );
        // KFold takes other arguments there.
        for (module, names) in [
            ("sklearn.cross_validation", &["train_test_split", "KFold"][..]),
            ("sklearn.externals", &["six"]),
            ("sklearn.externals.joblib", &[]),
            ("pandas.io.json", &["json_normalize"]),
        ] {
            assert_eq!(changed(module, names), None);
        }
    }
}
