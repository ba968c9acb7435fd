//! Lines of a pip list that `pip freeze` wrote on Windows or macOS, for packages that have no file for Linux.

use mlpack_requirements::PipLine;

use crate::check::{Edit, Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.other-platform";
pub(crate) const NEEDS: Needs = Needs::Project;

/// Packages and where they are for: those whose wheels on PyPI in November 2026 were for that platform alone, and which have
/// no source archive, or one that needs that platform's headers.
const FOREIGN: &[(&str, &str)] = &[
    ("onnxruntime-directml", "Windows"),
    ("onnxruntime-silicon", "macOS"),
    ("pyobjc", "macOS"),
    ("pyobjc-core", "macOS"),
    ("pypiwin32", "Windows"),
    ("pywin32", "Windows"),
    ("pywinpty", "Windows"),
    ("tensorflow-intel", "Windows"),
    ("tensorflow-macos", "macOS"),
    ("tensorflow-metal", "macOS"),
    ("windows-curses", "Windows"),
    ("winkerberos", "Windows"),
];

/// What has the same modules on Linux.
const INSTEAD: &[(&str, &str)] = &[
    ("onnxruntime-directml", "onnxruntime"),
    ("onnxruntime-silicon", "onnxruntime"),
    ("tensorflow-intel", "tensorflow"),
    ("tensorflow-macos", "tensorflow"),
];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(listed) = &subject.listed else { return Vec::new() };
    // One with a marker was written for several platforms.
    let lines = listed.requirements.iter().filter(|line| !line.text.contains(';'));
    let names: Vec<&str> = lines.clone().filter_map(PipLine::name).collect();
    let finding = |line: &PipLine| {
        let name = line.name()?;
        let (_, platform) = FOREIGN.iter().find(|(foreign, _)| *foreign == name)?;
        let instead = INSTEAD.iter().find(|(foreign, _)| *foreign == name).map(|(_, to)| *to);
        let (hint, to) = match instead.filter(|other| !names.contains(other)) {
            Some(other) => {
                (format!("list {other} instead"), Some(line.text.replacen(name, other, 1)))
            }
            None => ("remove the line".to_owned(), None),
        };
        let message =
            format!("`{}` is for {platform} alone: there is nothing for Linux", line.text);
        let edit = Edit { path: line.file.clone(), line: line.line, from: line.text.clone(), to };
        Some(Finding::error(ID, message, hint).at(&line.file, line.line).with_edits(vec![edit]))
    };
    lines.filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn packages_of_windows_and_macos() {
        let found = |lines: &str| Case::conda(&format!("dependencies:\n- pip:\n{lines}")).run(run);
        let error = |line: usize, message: &str, hint: &str| {
            finding(ID, Error, Some(("env.yml", line)), message, hint)
        };
        let message = |text: &str, platform: &str| {
            format!("`{text}` is for {platform} alone: there is nothing for Linux")
        };
        let lines = "  - pywin32==227\n  - tensorflow-macos==2.9.0\n  - numpy\n";
        assert_eq!(
            found(lines),
            [
                error(3, &message("pywin32==227", "Windows"), "remove the line"),
                error(4, &message("tensorflow-macos==2.9.0", "macOS"), "list tensorflow instead"),
            ]
        );
        let both = found("  - tensorflow==2.9.0\n  - tensorflow-intel==2.9.0\n");
        assert_eq!(both[0].hint, "remove the line");
        assert!(
            found("  - pywin32==227 ; sys_platform == 'win32'\n  - pywin32-ctypes\n").is_empty()
        );
    }
}
