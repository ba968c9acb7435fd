//! The files of an environment, as streams out of wheels and conda archives, for layers.

use std::collections::{BTreeMap, HashMap};

use mlpack_oci::Digest;
use mlpack_oci::layer::{Node, Tree};

use crate::lay_options::LayOptions;
use crate::planned::Planned;
use crate::slim::{self, Dropped};
use crate::wheel::StoredWheel;
use crate::wheel_files::{Place, WheelFiles, requires};
use crate::wheels::Fetched;
use crate::{LockedEnvironment, Result, conda};

/// What was laid down. No path is in two of the trees.
#[derive(Debug)]
pub struct Laid {
    /// The environment's interpreter in the image, as `/opt/mlpack/env/bin/python`.
    pub python: String,
    /// Every package: conda's first, then the wheels, each in the order of the lock.
    pub packages: Vec<LaidPackage>,
    /// What belongs to no package: what makes a folder an environment.
    pub own: Tree,
    /// Files that two packages bring with different bytes and scripts that are not run, one
    /// sentence each.
    pub notes: Vec<String>,
}

/// A package that was laid down.
#[derive(Debug)]
pub struct LaidPackage {
    /// Normalised name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Its files, at their places in the image.
    pub tree: Tree,
    /// Of everything that decides the tree.
    pub key: Digest,
    /// What was left out of it.
    pub dropped: Vec<Dropped>,
}

impl Laid {
    /// What was left out of all packages, by rule.
    pub fn dropped(&self) -> Vec<Dropped> {
        let mut all = Vec::new();
        for dropped in self.packages.iter().flat_map(|package| &package.dropped) {
            slim::add(&mut all, *dropped);
        }
        all
    }

    /// All of it as one tree.
    ///
    /// # Errors
    /// [`crate::Error::Layer`], if a path is in two of them.
    pub fn tree(&self) -> Result<Tree> {
        let mut all = Tree::new();
        let trees = self.packages.iter().map(|package| &package.tree).chain([&self.own]);
        for (path, node) in trees.flat_map(Tree::iter) {
            all.insert(path, node.clone())?;
        }
        Ok(all)
    }
}

/// Lays an environment at its prefix. On the base's interpreter it is a virtual environment
/// (PEP 405): packages are its own, what the base has stays visible behind them. With conda packages
/// it is what conda would install there, and wheels go into its `site-packages`.
///
/// Nothing is unpacked: file contents are streams that verify the hashes of RECORD and
/// `paths.json` when the layer is written. The list of files depends on packages, target and
/// prefix only, and on the options.
///
/// # Errors
/// [`crate::Error::Wheel`] and [`crate::Error::CondaArchive`] for a package that breaks its
/// specification, [`crate::Error::PrefixTooLong`], [`crate::Error::Layer`] for a path that cannot
/// be in a layer, [`crate::Error::Compiler`] if bytecode cannot be made.
pub fn lay(
    fetched: &Fetched,
    environment: &LockedEnvironment,
    options: &LayOptions<'_>,
) -> Result<Laid> {
    let prefix = environment.prefix.trim_matches('/');
    let python = environment.target.python;
    let minor = python.minor_text();
    let base = environment.conda.is_empty();
    let absolute = format!("/{prefix}");
    let place = Place {
        prefix: &absolute,
        python: format!("/{prefix}/bin/python"),
        site: format!("lib/python{minor}/site-packages"),
        headers: match base {
            true => format!("include/site/python{minor}"),
            false => format!("include/python{minor}"),
        },
    };
    let mut laying = Laying::default();
    for stored in &fetched.conda {
        let conda::CondaFiles { files, notes, dropped } =
            conda::files(stored, &absolute, python, options)?;
        laying.notes.extend(notes);
        let package = &stored.package;
        let source = format!("{} {}", package.url, package.sha256);
        laying.add(&package.name, &package.version, source, None, files, dropped)?;
    }
    for wheel in &fetched.wheels {
        let WheelFiles { files, dropped } = place.package(wheel, options)?;
        let source = wheel.sha256.to_string();
        laying.add(&wheel.name, &wheel.version, source, Some(wheel), files, dropped)?;
    }
    let packages = laying
        .packages
        .into_iter()
        .map(|package| package.finish(prefix, &place.site, &options.key()))
        .collect::<Result<_>>()?;
    let own = own(environment, prefix, &place.site)?;
    Ok(Laid { python: place.python, packages, own, notes: laying.notes })
}

/// What makes a folder an environment.
fn own(environment: &LockedEnvironment, prefix: &str, site: &str) -> Result<Tree> {
    let mut tree = Tree::new();
    let target = &environment.target;
    if environment.conda.is_empty() {
        let config = format!(
            "home = {}\ninclude-system-site-packages = true\nversion = {}\n",
            target.home(),
            target.python,
        );
        tree.add_bytes(&format!("{prefix}/pyvenv.cfg"), config.into_bytes(), false)?;
        let minor = format!("python{}", target.python.minor_text());
        for name in ["python", "python3", &minor] {
            tree.add_symlink(&format!("{prefix}/bin/{name}"), target.interpreter.as_str())?;
        }
    } else {
        // Conda takes a folder for an environment if this file is there.
        tree.add_bytes(&format!("{prefix}/conda-meta/history"), Vec::new(), false)?;
    }
    tree.insert(&format!("{prefix}/{site}"), Node::Directory { open: false })?;
    Ok(tree)
}

/// Packages on their way, and who has which path.
#[derive(Default)]
struct Laying<'a> {
    packages: Vec<Package<'a>>,
    owners: HashMap<String, usize>,
    notes: Vec<String>,
}

struct Package<'a> {
    name: &'a str,
    version: &'a str,
    source: String,
    /// Nothing for a conda package.
    wheel: Option<&'a StoredWheel>,
    files: BTreeMap<String, Planned>,
    /// Paths that another package has.
    left_out: Vec<String>,
    dropped: Vec<Dropped>,
}

impl<'a> Laying<'a> {
    fn add(
        &mut self,
        name: &'a str,
        version: &'a str,
        source: String,
        wheel: Option<&'a StoredWheel>,
        mut files: BTreeMap<String, Planned>,
        dropped: Vec<Dropped>,
    ) -> Result<()> {
        let number = self.packages.len();
        let mut left_out = Vec::new();
        for (path, file) in &files {
            if file.node.is_directory() {
                continue;
            }
            if let Some(owner) = self.owners.get(path).map(|owner| &mut self.packages[*owner]) {
                let same = owner.files.get(path).is_some_and(|other| other.same(file));
                // pip lays what a package needs before the package, and the last one wins, as it
                // does with conda.
                let stays = same
                    || match owner.wheel {
                        Some(wheel) => requires(wheel, name)?,
                        None => false,
                    };
                // Bytecode goes with its source, of which it was said already.
                if !same && !path.ends_with(".pyc") {
                    self.notes.push(format!(
                        "{} and {name} both have `{path}`, with different bytes; the one of {} is kept",
                        owner.name,
                        if stays { owner.name } else { name },
                    ));
                }
                if stays {
                    left_out.push(path.clone());
                    continue;
                }
                owner.files.remove(path);
                owner.left_out.push(path.clone());
            }
            self.owners.insert(path.clone(), number);
        }
        for path in &left_out {
            files.remove(path);
        }
        self.packages.push(Package { name, version, source, wheel, files, left_out, dropped });
        Ok(())
    }
}

impl Package<'_> {
    fn finish(self, prefix: &str, site: &str, options: &str) -> Result<LaidPackage> {
        let Self { name, version, source, files, mut left_out, dropped, .. } = self;
        left_out.sort_unstable();
        // What of the interpreter shows in the files is the name of its folder.
        let key = format!("{source}\n{prefix}\n{site}\n{options}{}", left_out.join("\n"));
        let mut tree = Tree::new();
        for (path, file) in files {
            tree.insert(&format!("{prefix}/{path}"), file.node)?;
        }
        let (name, version) = (name.to_owned(), version.to_owned());
        Ok(LaidPackage { name, version, tree, key: Digest::of(key.as_bytes()), dropped })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::path::Path;

    use super::*;
    use crate::test_wheels::TestWheel;
    use crate::{Architecture, PythonVersion, Target, record};

    fn target() -> Target {
        Target {
            python: PythonVersion::new(3, 6, 15),
            glibc: (2, 23),
            architecture: Architecture::Amd64,
            interpreter: "/opt/miniconda/bin/python3.6".to_owned(),
        }
    }

    /// Lays wheels on the base's interpreter.
    fn lay(wheels: &[StoredWheel], prefix: &str) -> Result<(Laid, Tree)> {
        let environment = LockedEnvironment {
            target: target(),
            prefix: format!("/{prefix}"),
            conda: Vec::new(),
            packages: Vec::new(),
        };
        let fetched = Fetched { conda: Vec::new(), wheels: wheels.to_vec() };
        let laid = super::lay(&fetched, &environment, &LayOptions::default())?;
        let tree = laid.tree()?;
        Ok((laid, tree))
    }

    fn text(tree: &Tree, path: &str) -> String {
        let Some(Node::File { content, size, .. }) = tree.get(path) else { panic!("{path}") };
        let mut text = String::new();
        content.open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text.len() as u64, *size);
        text
    }

    fn demo(dir: &Path) -> StoredWheel {
        TestWheel::new("demo")
            .file("demo/__init__.py", "x = 1\n")
            .mode("demo/tool", "#!/bin/sh\n", 0o755)
            .file("demo-1.dist-info/entry_points.txt", "[console_scripts]\ndemo = demo:main\n")
            .file("demo-1.dist-info/direct_url.json", "{}")
            .file("demo-1.data/scripts/run", "#!python\nimport demo\n")
            .file("demo-1.data/scripts/sh", "#!/bin/sh\n")
            .file("demo-1.data/data/share/demo.txt", "d")
            .file("demo-1.data/headers/demo.h", "h")
            .file("demo-1.data/platlib/demo_ext.py", "e")
            .unlisted()
            .file("demo/unlisted.txt", "u")
            .store(dir)
    }

    #[test]
    fn a_wheel_becomes_the_files_of_an_environment() {
        let dir = tempfile::tempdir().unwrap();
        let (laid, tree) = lay(&[demo(dir.path())], "opt/mlpack/env").unwrap();
        let site = "lib/python3.6/site-packages";
        let files: Vec<_> = tree
            .iter()
            .filter_map(|(path, node)| match node {
                Node::Directory { .. } | Node::Inherited { .. } => None,
                Node::File { executable, .. } => {
                    Some((path.strip_prefix("opt/mlpack/env/").unwrap(), *executable))
                }
                Node::Symlink { target } => {
                    assert_eq!(target, "/opt/miniconda/bin/python3.6");
                    Some((path.strip_prefix("opt/mlpack/env/").unwrap(), true))
                }
            })
            .collect();
        let s = |rest: &str| format!("{site}/{rest}");
        assert_eq!(
            files,
            [
                ("bin/demo", true),
                ("bin/python", true),
                ("bin/python3", true),
                ("bin/python3.6", true),
                ("bin/run", true),
                ("bin/sh", true),
                ("include/site/python3.6/demo/demo.h", false),
                (&s("demo-1.dist-info/INSTALLER"), false),
                (&s("demo-1.dist-info/METADATA"), false),
                (&s("demo-1.dist-info/RECORD"), false),
                (&s("demo-1.dist-info/WHEEL"), false),
                (&s("demo-1.dist-info/entry_points.txt"), false),
                (&s("demo/__init__.py"), false),
                (&s("demo/tool"), true),
                (&s("demo/unlisted.txt"), false),
                (&s("demo_ext.py"), false),
                ("pyvenv.cfg", false),
                ("share/demo.txt", false),
            ]
        );
        let at = |path: &str| text(&tree, &format!("opt/mlpack/env/{path}"));
        assert_eq!(
            at("pyvenv.cfg"),
            "home = /opt/miniconda/bin\ninclude-system-site-packages = true\nversion = 3.6.15\n"
        );
        assert_eq!(at("bin/run"), "#!/opt/mlpack/env/bin/python\nimport demo\n");
        assert_eq!(at("bin/sh"), "#!/bin/sh\n");
        assert_eq!(at(&s("demo/unlisted.txt")), "u");
        let record = at(&s("demo-1.dist-info/RECORD"));
        let recorded = record::read(&record).unwrap();
        assert_eq!(recorded["../../../bin/run"], Digest::of(at("bin/run").as_bytes()));
        assert_eq!(recorded["demo/unlisted.txt"], Digest::of(b"u"));
        assert_eq!((recorded.len(), record.lines().count()), (13, 14));
        assert_eq!(laid.python, "/opt/mlpack/env/bin/python");
        let [package] = &laid.packages[..] else { panic!("{:?}", laid.packages) };
        assert_eq!((&*package.name, &*package.version), ("demo", "1"));
        assert_eq!(package.tree.size(), tree.size() - at("pyvenv.cfg").len() as u64);
    }

    #[test]
    fn a_file_that_is_not_the_recorded_one_breaks_the_layer() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = TestWheel::new("demo")
            .file("demo.py", "good\n")
            .tampered("demo.py", "evil\n")
            .store(dir.path());
        let (_, tree) = lay(&[wheel], "e").unwrap();
        let Some(Node::File { content, .. }) = tree.get("e/lib/python3.6/site-packages/demo.py")
        else {
            panic!()
        };
        let error = content.open().unwrap().read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`demo.py` in demo-1-py3-none-any.whl does not match the wheel's RECORD"
        );
    }

    #[test]
    fn one_path_of_two_packages_is_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = |name: &str, text: &str, needs: &str| {
            TestWheel::new(name)
                .file("ns/__init__.py", "")
                .file("shared.py", text)
                .tampered(
                    &format!("{name}-1.dist-info/METADATA"),
                    &format!("Name: {name}\n{needs}\n"),
                )
                .store(dir.path())
        };
        let kept = |wheels: [StoredWheel; 2]| {
            let (laid, tree) = lay(&wheels, "e").unwrap();
            (text(&tree, "e/lib/python3.6/site-packages/shared.py"), laid.notes)
        };
        let note = |name: &str| {
            vec![format!(
                "a and b both have `lib/python3.6/site-packages/shared.py`, with different bytes; the one of {name} is kept"
            )]
        };
        let last = kept([wheel("a", "one\n", ""), wheel("b", "two\n", "")]);
        assert_eq!(last, ("two\n".to_owned(), note("b")));
        let needing =
            kept([wheel("a", "one\n", "Requires-Dist: b (>=1)\n"), wheel("b", "two\n", "")]);
        assert_eq!(needing, ("one\n".to_owned(), note("a")));
    }

    #[test]
    fn wheels_that_break_the_rules_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let message = |wheel: TestWheel| {
            let wheel = wheel.store(dir.path());
            lay(&[wheel], "e").unwrap_err().to_string()
        };
        let bad = "a-1-py3-none-any.whl is not a good wheel: ";
        assert_eq!(
            message(TestWheel::new("a").file("../x", "")),
            format!("{bad}`../x` is not a path inside a wheel")
        );
        assert_eq!(
            message(TestWheel::new("a").file("a-1.data/other/x", "")),
            format!("{bad}`a-1.data/other/x` is in no scheme that wheels have")
        );
        assert_eq!(
            message(TestWheel::new("a").file("b-1.dist-info/x", "")),
            format!("{bad}it has more than one .dist-info folder")
        );
        let future = TestWheel::new("a").tampered("a-1.dist-info/WHEEL", "Wheel-Version: 2.0\n");
        assert_eq!(
            message(future),
            format!("{bad}its format 2.0 is newer than the 1.x that is known")
        );
        std::fs::write(dir.path().join("cut-1-py3-none-any.whl"), b"PK\x03\x04").unwrap();
        let cut = StoredWheel {
            name: "cut".to_owned(),
            version: "1".to_owned(),
            path: dir.path().join("cut-1-py3-none-any.whl"),
            sha256: Digest::of(b""),
        };
        assert!(
            lay(&[cut], "e")
                .unwrap_err()
                .to_string()
                .starts_with("cut-1-py3-none-any.whl is not a good wheel: ")
        );
    }
}
