//! Where the image of registered models is stored if nothing is said.

use mlpack_models::{IMAGE_REPOSITORY, Selector};
use mlpack_oci::Location;

use super::{ModelArgument, open_or_create};
use crate::{Result, Session};

/// The longest tag that a registry takes (distribution-spec, "pull").
const MAX_TAG: usize = 128;

/// Returns the location of an image in the workspace: Azure ML stores it in the registry of its workspace.
///
/// # Errors
/// As [`open_or_create`].
pub fn image_place(session: &Session, models: &[ModelArgument]) -> Result<String> {
    let workspace = open_or_create(session)?;
    let tag = tag(models);
    Ok(match workspace.dir() {
        Some(_) => format!("oci:{}:package-{tag}", workspace.place()),
        None => format!("{}/{IMAGE_REPOSITORY}:{tag}", workspace.place()),
    })
}

/// Returns where a target pulls a new image from: a workspace in a registry; `None` if the workspace is a folder.
///
/// # Errors
/// As [`open_or_create`].
pub fn new_image_place(session: &Session, models: &[ModelArgument]) -> Result<Option<Location>> {
    match &session.workspace {
        Some(workspace) if !session.cwd.join(workspace).is_dir() => {
            let place = image_place(session, models)?;
            Ok(session.locate(&place).ok().filter(|place| matches!(place, Location::Registry(_))))
        }
        _ => Ok(None),
    }
}

/// Returns the models' names and versions as one tag.
fn tag(models: &[ModelArgument]) -> String {
    let names = models.iter().map(|model| match &model.registered {
        Some((name, Selector::Version(version))) => format!("{name}-{version}"),
        Some((name, Selector::Alias(alias))) => format!("{name}-{alias}"),
        _ => model.name().unwrap_or_default().to_owned(),
    });
    let mut tag = names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join("_");
    tag.retain(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    tag.truncate(MAX_TAG - "package-".len());
    if tag.is_empty() { "latest".to_owned() } else { tag }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_the_models() {
        let tag = |texts: &[&str]| {
            let models = texts.iter().map(|text| text.parse().unwrap());
            super::tag(&models.collect::<Vec<ModelArgument>>())
        };
        assert_eq!(tag(&["diabetes.pkl:3"]), "diabetes.pkl-3");
        assert_eq!(tag(&["a@champion", "b"]), "a-champion_b");
        assert_eq!(tag(&[]), "latest");
        assert_eq!(tag(&[&format!("{}:1", "a".repeat(200))]).len(), 120);
    }
}
