use std::io::Read as _;
use std::path::Path;

use mlpack_lock::LockedEnvironment;
use mlpack_oci::Digest;
use mlpack_oci::layer::{Node, Tree};

use crate::test_wheels::{TestWheel, target};
use crate::{Fetched, InstallOptions, Installation, Result};
use mlpack_packages::wheel::archive::StoredWheel;
use mlpack_packages::wheel::record;

/// Installs wheels for the base's interpreter.
fn install(wheels: &[StoredWheel], prefix: &str) -> Result<(Installation, Tree)> {
    let environment = LockedEnvironment {
        target: target(),
        prefix: format!("/{prefix}"),
        conda: Vec::new(),
        packages: Vec::new(),
    };
    let fetched = Fetched { conda: Vec::new(), wheels: wheels.to_vec() };
    let installed = crate::install(&fetched, &environment, &InstallOptions::default())?;
    let tree = installed.tree()?;
    Ok((installed, tree))
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
    let (installed, tree) = install(&[demo(dir.path())], "opt/mlpack/env").unwrap();
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
    assert_eq!(installed.python, "/opt/mlpack/env/bin/python");
    let [package] = &installed.packages[..] else { panic!("{:?}", installed.packages) };
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
    let (_, tree) = install(&[wheel], "e").unwrap();
    let Some(Node::File { content, .. }) = tree.get("e/lib/python3.6/site-packages/demo.py") else {
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
            .tampered(&format!("{name}-1.dist-info/METADATA"), &format!("Name: {name}\n{needs}\n"))
            .store(dir.path())
    };
    let kept = |wheels: [StoredWheel; 2]| {
        let (installed, tree) = install(&wheels, "e").unwrap();
        (text(&tree, "e/lib/python3.6/site-packages/shared.py"), installed.notes)
    };
    let note = |name: &str| {
        vec![format!(
            "a and b both have `lib/python3.6/site-packages/shared.py`, with different bytes; the one of {name} is kept"
        )]
    };
    // pip installs `b` before `a` where neither needs the other.
    let last = kept([wheel("a", "one\n", ""), wheel("b", "two\n", "")]);
    assert_eq!(last, ("one\n".to_owned(), note("a")));
    let needed = kept([wheel("a", "one\n", ""), wheel("b", "two\n", "Requires-Dist: a\n")]);
    assert_eq!(needed, ("two\n".to_owned(), note("b")));
    let needing = kept([wheel("a", "one\n", "Requires-Dist: b (>=1)\n"), wheel("b", "two\n", "")]);
    assert_eq!(needing, ("one\n".to_owned(), note("a")));
}

/// An index with metadata beside its wheels (PEP 658) can say one thing and have another.
#[test]
fn a_wheel_of_another_package_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let message = |field: &str| {
        let wheel = TestWheel::new("a").tampered("a-1.dist-info/METADATA", field).store(dir.path());
        install(&[wheel], "e").map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(message("Name: A\nVersion: 1.0\n"), Ok(()));
    assert_eq!(message("Name: a\nVersion: 1.0+cpu\n"), Ok(()));
    let bad = |found: &str| {
        let wheel = "invalid wheel a-1-py3-none-any.whl";
        Err(format!("{wheel}: METADATA, of {found}, is not of a 1"))
    };
    assert_eq!(message("Name: evil\nVersion: 1\n"), bad("evil 1"));
    assert_eq!(message("Name: a\nVersion: 2\n"), bad("a 2"));
    let mut wheel = TestWheel::new("a").store(dir.path());
    "b".clone_into(&mut wheel.name);
    assert_eq!(
        install(&[wheel], "e").unwrap_err().to_string(),
        "invalid wheel a-1-py3-none-any.whl: `a-1.dist-info` is not of b 1"
    );
}

#[test]
fn wheels_that_break_the_rules_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let message = |wheel: TestWheel| {
        let wheel = wheel.store(dir.path());
        install(&[wheel], "e").unwrap_err().to_string()
    };
    let bad = "invalid wheel a-1-py3-none-any.whl: ";
    assert_eq!(
        message(TestWheel::new("a").file("../x", "")),
        format!("{bad}`../x` is not a path inside a wheel")
    );
    assert_eq!(
        message(TestWheel::new("a").file("a-1.data/other/x", "")),
        format!("{bad}`a-1.data/other/x` is in an unknown scheme")
    );
    assert_eq!(
        message(TestWheel::new("a").file("b-1.dist-info/x", "")),
        format!("{bad}it has more than one .dist-info folder")
    );
    let future = TestWheel::new("a").tampered("a-1.dist-info/WHEEL", "Wheel-Version: 2.0\n");
    assert_eq!(message(future), format!("{bad}format 2.0 is newer than the supported 1.x"));
    std::fs::write(dir.path().join("cut-1-py3-none-any.whl"), b"PK\x03\x04").unwrap();
    let cut = StoredWheel {
        name: "cut".to_owned(),
        version: "1".to_owned(),
        path: dir.path().join("cut-1-py3-none-any.whl"),
        sha256: Digest::of(b""),
    };
    assert!(
        install(&[cut], "e")
            .unwrap_err()
            .to_string()
            .starts_with("invalid wheel cut-1-py3-none-any.whl: ")
    );
}
