//! What is installed from wheels.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use mlpack_install::{InstallOptions, fetch_packages, install};
use mlpack_lock::LockedEnvironment;
use mlpack_oci::Silent;
use mlpack_resolve::Resolution;

use crate::kit::{Project, files_below, find_uv, interpreter, skipped, write};

/// Compares the files with those that uv installs from the same wheels.
#[tokio::test]
async fn the_files_are_those_that_uv_installs() {
    let project = Project::new();
    let entry = "[console_scripts]\nrunner = runner.main:start\n";
    let files = [
        ("runner/__init__.py", ""),
        ("runner/main.py", "def start(): print('started')\n"),
        ("runner/data/table.csv", "a,b\n"),
        ("runner-1.0.data/scripts/tool.py", "#!python\nprint('tool')\n"),
        ("runner-1.0.data/data/share/runner/readme.txt", "text\n"),
        ("runner-1.0.data/purelib/extra.py", "X = 1\n"),
        ("runner-1.0.dist-info/entry_points.txt", entry),
    ];
    project.wheel_of("wheels", ("runner", "1.0", "py3-none-any"), &["alpha"], &files);
    project.wheel("wheels", "alpha", "1.0", &[]);
    let list = ["--no-index", "-f wheels", "runner"];
    let Some(Resolution { environment, settings, .. }) = project.resolved(&list).await else {
        return;
    };
    let wheels = fetch_packages(&environment, None, &settings, &Silent).await.unwrap();
    let environment = LockedEnvironment { prefix: "/env".to_owned(), ..environment };
    let installed = install(&wheels, &environment, &InstallOptions::default()).unwrap();
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&installed.tree().unwrap(), ours.path());
    let Some(uv) = find_uv(&settings.cache) else { return skipped("uv is not in the cache") };
    let Some(python) = interpreter("3.11") else { return skipped("no Python 3.11") };
    let venv = theirs.path().join("env");
    let run = |arguments: &[&str], paths: &[&Path]| {
        let output =
            Command::new(&uv).args(arguments).args(paths).arg("--offline").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["venv", "--python", python.to_str().unwrap()], &[&venv]);
    let files: Vec<&Path> = wheels.wheels().collect();
    let venv_python = venv.join("bin/python");
    run(&["pip", "install", "--no-deps", "--python", venv_python.to_str().unwrap()], &files);
    let skip = |path: &str| {
        let name = path.rsplit('/').next().unwrap();
        // The installer's records, the shell's activation scripts, and the interpreter.
        matches!(
            name,
            "INSTALLER"
                | "RECORD"
                | "REQUESTED"
                | "direct_url.json"
                | "uv_cache.json"
                | "pyvenv.cfg"
                | ".gitignore"
                | ".lock"
                | "CACHEDIR.TAG"
        ) || name.starts_with("activate")
            || name.starts_with("_virtualenv")
            || name.starts_with("python")
            || matches!(name, "deactivate.bat" | "pydoc.bat")
            || path.starts_with("lib64")
    };
    let list = |root: &Path| -> BTreeMap<String, Vec<u8>> {
        files_below(root).into_iter().filter(|(path, _)| !skip(path)).collect()
    };
    let (ours, theirs) = (list(&ours.path().join("env")), list(&venv));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (path, bytes) in &ours {
        // Scripts begin with the path of their interpreter.
        assert!(path.starts_with("bin/") || *bytes == theirs[path], "{path} differs");
    }
    assert!(ours.contains_key("bin/runner") && ours.contains_key("bin/tool.py"), "{ours:?}");
}
