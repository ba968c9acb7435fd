//! Releases that do not declare what they import (`Requires-Dist` of their wheels on PyPI): pip installs nothing more, and
//! the first import fails.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.undeclared";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// Packages, their releases, their module, and the modules that it imports. Wheels of scikit-learn declare NumPy and SciPy
/// from 0.20 on.
const UNDECLARED: &[(&str, &str, &str, &[&str])] =
    &[("scikit-learn", "<0.20", "sklearn", &["numpy", "scipy"])];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(resolved) = subject.resolved else { return Vec::new() };
    let modules = resolved.modules();
    let finding = |(package, releases, module, needs): &(&str, &str, &str, &[&str])| {
        let release = resolved.release(package)?;
        let concerned = VersionSpecifiers::from_str(releases).ok()?;
        if !concerned.contains(&Version::from_str(release).ok()?) {
            return None;
        }
        let lacking: Vec<&str> =
            needs.iter().copied().filter(|need| modules.lacks(need).is_some()).collect();
        if lacking.is_empty() {
            return None;
        }
        let lacking = lacking.join(" and ");
        let mut imports = subject.loaded().flat_map(|script| &script.imports);
        let fails = imports.any(|import| import.top() == *module && import.at_start);
        let message = format!(
            "{package} {release} imports {lacking}, which it does not declare and nothing installs"
        );
        let hint = format!("add {lacking} to the pip list");
        Some(Finding::unless(!fails, ID, message, hint).placed(subject.line_of(package)))
    };
    UNDECLARED.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    #[test]
    fn what_a_wheel_does_not_declare_is_named() {
        let conda = "dependencies:\n- pip:\n  - scikit-learn==0.19.1\n";
        let case = |script: &str, modules: &[&str]| {
            Case::new(&[("score.py", script), ("env.yml", conda)])
                .python("3.6.15")
                .packages(&[("scikit-learn", "0.19.1")], modules)
        };
        let found = |severity| {
            let message =
                "scikit-learn 0.19.1 imports scipy, which it does not declare and nothing installs";
            finding(ID, severity, Some(("env.yml", 3)), message, "add scipy to the pip list")
        };
        let script = "from sklearn.linear_model import Ridge\n";
        assert_eq!(
            case(script, &["sklearn/__init__.py", "numpy/__init__.py"]).run(run),
            [found(Error)]
        );
        assert_eq!(
            case("import os\n", &["sklearn/__init__.py", "numpy/__init__.py"]).run(run),
            [found(Warning)]
        );
        assert_eq!(
            case(script, &["sklearn/__init__.py", "numpy/__init__.py", "scipy/__init__.py"])
                .run(run),
            []
        );
    }
}
