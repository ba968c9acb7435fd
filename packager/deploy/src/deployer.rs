//! What every compute target does.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use mlpack_oci::{Location, PinnedReference, Progress, Secret};

use crate::error::Result;
use crate::name::ServiceName;
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
}

/// Runs images as services on one compute target; see [`deployer_for`](crate::deployer_for).
#[async_trait]
pub trait Deployer: fmt::Debug + Send + Sync {
    /// Where the image of a service must be put before [`Deployer::deploy`].
    fn destination(&self, name: &ServiceName) -> Location;

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
    ) -> Result<ServiceKeys>;

    /// Sends one scoring request to a service, with its primary key if it has keys.
    ///
    /// # Errors
    /// [`Error::NoSuchService`](crate::Error::NoSuchService),
    /// [`Error::NotServing`](crate::Error::NotServing), [`Error::NoAnswer`](crate::Error::NoAnswer),
    /// or [`Error::Answered`](crate::Error::Answered) for any status but 200 to 299.
    async fn run(&self, name: &ServiceName, request: Request) -> Result<Answer>;
}

/// An image to run as a service.
#[derive(Clone)]
pub struct Deployment {
    /// Name of the service.
    pub name: ServiceName,
    /// The image at the deployer's [`destination`](Deployer::destination).
    pub image: PinnedReference,
    /// Environment variables of the service. Values may be secrets and are not printed.
    pub environment: BTreeMap<String, String>,
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
