//! Packages that are listed under both conda and pip (docs/azureml-2019.md#9.16).

use std::collections::BTreeSet;

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.twice";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(packages) = subject.packages() else { return Vec::new() };
    let conda: BTreeSet<&str> =
        packages.iter().filter(|listed| listed.conda).map(|listed| listed.name.as_str()).collect();
    let both = conda.into_iter().filter_map(|name| {
        packages.iter().filter(|listed| !listed.conda && listed.name == name).last()
    });
    both.map(|pip| {
        let name = &pip.name;
        Finding::warning(
            ID,
            format!(
                "`{name}` is listed under both conda and pip; the pip version takes precedence"
            ),
            "keep one of the two lines",
        )
        .placed(pip.place())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, GOOD_CONDA, finding};

    #[test]
    fn one_list_is_enough() {
        assert_eq!(
            Case::conda("dependencies:\n- numpy=1.16\n- scipy\n- pip:\n  - NumPy==1.17\n").run(run),
            [finding(
                ID,
                Warning,
                Some(("env.yml", 5)),
                "`numpy` is listed under both conda and pip; the pip version takes precedence",
                "keep one of the two lines",
            )]
        );
        assert_eq!(Case::conda(GOOD_CONDA).run(run), []);
    }
}
