//! Serving a project with a Python of this machine, without an image: the loop of editing a script and asking it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use mlpack_oci::pending::PendingFolder;
use mlpack_project::check::Needs;
use mlpack_project::image::{APP_ROOT, MODELS_DIR, models_dir};
use mlpack_project::project::Project;

use crate::checks::{Checks, OnError};
use crate::inputs::Inputs;
use crate::models;
use crate::{Destination, Error, ProjectRequest, Result, Session};

/// A project to serve.
#[derive(Debug, Clone)]
pub struct Request {
    /// The project; what it says about its base image has no meaning here.
    pub project: ProjectRequest,
    /// The interpreter.
    pub python: PathBuf,
    /// Port of 127.0.0.1.
    pub port: u16,
    /// Worker processes.
    pub workers: usize,
}

/// A project laid out as its image would have it, with links to the project's files.
pub struct Plan {
    project: Project,
    environment: BTreeMap<String, String>,
    program: PathBuf,
    worker: PathBuf,
    python: PathBuf,
    app_root: String,
    _folder: PendingFolder,
}

/// What shows that a file has changed.
pub type Mark = (PathBuf, i64, i64, u64, u64);

/// Reads and checks a project, and links its files into an app root.
///
/// # Errors
/// [`Refusal`](crate::Refusal) if a check of the project alone fails, or if a file cannot be read or written.
pub fn plan(session: &Session, request: &Request) -> Result<Plan> {
    let inputs = Inputs::read(session, &request.project)?;
    let destination = Destination::default();
    let mut report = |finding: &_| session.reporter.finding(finding);
    Checks::new(session, &inputs, &destination, &request.project.allow, OnError::Stop, &mut report)
        .run(Needs::Project)?;
    let parent = session.cache.join("serve");
    let cache = |source| Error::Cache { path: parent.clone(), source };
    PendingFolder::sweep(&parent);
    let folder = PendingFolder::new_in(&parent).map_err(cache)?;
    let app_root = folder.path().join("app");
    let Inputs { mut project, conda, .. } = inputs;
    models::materialize(session, &mut project, &folder.path().join("models"))?;
    link(&project, &app_root).map_err(Error::io("link the project in", app_root.display()))?;
    let (program, worker) = session
        .front_door
        .install(&session.platform.architecture, &session.cache.join("front-door"))?;
    let mut environment = variables(&project, &app_root);
    environment.extend(conda.map(|conda| conda.variables).unwrap_or_default());
    environment.extend(project.environment_variables.clone());
    let listen = format!("{}:{}", Ipv4Addr::LOCALHOST, request.port);
    for (name, value) in [
        ("MLPACK_LISTEN", listen),
        ("MLPACK_OPERATIONS_LISTEN", format!("{}:0", Ipv4Addr::LOCALHOST)),
        ("WORKER_COUNT", request.workers.to_string()),
        // A script that does not start is not tried again: it waits for the next edit.
        ("MLPACK_BOOT_ATTEMPTS", "1".to_owned()),
        ("MLPACK_GRACE_MS", "500".to_owned()),
        ("MLPACK_PARENT", std::process::id().to_string()),
    ] {
        environment.insert(name.to_owned(), value);
    }
    let python = request.python.clone();
    let app_root = app_root.display().to_string();
    Ok(Plan { project, environment, program, worker, python, app_root, _folder: folder })
}

impl Plan {
    /// Starts the front door, with its output in pipes. It ends with this process, so it must be started by a thread that
    /// lives as long.
    ///
    /// # Errors
    /// The system's.
    pub fn start(&self) -> Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(["serve", "--"]).arg(&self.python).arg("-B").arg(&self.worker);
        command.envs(&self.environment).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(Error::io("start", self.program.display()))
    }

    /// Returns the app root, a temporary folder of links.
    pub fn app_root(&self) -> &str {
        &self.app_root
    }

    /// Returns what shows whether a file of the project has changed. Files that cannot be read now are left out.
    pub fn marks(&self) -> Vec<Mark> {
        let sources = self.project.source_files().unwrap_or_default().files;
        let models = self.project.models.iter().flat_map(|model| &model.files);
        sources.iter().chain(models).filter_map(|file| mark(&file.host)).collect()
    }

    /// Returns the files whose marks differ, relative to the current directory where they can be.
    pub fn changed(session: &Session, before: &[Mark], now: &[Mark]) -> Vec<String> {
        let only = |these: &[Mark], those: &[Mark]| -> Vec<PathBuf> {
            these.iter().filter(|mark| !those.contains(mark)).map(|mark| mark.0.clone()).collect()
        };
        let mut paths = [only(before, now), only(now, before)].concat();
        paths.sort();
        paths.dedup();
        paths.iter().map(|path| session.relative(path)).collect()
    }
}

fn mark(path: &Path) -> Option<Mark> {
    let found = fs::metadata(path).ok()?;
    Some((path.to_owned(), found.mtime(), found.mtime_nsec(), found.len(), found.ino()))
}

/// Links sources and models to where the image would have them.
fn link(project: &Project, app_root: &Path) -> io::Result<()> {
    fs::create_dir_all(app_root.join(MODELS_DIR))?;
    match &project.source_directory {
        Some(source) => symlink(&source.path, app_root.join(&source.name))?,
        None => {
            let name = project.entry_script.file_name().unwrap_or_default();
            symlink(&project.entry_script, app_root.join(name))?;
        }
    }
    for model in &project.models {
        let folder = app_root.join(MODELS_DIR).join(model.folder());
        fs::create_dir_all(&folder)?;
        symlink(&model.path, folder.join(&model.basename))?;
    }
    Ok(())
}

/// Returns the variables of the contract, with the app root in place of the image's.
fn variables(project: &Project, app_root: &Path) -> BTreeMap<String, String> {
    let root = app_root.display().to_string();
    let mut variables = BTreeMap::new();
    let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value);
    set("AZUREML_ENTRY_SCRIPT", project.entry_script_in_image().unwrap_or_default());
    if let Some(source) = &project.source_directory {
        set("AZUREML_SOURCE_DIRECTORY", source.name.clone());
    }
    let models = project.models.iter().map(|model| (model.name.as_str(), model.version));
    set("AZUREML_MODEL_DIR", models_dir(models).replacen(APP_ROOT, &root, 1));
    set("PYTHONUNBUFFERED", "1".to_owned());
    set("AML_APP_ROOT", root);
    variables
}
