//! An `mlruns` folder: a folder for each experiment, in it one for each run and each logged model, each with `meta.yaml`.

use std::fs;
use std::path::{Path, PathBuf};

use mlpack_documents::{Document, Format, Value, read_text};

use super::local::LocalStore;
use super::{LoggedModel, Run};
use crate::{Error, Result};

/// What describes an experiment, a run or a model.
const META: &str = "meta.yaml";

/// The folder.
pub(super) struct RunsFolder {
    path: PathBuf,
    name: String,
}

/// The values of a `meta.yaml`.
struct Meta(Document);

impl Meta {
    fn text(&self, key: &str) -> Option<String> {
        let Value::Map(entries) = &self.0.root.value else { return None };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        entry.node.scalar().map(str::to_owned)
    }

    fn number(&self, key: &str) -> i64 {
        self.text(key).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// Whether it was not deleted.
    fn is_active(&self) -> bool {
        self.text("lifecycle_stage").is_none_or(|stage| stage == "active" || stage == "1")
    }
}

impl RunsFolder {
    pub(super) fn open(path: &Path, name: &str) -> Result<Self> {
        let folder = Self { path: path.to_owned(), name: name.to_owned() };
        folder.folders(path)?;
        Ok(folder)
    }

    /// Returns the folders in a folder that have a `meta.yaml`.
    fn folders(&self, path: &Path) -> Result<Vec<(PathBuf, Meta)>> {
        let entries = fs::read_dir(path).map_err(Error::io("read", path))?;
        let mut found = Vec::new();
        for entry in entries.flatten() {
            if let Some(meta) = self.meta(&entry.path())? {
                found.push((entry.path(), meta));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    fn meta(&self, folder: &Path) -> Result<Option<Meta>> {
        let path = folder.join(META);
        if !path.is_file() {
            return Ok(None);
        }
        let text = read_text(&path).map_err(Error::io("read", &path))?;
        let document = Document::parse(&path, &text, Format::Yaml).map_err(|error| {
            Error::Store { store: self.name.clone(), reason: error.to_string() }
        })?;
        Ok(Some(Meta(document)))
    }

    fn experiment_folders(&self) -> Result<Vec<(PathBuf, Meta)>> {
        self.folders(&self.path)
    }
}

fn id_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn run(folder: &Path, meta: &Meta) -> Run {
    Run {
        id: id_of(folder),
        experiment: meta.text("experiment_id").unwrap_or_default(),
        // The folder may have been moved.
        artifacts: folder.join("artifacts").display().to_string(),
    }
}

impl LocalStore for RunsFolder {
    fn name(&self) -> &str {
        &self.name
    }

    fn experiment(&self, name: &str) -> Result<Option<String>> {
        let all = self.experiment_folders()?;
        let found = all.iter().find(|(_, meta)| meta.text("name").as_deref() == Some(name));
        Ok(found.map(|(folder, _)| id_of(folder)))
    }

    fn experiment_name(&self, id: &str) -> Result<Option<String>> {
        Ok(self.meta(&self.path.join(id))?.and_then(|meta| meta.text("name")))
    }

    fn experiments(&self) -> Result<Vec<String>> {
        let all = self.experiment_folders()?;
        Ok(all.iter().filter_map(|(_, meta)| meta.text("name")).collect())
    }

    fn run(&self, id: &str) -> Result<Option<Run>> {
        // A name with a separator is no run's.
        if id_of(Path::new(id)) != id {
            return Ok(None);
        }
        for (experiment, _) in self.experiment_folders()? {
            let folder = experiment.join(id);
            if let Some(meta) = self.meta(&folder)? {
                return Ok(Some(run(&folder, &meta)));
            }
        }
        Ok(None)
    }

    fn newest_run(&self, experiment: &str) -> Result<Option<Run>> {
        let all = self.folders(&self.path.join(experiment))?;
        let active = all.iter().filter(|(_, meta)| meta.is_active());
        let newest = active.max_by_key(|(_, meta)| meta.number("start_time"));
        Ok(newest.map(|(folder, meta)| run(folder, meta)))
    }

    fn models(&self, run: &Run) -> Result<Vec<LoggedModel>> {
        let folder = self.path.join(&run.experiment).join("models");
        if !folder.is_dir() {
            // MLflow before version 3.
            return Ok(Vec::new());
        }
        let mut all = self.folders(&folder)?;
        all.retain(|(_, meta)| {
            meta.text("source_run_id").as_ref() == Some(&run.id) && meta.is_active()
        });
        all.sort_by_key(|(_, meta)| -meta.number("creation_timestamp"));
        let model = |(folder, meta): (PathBuf, Meta)| LoggedModel {
            id: id_of(&folder),
            name: meta.text("name").unwrap_or_default(),
            artifacts: folder.join("artifacts").display().to_string(),
        };
        Ok(all.into_iter().map(model).collect())
    }
}
