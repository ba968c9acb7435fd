//! Source distributions: the tools that build them, and wheels that do not depend on the host.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex};

use mlpack_install::fetch_packages;
use mlpack_lock::ArtifactKind;
use mlpack_oci::{Meter, Progress, Silent};
use mlpack_packages::Settings;
use mlpack_requirements::Architecture;

use crate::kit::{Index, Project, find_uv, interpreter, skipped, target};

/// A project whose index has two archives and releases of the tools that build them, among them the
/// pinned one.
fn project() -> (Project, Index) {
    let mut project = Project::new();
    project.target = target((3, 6, 15), 23);
    for version in ["59.6.0", "78.1.0", "80.9.0", "99.0.0"] {
        project.setuptools("served", version);
    }
    project.setuptools_archive("served", "plain", "setuptools");
    project.setuptools_archive("served", "choosy", "setuptools==78.1.0");
    let index = Index::serve(project.path("served"), None);
    (project, index)
}

/// Resolves and fetches one package as if `python` were the only interpreter of a machine, with a
/// separate cache; returns the bytes of its wheel. Nothing if there is no uv.
async fn built(project: &mut Project, index: &Index, python: &Path, name: &str) -> Option<Vec<u8>> {
    let shared = project.settings.clone();
    let option = index.option();
    // Downloads uv if necessary.
    project.resolved(&["--no-index"]).await?;
    let cache = tempfile::tempdir().unwrap();
    project.settings = Settings::new(cache.path());
    project.settings.uv = find_uv(&shared.cache);
    project.settings.interpreters = vec![python.to_owned()];
    let found = project.resolve(&[&option, name]).await.unwrap();
    let wheels = fetch_packages(&found.environment, None, &found.settings, &Silent).await.unwrap();
    assert_eq!(found.environment.packages[0].artifact.kind, ArtifactKind::Sdist);
    assert_eq!(fs::read_dir(cache.path().join("work")).unwrap().count(), 0);
    project.settings = shared;
    Some(fs::read(wheels.wheels().next().unwrap()).unwrap())
}

/// Returns the line of a wheel that names the tool that made it.
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
    let hosts: Vec<_> =
        ["3.9", "3.10", "3.11", "3.12", "3.13"].into_iter().filter_map(interpreter).collect();
    let [first, .., last] = &*hosts else { return skipped("two Pythons from 3.9 on are needed") };
    let (mut project, index) = project();
    let Some(one) = built(&mut project, &index, first, "plain").await else { return };
    let other = built(&mut project, &index, last, "plain").await.unwrap();
    assert!(one == other, "{} and {} differ", first.display(), last.display());
    assert_eq!(generator(&one), "Generator: setuptools (80.9.0)");
}

#[tokio::test]
async fn a_source_that_requires_other_tools_than_the_pinned_ones_gets_them() {
    let Some(python) = interpreter("3.11") else { return skipped("Python 3.11 is needed") };
    let (mut project, index) = project();
    let Some(wheel) = built(&mut project, &index, &python, "choosy").await else { return };
    assert_eq!(generator(&wheel), "Generator: setuptools (78.1.0)");
}

/// What is reported while a package is built.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn begin(&self, _: &str, _: Option<u64>) -> Arc<dyn Meter> {
        Arc::new(Silent)
    }
    fn note(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

/// Setup scripts go on without an optional extension, and the service is slow for no visible reason.
#[tokio::test]
async fn optional_extensions_are_compiled_or_reported() {
    let Some(python) = interpreter("3.11") else { return skipped("Python 3.11 is needed") };
    let mut project = Project::new();
    project.sources("fast", "fast", "1.0");
    let pure = fs::read_to_string(project.path("fast/backend.py")).unwrap();
    let compiling = r#"
    import platform, subprocess
    print("building 'fast.speedups' extension")
    if subprocess.call([os.environ.get("CC", "cc"), "--version"]) == 0:
        tag = "cp311-cp311-linux_" + platform.machine()
        files["speedups.so"] = "compiled"
        files[info + "WHEEL"] = files[info + "WHEEL"].replace("py3-none-any", tag)
        name = name.replace("py3-none-any", tag)
    record = "#;
    project.file("fast/backend.py", &pure.replacen("\n    record = ", compiling, 1));
    let Some(_) = project.resolved(&["--no-index"]).await else { return };
    let uv = find_uv(&project.settings.cache);
    for (minor, expected) in [
        (11, &[][..]),
        (
            6,
            &[
                "fast 1.0 was built without its optional compiled parts, and may be slower: Python 3.6 on x86_64 is not here",
            ],
        ),
    ] {
        let cache = tempfile::tempdir().unwrap();
        project.settings = Settings::new(cache.path());
        project.settings.uv.clone_from(&uv);
        project.settings.interpreters = vec![python.clone()];
        project.target = target((3, minor, 7), 36);
        let found = project.resolve(&["--no-index", "./fast"]).await.unwrap();
        // Built again, since only this has a progress to look at.
        fs::remove_dir_all(cache.path().join("built")).unwrap();
        let notes = Notes::default();
        let (environment, settings) = (&found.environment, &found.settings);
        let wheels = fetch_packages(environment, None, settings, &notes).await.unwrap();
        let name = wheels.wheels().next().unwrap().file_name().unwrap().to_owned();
        let machine = Architecture::of_this_machine().unwrap().machine();
        let notes = notes.0.into_inner().unwrap();
        let notes: Vec<_> = notes.iter().map(|note| note.replace(machine, "x86_64")).collect();
        assert_eq!(notes, expected);
        let compiled = name.to_string_lossy().contains("cp311");
        assert_eq!(compiled, expected.is_empty(), "{name:?}");
    }
}
