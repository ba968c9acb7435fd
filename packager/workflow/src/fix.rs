//! Applies the changes of lines that findings come with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use mlpack_oci::pending::rewrite;
use mlpack_project::check::{Edit, Finding};

use crate::{Error, Result};

/// A file and its changed lines.
#[derive(Debug)]
pub struct FileFix {
    /// The file itself, where it is named by a link.
    path: PathBuf,
    /// Number from 1, the line as it is, and as it will be; nothing if it goes.
    lines: Vec<(usize, String, Option<String>)>,
    text: String,
}

impl FileFix {
    /// Works out the changes of all findings, by file. An edit whose line is not as it says is left
    /// out, and so are files that are not UTF-8.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn of(findings: &[Finding]) -> Result<Vec<Self>> {
        let mut by_file: BTreeMap<&Path, Vec<&Edit>> = BTreeMap::new();
        for edit in findings.iter().flat_map(|finding| &finding.edits) {
            by_file.entry(&edit.path).or_default().push(edit);
        }
        let mut fixes = Vec::new();
        for (path, edits) in by_file {
            let path = path.canonicalize().map_err(Error::io("read", path.display()))?;
            let bytes = fs::read(&path).map_err(Error::io("read", path.display()))?;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let fix = Self::in_text(path, &text, &edits);
            fixes.extend((!fix.lines.is_empty()).then_some(fix));
        }
        Ok(fixes)
    }

    fn in_text(path: PathBuf, text: &str, edits: &[&Edit]) -> Self {
        let (mut lines, mut whole) = (Vec::new(), String::new());
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let of_line = edits.iter().filter(|edit| edit.line == number);
            let unique: BTreeSet<_> = of_line.map(|edit| (&edit.from, &edit.to)).collect();
            let mut changed = Some(line.to_owned());
            for (from, to) in unique {
                changed = changed.and_then(|line| change(line, from, to.as_deref()));
            }
            whole.push_str(changed.as_deref().unwrap_or_default());
            if changed.as_deref() != Some(line) {
                let bare = |line: &str| line.trim_end_matches(['\r', '\n']).to_owned();
                lines.push((number, bare(line), changed.as_deref().map(bare)));
            }
        }
        Self { path, lines, text: whole }
    }

    /// The changes as a unified diff without context; `shown` is the file's name in it.
    pub fn diff(&self, cwd: &Path) -> String {
        let shown = self.path.strip_prefix(cwd).unwrap_or(&self.path).display();
        let mut diff = format!("--- {shown}\n+++ {shown}\n");
        let mut removed = 0;
        for (number, before, after) in &self.lines {
            // A hunk without lines is named by the line before it.
            let there = number - removed;
            match after {
                Some(after) => {
                    diff += &format!("@@ -{number} +{there} @@\n-{before}\n+{after}\n");
                }
                None => {
                    removed += 1;
                    diff += &format!("@@ -{number} +{},0 @@\n-{before}\n", there - 1);
                }
            }
        }
        diff
    }

    /// How many lines change.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// Writes the file, with the permissions that it has.
    ///
    /// # Errors
    /// If it cannot be written; it is as it was then.
    pub fn apply(&self) -> Result<()> {
        let failed = || Error::io("write", self.path.display());
        rewrite(&self.path, self.text.as_bytes()).map_err(failed())
    }
}

/// A line with a part replaced, or nothing for an item of a YAML list that goes.
fn change(line: String, from: &str, to: Option<&str>) -> Option<String> {
    if from.is_empty() || line.matches(from).count() != 1 {
        return Some(line);
    }
    match to {
        Some(to) => Some(line.replace(from, to)),
        None => {
            let item =
                line.trim().strip_prefix("- ").map(|item| item.trim().trim_matches(['"', '\'']));
            let alone = item.is_some_and(|item| {
                item.split(" #").next().is_some_and(|item| item.trim_end() == from)
            });
            (!alone).then_some(line)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str, edits: &[(usize, &str, Option<&str>)]) -> (String, String) {
        let path = PathBuf::from("/project/env.yml");
        let edit = |(line, from, to): &(usize, &str, Option<&str>)| Edit {
            path: path.clone(),
            line: *line,
            from: (*from).to_owned(),
            to: to.map(str::to_owned),
        };
        let edits: Vec<Edit> = edits.iter().map(edit).collect();
        let fix = FileFix::in_text(path.clone(), text, &edits.iter().collect::<Vec<_>>());
        (fix.text.clone(), fix.diff(Path::new("/project")))
    }

    #[test]
    fn lines_are_replaced_and_removed() {
        let text = "dependencies:\r\n- vc=14 # of Windows\r\n- 'a=1=h_0'\r\n- b=1=h_1";
        let edits = [(2, "vc=14", None), (3, "a=1=h_0", Some("a=1")), (4, "b=1=h_1", Some("b=1"))];
        assert_eq!(
            fixed(text, &edits),
            (
                "dependencies:\r\n- 'a=1'\r\n- b=1".to_owned(),
                "--- env.yml\n+++ env.yml\n@@ -2 +1,0 @@\n-- vc=14 # of Windows\n@@ -3 +2 @@\n-- 'a=1=h_0'\n+- 'a=1'\n@@ -4 +3 @@\n-- b=1=h_1\n+- b=1\n".to_owned()
            )
        );
    }

    #[test]
    fn a_line_that_is_not_as_expected_stays() {
        let text = "[\"vc=14\", \"a\"]\nx = 1; x = 2\n";
        let edits = [(1, "vc=14", None), (2, "x", Some("y")), (7, "a", None)];
        assert_eq!(fixed(text, &edits).0, text);
    }
}
