//! Real packages from the index, for real interpreters. Needs the network, and uv by way of it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise and says what it skips"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use mlpack_install::{Fetched, InstallOptions, fetch_packages, install};
use mlpack_lock::{ArtifactKind, LockTarget, LockedEnvironment};
use mlpack_oci::Silent;
use mlpack_oci::layer::{Node, Tree};
use mlpack_packages::Settings;
use mlpack_requirements::{Architecture, CondaFile, Indexes, PythonVersion, Target};
use mlpack_resolve::Error;
use mlpack_resolve::PipError;
use mlpack_resolve::{Resolution, ResolveRequest, resolve};
use mlpack_source_build::Error as BuildError;

/// One cache for all tests of this file: what one fetched another need not.
fn settings() -> Settings {
    static TLS: Once = Once::new();
    TLS.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("environment-cache");
    let mut settings = Settings::new(cache);
    settings.search_path = Some(search_path());
    settings
}

/// The search path, and behind it the interpreters that pyenv keeps, where it does.
#[allow(clippy::disallowed_methods, reason = "a test finds out what this machine has")]
fn search_path() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Some(root) = std::env::var_os("PYENV_ROOT")
        && let Ok(versions) = fs::read_dir(Path::new(&root).join("versions"))
    {
        dirs.extend(versions.map(|entry| entry.unwrap().path().join("bin")));
    }
    std::env::join_paths(dirs).unwrap()
}

#[allow(clippy::disallowed_methods, reason = "a test asks whether skipping is allowed")]
fn skipped(reason: &str) {
    assert!(
        std::env::var_os("MLPACK_TEST_REQUIRE").is_none(),
        "required but not possible: {reason}"
    );
    println!("skipped: {reason}");
}

fn target(python: (u32, u32, u32)) -> Target {
    let python = PythonVersion::new(python.0, python.1, python.2);
    Target {
        interpreter: format!("/opt/miniconda/bin/python{}", python.minor_text()),
        python,
        glibc: if python.minor < 9 { (2, 23) } else { (2, 36) },
        architecture: Architecture::of_this_machine().unwrap(),
    }
}

async fn try_resolve(
    target: &Target,
    pip: &[&str],
    add_server: bool,
    settings: &Settings,
) -> Result<Resolution, Error> {
    let dir = tempfile::tempdir().unwrap();
    let quoted = |line: &&str| format!("    - '{}'\n", line.replace('\'', "''"));
    let list: String = pip.iter().map(quoted).collect();
    let text = format!("dependencies:\n  - pip:\n{list}");
    let file = CondaFile::parse(&text, &dir.path().join("env.yml")).unwrap();
    let target = LockTarget::Base(target);
    let directory = dir.path();
    let file = Some(&file);
    let request = ResolveRequest { target, file, directory, add_server, preferences: None };
    resolve(request, settings, &Silent).await
}

/// Resolves and fetches, or says why that is not possible here.
async fn resolved(
    target: &Target,
    pip: &[&str],
    add_server: bool,
) -> Option<(Resolution, Fetched)> {
    let settings = settings();
    let resolution = match try_resolve(target, pip, add_server, &settings).await {
        Ok(resolution) => resolution,
        Err(
            error @ (Error::SourceBuild(BuildError::UvMissing { .. })
            | Error::Pip(PipError::Uv { .. })),
        ) => {
            skipped(&error.to_string());
            return None;
        }
        Err(error) => panic!("{error}\n{:?}", error.hint()),
    };
    let wheels = fetch_packages(&resolution.environment, None, &settings, &Silent).await.unwrap();
    Some((resolution, wheels))
}

/// Writes a tree's files below a folder, as a layer would be unpacked.
fn write(tree: &Tree, root: &Path) {
    for (path, node) in tree.iter() {
        let path = root.join(path);
        match node {
            Node::Directory { .. } | Node::Inherited { .. } => fs::create_dir_all(path).unwrap(),
            Node::Symlink { target } => symlink(target, path).unwrap(),
            Node::File { executable, size, content } => {
                let mut file = fs::File::create(&path).unwrap();
                assert_eq!(
                    std::io::copy(&mut content.open().unwrap(), &mut file).unwrap(),
                    *size,
                    "{}",
                    path.display()
                );
                let mode = if *executable { 0o755 } else { 0o644 };
                file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
            }
        }
    }
}

/// An interpreter of this machine by its minor version: the file itself, not a script that picks one.
fn interpreter(minor: &str) -> Option<PathBuf> {
    let path = search_path();
    std::env::split_paths(&path).find_map(|dir| {
        let python = dir.join(format!("python{minor}"));
        let output =
            Command::new(python).args(["-c", "import sys; print(sys.executable)"]).output().ok()?;
        output
            .status
            .success()
            .then(|| PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()))
    })
}

fn version(environment: &LockedEnvironment, name: &str) -> String {
    environment.package(name).unwrap_or_else(|| panic!("no {name}")).version.clone()
}

/// Lays a list where an interpreter of this machine finds it and imports modules from it.
async fn lay_and_import(
    python: (u32, u32, u32),
    pip: &[&str],
    imports: &str,
) -> Option<Resolution> {
    let target = target(python);
    let (resolution, wheels) = resolved(&target, pip, true).await?;
    let minor = target.python.minor_text();
    let Some(interpreter) = interpreter(&minor) else {
        skipped(&format!("no Python {minor} to import with"));
        return Some(resolution);
    };
    let mut environment = resolution.environment.clone();
    environment.target.interpreter = interpreter.display().to_string();
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("env");
    environment.prefix = prefix.display().to_string();
    let laid = install(&wheels, &environment, &InstallOptions::default()).unwrap();
    assert_eq!(laid.packages.len(), environment.packages.len());
    write(&laid.tree().unwrap(), Path::new("/"));
    let code = format!("import sys, {imports}; print(sys.prefix)");
    let output = Command::new(prefix.join("bin/python"))
        .args(["-s", "-c", &code])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), prefix.to_str().unwrap());
    let script = Command::new(prefix.join("bin/azmlinfsrv")).arg("--help").output().unwrap();
    // The server leaves with 1 after its help; that it begins to speak shows that the script runs.
    let said = String::from_utf8_lossy(&script.stdout);
    assert!(said.starts_with("usage: azmlinfsrv"), "{script:?}");
    Some(resolution)
}

#[tokio::test]
async fn the_documents_own_list_on_python_3_6() {
    let pip = ["azureml-defaults", "scikit-learn", "inference-schema[numpy-support]"];
    let imports = "sklearn.linear_model, inference_schema.schema_decorators, wrapt, flask";
    let Some(resolution) = lay_and_import((3, 6, 15), &pip, imports).await else { return };
    let environment = resolution.environment;
    let found = [
        "azureml-defaults",
        "azureml-inference-server-http",
        "inference-schema",
        "scikit-learn",
        "numpy",
    ]
    .map(|name| version(&environment, name));
    assert_eq!(found, ["1.47.0", "0.7.7", "1.4.2.1", "0.24.2", "1.19.5"]);
    let sources: Vec<_> = environment
        .packages
        .iter()
        .filter(|package| package.artifact.kind == ArtifactKind::Sdist)
        .map(|package| &*package.name)
        .collect();
    assert_eq!(sources, ["contextvars", "fusepy", "json-logging-py", "wrapt"]);
}

#[tokio::test]
async fn python_3_8_does_not_fall_back_to_defaults_without_a_server() {
    let pip = ["azureml-defaults", "inference-schema"];
    let target = target((3, 8, 18));
    let Some((resolution, _)) = resolved(&target, &pip, true).await else { return };
    let found = ["azureml-defaults", "azureml-inference-server-http", "inference-schema"]
        .map(|name| version(&resolution.environment, name));
    assert_eq!(found, ["1.60.0", "1.3.4", "1.8"]);
    assert!(
        resolution.notes[0].starts_with("azureml-defaults is held to "),
        "{:?}",
        resolution.notes
    );
}

#[tokio::test]
async fn a_plain_list_gets_a_server_on_python_3_8() {
    let Some(resolution) =
        lay_and_import((3, 8, 18), &["numpy"], "numpy, azureml_inference_server_http").await
    else {
        return;
    };
    assert_eq!(version(&resolution.environment, "azureml-inference-server-http"), "1.3.4");
}

#[tokio::test]
async fn a_plain_list_gets_a_server_on_python_3_11() {
    let Some(resolution) =
        lay_and_import((3, 11, 7), &["onnxruntime", "numpy"], "numpy, flask").await
    else {
        return;
    };
    assert!(
        resolution.notes[0].contains("nothing in the pip list brings a web server"),
        "{:?}",
        resolution.notes
    );
}

#[tokio::test]
async fn a_plain_list_gets_a_server_on_python_3_13() {
    let Some(resolution) =
        lay_and_import((3, 13, 0), &["scikit-learn"], "sklearn, azureml_inference_server_http")
            .await
    else {
        return;
    };
    assert!(version(&resolution.environment, "azureml-inference-server-http").starts_with("1."));
}

#[tokio::test]
async fn an_old_base_gets_the_last_release_with_a_wheel_for_it() {
    let mut target = target((3, 13, 0));
    target.glibc = (2, 23);
    let Some((resolution, _)) = resolved(&target, &["numpy"], false).await else { return };
    let artifact = &resolution.environment.packages[0].artifact;
    assert_eq!(artifact.kind, ArtifactKind::Wheel);
    assert!(resolution.notes[0].starts_with("numpy is 2."), "{:?}", resolution.notes);
}

#[tokio::test]
async fn another_architecture_resolves_the_same_way() {
    let mut target = target((3, 8, 18));
    target.architecture = Architecture::Arm64;
    let Some((resolution, _)) = resolved(&target, &["numpy"], false).await else { return };
    let filename = &resolution.environment.packages[0].artifact.filename;
    assert!(filename.ends_with("manylinux_2_17_aarch64.manylinux2014_aarch64.whl"), "{filename}");
}

#[tokio::test]
async fn lists_that_cannot_be_met_say_why() {
    let target = target((3, 6, 15));
    let settings = settings();
    let error =
        match try_resolve(&target, &["scikit-learn==0.24.2", "numpy<1.13"], false, &settings).await
        {
            Err(Error::SourceBuild(BuildError::UvMissing { reason })) => return skipped(&reason),
            other => other.unwrap_err(),
        };
    assert_eq!(
        error.to_string(),
        format!(
            "the pip list is unsatisfiable for {}\nBecause scikit-learn==0.24.2 depends on numpy>=1.13.3 and you require scikit-learn==0.24.2, we can conclude that you require numpy>=1.13.3.\nAnd because you require numpy<1.13, we can conclude that your requirements are unsatisfiable.",
            target.describe()
        )
    );
    let error =
        try_resolve(&target, &["mlpack-no-such-package"], false, &settings).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no package `mlpack-no-such-package` in the index");
}

#[tokio::test]
async fn an_index_that_does_not_answer_is_named() {
    let mut settings = settings();
    match try_resolve(&target((3, 8, 18)), &["six"], false, &settings).await {
        Err(Error::SourceBuild(BuildError::UvMissing { reason })) => return skipped(&reason),
        other => drop(other.unwrap()),
    }
    settings.indexes.index = Some("http://me:secret@127.0.0.1:9/simple".parse().unwrap());
    let error = try_resolve(&target((3, 8, 18)), &["six"], false, &settings).await.unwrap_err();
    let text = format!("{error} {error:?} {:?}", error.hint());
    assert!(
        text.contains("127.0.0.1:9") && text.contains("PIP_INDEX_URL") && !text.contains("secret"),
        "{text}"
    );
}

#[tokio::test]
async fn wheels_of_a_folder_need_no_index() {
    let settings = settings();
    let target = target((3, 11, 7));
    let Some((_, wheels)) = resolved(&target, &["six==1.17.0"], false).await else { return };
    let wheels: Vec<&Path> = wheels.wheels().collect();
    let folder = wheels[0].parent().unwrap().to_owned();
    let indexes = Indexes {
        find_links: vec![folder.display().to_string()],
        no_index: true,
        ..Indexes::default()
    };
    let closed = Settings { indexes, ..settings };
    let resolution = try_resolve(&target, &["six"], false, &closed).await.unwrap();
    let again = fetch_packages(&resolution.environment, None, &closed, &Silent).await.unwrap();
    assert_eq!(again.wheels().collect::<Vec<_>>(), wheels);
}

/// A second opinion on the list of files: what uv itself installs from the same wheels.
#[tokio::test]
async fn the_files_are_those_that_uv_installs() {
    let target = target((3, 11, 7));
    let Some((resolution, wheels)) =
        resolved(&target, &["azureml-inference-server-http==1.4.1", "numpy"], false).await
    else {
        return;
    };
    let environment = LockedEnvironment { prefix: "/env".to_owned(), ..resolution.environment };
    let laid = install(&wheels, &environment, &InstallOptions::default()).unwrap();
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&laid.tree().unwrap(), ours.path());
    let Some(uv) = find_uv(&settings().cache) else { return skipped("uv is not in the cache") };
    let Some(python) = interpreter("3.11") else { return skipped("no Python 3.11") };
    let venv = theirs.path().join("env");
    let run = |arguments: &[&str], paths: &[&Path]| {
        let output =
            Command::new(&uv).args(arguments).args(paths).arg("--offline").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["venv", "--python", python.to_str().unwrap()], &[&venv]);
    let files: Vec<&Path> = wheels.wheels().collect();
    let own = venv.join("bin/python");
    run(&["pip", "install", "--no-deps", "--python", own.to_str().unwrap()], &files);
    let skip = |path: &str| {
        let name = path.rsplit('/').next().unwrap();
        // Records of who installed it, activation scripts of the shell, and what interpreter it is.
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
    // uv's scripts begin with its own path; a file of two packages is the one that came last.
    let may_differ = |path: &str| {
        path.starts_with("bin/")
            || laid.notes.iter().any(|note| note.contains(&format!("`{path}`")))
    };
    for (path, bytes) in &ours {
        assert!(may_differ(path) || *bytes == theirs[path], "{path} differs");
    }
    assert!(ours.keys().any(|path| path == "bin/azmlinfsrv"));
}

/// Resolves and fetches one package as if an interpreter were the only one of a machine, with a
/// cache of its own below `root`; the bytes of its wheel.
async fn built_by(python: &Path, root: &Path, uv: &Path, pip: &str, links: &[String]) -> Vec<u8> {
    let mut settings = Settings::new(root.join("cache"));
    settings.uv = Some(uv.to_owned());
    settings.interpreters = vec![python.to_owned()];
    settings.indexes.find_links = links.to_vec();
    let target = target((3, 6, 15));
    let resolution = try_resolve(&target, &[pip], false, &settings).await.unwrap();
    let wheels = fetch_packages(&resolution.environment, None, &settings, &Silent).await.unwrap();
    assert_eq!(resolution.environment.packages[0].artifact.kind, ArtifactKind::Sdist);
    assert_eq!(fs::read_dir(settings.cache.join("work")).unwrap().count(), 0);
    fs::read(wheels.wheels().next().unwrap()).unwrap()
}

/// The line of a wheel that names the tool it was made by.
fn generator(wheel: &[u8]) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel)).unwrap();
    let member = archive
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .find(|name| name.ends_with(".dist-info/WHEEL"))
        .unwrap();
    let text = std::io::read_to_string(archive.by_name(&member).unwrap()).unwrap();
    text.lines().find(|line| line.starts_with("Generator: ")).unwrap().to_owned()
}

#[tokio::test]
async fn a_source_becomes_the_same_wheel_on_different_hosts() {
    if resolved(&target((3, 6, 15)), &["six==1.17.0"], false).await.is_none() {
        return;
    }
    let Some(uv) = find_uv(&settings().cache) else { return skipped("uv is not in the cache") };
    let hosts: Vec<_> =
        ["3.9", "3.10", "3.11", "3.12", "3.13"].into_iter().filter_map(interpreter).collect();
    let [first, .., last] = &*hosts else { return skipped("there are no two new Pythons") };
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let pip = "json-logging-py==0.2";
    let ours = built_by(first, one.path(), &uv, pip, &[]).await;
    let theirs = built_by(last, other.path(), &uv, pip, &[]).await;
    assert!(ours == theirs, "{} and {} differ", first.display(), last.display());
    assert_eq!(generator(&ours), "Generator: setuptools (80.9.0)");
}

#[tokio::test]
async fn a_source_that_wants_other_tools_than_the_pinned_ones_gets_them() {
    if resolved(&target((3, 6, 15)), &["six==1.17.0"], false).await.is_none() {
        return;
    }
    let Some(uv) = find_uv(&settings().cache) else { return skipped("uv is not in the cache") };
    let Some(python) = interpreter("3.11") else { return skipped("no Python 3.11") };
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("mlpack_test_tools-1");
    fs::create_dir(&source).unwrap();
    let metadata = "Metadata-Version: 2.1\nName: mlpack-test-tools\nVersion: 1\n";
    fs::write(source.join("PKG-INFO"), metadata).unwrap();
    fs::write(source.join("mlpack_test_tools.py"), "").unwrap();
    fs::write(
        source.join("pyproject.toml"),
        "[build-system]\nrequires = ['setuptools==78.1.0']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'mlpack-test-tools'\nversion = '1'\n",
    )
    .unwrap();
    let packed = Command::new("tar")
        .args(["-czf", "mlpack_test_tools-1.tar.gz", "mlpack_test_tools-1"])
        .current_dir(dir.path())
        .status();
    assert!(packed.unwrap().success());
    let links = [dir.path().display().to_string()];
    let bytes = built_by(&python, dir.path(), &uv, "mlpack-test-tools", &links).await;
    assert_eq!(generator(&bytes), "Generator: setuptools (78.1.0)");
}

fn find_uv(cache: &Path) -> Option<PathBuf> {
    let on_path =
        std::env::split_paths(&search_path()).map(|dir| dir.join("uv")).find(|uv| uv.is_file());
    on_path.or_else(|| {
        files_below(&cache.join("uv"))
            .into_keys()
            .find(|path| path.ends_with("/uv"))
            .map(|path| cache.join("uv").join(path))
    })
}

fn files_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                if entry.file_name() != "cache" {
                    dirs.push(path);
                }
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    files
}

#[test]
fn a_conda_file_is_loaded_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("env.yml");
    fs::write(&path, "dependencies:\n- python=3.8\n- pip:\n  - numpy\n").unwrap();
    let file = CondaFile::load(&path).unwrap();
    assert_eq!(file.pip_requirements()[0].name(), Some("numpy"));
    let missing = CondaFile::load(&dir.path().join("none.yml")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
}
