//! Which workspace is meant, and the registered models that a request names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlpack_models::{
    ListedFile, RegisteredModel, Selector, WORKSPACE_FILE, Workspace, WorkspaceInfo,
};
use mlpack_oci::Location;
use mlpack_oci::pending::PendingFolder;
use mlpack_project::project::{Model, ModelSpec, PackedFile, PackedKind, StoredLayer};

use super::ModelArgument;
use crate::azure_config::AzureConfig;
use crate::{Argument, Error, Result, Session};

/// The folder of a workspace beside a project.
const FOLDER: &str = ".mlpack";

/// Opens the workspace that is named, or the nearest `.mlpack` from the current directory upwards.
///
/// # Errors
/// [`Argument::NoWorkspace`], or if it cannot be read.
pub fn open(session: &Session) -> Result<Workspace> {
    match find(session)? {
        Some(workspace) => Ok(workspace),
        None => Err(Argument::NoWorkspace.into()),
    }
}

/// Opens the workspace, or makes `.mlpack` in the current directory if none is named or found.
///
/// # Errors
/// As [`open`].
pub fn open_or_create(session: &Session) -> Result<Workspace> {
    match find(session)? {
        Some(workspace) => Ok(workspace),
        None => create(session, &WorkspaceInfo::default()),
    }
}

/// Makes a workspace on disk: the folder that is named, or `.mlpack` in the current directory.
///
/// # Errors
/// If it is in a registry, which needs no creation, or cannot be written.
pub fn create(session: &Session, info: &WorkspaceInfo) -> Result<Workspace> {
    let (folder, place, config) = named(session)?;
    let dir = match place {
        Some(place) if place != FOLDER => folder.join(place),
        _ => session.cwd.join(FOLDER),
    };
    let written = session.relative(&dir);
    let info = &WorkspaceInfo {
        workspace_name: info.workspace_name.clone().or(config.workspace_name),
        resource_group_name: info.resource_group_name.clone().or(config.resource_group_name),
    };
    let created = !dir.join(WORKSPACE_FILE).exists();
    let workspace = Workspace::create(&dir, written.clone(), info)?;
    if created {
        session.progress.note(&format!("Created workspace {written}"));
    }
    Ok(workspace)
}

fn find(session: &Session) -> Result<Option<Workspace>> {
    let (folder, Some(written), _) = named(session)? else { return Ok(None) };
    let dir = folder.join(&written);
    if let (false, Some((registry, prefix))) = (dir.exists(), in_registry(&written)) {
        let location: Location =
            format!("{registry}/{prefix}").parse().map_err(Argument::Location)?;
        session.registries.bind(&location);
        let client = session.registry(None)?;
        let staging = session.staging();
        PendingFolder::sweep(&staging);
        let folder = PendingFolder::new_in(&staging)
            .map_err(|source| Error::Cache { path: staging.clone(), source })?;
        let place = (registry, prefix);
        let runtime = session.runtime.clone();
        return Ok(Some(Workspace::in_registry(client, runtime, place, folder)?));
    }
    if !dir.join(WORKSPACE_FILE).exists() {
        return Ok(None);
    }
    Ok(Some(Workspace::open(&dir, session.relative(&dir))?))
}

/// Returns what names the workspace, the folder that it is relative to, and its names on Azure: what the user says, else
/// the nearest `.mlpack` or file of Azure ML that names one, from the folder upwards.
fn named(session: &Session) -> Result<(PathBuf, Option<String>, WorkspaceInfo)> {
    let mut info = WorkspaceInfo::default();
    for folder in session.workspace_folder.ancestors() {
        let config = AzureConfig::of(folder)?.unwrap_or_default();
        if info == WorkspaceInfo::default() {
            info = config.info;
        }
        if session.workspace.is_some() {
            continue;
        }
        if folder.join(FOLDER).join(WORKSPACE_FILE).is_file() {
            return Ok((folder.to_owned(), Some(FOLDER.to_owned()), info));
        }
        if config.place.is_some() {
            return Ok((folder.to_owned(), config.place, info));
        }
    }
    Ok((session.cwd.clone(), session.workspace.clone(), info))
}

/// Splits `REGISTRY/PREFIX`: the first part has a dot or a port, as in Docker's references.
fn in_registry(written: &str) -> Option<(&str, &str)> {
    let (registry, prefix) = written.split_once('/')?;
    let is_host = registry.contains(':')
        || registry == "localhost"
        || registry.trim_matches('.').contains('.');
    (is_host && !prefix.is_empty() && !registry.starts_with('.'))
        .then(|| (registry, prefix.trim_end_matches('/')))
}

/// Divides models into those from files and those from the workspace.
pub(crate) fn resolve(
    session: &Session,
    arguments: &[ModelArgument],
) -> Result<(Vec<ModelSpec>, Vec<Model>)> {
    let (mut files, mut registered) = (Vec::new(), Vec::new());
    let mut workspace = None;
    for argument in arguments {
        let is_there = |spec: &ModelSpec| session.cwd.join(&spec.path).exists();
        let id = match (&argument.file, &argument.registered) {
            (Some(spec), id) if id.is_none() || is_there(spec) => {
                files.push(spec.clone());
                continue;
            }
            (_, Some(id)) => id,
            (_, None) => continue,
        };
        if workspace.is_none() {
            workspace = find(session)?;
        }
        match (&workspace, &argument.file, &id.1) {
            // Most likely a path with a mistake in it, which the checks report.
            (None, Some(spec), Selector::Latest) => files.push(spec.clone()),
            (None, ..) => return Err(Argument::NoWorkspace.into()),
            (Some(workspace), ..) => {
                same_workspace(&argument.workspace, workspace)?;
                let model = model(&workspace.find(&id.0, &id.1)?);
                if !registered.contains(&model) {
                    registered.push(model);
                }
            }
        }
    }
    Ok((files, registered))
}

/// Refuses a model of a workspace whose names are not those of the one that is used.
fn same_workspace(wanted: &WorkspaceInfo, workspace: &Workspace) -> Result<()> {
    let pairs = [
        ("workspace", &wanted.workspace_name, &workspace.info.workspace_name),
        ("resource group", &wanted.resource_group_name, &workspace.info.resource_group_name),
    ];
    for (what, wanted, found) in pairs {
        if let (Some(wanted), Some(found)) = (wanted, found)
            && wanted != found
        {
            return Err(Argument::Model {
                message: format!("the model is in {what} `{wanted}`, not in `{found}`"),
                hint: "name its workspace with `--workspace`".to_owned(),
            }
            .into());
        }
    }
    Ok(())
}

fn model(found: &RegisteredModel) -> Model {
    let record = &found.record;
    let files = record.files.iter().flatten().map(|file| {
        let (path, kind) = match file.clone() {
            ListedFile::File { path, size, executable } => {
                (path, PackedKind::File { size, executable })
            }
            ListedFile::Directory { path } => (path, PackedKind::Directory),
            ListedFile::Link { path, target } => (path, PackedKind::Link { target }),
        };
        PackedFile { path, host: PathBuf::new(), kind }
    });
    let files: Vec<PackedFile> = files.collect();
    Model {
        name: record.name.clone(),
        version: record.version,
        path: Path::new(&record.id()).to_owned(),
        basename: record.entry.clone(),
        is_folder: files.first().is_some_and(|file| file.kind == PackedKind::Directory),
        files,
        stored: Some(StoredLayer {
            descriptor: found.layer.descriptor.clone(),
            digest: found.layer.digest,
            diff_id: found.layer.diff_id,
            blobs: Arc::clone(&found.blobs),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_known_by_its_host() {
        assert_eq!(
            in_registry("registry.example.com/team/models"),
            Some(("registry.example.com", "team/models"))
        );
        assert_eq!(in_registry("localhost:5000/models/"), Some(("localhost:5000", "models")));
        for folder in [".mlpack", "../shared/.mlpack", "data/models", "./a.b/c"] {
            assert_eq!(in_registry(folder), None, "{folder}");
        }
    }
}
