//! Deleting a registered model, unless it is used.

use mlpack_models::{RegisteredModel, Workspace};

use crate::{Argument, Result, Session, deploy};

/// Deletes a version of a model. Azure ML refuses that as long as an image or a service has it
/// (docs/azureml-2019.md#1.3); with `force` it is deleted all the same, since they have their own copy.
///
/// # Errors
/// [`Argument::Model`] if it is used, or if the workspace cannot be written.
pub fn delete(
    session: &Session,
    workspace: &Workspace,
    model: &RegisteredModel,
    force: bool,
) -> Result<()> {
    let record = &model.record;
    let users = if force { Vec::new() } else { users(session, workspace, model)? };
    if !users.is_empty() {
        return Err(Argument::Model {
            message: format!("model `{}` is used by {}", record.id(), users.join(", ")),
            hint: "delete what uses it first (`mlpack service delete -n NAME`), or add `--force`"
                .to_owned(),
        }
        .into());
    }
    workspace.delete(&record.name, record.version, &session.now)?;
    Ok(())
}

/// Names the services of this machine and the images of the workspace that have a model. Without a Docker engine there
/// are no services.
fn users(session: &Session, workspace: &Workspace, model: &RegisteredModel) -> Result<Vec<String>> {
    let record = &model.record;
    let services = deploy::deployer(session, &deploy::ServiceTarget::default())
        .and_then(|deployer| Ok(session.runtime.block_on(deployer.list())?))
        .unwrap_or_default();
    let services = services.into_iter().filter(|service| {
        service.models.iter().any(|used| {
            (&used.name, used.version, used.digest)
                == (&record.name, record.version, model.layer.diff_id)
        })
    });
    let services = services.map(|service| format!("service `{}`", service.name));
    let images = workspace.images_with(model)?.into_iter().map(|image| format!("image {image}"));
    Ok(services.chain(images).collect())
}
