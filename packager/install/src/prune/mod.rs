//! Omits files that no service needs, on request. Doubtful files stay.

mod rule;
mod test_folders;

use std::collections::BTreeMap;

use crate::Result;
use mlpack_packages::FileEntry;
use test_folders::TestFolders;

pub use rule::Rule;

/// Of the rules; part of the key of layers made by them.
pub(crate) const VERSION: u32 = 2;

/// What a rule has left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// The rule.
    pub rule: Rule,
    /// Number of files.
    pub files: usize,
    /// Sum of their sizes in bytes.
    pub bytes: u64,
}

/// Removes files that no service needs from a package's files, by path below the prefix. The lists of
/// files that packages carry (RECORD, `conda-meta`) have to be written afterwards.
///
/// # Errors
/// Those of reading Python files, which decide whether a folder contains only tests.
pub(crate) fn prune(package: &str, files: &mut BTreeMap<String, FileEntry>) -> Result<Vec<Pruned>> {
    let tests = TestFolders::of(files)?;
    let ruled: Vec<(String, Rule)> = files
        .iter()
        .filter(|(path, _)| !stays(path))
        .filter_map(|(path, _)| {
            let by_path = rule::of(package, path, |other| files.contains_key(other));
            let rule = by_path.or_else(|| tests.hold(path).then_some(Rule::Tests))?;
            Some((path.clone(), rule))
        })
        .collect();
    let mut pruned: Vec<Pruned> = Vec::new();
    for (path, rule) in ruled {
        let Some(file) = files.remove(&path) else { continue };
        add(&mut pruned, Pruned { rule, files: 1, bytes: file.size() });
    }
    Ok(pruned)
}

/// Adds to a list that has each rule once, sorted.
pub(crate) fn add(all: &mut Vec<Pruned>, more: Pruned) {
    match all.binary_search_by_key(&more.rule, |known| known.rule) {
        Ok(at) => {
            all[at].files += more.files;
            all[at].bytes += more.bytes;
        }
        Err(at) => all.insert(at, more),
    }
}

/// Records of packages, which scanners and `pip` read (docs/pitfalls.md#22), and licences, which go with what
/// they cover.
fn stays(path: &str) -> bool {
    let record = |name: &str| {
        name == "conda-meta" || name.ends_with(".dist-info") || name.ends_with(".egg-info")
    };
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_uppercase();
    path.split('/').any(record)
        || ["LICENSE", "LICENCE", "COPYING", "NOTICE"].iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "lib/python3.8/site-packages";

    fn package(files: &[(&str, &str)]) -> BTreeMap<String, FileEntry> {
        let place = |path: &str| match path.strip_prefix('/') {
            Some(outside) => outside.to_owned(),
            None => format!("{SITE}/{path}"),
        };
        files
            .iter()
            .map(|(path, text)| (place(path), FileEntry::bytes(text.as_bytes().to_vec(), false)))
            .collect()
    }

    /// What is left, and what was pruned.
    fn slimmed(files: &[(&str, &str)]) -> (Vec<String>, Vec<(Rule, usize, u64)>) {
        let mut files = package(files);
        let pruned = prune("demo", &mut files).unwrap();
        let left = files
            .into_keys()
            .map(|path| match path.strip_prefix(&format!("{SITE}/")) {
                Some(inside) => inside.to_owned(),
                None => format!("/{path}"),
            })
            .collect();
        (left, pruned.iter().map(|rule| (rule.rule, rule.files, rule.bytes)).collect())
    }

    #[test]
    fn what_no_service_needs_goes() {
        let (left, pruned) = slimmed(&[
            ("/conda-meta/demo-1-0.json", "{}"),
            ("/include/demo.h", "hh"),
            ("/include/python3.8/pyconfig.h", "h"),
            ("/lib/libdemo.a", "aaa"),
            ("/lib/libdemo.so.1", "so"),
            ("/share/man/man1/demo.1", "mm"),
            ("/share/doc/demo/COPYING", "c"),
            ("/share/demo/data.txt", "d"),
            ("demo/__init__.py", "from .core import x\n"),
            ("demo/__pycache__/__init__.cpython-38.pyc", "pppp"),
            ("demo/legacy.pyc", "p"),
            ("demo/core.py", ""),
            ("demo/core.pyc", "p"),
            ("demo/static/app.js", "j"),
            ("demo/static/app.js.map", "map"),
            ("demo/tests/__init__.py", ""),
            ("demo/tests/test_core.py", "t"),
            ("demo/tests/data/big.bin", "bbbbb"),
            ("demo-1.dist-info/tests/METADATA", ""),
            ("demo-1.dist-info/libx.a", ""),
            ("tests/test_stray.py", ""),
        ]);
        assert_eq!(
            left,
            [
                "/conda-meta/demo-1-0.json",
                "/include/python3.8/pyconfig.h",
                "/lib/libdemo.so.1",
                "demo-1.dist-info/libx.a",
                "demo-1.dist-info/tests/METADATA",
                "demo/__init__.py",
                "demo/core.py",
                "demo/legacy.pyc",
                "demo/static/app.js",
                "tests/test_stray.py",
                "/share/demo/data.txt",
                "/share/doc/demo/COPYING",
            ]
        );
        assert_eq!(
            pruned,
            [
                (Rule::StaticLibraries, 1, 3),
                (Rule::Headers, 1, 2),
                (Rule::Tests, 3, 6),
                (Rule::Caches, 2, 5),
                (Rule::SourceMaps, 1, 3),
                (Rule::Manuals, 1, 2),
            ]
        );
    }

    #[test]
    fn a_folder_of_tests_that_is_more_stays() {
        let left = |init: &str, test: &str| {
            let files =
                [("demo/__init__.py", init), ("demo/tests/runner.py", ""), (test, "import os\n")];
            slimmed(&files).0.len()
        };
        let test = "demo/tests/test_a.py";
        assert_eq!(left("import os\n", test), 1);
        assert_eq!(left("import os\n", "demo/tests/a.py"), 3, "nothing in it is called a test");
        for import in [
            "from .tests.runner import TestRunner\n",
            "import demo.tests\n",
            "def f():\n    from . import tests\n",
            "from . import (\n    core,\n    tests,\n)\n",
        ] {
            assert_eq!(left(import, test), 3, "{import}");
        }
        assert_eq!(left("from demo._tester import test\n", test), 1, "another word");
        let kept = slimmed(&[
            ("demo/__init__.py", "from .tests import base\n"),
            ("demo/tests/test_base.py", "from demo.sub.tests import more\n"),
            ("demo/sub/tests/test_more.py", ""),
            ("demo/other/tests/test_other.py", ""),
        ]);
        assert_eq!(kept.1, [(Rule::Tests, 1, 0)]);
    }
}
