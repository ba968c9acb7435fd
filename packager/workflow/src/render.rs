//! Rendering: a configuration and an image become documents that the compute target reads. Nothing is sent to it.

use std::fs;
use std::path::{Path, PathBuf};

use mlpack_deploy::{Deployment, Form, Rendered, RenderedDocument, Rendering, ServiceName};
use mlpack_oci::pending::{PendingFile, PendingFolder, replace};
use mlpack_oci::{Location, PinnedReference};

use crate::deploy::config;
use crate::placement::{facts, pinned, pull_login};
use crate::{Argument, DeployRequest, Error, Result, Session};

/// Documents to render.
#[derive(Debug, Clone)]
pub struct RenderRequest {
    /// The service.
    pub service: DeployRequest,
    /// The form of the documents.
    pub form: Form,
    /// The folder of the documents.
    pub folder: PathBuf,
}

/// Documents on disk.
#[derive(Debug)]
pub struct Written {
    /// The image that they run.
    pub image: PinnedReference,
    /// Names of the files, in the order in which they are applied.
    pub files: Vec<String>,
}

/// Writes the documents of a deployment into a folder, which is replaced in one step.
///
/// # Errors
/// If the configuration is invalid, the target cannot run it, the image is not in a registry, or the folder has other
/// files.
pub fn render(session: &Session, request: &RenderRequest, location: &Location) -> Result<Written> {
    let RenderRequest { service, form, folder } = request;
    let name: ServiceName = service.name.parse()?;
    let config = config(session, service)?;
    let folder = session.cwd.join(folder);
    refuse_other_files(&folder)?;
    let image = session.open(location, &session.platform, None)?;
    let pinned = pinned(&image, location);
    let pull_login = match service.pull_login {
        true => pull_login(session, location)?,
        false => None,
    };
    let deployment = Deployment {
        name,
        image: pinned.clone(),
        facts: facts(&image),
        environment: service.environment.clone(),
        metadata: service.metadata.clone(),
        overwrite: service.overwrite,
        timeout: service.timeout,
    };
    let Rendered { documents, warnings } = mlpack_deploy::render(
        &config,
        &Rendering {
            deployment: &deployment,
            options: &service.options,
            pull_login: pull_login.as_ref(),
            form: *form,
            templates: &session.templates,
            folder: &session.cwd,
        },
    )?;
    write(&documents, &folder)?;
    if service.compute_target.is_some() {
        let text =
            "`--compute-target` has no effect on documents: who applies them names the cluster";
        session.reporter.warning(text);
    }
    for warning in warnings {
        session.reporter.warning(&warning);
    }
    Ok(Written {
        image: pinned,
        files: documents.into_iter().map(|document| document.file).collect(),
    })
}

/// Refuses a folder with files that no rendering wrote, so that none is lost.
fn refuse_other_files(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", folder.display())(error)),
    };
    for entry in entries {
        let entry = entry.map_err(Error::io("read", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !RenderedDocument::is_file_name(&name) {
            return Err(Argument::OtherFiles { folder: folder.to_owned(), name }.into());
        }
    }
    Ok(())
}

/// Writes the documents beside the folder and exchanges the two.
fn write(documents: &[RenderedDocument], folder: &Path) -> Result<()> {
    let failed = || Error::io("write", folder.display());
    let parent = folder.parent().unwrap_or(Path::new("/"));
    PendingFolder::sweep(parent);
    let pending = PendingFolder::new_in(parent).map_err(failed())?;
    let new = pending.path().join("new");
    fs::create_dir(&new).map_err(failed())?;
    for document in documents {
        let text = document.text()?;
        let mode = if document.secret { 0o600 } else { 0o644 };
        let mut file = PendingFile::new_in(&new).map_err(failed())?;
        let written = std::io::Write::write_all(&mut file, text.as_bytes());
        written
            .and_then(|()| file.persist_with_mode(&new.join(&document.file), mode))
            .map_err(failed())?;
    }
    replace(&new, folder).map_err(failed())
}
