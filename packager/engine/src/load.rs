//! The engine as a sink: an image is streamed without the layers that the engine has.

use bollard::query_parameters::{ImportImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::StreamExt;
use mlpack_oci::archive::without_zstd;
use mlpack_oci::{Image, PinnedReference, Progress, Reference};

use crate::inspect::EngineImage;
use crate::known_layers::{blobs_from, common_prefix};
use crate::tar_stream::{archive_stream, blocking};
use crate::{Engine, Error, Result};

impl Engine {
    /// Loads an image and names it `name` (`NAME[:TAG]`). Layers that the engine has are not sent; the
    /// name moves only after the engine has exactly this image. Returns `docker:NAME@ID`.
    ///
    /// # Errors
    /// [`Error::ImageName`], an image that cannot be read, the engine's refusal, or
    /// [`Error::NotLoaded`].
    pub async fn load(
        &self,
        image: &Image,
        name: &str,
        progress: &dyn Progress,
    ) -> Result<PinnedReference> {
        let (repository, tag) = split_name(name)?;
        let loaded = match self.find_loaded(image).await? {
            Some(there) => {
                progress.note(&format!("Docker already has the image {}", image.id.0.short()));
                there
            }
            None => self.send(image, name, progress).await?,
        };
        let id = loaded.id.to_string();
        let options = TagImageOptionsBuilder::default().repo(&repository).tag(&tag).build();
        let tagged = self.docker.tag_image(&id, Some(options)).await;
        tagged.map_err(self.failed(&format!("name an image `{name}`")))?;
        Ok(PinnedReference { place: format!("docker:{repository}"), digest: loaded.id })
    }

    async fn find_loaded(&self, image: &Image) -> Result<Option<EngineImage>> {
        if let Some(found) = self.find_image(&image.id.to_string()).await? {
            return Ok(Some(found));
        }
        // An engine that stores images in containerd identifies them by their manifest.
        self.find_image(&image.digest.to_string()).await
    }

    async fn send(
        &self,
        image: &Image,
        name: &str,
        progress: &dyn Progress,
    ) -> Result<EngineImage> {
        let stored = image.clone();
        let image = blocking(move || Ok(without_zstd(&stored)?)).await?;
        let known = common_prefix(&image, &self.known_diff_ids().await?);
        if known > 0 {
            let all = image.layers.len();
            progress.note(&format!("Skipped {known} of {all} layers already in Docker"));
        }
        let said = match self.send_from(&image, known, name, progress).await {
            Err(Error::Refused { .. }) if known > 0 => {
                progress.note("Docker rejected the partial archive; sending all layers");
                self.send_from(&image, 0, name, progress).await?
            }
            said => said?,
        };
        self.find_loaded(&image).await?.ok_or(Error::NotLoaded { expected: image.id.0, said })
    }

    /// Sends the layers from `first` on and returns the engine's answer.
    async fn send_from(
        &self,
        image: &Image,
        first: usize,
        name: &str,
        progress: &dyn Progress,
    ) -> Result<String> {
        let wanted = blobs_from(image, first);
        let mut counted = wanted.clone();
        let total = image
            .layers
            .iter()
            .filter(|layer| counted.remove(&layer.digest))
            .map(|layer| layer.descriptor.size())
            .sum();
        let meter = progress.begin(&format!("Loading {name} into Docker"), Some(total));
        let (chunks, written) = archive_stream(image.clone(), wanted, meter.clone());
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let docker = self.for_transfer();
        let answer = {
            let mut answers = std::pin::pin!(docker.import_image_stream(options, chunks, None));
            let mut said = String::new();
            loop {
                match answers.next().await {
                    None => break Ok(said),
                    Some(Err(error)) => break Err(self.failed("load the image")(error)),
                    Some(Ok(info)) => said.push_str(&info.stream.unwrap_or_default()),
                }
            }
        };
        // An error of writing the archive explains more than the engine's.
        if let Ok(Some(Err(error))) = written.await {
            return Err(error.into());
        }
        let said = answer?;
        meter.finish("loaded");
        Ok(said.trim().to_owned())
    }
}

/// Splits a name into the repository as written and the tag, `latest` if there is none.
fn split_name(name: &str) -> Result<(String, String)> {
    let bad = |reason: String| Error::ImageName { name: name.to_owned(), reason };
    let reference: Reference = name.parse().map_err(|error| bad(format!("{error}")))?;
    if reference.digest().is_some() {
        return Err(bad("it contains a digest, which the engine computes itself".to_owned()));
    }
    let after_slash = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match name[after_slash..].find(':') {
        Some(colon) => (&name[..after_slash + colon], &name[after_slash + colon + 1..]),
        None => (name, "latest"),
    };
    Ok((repository.to_owned(), tag.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_as_docker_splits_it() {
        let split = |name: &str| split_name(name).unwrap();
        let pair = |repository: &str, tag: &str| (repository.to_owned(), tag.to_owned());
        assert_eq!(split("web"), pair("web", "latest"));
        assert_eq!(split("127.0.0.1:5000/team/web:3"), pair("127.0.0.1:5000/team/web", "3"));
        assert_eq!(split("localhost:5000/web"), pair("localhost:5000/web", "latest"));
    }

    #[test]
    fn an_invalid_name_is_refused() {
        for bad in ["", "Web", "web:", "web tag"] {
            let Err(Error::ImageName { name, .. }) = split_name(bad) else {
                panic!("`{bad}` was accepted");
            };
            assert_eq!(name, bad);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_archive_without_a_needed_layer_is_refused() {
        use crate::support::{Cleanup, Recorder, ready};
        let Some((engine, runnable)) = ready("left-out").await else { return };
        let images = vec![runnable.unique.clone()];
        let _cleanup = Cleanup { engine: engine.clone(), containers: vec![], images };
        let image = runnable.image("l");
        let progress = Recorder::default();
        let refused = engine.send_from(&image, 1, "x", &progress).await;
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
        assert_eq!(engine.find_loaded(&image).await.unwrap(), None);
        // `send` then sends all layers.
        engine.send_from(&image, 0, "x", &progress).await.unwrap();
        let loaded = engine.find_loaded(&image).await.unwrap().unwrap();
        assert_eq!(loaded.id, image.id.0);
        engine.load(&image, &runnable.unique, &progress).await.unwrap();
    }
}
