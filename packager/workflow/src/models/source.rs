//! Where a model to register is from.

use std::path::PathBuf;

use mlpack_model_source::mlflow::{self, Query};
use mlpack_model_source::{Downloader, Login, is_archive, show, unpack};
use mlpack_oci::pending::PendingFolder;

use crate::{Argument, Error, Result, Session};

/// A model that is not registered yet.
#[derive(Debug, Clone)]
pub enum ModelSource {
    /// A file or folder.
    Path(PathBuf),
    /// A file at an http or https URL.
    Url(String),
    /// An artifact of a run of MLflow.
    Run(Query),
}

/// A source as a file or folder of this machine.
pub(super) struct Fetched {
    /// The file or folder.
    pub(super) path: PathBuf,
    /// Run and experiment, if it is from one.
    pub(super) run: Option<(String, String)>,
    /// Removes what was downloaded or unpacked.
    _staged: Option<PendingFolder>,
}

/// Downloads and unpacks a source, as far as it needs that.
///
/// # Errors
/// If it cannot be read. Nothing is left of it then.
pub(super) fn fetch(
    session: &Session,
    source: &ModelSource,
    login: Login,
    is_packed: bool,
) -> Result<Fetched> {
    if let (ModelSource::Path(path), false) = (source, is_packed) {
        return Ok(Fetched { path: session.cwd.join(path), run: None, _staged: None });
    }
    let staging = session.staging();
    PendingFolder::sweep(&staging);
    let cache = |source| Error::Cache { path: staging.clone(), source };
    let staged = PendingFolder::new_in(&staging).map_err(cache)?;
    let folder = staged.path().join("fetched");
    std::fs::create_dir_all(&folder).map_err(cache)?;
    let mut run = None;
    let mut path = match source {
        ModelSource::Path(path) => session.cwd.join(path),
        ModelSource::Url(written) => {
            let (url, name) = file_name(written)?;
            let path = folder.join(name);
            let http = Downloader::new(Login::default())?;
            session.runtime.block_on(http.file(&url, &path, &*session.progress))?;
            path
        }
        ModelSource::Run(query) => {
            let found = mlflow::fetch(query, &session.cwd, login, &folder, &*session.progress);
            let found = session.runtime.block_on(found)?;
            run = Some((found.run, found.experiment));
            found.path
        }
    };
    if is_packed {
        if !is_archive(&path) {
            return Err(Argument::Model {
                message: format!("{} is not a .tar.gz archive", session.relative(&path)),
                hint: "omit `--unpack` to register the file as it is".to_owned(),
            }
            .into());
        }
        let stem = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = stem.trim_end_matches(".tgz").trim_end_matches(".tar.gz").to_owned();
        path = unpack(&path, &staged.path().join("unpacked").join(stem))?;
    }
    Ok(Fetched { path, run, _staged: Some(staged) })
}

/// Returns the URL and the last part of its path.
fn file_name(written: &str) -> Result<(url::Url, String)> {
    let wrong = |message: String| Argument::Model {
        message,
        hint: "name a file, as in https://example.com/models/model.onnx".to_owned(),
    };
    // What cannot be parsed is not printed: there may be a password in it.
    let url: url::Url = written
        .parse()
        .map_err(|error: url::ParseError| wrong(format!("`--model-path` is not a URL: {error}")))?;
    let name = url.path_segments().and_then(Iterator::last).unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
    let is_name =
        !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']);
    match is_name {
        true => Ok((url, name)),
        false => {
            let shown = show(&url);
            Err(wrong(format!(
                "cannot download {shown}: its path does not end with the name of a file"
            ))
            .into())
        }
    }
}
