//! The settings and listeners of one run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlpack_deploy::AzureAccount;
use mlpack_documents::Templates;
use mlpack_lock::LockPlaces;
use mlpack_oci::rootfs::LayerIndex;
use mlpack_oci::{Image, Platform, Progress};
use mlpack_packages::Settings;
use mlpack_project::base::{Catalogue, IndexCache};
use mlpack_project::image::FrontDoor;
use mlpack_project::project::Ignored;
use tokio::runtime::Handle;

use crate::{Error, Registries, Reporter, Result};

/// Everything that a run takes from its surroundings, read by the caller.
pub struct Session {
    /// The directory that relative paths start from.
    pub cwd: PathBuf,
    /// The cache directory.
    pub cache: PathBuf,
    /// Number of threads that compress and read layers.
    pub threads: usize,
    /// Modification time of every packed entry, in seconds since 1970.
    pub mtime: u64,
    /// Version of mlpack that images record.
    pub version: &'static str,
    /// The workspace of models, as written: a folder or `REGISTRY/PREFIX`.
    pub workspace: Option<String>,
    /// Where the search for a workspace begins that is not named.
    pub workspace_folder: PathBuf,
    /// The moment at which the run began, in RFC 3339.
    pub now: String,
    /// Whether unknown keys of configurations are errors.
    pub strict: bool,
    /// Known base images and policies.
    pub catalogue: Catalogue,
    /// Documents of `templates/`.
    pub templates: Templates,
    /// The front door and the builtin worker of images.
    pub front_door: FrontDoor,
    /// How registries are reached.
    pub registries: Registries,
    /// Address of the Docker engine, as in `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// The files that name Kubernetes clusters, as in `KUBECONFIG`.
    pub kubeconfigs: Vec<PathBuf>,
    /// Who signs in to Azure, and where services are.
    pub azure: AzureAccount,
    /// How packages are resolved and downloaded.
    pub packages: Settings,
    /// The platform that containers of this machine run on.
    pub platform: Platform,
    /// Runs what waits for the network.
    pub runtime: Handle,
    /// Receives progress.
    pub progress: Arc<dyn Progress>,
    /// Receives findings and answers questions.
    pub reporter: Arc<dyn Reporter>,
}

impl Session {
    /// Returns a path relative to the current directory where it is below it.
    pub fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.cwd).unwrap_or(path).display().to_string()
    }

    /// Reads the file lists of an image's layers, or takes them from the cache.
    ///
    /// # Errors
    /// If a layer cannot be read.
    pub fn indexes(&self, image: &Image) -> Result<Vec<LayerIndex>> {
        let cache = IndexCache::new(self.cache.join("indexes"));
        Ok(cache.indexes(image, self.threads, &*self.progress)?)
    }

    /// Reports keys of a configuration that have no effect.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] for the first one in a strict session.
    pub(crate) fn ignored(&self, keys: &[Ignored]) -> Result<()> {
        for Ignored { place, key } in keys {
            let (place, key) = (place.to_string(), key.clone());
            if self.strict {
                return Err(Error::UnknownKey { place, key });
            }
            self.reporter.warning(&format!("{place}: ignored the unknown key `{key}`"));
        }
        Ok(())
    }

    /// Returns what a lock file's paths are relative to.
    pub(crate) fn lock_places<'a>(&'a self, find_links: &'a [PathBuf]) -> LockPlaces<'a> {
        LockPlaces { current_dir: &self.cwd, find_links }
    }

    /// Returns the directory of temporary blobs.
    pub(crate) fn staging(&self) -> PathBuf {
        self.cache.join("stage")
    }
}
