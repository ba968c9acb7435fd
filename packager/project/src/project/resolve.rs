//! Merging the inference configuration and the flags into one project.

use std::path::{Path, PathBuf};

use super::listing::normal;
use super::{
    CondaSource, Error, InferenceConfig, Model, ModelSpec, Project, ProjectOptions, Result,
    Runtime, SourceDirectory,
};

/// Name of the packed source folder if the path as written has none (`.`). The name of the folder on
/// this machine would make two builds differ.
const NAMELESS_SOURCE: &str = "source";

impl Project {
    /// Merges configuration and flags. A path is relative to the source directory if it exists
    /// there, else to `cwd` (docs/azureml-2019.md#2.3: the SDK does the one, the CLI the other).
    ///
    /// # Errors
    /// [`Error::MissingKey`] without an entry script, or for a flat file without a runtime.
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
        let conda = match (options.conda_file, inline) {
            (Some(written), _) => Some(CondaSource::File(find(&written, folder, cwd))),
            (None, Some(inline)) => {
                lines.insert("condaDependencies", inline.line);
                Some(CondaSource::Inline(inline.value.clone()))
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
            server: options.server.unwrap_or_default(),
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

/// Resolves a written path on this machine; on Windows it may have been written with `\`
/// (docs/azureml-2019.md#2.3).
fn host_path(written: &str, folder: &Path) -> PathBuf {
    let literal = normal(&folder.join(written));
    if written.contains('\\') && !literal.exists() {
        normal(&folder.join(written.replace('\\', "/")))
    } else {
        literal
    }
}

/// Resolves a written path in the source directory, or in the working directory if it exists only
/// there.
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
            // The same model given twice is one model.
            Ok(model) if models.contains(&model) => {}
            Ok(model) => models.push(model),
            Err(error) => errors.push(error),
        }
    }
    (models, errors)
}

#[cfg(test)]
mod tests;
