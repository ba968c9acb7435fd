//! What every compute target does.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mlpack_documents::Templates;
use mlpack_oci::{Location, PinnedReference, Progress, Secret};

use crate::azure_account::AzureAccount;
use crate::change::Change;
use crate::error::Result;
use crate::image_facts::{ImageFacts, PullLogin, PullLogins};
use crate::metadata::Metadata;
use crate::name::ServiceName;
use crate::options::TargetOptions;
use crate::profile::Measured;
use crate::service_keys::{KeyName, ServiceKeys};
use crate::webservice::Webservice;

/// Default time limit until a new service must answer: the 300 s that Azure ML's server gives
/// init(), and 10 s more so that the server's own error comes first (docs/azureml-2019.md#3.3).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(310);

/// What deployers take from their surroundings. The caller reads it from its environment.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    /// Address of the Docker engine in the form of `DOCKER_HOST`; the default socket if `None`.
    pub docker_host: Option<String>,
    /// The folder that relative paths of a configuration start from.
    pub folder: PathBuf,
    /// Files of `KUBECONFIG`, or the default one.
    pub kubeconfigs: Vec<PathBuf>,
    /// Choices that no configuration has a key for.
    pub options: TargetOptions,
    /// The login that the target pulls the image with.
    pub pull_login: Option<PullLogin>,
    /// Where a target finds the login again that it pulls an image with, if it cannot keep one.
    pub logins: Option<Arc<dyn PullLogins>>,
    /// Who signs in to Azure, and where services are.
    pub azure: AzureAccount,
    /// Whether fields of objects that others manage are taken from them.
    pub force_conflicts: bool,
    /// The templates of documents.
    pub templates: Templates,
}

/// Runs images as services on one compute target; see [`deployer_for`](crate::deployer_for).
#[async_trait]
pub trait Deployer: fmt::Debug + Send + Sync {
    /// Where the image of a service must be put before [`Deployer::deploy`]; `None` if the target pulls it from the
    /// registry that it is in.
    fn destination(&self, name: &ServiceName) -> Option<Location>;

    /// Checks that a deployment of that name could begin now. Called before the image is built, so
    /// that a conflict is reported before the work.
    ///
    /// # Errors
    /// [`Error::ServiceExists`](crate::Error::ServiceExists), or the target's own.
    async fn check(&self, name: &ServiceName, overwrite: bool) -> Result<()>;

    /// Runs an image as a service and waits until it answers.
    ///
    /// # Errors
    /// [`Error::ServiceExists`](crate::Error::ServiceExists),
    /// [`Error::Failed`](crate::Error::Failed), [`Error::TimedOut`](crate::Error::TimedOut), or the
    /// target's own.
    async fn deploy(&self, deployment: &Deployment, progress: &dyn Progress) -> Result<Webservice>;

    /// Returns what an update of a service begins with.
    ///
    /// # Errors
    /// [`Error::NoSuchService`](crate::Error::NoSuchService), or the target's own.
    async fn current(&self, name: &ServiceName) -> Result<Current>;

    /// Returns what [`Deployer::deploy`] would change now.
    ///
    /// # Errors
    /// The target's own.
    async fn difference(&self, deployment: &Deployment) -> Result<Vec<Change>>;

    /// Replaces what answers for a service, at the same address where the target can keep it. The new one answers before
    /// the old one ends, in a separate place if the target must stop a service to change it; if it never does, the service
    /// goes on as it was.
    ///
    /// # Errors
    /// As [`Deployer::deploy`], and [`Error::NoSuchService`](crate::Error::NoSuchService).
    async fn update(&self, deployment: &Deployment, progress: &dyn Progress) -> Result<Webservice>;

    /// Returns all services, sorted by name.
    ///
    /// # Errors
    /// The target's own.
    async fn list(&self) -> Result<Vec<Webservice>>;

    /// Returns one service.
    ///
    /// # Errors
    /// [`Error::NoSuchService`](crate::Error::NoSuchService), or the target's own.
    async fn show(&self, name: &ServiceName) -> Result<Webservice>;

    /// Returns the last `num_lines` lines of a service's log, also of one that failed.
    ///
    /// # Errors
    /// [`Error::NoSuchService`](crate::Error::NoSuchService), or the target's own.
    async fn logs(&self, name: &ServiceName, num_lines: usize) -> Result<String>;

    /// Stops and deletes a service. Its image is kept.
    ///
    /// # Errors
    /// [`Error::NoSuchService`](crate::Error::NoSuchService), or the target's own.
    async fn delete(&self, name: &ServiceName) -> Result<()>;

    /// Returns the keys of a service.
    ///
    /// # Errors
    /// [`Error::NoSuchService`](crate::Error::NoSuchService), [`Error::NoKeys`](crate::Error::NoKeys), or the target's
    /// own.
    async fn keys(&self, name: &ServiceName) -> Result<ServiceKeys>;

    /// Replaces a key of a service, with a generated one if `key` is `None`, and returns both. The service accepts it
    /// from then on.
    ///
    /// # Errors
    /// As [`Deployer::keys`], and [`Error::Key`](crate::Error::Key).
    async fn regenerate_key(
        &self,
        name: &ServiceName,
        which: KeyName,
        key: Option<Secret>,
        progress: &dyn Progress,
    ) -> Result<ServiceKeys>;

    /// Sends a request again and again for a time, and measures the service.
    ///
    /// # Errors
    /// As [`Deployer::run`], for the first request that fails.
    async fn profile(
        &self,
        name: &ServiceName,
        request: &Request,
        duration: Duration,
    ) -> Result<Measured>;

    /// Sends one scoring request to a service, with its primary key if it has keys.
    ///
    /// # Errors
    /// [`Error::NoSuchService`](crate::Error::NoSuchService),
    /// [`Error::NotServing`](crate::Error::NotServing), [`Error::NoAnswer`](crate::Error::NoAnswer),
    /// or [`Error::Answered`](crate::Error::Answered) for any status but 200 to 299.
    async fn run(&self, name: &ServiceName, request: Request) -> Result<Answer>;
}

/// A service as it was deployed.
#[derive(Clone)]
pub struct Current {
    /// Its deployment configuration without keys, as JSON.
    pub configuration: String,
    /// Variables that were set for it. Values may be secrets and are not printed.
    pub environment: BTreeMap<String, String>,
    /// What is written about it.
    pub metadata: Metadata,
    /// The image that it runs.
    pub image: PinnedReference,
    /// What of it decides how it is placed.
    pub facts: ImageFacts,
}

/// An image to run as a service.
#[derive(Clone)]
pub struct Deployment {
    /// Name of the service.
    pub name: ServiceName,
    /// The image at the deployer's [`destination`](Deployer::destination).
    pub image: PinnedReference,
    /// What of it decides how it is placed.
    pub facts: ImageFacts,
    /// Environment variables of the service. Values may be secrets and are not printed.
    pub environment: BTreeMap<String, String>,
    /// What is written about the service.
    pub metadata: Metadata,
    /// Whether to replace a running service of that name.
    pub overwrite: bool,
    /// Time limit until the service must answer.
    pub timeout: Duration,
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("name", &self.name)
            .field("image", &self.image)
            .field("environment", &self.environment.keys())
            .field("metadata", &self.metadata)
            .field("overwrite", &self.overwrite)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// A scoring request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The body.
    pub data: Vec<u8>,
    /// Its content type; Azure ML's own client sends `application/json`.
    pub content_type: String,
    /// Time limit for the answer.
    pub timeout: Duration,
}

/// A successful answer to a scoring request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// The content type, if the answer has one.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}
