//! Merging configurations and flags.

use std::fs;

use super::super::{RegistryAccess, Secret};
use mlpack_requirements::CondaFile;

use super::*;

/// A working directory with `score.py`, `src/score.py` and `env.yml`.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let cwd = dir.path().canonicalize().unwrap();
    fs::create_dir_all(cwd.join("src/in/.git")).unwrap();
    fs::create_dir_all(cwd.join("src/__pycache__")).unwrap();
    for file in ["score.py", "src/score.py", "src/in/other.py", "src/__pycache__/x", "env.yml"] {
        fs::write(cwd.join(file), "").unwrap();
    }
    (dir, cwd)
}

fn resolve(config: &str, flags: &ProjectOptions, cwd: &Path) -> Result<Project> {
    let config = InferenceConfig::parse(Path::new("c.yml"), config).unwrap();
    Project::resolve(Some(&config), flags, &[], cwd)
}

const FLAT: &str = "entryScript: score.py
runtime: python
condaFile: env.yml
enableGpu: true
baseImage: azureml/x:1
baseImageRegistry: {address: a.io, username: u, password: p}
description: d
";

#[test]
fn a_flag_wins_over_the_file() {
    let (_dir, cwd) = folder();
    let project = resolve(FLAT, &ProjectOptions::default(), &cwd).unwrap();
    assert_eq!(project.entry_script, cwd.join("score.py"));
    assert_eq!(project.conda, Some(CondaSource::File(cwd.join("env.yml"))));
    assert_eq!((project.runtime, project.gpu), (Runtime::Python, true));
    assert_eq!(project.base_reference().unwrap(), "a.io/azureml/x:1");
    assert_eq!(project.place_of("enableGpu"), Some((PathBuf::from("c.yml"), 4)));
    let flags = ProjectOptions {
        entry_script: Some("src/score.py".to_owned()),
        conda_file: Some("other.yml".to_owned()),
        runtime: Some(Runtime::SparkPy),
        enable_gpu: Some(false),
        base_image: Some("b.io/y@sha256:0".to_owned()),
        registry: Some(RegistryAccess {
            address: Some("https://b.io/".to_owned()),
            password: Some(Secret::new("q")),
            ..RegistryAccess::default()
        }),
        description: Some("e".to_owned()),
        environment_variables: vec![("A".to_owned(), "1".to_owned())],
        ..ProjectOptions::default()
    };
    let project = resolve(FLAT, &flags, &cwd).unwrap();
    assert_eq!(project.entry_script, cwd.join("src/score.py"));
    assert_eq!(project.conda, Some(CondaSource::File(cwd.join("other.yml"))));
    assert_eq!((project.runtime, project.gpu), (Runtime::SparkPy, false));
    assert_eq!(project.base_reference().unwrap(), "b.io/y@sha256:0");
    assert_eq!(
        project.registry,
        Some(RegistryAccess {
            address: Some("https://b.io/".to_owned()),
            username: Some("u".to_owned()),
            password: Some(Secret::new("q")),
        })
    );
    assert_eq!(project.description.as_deref(), Some("e"));
    assert_eq!(project.environment_variables, [("A".to_owned(), "1".to_owned())].into());
    assert_eq!(project.place_of("enableGpu"), None);
}

#[test]
fn the_environment_replaces_the_flat_keys() {
    let (_dir, cwd) = folder();
    let text = "entryScript: score.py
condaFile: gone.yml
environment:
  environmentVariables: {A: 1, B: 2}
  python:
    condaDependencies:
      dependencies: [python=3.6]
  docker: {baseImage: x}
";
    let flags = ProjectOptions {
        environment_variables: vec![("B".to_owned(), "3".to_owned())],
        ..ProjectOptions::default()
    };
    let project = resolve(text, &flags, &cwd).unwrap();
    let Some(CondaSource::Inline(document)) = &project.conda else { panic!("{:?}", project.conda) };
    let file = CondaFile::read(document).unwrap();
    assert_eq!((file.path.to_str(), file.dependencies[0].line), (Some("c.yml"), 7));
    assert_eq!((project.runtime, project.base_image.as_deref()), (Runtime::Python, Some("x")));
    assert_eq!(project.flat_keys, [("condaFile", 2)]);
    let variables = [("A", "1"), ("B", "3")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(project.environment_variables, variables.into());
}

#[test]
fn missing_keys_are_named() {
    let (_dir, cwd) = folder();
    let message = |config: &str| {
        let error = resolve(config, &ProjectOptions::default(), &cwd).unwrap_err();
        (error.to_string(), error.hint().unwrap())
    };
    assert_eq!(
        message("runtime: python"),
        (
            "c.yml: `entryScript` is missing".to_owned(),
            "add `entryScript` to the file, or give --entry-script".to_owned()
        )
    );
    assert_eq!(message("entryScript: score.py").0, "c.yml: `runtime` is missing");
    let error = Project::resolve(None, &ProjectOptions::default(), &[], &cwd).unwrap_err();
    assert_eq!(error.to_string(), "`entryScript` is missing");
    assert_eq!(error.hint().unwrap(), "give --entry-script, or a configuration with `entryScript`");
    let flags =
        ProjectOptions { entry_script: Some("score.py".to_owned()), ..ProjectOptions::default() };
    assert_eq!(Project::resolve(None, &flags, &[], &cwd).unwrap().runtime, Runtime::Python);
}

#[test]
fn the_source_directory_comes_first_then_the_working_directory() {
    let (_dir, cwd) = folder();
    let entry = |entry: &str, source: &str| {
        let flags = ProjectOptions {
            entry_script: Some(entry.to_owned()),
            source_directory: Some(source.to_owned()),
            conda_file: Some("env.yml".to_owned()),
            ..ProjectOptions::default()
        };
        let project = Project::resolve(None, &flags, &[], &cwd).unwrap();
        assert_eq!(project.conda, Some(CondaSource::File(cwd.join("env.yml"))));
        assert_eq!(
            project.context,
            cwd.join(source.trim_end_matches('/').replace('\\', "/"))
                .components()
                .collect::<PathBuf>()
        );
        (project.entry_script_in_image(), project.source_directory.unwrap().name)
    };
    let named = |path: &str, name: &str| (Some(path.to_owned()), name.to_owned());
    assert_eq!(entry("score.py", "src"), named("src/score.py", "src"));
    assert_eq!(entry("src/score.py", "src/"), named("src/score.py", "src"));
    assert_eq!(entry("other.py", "src\\in"), named("in/other.py", "in"));
    // The folder's own name must not show: two checkouts are one build.
    assert_eq!(entry("score.py", "."), named("source/score.py", "source"));
    let absolute = cwd.join("src").display().to_string();
    assert_eq!(entry("score.py", &absolute), named("src/score.py", "src"));
    assert_eq!(entry(&cwd.join("score.py").display().to_string(), "src"), (None, "src".to_owned()));
}

#[test]
fn what_is_packed() {
    let (_dir, cwd) = folder();
    let packed = |source: Option<&str>| {
        let flags = ProjectOptions {
            entry_script: Some("score.py".to_owned()),
            source_directory: source.map(str::to_owned),
            ..ProjectOptions::default()
        };
        let project = Project::resolve(None, &flags, &[], &cwd).unwrap();
        let listing = project.source_files().unwrap();
        let paths: Vec<_> = listing.files.into_iter().map(|file| file.path).collect();
        (paths, listing.left_out)
    };
    let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    assert_eq!(packed(None), (owned(&["score.py"]), vec![]));
    assert_eq!(
        packed(Some("src")),
        (
            owned(&["src", "src/in", "src/in/other.py", "src/score.py"]),
            owned(&["src/__pycache__", "src/in/.git"])
        )
    );
}
