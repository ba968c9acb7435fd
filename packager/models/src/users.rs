//! Which images have a model.

use crate::Result;
use crate::layout_store::LayoutStore;
use crate::registered::RegisteredModel;
use crate::workspace::{IMAGE_SUFFIX, Workspace};

/// The repository of a workspace in a registry that images of its models are stored in if no other place is named.
pub const IMAGE_REPOSITORY: &str = "package";

impl Workspace {
    /// Returns the images of a workspace that a model is in, as locations. In a registry these are the tags of
    /// [`IMAGE_REPOSITORY`]; images elsewhere are not searched.
    ///
    /// # Errors
    /// If the workspace cannot be read.
    pub fn images_with(&self, model: &RegisteredModel) -> Result<Vec<String>> {
        if let Some(dir) = self.dir() {
            return LayoutStore::open(dir, self.place())?
                .images_with(model.layer.digest, IMAGE_SUFFIX);
        }
        let is_version = |tag: &str| tag.parse::<u32>().is_ok();
        let is_image = |tag: &str| !is_version(tag) && !tag.ends_with(IMAGE_SUFFIX);
        let found = self.store.get_all(IMAGE_REPOSITORY, &is_image)?;
        let with_model = found.into_iter().filter(|(_, image)| {
            // A model may have the name of the repository.
            image.manifest.artifact_type().is_none()
                && image.layers().any(|(digest, _)| digest == model.layer.digest)
        });
        let place = self.place();
        Ok(with_model.map(|(tag, _)| format!("{place}/{IMAGE_REPOSITORY}:{tag}")).collect())
    }
}
