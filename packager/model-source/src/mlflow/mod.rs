//! Models in the runs of MLflow: on a tracking server, in its SQLite database, or in an `mlruns` folder.
//!
//! An artifact is looked up among those of the run, and then among the models that the run has logged: from version 3 on,
//! MLflow keeps a model beside its run.

mod database;
mod folder;
mod local;
mod server;

use std::path::{Path, PathBuf};

use mlpack_oci::Progress;
use url::Url;

use crate::{Downloader, Error, Login, Result};
use database::Database;
use folder::RunsFolder;
use server::Server;

/// Default stores of MLflow: of version 3, and of earlier ones.
const DEFAULTS: [&str; 2] = ["mlflow.db", "mlruns"];

/// An artifact of a run.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// The store as MLflow writes it: `http://HOST`, `sqlite:///FILE`, `file:///FOLDER` or a path.
    pub store: Option<String>,
    /// The experiment; its newest run counts if no run is named.
    pub experiment: Option<String>,
    /// The run.
    pub run: Option<String>,
    /// The path of the artifact, as in `outputs/model.pkl`, or the name of a logged model.
    pub artifact: String,
}

/// An artifact on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file or folder.
    pub path: PathBuf,
    /// The run.
    pub run: String,
    /// The name of its experiment.
    pub experiment: String,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    id: String,
    /// The experiment's id.
    experiment: String,
    /// Where its artifacts are.
    artifacts: String,
}

/// A model that a run has logged.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LoggedModel {
    id: String,
    name: String,
    /// Where its files are.
    artifacts: String,
}

/// Returns whether runs of MLflow are known where a command is run.
pub fn is_near(folder: &Path) -> bool {
    DEFAULTS.iter().any(|name| folder.join(name).exists())
}

/// Finds an artifact; one on a server is downloaded into `into`.
///
/// # Errors
/// [`Error::NoStore`], [`Error::Store`], [`Error::Missing`], [`Error::Storage`], or as [`Downloader::file`].
pub async fn fetch(
    query: &Query,
    folder: &Path,
    login: Login,
    into: &Path,
    progress: &dyn Progress,
) -> Result<Found> {
    let written = match &query.store {
        Some(written) => written.clone(),
        None => {
            let near = DEFAULTS.iter().find(|name| folder.join(name).exists());
            near.map(|name| (*name).to_owned()).ok_or(Error::NoStore)?
        }
    };
    if written.starts_with("http://") || written.starts_with("https://") {
        let url: Url = written.parse().map_err(|error: url::ParseError| Error::Store {
            // There may be a password in it.
            store: "the tracking URI".to_owned(),
            reason: error.to_string(),
        })?;
        let server = Server::new(url, Downloader::new(login)?);
        return server.fetch(query, into, progress).await;
    }
    let path = folder.join(local_path(&written));
    // A few queries of a local file: nothing else waits for them.
    match path.is_dir() {
        true => local::fetch(&RunsFolder::open(&path, &written)?, query, folder, into),
        false => local::fetch(&Database::open(&path, &written)?, query, folder, into),
    }
}

/// Returns the path of a store on this machine, as SQLAlchemy and MLflow write it.
fn local_path(written: &str) -> &str {
    let prefixes = ["sqlite:///", "file://"];
    prefixes.iter().find_map(|prefix| written.strip_prefix(prefix)).unwrap_or(written)
}

/// Returns the error for a missing run or artifact.
fn missing(what: String, store: &str, mut present: Vec<String>) -> Error {
    present.sort();
    present.dedup();
    present.truncate(20);
    Error::Missing { what, store: store.to_owned(), present }
}

/// Splits the path of an artifact into the name of a logged model and what is in it.
fn model_and_rest(artifact: &str) -> (&str, &str) {
    let artifact = artifact.trim_matches('/');
    artifact.split_once('/').unwrap_or((artifact, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_written_as_mlflow_writes_them() {
        assert_eq!(local_path("sqlite:///mlflow.db"), "mlflow.db");
        assert_eq!(local_path("sqlite:////data/mlflow.db"), "/data/mlflow.db");
        assert_eq!(local_path("file:///data/mlruns"), "/data/mlruns");
        assert_eq!(local_path("./mlruns"), "./mlruns");
        assert_eq!(model_and_rest("model/data/x.pkl"), ("model", "data/x.pkl"));
        assert_eq!(model_and_rest("model/"), ("model", ""));
    }
}
