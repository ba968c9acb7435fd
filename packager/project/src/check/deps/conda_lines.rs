//! Lines of a conda file that were written for another platform, mostly by `conda env export`
//! (docs/azureml-2019.md#9.16).

use mlpack_requirements::{CondaDependency, CondaFile};

use crate::check::{Edit, Finding, Needs, Subject};

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

/// Lines that a finding names; the others are counted.
const NAMED: usize = 3;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(conda) = subject.conda else { return Vec::new() };
    let is_foreign = |line: &&CondaDependency| FOREIGN.contains(&line.spec.name.as_str());
    let (foreign, others): (Vec<_>, Vec<_>) = conda.dependencies.iter().partition(is_foreign);
    let is_pinned =
        |line: &&CondaDependency| line.spec.build.as_deref().is_some_and(is_of_a_platform);
    let pinned: Vec<_> = others.into_iter().filter(is_pinned).collect();
    let mut found = Vec::new();
    if let Some(first) = foreign.first() {
        let does = if foreign.len() == 1 { "does" } else { "do" };
        let finding = Finding::error(
            ID,
            format!("{} {does} not exist for Linux", named(&foreign)),
            if foreign.len() == 1 {
                "remove the line; `conda env export --from-history` writes files without such lines"
            } else {
                "remove the lines; `conda env export --from-history` writes files without such lines"
            },
        );
        let remove = |line: &&CondaDependency| edit(conda, line, None);
        let edits = foreign.iter().map(remove).collect();
        found.push(finding.at(&conda.path, first.line).with_edits(edits));
    }
    if let Some(first) = pinned.first() {
        let message = match (&pinned[..], &first.spec.build) {
            ([_], Some(build)) => {
                let text = &first.spec.text;
                format!("`{text}` pins the build `{build}`, which may exist for one platform only")
            }
            _ => format!("{} pin builds, which may exist for one platform only", named(&pinned)),
        };
        let hint = match pinned.len() {
            1 => "remove the build string",
            _ => {
                "remove the build strings; `conda env export --no-builds` writes files without them"
            }
        };
        let shorten = |line: &&CondaDependency| {
            let build = format!("={}", line.spec.build.as_deref().unwrap_or_default());
            edit(conda, line, line.spec.text.strip_suffix(&build).map(str::to_owned))
        };
        let edits = pinned.iter().map(shorten).filter(|edit| edit.to.is_some()).collect();
        let finding = Finding::warning(ID, message, hint).at(&conda.path, first.line);
        found.push(finding.with_edits(edits));
    }
    found
}

fn edit(conda: &CondaFile, line: &CondaDependency, to: Option<String>) -> Edit {
    Edit { path: conda.path.clone(), line: line.line, from: line.spec.text.clone(), to }
}

/// Returns the first of some lines and the number of the others.
fn named(lines: &[&CondaDependency]) -> String {
    let names: Vec<String> = lines
        .iter()
        .take(NAMED)
        .map(|line| format!("`{}` (line {})", line.spec.text, line.line))
        .collect();
    match lines {
        [line] => format!("`{}`", line.spec.text),
        _ if lines.len() > NAMED => {
            let more = lines.len() - NAMED;
            format!("{} and {more} more line{}", names.join(", "), if more == 1 { "" } else { "s" })
        }
        _ => names.join(", "),
    }
}

/// Whether a build may exist for one platform only. `py_0` and `pyhd8ed1ab_0` are for every platform
/// (conda-build documentation, "Noarch Python"), and `openblas` is a choice.
fn is_of_a_platform(build: &str) -> bool {
    let Some((start, number)) = build.rsplit_once('_') else { return false };
    let hash = start.strip_prefix("pyh");
    let noarch =
        start == "py" || hash.is_some_and(|hash| hash.bytes().all(|c| c.is_ascii_hexdigit()));
    !build.contains('*') && !noarch && number.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, GOOD_CONDA, finding};

    #[test]
    fn lines_of_another_platform() {
        let found = |lines: &str| Case::conda(&format!("dependencies:\n{lines}")).run(run);
        let error =
            |message: &str, hint: &str| finding(ID, Error, Some(("env.yml", 3)), message, hint);
        let warning =
            |message: &str, hint: &str| finding(ID, Warning, Some(("env.yml", 2)), message, hint);
        assert_eq!(
            found("- python=3.6.2=h09676a0_15\n- vc=14\n- blas=*=openblas\n- mkl=2019=*\n"),
            [
                error(
                    "`vc=14` does not exist for Linux",
                    "remove the line; `conda env export --from-history` writes files without such lines",
                ),
                warning(
                    "`python=3.6.2=h09676a0_15` pins the build `h09676a0_15`, which may exist for one platform only",
                    "remove the build string",
                ),
            ]
        );
        // An export of Windows is one finding for each fact.
        assert_eq!(
            found(
                "- a=1=h1_0\n- vc=14=h2_0\n- b=1=h3_0\n- wincertstore\n- c=1=h4_0\n- d=1=h5_0\n- e=1=h6_0\n"
            ),
            [
                error(
                    "`vc=14=h2_0` (line 3), `wincertstore` (line 5) do not exist for Linux",
                    "remove the lines; `conda env export --from-history` writes files without such lines",
                ),
                warning(
                    "`a=1=h1_0` (line 2), `b=1=h3_0` (line 4), `c=1=h4_0` (line 6) and 2 more lines pin builds, which may exist for one platform only",
                    "remove the build strings; `conda env export --no-builds` writes files without them",
                ),
            ]
        );
        let noarch = "- pip=20.0=py_0\n- six=1.15.0=pyh9f0ad1d_0\n- a=1=py36_0\n";
        assert_eq!(
            found(noarch),
            [finding(
                ID,
                Warning,
                Some(("env.yml", 4)),
                "`a=1=py36_0` pins the build `py36_0`, which may exist for one platform only",
                "remove the build string",
            )]
        );
        assert_eq!(Case::conda(GOOD_CONDA).run(run), []);
    }
}
