//! A tracking server of MLflow, by its REST interface (mlflow.org, "REST API"). Artifacts come through the server, wherever
//! it keeps them.

use std::path::{Component, Path, PathBuf};

use mlpack_oci::Progress;
use serde_json::{Value, json};
use url::Url;

use super::{Found, LoggedModel, Query, Run, missing, model_and_rest};
use crate::{Downloader, Error, Result};

/// The most files of one artifact.
const MAX_FILES: usize = 100_000;

/// The server.
pub(super) struct Server {
    url: Url,
    http: Downloader,
}

/// Whose artifacts are listed and downloaded.
enum Owner<'a> {
    Run(&'a Run),
    Model(&'a LoggedModel),
}

/// A file or directory in a list of artifacts.
struct Listed {
    path: String,
    is_directory: bool,
}

impl Server {
    pub(super) fn new(mut url: Url, http: Downloader) -> Self {
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Self { url, http }
    }

    /// Finds an artifact and downloads it into a folder.
    pub(super) async fn fetch(
        &self,
        query: &Query,
        into: &Path,
        progress: &dyn Progress,
    ) -> Result<Found> {
        let run = self.find_run(query).await?;
        let experiment = self.experiment_name(&run.experiment).await?;
        if let Some(wanted) = query.experiment.as_ref().filter(|wanted| **wanted != experiment) {
            let what =
                format!("run `{}` is of experiment `{experiment}`, not of `{wanted}`", run.id);
            return Err(missing(what, &self.name(), Vec::new()));
        }
        let models = self.models(&run).await?;
        let (model, rest) = model_and_rest(&query.artifact);
        let of_run = (Owner::Run(&run), query.artifact.trim_matches('/'));
        let of_models = models.iter().filter(|found| found.name == model);
        let of_models = of_models.map(|found| (Owner::Model(found), rest));
        let mut present: Vec<String> = models.iter().map(|found| found.name.clone()).collect();
        for (owner, path) in [of_run].into_iter().chain(of_models) {
            let name = Path::new(if path.is_empty() { model } else { path });
            let target = into.join(name.file_name().unwrap_or_default());
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let beside = self.list(&owner, parent).await?;
            let found = beside.iter().find(|listed| listed.path.trim_end_matches('/') == path);
            match found {
                _ if path.is_empty() => self.directory(&owner, "", &target, progress).await?,
                Some(Listed { is_directory: true, .. }) => {
                    self.directory(&owner, path, &target, progress).await?;
                }
                Some(_) => {
                    let url = self.file_url(&owner, path)?;
                    self.http.file(&url, &target, progress).await?;
                }
                None => {
                    present.extend(beside.into_iter().map(|listed| listed.path));
                    continue;
                }
            }
            return Ok(Found { path: target, run: run.id.clone(), experiment });
        }
        let what = format!("run `{}` has no artifact `{}`", run.id, query.artifact);
        Err(missing(what, &self.name(), present))
    }

    async fn find_run(&self, query: &Query) -> Result<Run> {
        if let Some(id) = &query.run {
            let url = self.at("api/2.0/mlflow/runs/get", &[("run_id", id)])?;
            let found = self.http.json(&url, None).await?;
            let none = || missing(format!("there is no run `{id}`"), &self.name(), Vec::new());
            return run_of(&found.ok_or_else(none)?["run"])
                .ok_or_else(|| self.unexpected("no run"));
        }
        let name = query.experiment.as_deref().unwrap_or("Default");
        let url =
            self.at("api/2.0/mlflow/experiments/get-by-name", &[("experiment_name", name)])?;
        let found = self.http.json(&url, None).await?;
        let none = || missing(format!("there is no experiment `{name}`"), &self.name(), Vec::new());
        let id = &found.ok_or_else(none)?["experiment"]["experiment_id"];
        let body = json!({
            "experiment_ids": [id], "max_results": 1, "order_by": ["attributes.start_time DESC"],
        });
        let runs = self.post("api/2.0/mlflow/runs/search", &body).await?;
        let none = || missing(format!("experiment `{name}` has no run"), &self.name(), Vec::new());
        run_of(&runs["runs"][0]).ok_or_else(none)
    }

    async fn experiment_name(&self, id: &str) -> Result<String> {
        let url = self.at("api/2.0/mlflow/experiments/get", &[("experiment_id", id)])?;
        let found = self.http.json(&url, None).await?.unwrap_or_default();
        Ok(found["experiment"]["name"].as_str().unwrap_or_default().to_owned())
    }

    /// Returns the models that a run has logged, the newest first; none on a server before version 3.
    async fn models(&self, run: &Run) -> Result<Vec<LoggedModel>> {
        let filter = format!("source_run_id = '{}'", run.id);
        let body = json!({
            "experiment_ids": [run.experiment], "filter": filter,
            "order_by": [{"field_name": "creation_timestamp", "ascending": false}],
        });
        let url = self.at("api/2.0/mlflow/logged-models/search", &[])?;
        let found = self.http.json(&url, Some(&body)).await?.unwrap_or_default();
        let model = |found: &Value| {
            let text = |key: &str| found["info"][key].as_str().map(str::to_owned);
            Some(LoggedModel {
                id: text("model_id")?,
                name: text("name")?,
                artifacts: text("artifact_uri").unwrap_or_default(),
            })
        };
        Ok(found["models"].as_array().into_iter().flatten().filter_map(model).collect())
    }

    async fn list(&self, owner: &Owner<'_>, path: &str) -> Result<Vec<Listed>> {
        let url = match owner {
            Owner::Run(run) => {
                self.at("api/2.0/mlflow/artifacts/list", &[("run_id", &run.id), ("path", path)])?
            }
            Owner::Model(model) => {
                let call =
                    format!("api/2.0/mlflow/logged-models/{}/artifacts/directories", model.id);
                self.at(&call, &[("artifact_directory_path", path)])?
            }
        };
        let found = self.http.json(&url, None).await?.unwrap_or_default();
        if found["next_page_token"].as_str().is_some_and(|token| !token.is_empty()) {
            return Err(self.unexpected("a list of artifacts in several pages"));
        }
        let listed = |file: &Value| {
            let is_directory = file["is_dir"].as_bool().unwrap_or(false);
            Some(Listed { path: file["path"].as_str()?.to_owned(), is_directory })
        };
        Ok(found["files"].as_array().into_iter().flatten().filter_map(listed).collect())
    }

    /// Downloads all files of a directory.
    async fn directory(
        &self,
        owner: &Owner<'_>,
        path: &str,
        target: &Path,
        progress: &dyn Progress,
    ) -> Result<()> {
        let mut waiting = vec![path.to_owned()];
        let mut count = 0;
        while let Some(directory) = waiting.pop() {
            let folder = self.within(target, path, &directory)?;
            std::fs::create_dir_all(&folder).map_err(Error::io("write", &folder))?;
            for listed in self.list(owner, &directory).await? {
                count += 1;
                if count > MAX_FILES {
                    return Err(self.unexpected("more than 100000 files in one artifact"));
                }
                if listed.is_directory {
                    waiting.push(listed.path);
                    continue;
                }
                let file = self.within(target, path, &listed.path)?;
                self.http.file(&self.file_url(owner, &listed.path)?, &file, progress).await?;
            }
        }
        match count {
            0 => Err(missing(format!("artifact `{path}` is empty"), &self.name(), Vec::new())),
            _ => Ok(()),
        }
    }

    /// Returns where a listed path belongs below `target`, which stands for `root`.
    fn within(&self, target: &Path, root: &str, path: &str) -> Result<PathBuf> {
        let relative = Path::new(path).strip_prefix(root);
        let relative = relative.map_err(|_| self.unexpected("a path outside its directory"))?;
        match relative.components().all(|part| matches!(part, Component::Normal(_))) {
            true => Ok(target.join(relative)),
            false => Err(self.unexpected("a path outside its directory")),
        }
    }

    fn file_url(&self, owner: &Owner<'_>, path: &str) -> Result<Url> {
        match owner {
            Owner::Run(run) => self.at("get-artifact", &[("path", path), ("run_uuid", &run.id)]),
            Owner::Model(model) => {
                let call =
                    format!("ajax-api/2.0/mlflow/logged-models/{}/artifacts/files", model.id);
                self.at(&call, &[("artifact_file_path", path)])
            }
        }
    }

    async fn post(&self, call: &str, body: &Value) -> Result<Value> {
        let url = self.at(call, &[])?;
        let found = self.http.json(&url, Some(body)).await?;
        found.ok_or_else(|| self.unexpected("no such call"))
    }

    fn at(&self, call: &str, query: &[(&str, &str)]) -> Result<Url> {
        let mut url = self.url.join(call).map_err(|_| self.unexpected("an invalid name"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn unexpected(&self, reason: &str) -> Error {
        Error::Answer { url: self.name(), reason: reason.to_owned() }
    }

    /// The address without secrets.
    fn name(&self) -> String {
        crate::download::show(&self.url)
    }
}

fn run_of(found: &Value) -> Option<Run> {
    let info = &found["info"];
    let text = |key: &str| info[key].as_str().map(str::to_owned);
    Some(Run {
        id: text("run_id").or_else(|| text("run_uuid"))?,
        experiment: text("experiment_id")?,
        artifacts: text("artifact_uri").unwrap_or_default(),
    })
}
