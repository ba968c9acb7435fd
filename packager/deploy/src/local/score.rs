//! One scoring request to a service.

use super::docker::LocalDeployer;
use super::services::state_of;
use crate::scoring::post;
use crate::{Answer, Error, Request, Result, ServiceName};

impl LocalDeployer {
    /// Posts a request to the service's `/score`.
    ///
    /// # Errors
    /// As [`Deployer::run`](crate::Deployer::run).
    pub(super) async fn score(&self, name: &ServiceName, request: Request) -> Result<Answer> {
        let container = self.find(name).await?;
        let Some(endpoint) = self.endpoint(&container).await? else {
            let state = state_of(&container, false);
            return Err(Error::NotServing { name: name.to_string(), state });
        };
        post(name, &endpoint, &request).await
    }
}
