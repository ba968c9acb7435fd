//! The pip requirements of a conda file and of the local lists that it names, for checks that run
//! before anything is fetched.

use std::path::Path;

use crate::pip::{PipLine, PipLineKind, PipList, Reading, RemoteLists};
use crate::{CondaFile, Variables};

/// Lines of a `pip:` list and of the files behind its `-r` and `-c`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Requirements in their order.
    pub requirements: Vec<PipLine>,
    /// Bounds for what is installed anyway.
    pub constraints: Vec<PipLine>,
    /// Whether every list was read: false for a list that is an address, or that cannot be read, which
    /// the resolver reports.
    pub complete: bool,
}

impl Listed {
    /// Reads the `pip:` list of a conda file and the files that it names. Relative lines start at
    /// `directory`.
    pub fn of(file: &CondaFile, directory: &Path, variables: &Variables) -> Self {
        let pip = &file.pip;
        let remote = RemoteLists::new();
        let reading = Reading { pip, directory, variables, target: None, remote: &remote };
        let Ok(list) = PipList::read(reading) else {
            let named = pip.iter().filter(|line| line.kind != PipLineKind::Option);
            return Self { requirements: named.cloned().collect(), ..Self::default() };
        };
        Self {
            requirements: list.lines,
            constraints: list.constraints,
            complete: list.missing.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_files_are_read_with_their_lines() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir(root.join("lists")).unwrap();
        for (name, text) in [
            (
                "lists/a.txt",
                "# head\na==1 \\\n  ; python_version > '3'\n-r ${NAME}.txt\n-c ../c.txt\n",
            ),
            ("lists/b.txt", "b[x]\n"),
            ("c.txt", "b<2\n"),
            ("circle.txt", "-r circle.txt\n"),
        ] {
            std::fs::write(root.join(name), text).unwrap();
        }
        let variables: Variables = [("NAME".to_owned(), "b".to_owned())].into_iter().collect();
        let read = |list: &str| {
            let text = format!("dependencies:\n- pip:\n{list}");
            let file = CondaFile::parse(&text, &root.join("env.yml")).unwrap();
            let listed = Listed::of(&file, root, &variables);
            let line = |line: &PipLine| {
                let file = line.file.strip_prefix(root).unwrap_or(&line.file).display();
                format!("{file}:{} {}", line.line, line.text)
            };
            let lines: Vec<_> = listed.requirements.iter().map(line).collect();
            (lines, listed.constraints.iter().map(line).collect::<Vec<_>>(), listed.complete)
        };
        let (requirements, constraints, complete) =
            read("  - z\n  - -r lists/a.txt\n  - --no-index\n");
        assert_eq!(
            requirements,
            ["env.yml:3 z", "lists/a.txt:2 a==1   ; python_version > '3'", "lists/b.txt:1 b[x]",]
        );
        assert_eq!(constraints, ["lists/../c.txt:1 b<2"]);
        assert!(complete);
        let own = |list: &str| read(&format!("  - z\n  - {list}\n"));
        for hidden in ["-r gone.txt", "-r circle.txt", "-r https://h.example/r.txt"] {
            let expected = (vec!["env.yml:3 z".to_owned()], Vec::new(), false);
            assert_eq!(own(hidden), expected, "{hidden}");
        }
    }
}
