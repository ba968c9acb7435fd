//! Folders called `tests` or `test` that hold tests and nothing that the package itself uses.
//!
//! The name alone is not enough: `tensorflow.test` and `django.test` are interfaces, and `astropy`,
//! `h5py` and `theano` have imported their `tests` as they start. So a folder goes only if it has
//! files called tests, and if no other file of the package imports from it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use mlpack_oci::layer::Node;

use super::rule::in_library;
use crate::{Error, Result};
use mlpack_packages::FileEntry;

/// Folders with tests in them that others import all the same, by their makers' own documents.
const INTERFACES: &[&str] = &[
    // gensim's tutorials: `from gensim.test.utils import common_texts`.
    "gensim/test",
    // Twisted's test doubles, imported by its users' servers.
    "twisted/test",
];

/// Python files are smaller, in bytes; of a larger one the beginning is read.
const LARGEST: u64 = 16 << 20;

/// The folders of one package, by path below the prefix.
pub(super) struct TestFolders(BTreeSet<String>);

impl TestFolders {
    /// Finds them.
    pub(super) fn of(files: &BTreeMap<String, FileEntry>) -> Result<Self> {
        let mut folders: BTreeSet<String> = files
            .keys()
            .filter(|path| is_test(path))
            .filter_map(|path| folder(path))
            .map(str::to_owned)
            .collect();
        if folders.is_empty() {
            return Ok(Self(folders));
        }
        let mut used = BTreeSet::new();
        for (path, file) in files {
            if path.ends_with(".py") && !is_test(path) && folder(path).is_none() {
                used.extend(imported(path, &source(path, file)?));
            }
        }
        // What is used may itself use others.
        let mut new: Vec<String> = used.iter().cloned().collect();
        while let Some(one) = new.pop() {
            for (path, file) in files.range(format!("{one}/")..) {
                if !path.starts_with(&format!("{one}/")) {
                    break;
                }
                if path.ends_with(".py") {
                    let more = imported(path, &source(path, file)?);
                    new.extend(more.into_iter().filter(|folder| used.insert(folder.clone())));
                }
            }
        }
        folders.retain(|folder| !used.contains(folder));
        Ok(Self(folders))
    }

    /// Whether a file is in one.
    pub(super) fn hold(&self, path: &str) -> bool {
        folder(path).is_some_and(|folder| self.0.contains(folder))
    }
}

const NAMES: [&str; 2] = ["tests", "test"];

/// The outermost folder of tests that a path is in. One at the top of `site-packages` or of the
/// library is a separate module.
fn folder(path: &str) -> Option<&str> {
    let library = in_library(path)?;
    let inside = library.strip_prefix("site-packages/").unwrap_or(library);
    let start = path.len() - inside.len();
    let ends = inside.match_indices('/').map(|(end, _)| end);
    let found = ends
        .map(|end| &inside[..end])
        .find(|dir| dir.rsplit_once('/').is_some_and(|(_, name)| NAMES.contains(&name)))?;
    (!INTERFACES.contains(&found)).then(|| &path[..start + found.len()])
}

/// `test_x.py`, `x_test.py`, `conftest.py`.
fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".py").is_some_and(|stem| {
        stem.starts_with("test_") || stem.ends_with("_test") || stem == "conftest"
    })
}

/// The text of a Python file.
fn source(path: &str, file: &FileEntry) -> Result<String> {
    let Node::File { size, content, .. } = &file.node else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    content
        .open()
        .and_then(|reader| reader.take((*size).min(LARGEST)).read_to_end(&mut bytes))
        .map_err(Error::io("read", std::path::Path::new(path)))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Folders of tests that the import statements of a source lead into, by path below the prefix.
fn imported(path: &str, source: &str) -> BTreeSet<String> {
    let inside = in_library(path).unwrap_or(path);
    let inside = inside.strip_prefix("site-packages/").unwrap_or(inside);
    let place = &path[..path.len() - inside.len()];
    let here: Vec<&str> = inside.rsplit_once('/').map_or("", |(dir, _)| dir).split('/').collect();
    statements(source)
        .iter()
        .flat_map(|statement| modules(statement, &here))
        .filter_map(|module| folder(&format!("{place}{module}/x")).map(str::to_owned))
        .collect()
}

/// Lines that may be import statements, those in several lines as one.
fn statements(source: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in source.lines() {
        let code = line.split('#').next().unwrap_or(line).trim();
        let begins = code.starts_with("from ") || code.starts_with("import ");
        match all.last_mut() {
            Some(last) if goes_on => {
                last.push(' ');
                last.push_str(code);
            }
            _ if begins => all.push(code.to_owned()),
            _ => continue,
        }
        let last = all.last().map_or("", String::as_str);
        goes_on = (last.contains('(') && !last.contains(')')) || last.ends_with('\\');
    }
    all
}

/// The modules that a statement may mean, as paths. A sentence of a comment means none.
fn modules(statement: &str, here: &[&str]) -> Vec<String> {
    let clean = statement.replace(['(', ')', '\\', ';'], " ");
    let words: Vec<&str> = clean.split_whitespace().collect();
    let names = |text: &[&str]| -> Vec<String> {
        let text = text.join(" ");
        text.split(',')
            .filter_map(|name| name.split_whitespace().next())
            .map(|name| name.replace('.', "/"))
            .collect()
    };
    match words[..] {
        ["from", module, "import", ref rest @ ..] => {
            let name = module.trim_start_matches('.');
            let level = module.len() - name.len();
            let mut parts: Vec<&str> = match level {
                0 => Vec::new(),
                up => here[..here.len().saturating_sub(up - 1)].to_vec(),
            };
            parts.extend(name.split('.').filter(|part| !part.is_empty()));
            let module = parts.join("/");
            names(rest)
                .iter()
                .map(|name| format!("{module}/{name}"))
                .chain([module.clone()])
                .collect()
        }
        ["import", ref rest @ ..] => names(rest),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_folder_inside_a_package() {
        let site = |path: &str| format!("lib/python3.8/site-packages/{path}");
        let of = |path: &str| folder(&site(path)).map(|found| found[site("").len()..].to_owned());
        assert_eq!(of("a/b/tests/c/test/d.py").as_deref(), Some("a/b/tests"));
        assert_eq!(of("a/test/x"), Some("a/test".to_owned()));
        for no in
            ["tests/a.py", "test/a/b.py", "a/testing/b.py", "a/tests.py", "gensim/test/utils.py"]
        {
            assert_eq!(of(no), None, "{no}");
        }
        assert_eq!(folder("lib/python3.8/unittest/test/x.py"), Some("lib/python3.8/unittest/test"));
        assert_eq!(folder("lib/python3.8/test/support/x.py"), None);
        assert_eq!(folder("share/a/tests/x"), None);
    }

    #[test]
    fn statements_lead_into_folders() {
        let into = |source: &str| -> Vec<String> {
            imported("lib/python3.8/site-packages/a/b/c.py", source)
                .into_iter()
                .map(|path| path.replace("lib/python3.8/site-packages/", ""))
                .collect()
        };
        for (source, folder) in [
            ("from .tests.x import y", "a/b/tests"),
            ("from . import x, tests as t", "a/b/tests"),
            ("    from ..tests import (  # why\n        x,\n        y)", "a/tests"),
            ("from .. import \\\n  x, \\\n  test", "a/test"),
            ("import os, a.d.tests.util as u", "a/d/tests"),
        ] {
            assert_eq!(into(source), [folder], "{source}");
        }
        for source in [
            "from the tests we know that it works",
            "from ._tester import test_it",
            "import a.testing",
            "x = 'import a.tests'",
            "from a.core import run",
        ] {
            assert_eq!(into(source), Vec::<String>::new(), "{source}");
        }
    }
}
