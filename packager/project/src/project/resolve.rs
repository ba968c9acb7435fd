//! The file and the flags become one project.

use std::path::{Path, PathBuf};

use super::listing::normal;
use super::{
    CondaSource, Error, InferenceConfig, Model, ModelSpec, Project, ProjectOptions, Result,
    Runtime, SourceDirectory,
};

/// Name of the packed source folder if the path as written has none (`.`): the name of the folder
/// on this machine would make two builds differ.
const NAMELESS_SOURCE: &str = "source";

impl Project {
    /// Puts file and flags together. Paths are relative to the source directory where something is
    /// there, else to `cwd` (docs/azureml-2019.md#2.3: the SDK does the one, the CLI the other).
    ///
    /// # Errors
    /// [`Error::MissingKey`] for no entry script, or a flat file without runtime.
    pub fn resolve(
        config: Option<&InferenceConfig>,
        flags: &ProjectOptions,
        models: &[ModelSpec],
        cwd: &Path,
    ) -> Result<Self> {
        let file = config.map(|config| &config.path);
        let environment = config.and_then(|config| config.environment.as_ref()).map(|e| &e.value);
        let mut options = config.map(|config| config.options.clone()).unwrap_or_default();
        let mut flat_keys = Vec::new();
        if let Some(environment) = environment {
            flat_keys = options.take_replaced();
            options.overlay(&environment.options());
        }
        options.overlay(flags);
        let missing = |key, flag| Error::MissingKey { path: file.cloned(), key, flag };
        let entry = options.entry_script.ok_or_else(|| missing("entryScript", "--entry-script"))?;
        let runtime = match options.runtime {
            Some(runtime) => runtime,
            None if file.is_some() && environment.is_none() => {
                return Err(missing("runtime", "--runtime"));
            }
            None => Runtime::Python,
        };
        let mut lines = options.lines;
        let source_directory =
            options.source_directory.map(|written| SourceDirectory::find(&written, cwd));
        let folder = source_directory.as_ref().map(|source| source.path.as_path());
        let inline = environment.and_then(|environment| environment.conda_inline.as_ref());
        let conda = match (options.conda_file, inline, file) {
            (Some(written), _, _) => Some(CondaSource::File(find(&written, folder, cwd))),
            (None, Some(inline), Some(path)) => {
                lines.insert("condaDependencies", inline.line);
                Some(CondaSource::Inline { text: inline.value.clone(), path: path.clone() })
            }
            _ => None,
        };
        let (models, model_errors) = load_models(models, cwd);
        Ok(Self {
            config: file.cloned(),
            entry_script: find(&entry, folder, cwd),
            conda,
            models,
            model_errors,
            runtime,
            gpu: options.enable_gpu.unwrap_or_default(),
            cuda_version: options.cuda_version.map(|version| version.0),
            base_image: options.base_image,
            registry: options.registry,
            docker_steps: options.docker_steps.map(|written| find(&written, folder, cwd)),
            context: folder.map_or_else(|| normal(cwd), Path::to_owned),
            source_directory,
            environment_variables: options.environment_variables.into_iter().collect(),
            description: options.description,
            flat_keys,
            environment: environment.cloned(),
            lines,
        })
    }
}

impl SourceDirectory {
    fn find(written: &str, cwd: &Path) -> Self {
        let path = host_path(written, cwd);
        let last = Path::new(written.trim_end_matches(['/', '\\'])).components().next_back();
        let name = match last {
            Some(std::path::Component::Normal(_)) => {
                path.file_name().and_then(|name| name.to_str())
            }
            _ => None,
        };
        Self { name: name.unwrap_or(NAMELESS_SOURCE).to_owned(), path }
    }
}

/// A written path on this machine; Windows authors write `\` (docs/azureml-2019.md#2.3).
fn host_path(written: &str, folder: &Path) -> PathBuf {
    let literal = normal(&folder.join(written));
    if written.contains('\\') && !literal.exists() {
        normal(&folder.join(written.replace('\\', "/")))
    } else {
        literal
    }
}

/// In the source directory if it is there, else in the working directory if it is there.
fn find(written: &str, source: Option<&Path>, cwd: &Path) -> PathBuf {
    let Some(source) = source else { return host_path(written, cwd) };
    let (first, second) = (host_path(written, source), host_path(written, cwd));
    if !first.exists() && second.exists() { second } else { first }
}

fn load_models(specs: &[ModelSpec], cwd: &Path) -> (Vec<Model>, Vec<Error>) {
    let mut models: Vec<Model> = Vec::new();
    let mut errors = Vec::new();
    for spec in specs {
        match Model::load(spec, cwd) {
            // The very same model twice is one model.
            Ok(model) if models.contains(&model) => {}
            Ok(model) => models.push(model),
            Err(error) => errors.push(error),
        }
    }
    (models, errors)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{RegistryAccess, Secret};
    use super::*;

    /// A working directory with `score.py`, `src/score.py` and `env.yml`.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let cwd = dir.path().canonicalize().unwrap();
        fs::create_dir_all(cwd.join("src/in/.git")).unwrap();
        fs::create_dir_all(cwd.join("src/__pycache__")).unwrap();
        for file in ["score.py", "src/score.py", "src/in/other.py", "src/__pycache__/x", "env.yml"]
        {
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
        let inline = CondaSource::Inline {
            text: "{\"dependencies\":[\"python=3.6\"]}".to_owned(),
            path: "c.yml".into(),
        };
        assert_eq!(project.conda, Some(inline));
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
        assert_eq!(
            error.hint().unwrap(),
            "give --entry-script, or a configuration with `entryScript`"
        );
        let flags = ProjectOptions {
            entry_script: Some("score.py".to_owned()),
            ..ProjectOptions::default()
        };
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
        assert_eq!(
            entry(&cwd.join("score.py").display().to_string(), "src"),
            (None, "src".to_owned())
        );
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
        let owned =
            |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        assert_eq!(packed(None), (owned(&["score.py"]), vec![]));
        assert_eq!(
            packed(Some("src")),
            (
                owned(&["src", "src/in", "src/in/other.py", "src/score.py"]),
                owned(&["src/__pycache__", "src/in/.git"])
            )
        );
    }
}
