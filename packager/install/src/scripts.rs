//! Scripts of an environment: which interpreter they name and what an entry point runs.

use configparser::ini::Ini;

/// Linux reads this much of a script's first line (execve(2), since 5.1 255, before 127).
const SHEBANG_LIMIT: usize = 127;

/// A console or GUI script of `entry_points.txt` (PyPA, "Entry points specification").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryPoint {
    /// File name in `bin`.
    pub(crate) name: String,
    module: String,
    object: String,
}

/// The first line, or lines, of a script for an interpreter.
///
/// A path that is too long for the kernel or holds a space is run through `/bin/sh`: the second
/// line is a command to the shell and a string to Python.
pub(crate) fn shebang(python: &str) -> String {
    let line = format!("#!{python}\n");
    if line.len() <= SHEBANG_LIMIT && !python.contains(' ') {
        return line;
    }
    format!("#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n")
}

/// A script of a wheel's `scripts` folder for an interpreter: `#!python` becomes its path.
pub(crate) fn rewrite(script: &[u8], python: &str) -> Option<Vec<u8>> {
    let end = script.iter().position(|byte| *byte == b'\n').map_or(script.len(), |end| end + 1);
    let first = std::str::from_utf8(&script[..end]).ok()?.trim_end();
    let rest = first.strip_prefix("#!python")?;
    // `#!pythonw` is the same without a window; whatever else follows are the interpreter's options.
    let options = rest.strip_prefix('w').unwrap_or(rest).trim();
    let mut text = if options.is_empty() {
        shebang(python).into_bytes()
    } else {
        format!("#!{python} {options}\n").into_bytes()
    };
    text.extend_from_slice(&script[end..]);
    Some(text)
}

/// Reads the console and GUI scripts, sorted by name.
pub(crate) fn entry_points(text: &str) -> Result<Vec<EntryPoint>, String> {
    let mut ini = Ini::new_cs();
    ini.set_multiline(false);
    let sections = ini
        .read(text.to_owned())
        .map_err(|error| format!("entry_points.txt cannot be read: {error}"))?;
    let mut points = Vec::new();
    for section in ["console_scripts", "gui_scripts"] {
        for (name, value) in sections.get(section).into_iter().flatten() {
            let value = value.as_deref().unwrap_or_default();
            let refuse = || format!("entry_points.txt: `{name} = {value}` names no function");
            // `[extra]` at the end is of no use once everything is installed.
            let reference = value.split('[').next().unwrap_or(value).trim();
            let (module, object) = reference.split_once(':').ok_or_else(refuse)?;
            let dotted = |text: &str| {
                !text.is_empty()
                    && text.split('.').all(|part| {
                        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_')
                    })
            };
            let (module, object) = (module.trim(), object.trim());
            if !dotted(module)
                || !dotted(object)
                || name.is_empty()
                || name.contains(['/', '\0'])
                || name.starts_with('.')
            {
                return Err(refuse());
            }
            points.push(EntryPoint {
                name: name.clone(),
                module: module.to_owned(),
                object: object.to_owned(),
            });
        }
    }
    points.sort();
    Ok(points)
}

impl EntryPoint {
    /// The script's text.
    pub(crate) fn script(&self, python: &str) -> Vec<u8> {
        let Self { module, object, .. } = self;
        let import = object.split('.').next().unwrap_or(object);
        let first = shebang(python);
        format!("{first}import sys\n\nfrom {module} import {import}\n\nif __name__ == \"__main__\":\n    sys.exit({object}())\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_or_spaced_interpreters_go_through_the_shell() {
        assert_eq!(shebang("/opt/mlpack/env/bin/python"), "#!/opt/mlpack/env/bin/python\n");
        let spaced = "#!/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n' '''\n";
        assert_eq!(shebang("/a b/python"), spaced);
        let fits = format!("/{}", "x".repeat(123));
        assert_eq!(shebang(&fits), format!("#!{fits}\n"));
        assert!(shebang(&format!("{fits}x")).starts_with("#!/bin/sh\n"));
    }

    #[test]
    fn only_scripts_for_python_are_rewritten() {
        let rewritten = |text: &str| {
            rewrite(text.as_bytes(), "/e/bin/python").map(|text| String::from_utf8(text).unwrap())
        };
        assert_eq!(rewritten("#!python\nx\n").as_deref(), Some("#!/e/bin/python\nx\n"));
        assert_eq!(rewritten("#!pythonw\r\nx").as_deref(), Some("#!/e/bin/python\nx"));
        assert_eq!(rewritten("#!python -E\nx").as_deref(), Some("#!/e/bin/python -E\nx"));
        assert_eq!(rewritten("#!/bin/sh\nx"), None);
        assert_eq!(rewritten(""), None);
    }

    #[test]
    fn entry_points_become_scripts() {
        let points = entry_points(
            "[console_scripts]\nB-b = m.n:f.g [x]\na=m:main\n[gui_scripts]\n[other]\nz = nothing\n",
        )
        .unwrap();
        let names: Vec<_> = points.iter().map(|point| &*point.name).collect();
        assert_eq!(names, ["B-b", "a"]);
        assert_eq!(
            String::from_utf8(points[0].script("/e/bin/python")).unwrap(),
            "#!/e/bin/python\nimport sys\n\nfrom m.n import f\n\nif __name__ == \"__main__\":\n    sys.exit(f.g())\n"
        );
        for bad in ["a = m", "a = m:f()", "../a = m:f", "a = :f"] {
            assert!(entry_points(&format!("[console_scripts]\n{bad}\n")).is_err(), "{bad}");
        }
    }
}
