//! Artifacts on this machine.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{Found, LoggedModel, Query, Run, local_path, missing, model_and_rest};
use crate::{Error, Result};

/// A store on this machine.
pub(super) trait LocalStore {
    /// As the user wrote it.
    fn name(&self) -> &str;

    /// Returns the id of an experiment by its name.
    fn experiment(&self, name: &str) -> Result<Option<String>>;

    /// Returns the name of an experiment by its id.
    fn experiment_name(&self, id: &str) -> Result<Option<String>>;

    /// Returns the names of all experiments.
    fn experiments(&self) -> Result<Vec<String>>;

    /// Returns a run.
    fn run(&self, id: &str) -> Result<Option<Run>>;

    /// Returns the run of an experiment that started last.
    fn newest_run(&self, experiment: &str) -> Result<Option<Run>>;

    /// Returns the models that a run has logged, the newest first.
    fn models(&self, run: &Run) -> Result<Vec<LoggedModel>>;
}

/// Finds an artifact; paths in the store that are relative begin at `folder`. A link to it may be made in `into`.
pub(super) fn fetch(
    store: &dyn LocalStore,
    query: &Query,
    folder: &Path,
    into: &Path,
) -> Result<Found> {
    let run = find_run(store, query)?;
    let experiment = store.experiment_name(&run.experiment)?.unwrap_or_default();
    if let Some(wanted) = query.experiment.as_ref().filter(|wanted| **wanted != experiment) {
        let what = format!("run `{}` is of experiment `{experiment}`, not of `{wanted}`", run.id);
        return Err(missing(what, store.name(), Vec::new()));
    }
    let root = place(&run.artifacts, folder);
    let (model, rest) = model_and_rest(&query.artifact);
    let models = store.models(&run)?;
    let candidates = root.iter().map(|root| (root.clone(), query.artifact.as_str())).chain(
        models
            .iter()
            .filter(|found| found.name == model)
            .filter_map(|found| Some((place(&found.artifacts, folder)?, rest))),
    );
    for (root, path) in candidates {
        let relative = Path::new(path);
        let is_inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let path = root.join(relative);
        if is_inside && path.exists() {
            // The folder of a whole model is called `artifacts` everywhere; the model has its name.
            let path = match relative.as_os_str().is_empty() {
                true => named(&path, &into.join(model))?,
                false => path,
            };
            return Ok(Found { path, run: run.id, experiment });
        }
    }
    let Some(root) = root else {
        return Err(Error::Storage { run: run.id, uri: run.artifacts });
    };
    let files = fs::read_dir(&root).into_iter().flatten().flatten();
    let files = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let present = files.chain(models.into_iter().map(|found| found.name)).collect();
    let what = format!("run `{}` has no artifact `{}`", run.id, query.artifact);
    Err(missing(what, store.name(), present))
}

fn find_run(store: &dyn LocalStore, query: &Query) -> Result<Run> {
    if let Some(id) = &query.run {
        let run = store.run(id)?;
        return run
            .ok_or_else(|| missing(format!("there is no run `{id}`"), store.name(), Vec::new()));
    }
    let name = query.experiment.as_deref().unwrap_or("Default");
    let Some(id) = store.experiment(name)? else {
        let what = format!("there is no experiment `{name}`");
        return Err(missing(what, store.name(), store.experiments()?));
    };
    let run = store.newest_run(&id)?;
    let none = || missing(format!("experiment `{name}` has no run"), store.name(), Vec::new());
    run.ok_or_else(none)
}

/// Returns a link to a folder under another name.
fn named(folder: &Path, link: &Path) -> Result<PathBuf> {
    let folder = fs::canonicalize(folder).map_err(Error::io("read", folder))?;
    std::os::unix::fs::symlink(folder, link).map_err(Error::io("write", link))?;
    Ok(link.to_owned())
}

/// Returns the folder of an address; `None` for one in another storage.
fn place(uri: &str, folder: &Path) -> Option<PathBuf> {
    // The default `--artifacts-destination` of `mlflow server`.
    if let Some(rest) = uri.strip_prefix("mlflow-artifacts:") {
        let path = rest.trim_start_matches("//").split_once('/').map_or(rest, |(_, path)| path);
        return Some(folder.join("mlartifacts").join(path.trim_start_matches('/')));
    }
    let is_path = !uri.contains("://") || uri.starts_with("file://");
    is_path.then(|| folder.join(local_path(uri)))
}
