//! `sklearn.externals.joblib` was removed in scikit-learn 0.23 (docs/azureml-2019.md#0.3,
//! docs/azureml-2019.md#9.4).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.sklearn-externals";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(script), Some(packages)) = (subject.readable(), subject.packages()) else {
        return Vec::new();
    };
    let listed = packages.get("scikit-learn");
    if listed.is_some_and(|listed| !listed.bounds.admits_from("0.23")) || !packages.complete {
        return Vec::new();
    }
    let gone = |name: &str| matches!(name, "joblib" | "six");
    script
        .imports
        .iter()
        .filter_map(|import| {
            let name = match import.module.as_str() {
                "sklearn.externals" => import.names.iter().find(|name| gone(name))?.as_str(),
                module => {
                    let name = module.strip_prefix("sklearn.externals.")?;
                    let name = name.split('.').next().unwrap_or(name);
                    gone(name).then_some(name)?
                }
            };
            let asked = listed.map_or("scikit-learn of any version", |listed| &*listed.text);
            Some(
                Finding::unless(
                    import.optional,
                    ID,
                    format!("`sklearn.externals.{name}` was removed in scikit-learn 0.23, and `{asked}` allows newer releases"),
                    format!("write `import {name}` and add {name} to the pip list, or pin scikit-learn<0.23"),
                )
                .at(&script.path, import.line),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    fn found(script: &str, line: &str) -> Vec<Finding> {
        let conda = format!("dependencies:\n- {line}\n");
        Case::new(&[("score.py", script), ("env.yml", &conda)]).run(run)
    }

    #[test]
    fn the_samples_own_import() {
        let expected = |severity, line, asked: &str| {
            [finding(
                ID,
                severity,
                Some(("score.py", line)),
                &format!(
                    "`sklearn.externals.joblib` was removed in scikit-learn 0.23, and `{asked}` allows newer releases"
                ),
                "write `import joblib` and add joblib to the pip list, or pin scikit-learn<0.23",
            )]
        };
        let script = "from sklearn.externals import joblib\n";
        assert_eq!(found(script, "scikit-learn"), expected(Error, 1, "scikit-learn"));
        assert_eq!(found(script, "python=3.6"), expected(Error, 1, "scikit-learn of any version"));
        assert_eq!(
            found("import sklearn.externals.joblib\n", "scikit-learn>=0.20"),
            expected(Error, 1, "scikit-learn>=0.20")
        );
        let guarded = "try:\n    from sklearn.externals import joblib\nexcept ImportError:\n    import joblib\n";
        assert_eq!(found(guarded, "scikit-learn"), expected(Warning, 2, "scikit-learn"));
        assert_eq!(found(script, "scikit-learn=0.20.3"), []);
        assert_eq!(found("import joblib\n", "scikit-learn"), []);
    }
}
