//! Images in the engine, without their layers.

use std::collections::BTreeMap;

use bollard::models::ImageInspect;
use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptions};
use futures_util::{StreamExt, stream};
use mlpack_oci::{DiffId, Digest};

use crate::connect::is_not_found;
use crate::{Engine, Error, Result};

/// Number of images that are inspected at the same time.
const PARALLEL: usize = 8;

/// An image in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineImage {
    /// The engine's id: the config's digest, or the manifest's if the engine stores images in
    /// containerd.
    pub id: Digest,
    /// Names with tags, as in `web:latest`.
    pub names: Vec<String>,
    /// Labels of its config.
    pub labels: BTreeMap<String, String>,
    /// Ports its config exposes, as in `5001/tcp`.
    pub exposed_ports: Vec<String>,
    /// Diff ids from the bottom up.
    pub diff_ids: Vec<DiffId>,
    /// Size of the layers in bytes, as the engine counts.
    pub size: u64,
}

impl Engine {
    /// Returns an image by name or id.
    ///
    /// # Errors
    /// [`Error::NoSuchImage`], or the engine's own.
    pub async fn inspect_image(&self, name: &str) -> Result<EngineImage> {
        self.find_image(name).await?.ok_or_else(|| Error::NoSuchImage { name: name.to_owned() })
    }

    /// Removes a name of an image, and the image if that was its last name. It is not an error if there
    /// is no such image.
    ///
    /// # Errors
    /// The engine's refusal, as while a container uses the image.
    pub async fn remove_image(&self, name: &str) -> Result<()> {
        match self.docker.remove_image(name, None::<RemoveImageOptions>, None).await {
            Err(error) if is_not_found(&error) => Ok(()),
            removed => removed.map(drop).map_err(self.failed("remove an image")),
        }
    }

    pub(crate) async fn find_image(&self, name: &str) -> Result<Option<EngineImage>> {
        match self.docker.inspect_image(name).await {
            Ok(found) => engine_image(found).map(Some),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(self.failed("inspect an image")(error)),
        }
    }

    /// Returns the diff ids of every image in the engine. Ignores images that are removed meanwhile.
    pub(crate) async fn known_diff_ids(&self) -> Result<Vec<Vec<DiffId>>> {
        let options = ListImagesOptionsBuilder::default().build();
        let images =
            self.docker.list_images(Some(options)).await.map_err(self.failed("list images"))?;
        let found: Vec<_> = stream::iter(images)
            .map(|image| async move { self.find_image(&image.id).await })
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        let mut known = Vec::new();
        for image in found {
            known.extend(image?.map(|image| image.diff_ids));
        }
        Ok(known)
    }
}

fn engine_image(found: ImageInspect) -> Result<EngineImage> {
    let unreadable = |what: &str| Error::Broken {
        action: "inspect an image".to_owned(),
        reason: format!("its answer has no valid {what}"),
    };
    let id = found.id.and_then(|id| id.parse().ok()).ok_or_else(|| unreadable("Id"))?;
    let config = found.config.unwrap_or_default();
    let diff_ids = found.root_fs.and_then(|root| root.layers).unwrap_or_default();
    Ok(EngineImage {
        id,
        names: found.repo_tags.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        exposed_ports: config.exposed_ports.unwrap_or_default(),
        diff_ids: diff_ids
            .iter()
            .map(|id| id.parse().map_err(|_| unreadable("RootFS")))
            .collect::<Result<_>>()?,
        size: found.size.and_then(|size| size.try_into().ok()).unwrap_or_default(),
    })
}
