//! Options that change the files of packages.

use std::collections::{BTreeMap, BTreeSet};

use mlpack_oci::Digest;

use crate::Result;
use crate::bytecode::Bytecode;
use crate::prune;
use crate::prune::Pruned;
use mlpack_packages::FileEntry;

/// What to do to the files of every package. Without anything they are as the packages have them.
#[derive(Debug, Clone, Copy, Default)]
pub struct InstallOptions<'a> {
    /// Leave out what no service needs.
    pub slim: bool,
    /// Add bytecode.
    pub bytecode: Option<&'a Bytecode>,
}

/// What was done to one package.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) pruned: Vec<Pruned>,
    /// Paths that hold bytecode made here.
    pub(crate) compiled: BTreeSet<String>,
}

impl InstallOptions<'_> {
    /// Everything of the options that shows in a package's files; empty without any.
    pub fn key(&self) -> String {
        let slim = self.slim.then(|| format!("slim {}\n", prune::VERSION));
        let bytecode = self.bytecode.map(|bytecode| bytecode.key() + "\n");
        slim.into_iter().chain(bytecode).collect()
    }

    /// Changes a package's files, by path below the prefix; before the lists of them are written
    /// that the package keeps in the environment.
    ///
    /// # Errors
    /// Those of reading sources and of the interpreter that compiles them.
    pub(crate) fn apply(
        &self,
        name: &str,
        sha256: &Digest,
        prefix: &str,
        files: &mut BTreeMap<String, FileEntry>,
    ) -> Result<Changed> {
        let mut changed = Changed::default();
        if self.slim {
            changed.pruned = prune::prune(name, files)?;
        }
        if let Some(bytecode) = self.bytecode {
            changed.compiled = bytecode.add(sha256, prefix, files)?;
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::path::Path;

    use mlpack_oci::layer::{Node, Tree};

    use super::*;
    use crate::bytecode::tests::find;
    use crate::fetch::Fetched;
    use crate::prune::Rule;
    use crate::test_wheels::TestWheel;
    use crate::{Installation, install};
    use mlpack_lock::LockedEnvironment;
    use mlpack_packages::wheel::record;
    use mlpack_requirements::{Architecture, PythonVersion, Target};

    fn installed(dir: &Path, options: &InstallOptions<'_>) -> (Installation, Tree) {
        let wheel = TestWheel::new("demo")
            .file("demo/__init__.py", "x = 1\n")
            .file("demo/old.py", "print 'two'\n")
            .file("demo/libdemo.a", "aa")
            .file("demo/tests/test_demo.py", "")
            .file("demo-1.data/scripts/tool.py", "#!python\n")
            .store(dir);
        let environment = LockedEnvironment {
            target: Target {
                python: PythonVersion::new(3, 11, 7),
                glibc: mlpack_requirements::Glibc(2, 36),
                architecture: Architecture::Amd64,
                interpreter: "/usr/bin/python3.11".to_owned(),
            },
            prefix: "/env".to_owned(),
            conda: Vec::new(),
            packages: Vec::new(),
        };
        let fetched = Fetched { conda: Vec::new(), wheels: vec![wheel] };
        let installed = install(&fetched, &environment, options).unwrap();
        let tree = installed.tree().unwrap();
        (installed, tree)
    }

    /// The lines of RECORD without hashes, and the files that are there.
    fn listed(tree: &Tree) -> (Vec<String>, Vec<String>) {
        let site = "env/lib/python3.11/site-packages/";
        let Some(Node::File { content, .. }) = tree.get(&format!("{site}demo-1.dist-info/RECORD"))
        else {
            panic!()
        };
        let mut text = String::new();
        content.open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(record::read(&text).unwrap().len(), text.matches("sha256=").count());
        let lines = text.lines().map(|line| line.split(',').next().unwrap().to_owned()).collect();
        let files = tree
            .iter()
            .filter(|(_, node)| matches!(node, Node::File { .. }))
            .filter_map(|(path, _)| Some(path.strip_prefix(site)?.to_owned()))
            .collect();
        (lines, files)
    }

    #[test]
    fn lists_of_files_stay_true() {
        let dir = tempfile::tempdir().unwrap();
        let (plain, tree) = installed(dir.path(), &InstallOptions::default());
        assert_eq!((listed(&tree).1.len(), plain.pruned()), (8, Vec::new()));

        let slim = InstallOptions { slim: true, bytecode: None };
        let (slimmed, tree) = installed(dir.path(), &slim);
        let (lines, files) = listed(&tree);
        assert_eq!(lines[0], "../../../bin/tool.py");
        assert_eq!(lines[1..], files);
        assert_eq!(
            slimmed.pruned(),
            [
                Pruned { rule: Rule::StaticLibraries, files: 1, bytes: 2 },
                Pruned { rule: Rule::Tests, files: 1, bytes: 0 },
            ]
        );
        assert_ne!(slimmed.packages[0].key, plain.packages[0].key);

        let cache = dir.path().join("cache");
        let Some(bytecode) = find(11, &cache) else { return };
        let both = InstallOptions { slim: true, bytecode: Some(&bytecode) };
        let (compiled, tree) = installed(dir.path(), &both);
        let (lines, files) = listed(&tree);
        assert_eq!(lines[1..], files);
        assert_eq!(
            files,
            [
                "demo-1.dist-info/INSTALLER",
                "demo-1.dist-info/METADATA",
                "demo-1.dist-info/RECORD",
                "demo-1.dist-info/WHEEL",
                "demo/__init__.py",
                "demo/__pycache__/__init__.cpython-311.pyc",
                "demo/old.py",
            ]
        );
        assert_ne!(compiled.packages[0].key, slimmed.packages[0].key);
    }
}
