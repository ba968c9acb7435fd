//! Lines of a conda file that were written for another platform, mostly by `conda env export`
//! (docs/azureml-2019.md#9.16).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.conda-lines";
pub(crate) const NEEDS: Needs = Needs::Project;

/// Packages that conda has for Windows or macOS only.
const FOREIGN: &[&str] = &[
    "appnope",
    "console_shortcut",
    "icc_rt",
    "libcxx",
    "libcxxabi",
    "m2w64-gcc-libgfortran",
    "m2w64-gcc-libs",
    "m2w64-gcc-libs-core",
    "m2w64-gmp",
    "m2w64-libwinpthread-git",
    "menuinst",
    "msys2-conda-epoch",
    "pyreadline",
    "pywin32",
    "pywinpty",
    "ucrt",
    "vc",
    "vc14_runtime",
    "vs2015_runtime",
    "win_inet_pton",
    "win_unicode_console",
    "wincertstore",
    "winpty",
];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(conda) = subject.conda else { return Vec::new() };
    let mut found = Vec::new();
    for dependency in &conda.dependencies {
        let spec = &dependency.spec;
        let finding = if FOREIGN.contains(&spec.name.as_str()) {
            Finding::error(
                ID,
                format!("`{}` does not exist for Linux", spec.text),
                "remove the line; `conda env export --from-history` writes files without such lines",
            )
        } else if let Some(build) = spec.build.as_ref().filter(|build| !build.contains('*')) {
            Finding::warning(
                ID,
                format!(
                    "`{}` pins the build `{build}`, which may exist for one platform only",
                    spec.text
                ),
                "remove the build string",
            )
        } else {
            continue;
        };
        found.push(finding.at(&conda.path, dependency.line));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, GOOD_CONDA, finding};

    #[test]
    fn lines_of_another_platform() {
        assert_eq!(
            Case::conda("dependencies:\n- python=3.6.2=h09676a0_15\n- vc=14\n- blas=*=openblas\n- mkl=2019=*\n").run(run)[..2],
            [
                finding(
                    ID,
                    Warning,
                    Some(("env.yml", 2)),
                    "`python=3.6.2=h09676a0_15` pins the build `h09676a0_15`, which may exist for one platform only",
                    "remove the build string",
                ),
                finding(
                    ID,
                    Error,
                    Some(("env.yml", 3)),
                    "`vc=14` does not exist for Linux",
                    "remove the line; `conda env export --from-history` writes files without such lines",
                ),
            ]
        );
        assert_eq!(Case::conda(GOOD_CONDA).run(run), []);
    }
}
