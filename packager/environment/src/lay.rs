//! The files of a virtual environment, as streams out of the wheels, for a layer.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlpack_oci::Digest;
use mlpack_oci::layer::{Content, Node, Tree};
use serde::{Deserialize, Serialize};

use crate::record::{self, Row};
use crate::wheel::{StoredWheel, WheelFile};
use crate::{PipLine, Result, Target, scripts};

/// What was laid down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    /// The environment's interpreter in the image, as `/opt/mlpack/env/bin/python`.
    pub python: String,
    /// Every package, in the order of the wheels.
    pub installed: Vec<Installed>,
    /// Files that two packages bring with different bytes, one sentence each.
    pub notes: Vec<String>,
}

/// A package that was laid down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Normalised name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Number of files.
    pub files: usize,
    /// Sum of their sizes in bytes.
    pub bytes: u64,
}

/// One file of a package on its way into the tree.
#[derive(Debug, Clone)]
struct Planned {
    digest: Digest,
    size: u64,
    executable: bool,
    content: Content,
}

/// Lays a virtual environment (PEP 405) for the target's interpreter into a tree at `prefix`, as
/// `opt/mlpack/env`: packages are its own, what the base has stays visible behind them.
///
/// Nothing is unpacked: file contents are streams that verify the hash of the wheel's RECORD when
/// the layer is written. The list of files depends on wheels, target and prefix only.
///
/// # Errors
/// [`crate::Error::Wheel`] for a wheel that breaks the specification, [`crate::Error::Layer`] for
/// a path that cannot be in a layer.
pub fn lay(wheels: &[StoredWheel], target: &Target, prefix: &str, tree: &mut Tree) -> Result<Laid> {
    let prefix = prefix.trim_matches('/');
    let minor = target.python.minor_text();
    let place = Place {
        python: format!("/{prefix}/bin/python"),
        site: format!("lib/python{minor}/site-packages"),
        headers: format!("include/site/python{minor}"),
    };
    let mut files: BTreeMap<String, (Planned, &StoredWheel)> = BTreeMap::new();
    let mut laid = Laid { python: place.python.clone(), installed: Vec::new(), notes: Vec::new() };
    for wheel in wheels {
        let package = place.package(wheel)?;
        laid.installed.push(Installed {
            name: wheel.name.clone(),
            version: wheel.version.clone(),
            files: package.len(),
            bytes: package.values().map(|file| file.size).sum(),
        });
        for (path, file) in package {
            let mut kept = wheel;
            if let Some((other, owner)) = files.get(&path) {
                if other.digest == file.digest && other.size == file.size {
                    continue;
                }
                // pip lays what a package needs before the package, and the last one wins.
                if requires(owner, &wheel.name)? {
                    kept = owner;
                }
                laid.notes.push(format!(
                    "{} and {} both have `{path}`, with different bytes; the one of {} is kept",
                    owner.name, wheel.name, kept.name
                ));
            }
            if kept.name == wheel.name {
                files.insert(path, (file, wheel));
            }
        }
    }
    let config = format!(
        "home = {}\ninclude-system-site-packages = true\nversion = {}\n",
        target.home(),
        target.python
    );
    tree.add_bytes(&format!("{prefix}/pyvenv.cfg"), config.into_bytes(), false)?;
    for name in ["python".to_owned(), "python3".to_owned(), format!("python{minor}")] {
        tree.add_symlink(&format!("{prefix}/bin/{name}"), target.interpreter.as_str())?;
    }
    tree.insert(&format!("{prefix}/{}", place.site), Node::Directory { open: false })?;
    for (path, (file, _)) in files {
        let Planned { size, executable, content, .. } = file;
        tree.insert(&format!("{prefix}/{path}"), Node::File { executable, size, content })?;
    }
    Ok(laid)
}

/// Where things go in the environment; paths are relative to its prefix.
struct Place {
    /// Absolute, for scripts.
    python: String,
    site: String,
    headers: String,
}

impl Place {
    /// The files of one wheel by path, its RECORD among them.
    fn package(&self, stored: &StoredWheel) -> Result<BTreeMap<String, Planned>> {
        let wheel = Arc::new(WheelFile::open(&stored.path)?);
        let info = wheel.dist_info()?;
        check_format(&wheel, &info)?;
        let record_path = format!("{info}/RECORD");
        let hashes =
            record::read(&wheel.text(&record_path)?).map_err(|reason| wheel.bad(reason))?;
        let data = format!("{}.data/", info.trim_end_matches(".dist-info"));
        let mut files = BTreeMap::new();
        for (path, member) in wheel.members() {
            let own = path.strip_prefix(&info).and_then(|rest| rest.strip_prefix('/'));
            if matches!(
                own,
                Some(
                    "RECORD"
                        | "RECORD.jws"
                        | "RECORD.p7s"
                        | "INSTALLER"
                        | "REQUESTED"
                        | "direct_url.json"
                )
            ) {
                continue;
            }
            let digest = match hashes.get(path) {
                Some(digest) => *digest,
                None => wheel.digest(path)?,
            };
            let (place, script) = match path.strip_prefix(&data) {
                Some(rest) => self.scheme(rest, &stored.name).ok_or_else(|| {
                    wheel.bad(format!("`{path}` is in no scheme that wheels have"))
                })?,
                None => (format!("{}/{path}", self.site), false),
            };
            let rewritten = match script {
                true => scripts::rewrite(&wheel.bytes(path)?, &self.python),
                false => None,
            };
            let file = match rewritten {
                Some(bytes) => Planned::of(bytes, true),
                None => {
                    let (source, path, member) = (Arc::clone(&wheel), path.clone(), *member);
                    Planned {
                        digest,
                        size: member.size,
                        executable: member.executable || script,
                        content: Content::Stream(Arc::new(move || {
                            Ok(source.verified(&path, member, digest))
                        })),
                    }
                }
            };
            files.insert(place, file);
        }
        let points = format!("{info}/entry_points.txt");
        if wheel.members().contains_key(&points) {
            let points =
                scripts::entry_points(&wheel.text(&points)?).map_err(|reason| wheel.bad(reason))?;
            for point in points {
                files.insert(
                    format!("bin/{}", point.name),
                    Planned::of(point.script(&self.python), true),
                );
            }
        }
        files.insert(
            format!("{}/{info}/INSTALLER", self.site),
            Planned::of(b"mlpack\n".to_vec(), false),
        );
        let mut rows: Vec<Row> = files
            .iter()
            .map(|(path, file)| Row {
                path: self.record_path(path),
                file: Some((file.digest, file.size)),
            })
            .collect();
        rows.push(Row { path: record_path.clone(), file: None });
        files.insert(
            format!("{}/{record_path}", self.site),
            Planned::of(record::write(rows), false),
        );
        Ok(files)
    }

    /// Where a file of `*.data` goes, and whether it is a script (PyPA, "Binary distribution
    /// format", "Installed, the .data directory").
    fn scheme(&self, path: &str, package: &str) -> Option<(String, bool)> {
        let (scheme, rest) = path.split_once('/')?;
        match scheme {
            "purelib" | "platlib" => Some((format!("{}/{rest}", self.site), false)),
            "headers" => Some((format!("{}/{package}/{rest}", self.headers), false)),
            "scripts" => Some((format!("bin/{rest}"), true)),
            "data" => Some((rest.to_owned(), false)),
            _ => None,
        }
    }

    /// A path as RECORD writes it, relative to site-packages.
    fn record_path(&self, path: &str) -> String {
        match path.strip_prefix(&self.site).and_then(|rest| rest.strip_prefix('/')) {
            Some(inside) => inside.to_owned(),
            None => format!("{}{path}", "../".repeat(self.site.split('/').count())),
        }
    }
}

impl Planned {
    fn of(bytes: Vec<u8>, executable: bool) -> Self {
        let digest = Digest::of(&bytes);
        Self { digest, size: bytes.len() as u64, executable, content: Content::Bytes(bytes.into()) }
    }
}

/// Whether a wheel's metadata asks for a package.
fn requires(wheel: &StoredWheel, name: &str) -> Result<bool> {
    let file = WheelFile::open(&wheel.path)?;
    let metadata = file.text(&format!("{}/METADATA", file.dist_info()?))?;
    let head = metadata.split("\n\n").next().unwrap_or(&metadata);
    let mut wanted = head.lines().filter_map(|line| line.strip_prefix("Requires-Dist:"));
    Ok(wanted.any(|line| PipLine::parse(line, 0).is_ok_and(|line| line.name() == Some(name))))
}

/// Wheels of a later major format would be laid wrongly (PyPA, "Installing a wheel", step 1).
fn check_format(wheel: &WheelFile, info: &str) -> Result<()> {
    let text = wheel.text(&format!("{info}/WHEEL"))?;
    let version = text.lines().find_map(|line| line.strip_prefix("Wheel-Version:")).map(str::trim);
    match version {
        Some(version) if version.split('.').next() == Some("1") => Ok(()),
        Some(version) => {
            Err(wheel.bad(format!("its format {version} is newer than the 1.x that is known")))
        }
        None => Err(wheel.bad("its WHEEL file has no Wheel-Version".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::path::Path;

    use super::*;
    use crate::test_wheels::TestWheel;
    use crate::{Architecture, PythonVersion};

    fn target() -> Target {
        Target {
            python: PythonVersion::new(3, 6, 15),
            glibc: (2, 23),
            architecture: Architecture::Amd64,
            interpreter: "/opt/miniconda/bin/python3.6".to_owned(),
        }
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
        let mut tree = Tree::new();
        let laid = lay(&[demo(dir.path())], &target(), "opt/mlpack/env", &mut tree).unwrap();
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
        let installed = Installed {
            name: "demo".to_owned(),
            version: "1".to_owned(),
            files: 14,
            bytes: laid.installed[0].bytes,
        };
        assert_eq!(
            laid,
            Laid {
                python: "/opt/mlpack/env/bin/python".to_owned(),
                installed: vec![installed],
                notes: Vec::new()
            }
        );
        assert_eq!(laid.installed[0].bytes, tree.size() - at("pyvenv.cfg").len() as u64);
    }

    #[test]
    fn a_file_that_is_not_the_recorded_one_breaks_the_layer() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = TestWheel::new("demo")
            .file("demo.py", "good\n")
            .tampered("demo.py", "evil\n")
            .store(dir.path());
        let mut tree = Tree::new();
        lay(&[wheel], &target(), "e", &mut tree).unwrap();
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
            let mut tree = Tree::new();
            let laid = lay(&wheels, &target(), "e", &mut tree).unwrap();
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
            lay(&[wheel], &target(), "e", &mut Tree::new()).unwrap_err().to_string()
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
            built: false,
        };
        assert!(
            lay(&[cut], &target(), "e", &mut Tree::new())
                .unwrap_err()
                .to_string()
                .starts_with("cut-1-py3-none-any.whl is not a good wheel: ")
        );
    }
}
