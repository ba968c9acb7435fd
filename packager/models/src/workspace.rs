//! A workspace: versions, aliases and claims over a store of manifests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mlpack_oci::layer::WrittenLayer;
use mlpack_oci::pending::PendingFolder;
use mlpack_oci::{BlobStore, Progress, Silent};
use mlpack_registry::Client;
use tokio::runtime::Handle;

use crate::document::{self, Version};
use crate::layout_store::{LayoutStore, hold};
use crate::registered::{Claim, Cleaned, RegisteredModel, WorkspaceInfo};
use crate::registry_store::RegistryStore;
use crate::store::Store;
use crate::{Error, ModelRecord, Result, Selector};

/// How often a number or a record is tried to be taken while others do the same.
const ATTEMPTS: usize = 50;

/// The tag that an image of a model alone has, after its version.
pub(crate) const IMAGE_SUFFIX: &str = "-image";

/// Models by name and version.
pub struct Workspace {
    pub(crate) store: Box<dyn Store>,
    layout: Option<PathBuf>,
    /// Its names on Azure.
    pub info: WorkspaceInfo,
}

/// Returns whether a text can be an alias: a tag that is neither a number, nor `latest`, nor one of our own.
pub fn is_alias(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && text != "latest"
        && !text.ends_with(IMAGE_SUFFIX)
}

impl Workspace {
    /// Opens a workspace on disk. `place` is how the user wrote the folder.
    ///
    /// # Errors
    /// [`Error::NewerFormat`], or if it is no workspace.
    pub fn open(dir: &Path, place: String) -> Result<Self> {
        let info = LayoutStore::info(dir, &place)?;
        let store = LayoutStore::open(dir, place)?;
        Ok(Self { store: Box::new(store), layout: Some(dir.to_owned()), info })
    }

    /// Opens a workspace on disk, making it if it does not exist.
    ///
    /// # Errors
    /// If the folder contains other files or cannot be written.
    pub fn create(dir: &Path, place: String, info: &WorkspaceInfo) -> Result<Self> {
        LayoutStore::create(dir, place.clone(), info)?;
        Self::open(dir, place)
    }

    /// Opens a workspace in a registry: the repositories below `prefix`. New layers are written to `folder` first.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn in_registry(
        client: Client,
        runtime: Handle,
        (registry, prefix): (&str, &str),
        folder: PendingFolder,
    ) -> Result<Self> {
        let (registry, prefix) = (registry.to_owned(), prefix.to_owned());
        let stage = BlobStore::open(folder.path().join("blobs"))?;
        let store = RegistryStore { client, runtime, registry, prefix, stage, _folder: folder };
        Ok(Self { store: Box::new(store), layout: None, info: WorkspaceInfo::default() })
    }

    /// Returns how the user writes it.
    pub fn place(&self) -> String {
        self.store.place()
    }

    /// Returns its folder, if it is on disk.
    pub fn dir(&self) -> Option<&Path> {
        self.layout.as_deref()
    }

    /// Returns where layers of new models are written.
    pub fn stage(&self) -> &BlobStore {
        self.store.stage()
    }

    /// Takes the next number of a name. `now` is in RFC 3339, `nonce` unlike any other claim's.
    ///
    /// # Errors
    /// If the workspace cannot be written, or [`Error::Contended`].
    pub fn claim(&self, name: &str, now: &str, nonce: &str) -> Result<Claim> {
        let in_use = self.layout.as_deref().map(hold).transpose()?.flatten();
        let claim = document::claim(name, now, nonce, self.stage())?;
        for _ in 0..ATTEMPTS {
            let version = self.numbers(name)?.last().map_or(1, |last| last + 1);
            if self.store.swap(name, &version.to_string(), None, &claim, &Silent)? {
                let name = name.to_owned();
                return Ok(Claim { name, version, digest: claim.digest, _in_use: in_use });
            }
        }
        Err(self.contended(name))
    }

    /// Gives a number back whose model was not registered after all.
    ///
    /// # Errors
    /// If the workspace cannot be written.
    pub fn release(&self, claim: &Claim) -> Result<()> {
        self.store.remove(&claim.name, &claim.version.to_string(), claim.digest).map(drop)
    }

    /// Makes a model visible under its claimed number. Its layer is in [`Workspace::stage`].
    ///
    /// # Errors
    /// If the workspace cannot be written, or [`Error::Contended`] if the claim was lost.
    pub fn publish(
        &self,
        claim: &Claim,
        record: &ModelRecord,
        layer: &WrittenLayer,
        progress: &dyn Progress,
    ) -> Result<RegisteredModel> {
        let tag = claim.version.to_string();
        let image = document::image(record, layer, self.stage())?;
        let before = self.store.get(&claim.name, &format!("{tag}{IMAGE_SUFFIX}"))?;
        let before = before.map(|image| image.digest);
        self.store.swap(&claim.name, &format!("{tag}{IMAGE_SUFFIX}"), before, &image, progress)?;
        let artifact = document::model(record, layer, self.stage())?;
        if !self.store.swap(&claim.name, &tag, Some(claim.digest), &artifact, progress)? {
            return Err(self.contended(&claim.name));
        }
        Ok(RegisteredModel {
            record: record.clone(),
            digest: artifact.digest,
            layer: layer.clone(),
            blobs: artifact.blobs,
        })
    }

    /// Returns one version of a model.
    ///
    /// # Errors
    /// [`Error::UnknownModel`] or [`Error::UnknownVersion`].
    pub fn find(&self, name: &str, selector: &Selector) -> Result<RegisteredModel> {
        match selector {
            Selector::Version(version) => match self.version(name, *version)? {
                Some(model) => Ok(model),
                None => Err(self.unknown(name, format!("version {version}"))?),
            },
            Selector::Latest => {
                for version in self.numbers(name)?.into_iter().rev() {
                    if let Some(model) = self.version(name, version)? {
                        return Ok(model);
                    }
                }
                Err(self.unknown(name, "version".to_owned())?)
            }
            Selector::Alias(alias) if alias == "latest" => self.find(name, &Selector::Latest),
            Selector::Alias(alias) => {
                if let Some(artifact) = self.store.get(name, alias)?
                    && let Version::Model(model) = document::parse(&artifact)?
                {
                    return self.find(name, &Selector::Version(model.record.version));
                }
                let present = self.aliases(name)?.into_keys().collect();
                let wanted = format!("alias `{alias}`");
                Err(Error::UnknownVersion { name: name.to_owned(), wanted, present })
            }
        }
    }

    /// Returns the versions of one model, or of all, by name and number.
    ///
    /// # Errors
    /// If the workspace cannot be read.
    pub fn list(&self, name: Option<&str>) -> Result<Vec<RegisteredModel>> {
        let names = match name {
            Some(name) => vec![name.to_owned()],
            None => self.store.names()?,
        };
        let mut models = Vec::new();
        for name in names {
            let first = models.len();
            let is_version = |tag: &str| tag.parse::<u32>().is_ok();
            for artifact in self.store.get_all(&name, &is_version)?.into_values() {
                if let Version::Model(model) = document::parse(&artifact)? {
                    models.push(*model);
                }
            }
            models[first..].sort_by_key(|model| model.record.version);
        }
        Ok(models)
    }

    /// Changes what is recorded about a version. The layer stays as it is.
    ///
    /// # Errors
    /// Those of `change`, or as [`Workspace::find`].
    pub fn update(
        &self,
        name: &str,
        version: u32,
        change: &dyn Fn(&mut ModelRecord) -> Result<()>,
    ) -> Result<RegisteredModel> {
        let _in_use = self.layout.as_deref().map(hold).transpose()?;
        for _ in 0..ATTEMPTS {
            let model = self.find(name, &Selector::Version(version))?;
            let mut record = model.record.clone();
            change(&mut record)?;
            if record == model.record {
                return Ok(model);
            }
            // Registries need no layer: they have it.
            let artifact = document::model(&record, &model.layer, self.stage())?;
            let tag = version.to_string();
            if self.store.swap(name, &tag, Some(model.digest), &artifact, &Silent)? {
                return Ok(RegisteredModel { record, digest: artifact.digest, ..model });
            }
        }
        Err(self.contended(name))
    }

    /// Returns the aliases of a model and the versions that they name.
    ///
    /// # Errors
    /// If the workspace cannot be read.
    pub fn aliases(&self, name: &str) -> Result<BTreeMap<String, u32>> {
        let mut aliases = BTreeMap::new();
        for (tag, artifact) in self.store.get_all(name, &is_alias)? {
            if let Version::Model(model) = document::parse(&artifact)? {
                aliases.insert(tag, model.record.version);
            }
        }
        Ok(aliases)
    }

    /// Lets an alias name a version.
    ///
    /// # Errors
    /// As [`Workspace::find`], or [`Error::Contended`].
    pub fn set_alias(&self, name: &str, alias: &str, version: u32) -> Result<()> {
        self.find(name, &Selector::Version(version))?;
        for _ in 0..ATTEMPTS {
            let Some(model) = self.store.get(name, &version.to_string())? else { break };
            let before = self.store.get(name, alias)?.map(|artifact| artifact.digest);
            if before == Some(model.digest)
                || self.store.swap(name, alias, before, &model, &Silent)?
            {
                return Ok(());
            }
        }
        Err(self.contended(name))
    }

    /// Deletes a version: its number is never used again, its bytes go with the next [`Workspace::clean`], or when the
    /// registry cleans up.
    ///
    /// # Errors
    /// As [`Workspace::find`], or [`Error::Contended`].
    pub fn delete(&self, name: &str, version: u32, now: &str) -> Result<RegisteredModel> {
        let model = self.find(name, &Selector::Version(version))?;
        let aliases = self.aliases(name)?;
        let deleted = document::deleted(name, now, self.stage())?;
        let tag = version.to_string();
        // The mark first: at no moment is the number free.
        if !self.store.swap(name, &tag, Some(model.digest), &deleted, &Silent)? {
            return Err(self.contended(name));
        }
        let aliases = aliases.into_iter().filter(|(_, of)| *of == version).map(|(alias, _)| alias);
        for tag in aliases.chain([format!("{tag}{IMAGE_SUFFIX}")]) {
            if let Some(artifact) = self.store.get(name, &tag)? {
                self.store.remove(name, &tag, artifact.digest)?;
            }
        }
        // Registries keep a manifest that has lost its tag.
        self.store.remove(name, &tag, model.digest)?;
        Ok(model)
    }

    /// Removes what interrupted registrations and deleted models left: on disk at once; in a registry the claims from
    /// before `before` (RFC 3339), since blobs are the registry's to remove.
    ///
    /// # Errors
    /// [`Error::InUse`], or if the workspace cannot be written.
    pub fn clean(&self, before: &str) -> Result<Cleaned> {
        if let Some(dir) = &self.layout {
            let store = LayoutStore::open(dir, self.place())?;
            return store.clean(&|artifact| {
                matches!(document::parse(artifact), Ok(Version::Claimed { .. }))
            });
        }
        let mut cleaned = Cleaned::default();
        for name in self.store.names()? {
            for version in self.numbers(&name)? {
                let Some(artifact) = self.store.get(&name, &version.to_string())? else { continue };
                if let Ok(Version::Claimed { since }) = document::parse(&artifact)
                    && since.as_str() < before
                    && self.store.remove(&name, &version.to_string(), artifact.digest)?
                {
                    cleaned.claims += 1;
                }
            }
        }
        Ok(cleaned)
    }

    fn version(&self, name: &str, version: u32) -> Result<Option<RegisteredModel>> {
        let Some(artifact) = self.store.get(name, &version.to_string())? else { return Ok(None) };
        Ok(match document::parse(&artifact)? {
            Version::Model(model) => Some(*model),
            Version::Claimed { .. } | Version::Deleted => None,
        })
    }

    /// Returns the numbers that are taken, in order.
    fn numbers(&self, name: &str) -> Result<Vec<u32>> {
        let tags = self.store.tags(name)?;
        let mut numbers: Vec<u32> = tags.iter().filter_map(|tag| tag.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Returns the error for a version that does not exist, or for a model without any.
    fn unknown(&self, name: &str, wanted: String) -> Result<Error> {
        let present = self.list(Some(name))?;
        let present: Vec<String> =
            present.iter().map(|model| model.record.version.to_string()).collect();
        let name = name.to_owned();
        if present.is_empty() {
            // Not every registry lists its repositories.
            let present = self.store.names().unwrap_or_default();
            return Ok(Error::UnknownModel { workspace: self.place(), name, present });
        }
        Ok(Error::UnknownVersion { name, wanted, present })
    }

    fn contended(&self, name: &str) -> Error {
        Error::Contended { name: name.to_owned(), workspace: self.place() }
    }
}
