//! Merging the inference configuration and the flags into one project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mlpack_documents::{Document, Located};

use super::listing::normal;
use super::{
    CondaSource, EnvironmentForm, Error, InferenceConfig, Model, ModelSpec, Overrides, Project,
    RegistryAccess, Result, Runtime, SourceDirectory,
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
        overrides: &Overrides,
        models: &[ModelSpec],
        cwd: &Path,
    ) -> Result<Self> {
        let mut values = Values::new(config);
        let Values { flat, environment, .. } = values;
        let source = config.and_then(|config| config.source_directory.as_ref());
        let source = values.take("sourceDirectory", overrides.source_directory.as_ref(), source);
        let source_directory = source.map(|written| SourceDirectory::find(&written, cwd));
        let folder = source_directory.as_ref().map(|source| source.path.as_path());
        let locate = |written: &str| find(written, folder, cwd);
        let entry_script = locate(&values.entry_script(overrides)?);
        let steps = flat.and_then(|flat| flat.docker_steps.as_ref());
        let steps = values.take("extraDockerfileSteps", overrides.docker_steps.as_ref(), steps);
        let cuda = flat.and_then(|flat| flat.cuda_version.as_ref());
        let description = config.and_then(|config| config.description.as_ref());
        let gpu = flat.and_then(|flat| flat.enable_gpu.as_ref());
        let (models, model_errors) = load_models(models, cwd);
        Ok(Self {
            config: config.map(|config| config.path.clone()),
            entry_script,
            conda: values.conda(overrides, locate),
            models,
            model_errors,
            runtime: values.runtime(overrides)?,
            gpu: values.take("enableGpu", overrides.enable_gpu.as_ref(), gpu).unwrap_or(false),
            cuda_version: values.take("cudaVersion", overrides.cuda_version.as_ref(), cuda),
            base_image: values.base_image(overrides),
            registry: values.registry(overrides),
            docker_steps: steps.map(|written| locate(&written)),
            context: folder.map_or_else(|| normal(cwd), Path::to_owned),
            environment_variables: values.environment_variables(overrides),
            description: values.take("description", overrides.description.as_ref(), description),
            flat_keys: values.overridden_keys(),
            environment: environment.cloned(),
            lines: values.lines,
            source_directory,
        })
    }
}

/// The values of the configuration that are in force, and the lines of those that were used.
struct Values<'a> {
    config: Option<&'a InferenceConfig>,
    /// The `environment`, which replaces the flat keys.
    environment: Option<&'a EnvironmentForm>,
    /// The configuration if its flat keys are in force.
    flat: Option<&'a InferenceConfig>,
    lines: BTreeMap<&'static str, usize>,
}

impl<'a> Values<'a> {
    fn new(config: Option<&'a InferenceConfig>) -> Self {
        let environment = config.and_then(|config| config.environment.as_ref());
        let flat = config.filter(|_| environment.is_none());
        let environment = environment.map(|environment| &environment.value);
        Self { config, environment, flat, lines: BTreeMap::new() }
    }

    /// Returns the flag, or the value of the file, whose line is then kept.
    fn take<T: Clone>(
        &mut self,
        key: &'static str,
        flag: Option<&T>,
        file: Option<&Located<T>>,
    ) -> Option<T> {
        if let Some(flag) = flag {
            return Some(flag.clone());
        }
        let file = file?;
        self.lines.insert(key, file.line);
        Some(file.value.clone())
    }

    fn missing(&self, key: &'static str, flag: &'static str) -> Error {
        Error::MissingKey { path: self.config.map(|config| config.path.clone()), key, flag }
    }

    fn entry_script(&mut self, overrides: &Overrides) -> Result<String> {
        let file = self.config.and_then(|config| config.entry_script.as_ref());
        self.take("entryScript", overrides.entry_script.as_ref(), file)
            .ok_or_else(|| self.missing("entryScript", "--entry-script"))
    }

    fn runtime(&mut self, overrides: &Overrides) -> Result<Runtime> {
        let file = self.flat.and_then(|flat| flat.runtime.as_ref());
        match self.take("runtime", overrides.runtime.as_ref(), file) {
            Some(runtime) => Ok(runtime),
            None if self.flat.is_some() => Err(self.missing("runtime", "--runtime")),
            None => Ok(Runtime::Python),
        }
    }

    fn conda(
        &mut self,
        overrides: &Overrides,
        locate: impl Fn(&str) -> PathBuf,
    ) -> Option<CondaSource> {
        let file = match self.environment {
            Some(environment) => environment.conda_file.as_ref(),
            None => self.flat.and_then(|flat| flat.conda_file.as_ref()),
        };
        if let Some(written) = self.take("condaFile", overrides.conda_file.as_ref(), file) {
            return Some(CondaSource::File(locate(&written)));
        }
        let inline = self.environment?.conda_inline.as_ref()?;
        self.lines.insert("condaDependencies", inline.line);
        let path = self.config?.path.clone();
        Some(CondaSource::Inline(Document { path, root: inline.value.clone() }))
    }

    fn base_image(&mut self, overrides: &Overrides) -> Option<String> {
        let file = match self.environment {
            Some(environment) => environment.base_image.as_ref(),
            None => self.flat.and_then(|flat| flat.base_image.as_ref()),
        };
        self.take("baseImage", overrides.base_image.as_ref(), file)
    }

    /// Merges the registry part by part.
    fn registry(&mut self, overrides: &Overrides) -> Option<RegistryAccess> {
        let file = match self.environment {
            Some(environment) => environment.registry.as_ref(),
            None => self.flat.and_then(|flat| flat.registry.as_ref()),
        };
        if let Some(file) = file {
            self.lines.insert("baseImageRegistry", file.line);
        }
        let file = file.map(|file| file.value.clone()).unwrap_or_default();
        let merged = RegistryAccess {
            address: overrides.registry_address.clone().or(file.address),
            username: overrides.registry_username.clone().or(file.username),
            password: overrides.registry_password.clone().or(file.password),
        };
        (!merged.is_empty()).then_some(merged)
    }

    fn environment_variables(&self, overrides: &Overrides) -> BTreeMap<String, String> {
        let file = self.environment.map_or(&[][..], |environment| &environment.variables);
        file.iter().chain(&overrides.environment_variables).cloned().collect()
    }

    /// The flat keys that the `environment` replaces.
    fn overridden_keys(&self) -> Vec<(&'static str, usize)> {
        let config = self.config.filter(|_| self.environment.is_some());
        config.map(InferenceConfig::flat_keys).unwrap_or_default()
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
