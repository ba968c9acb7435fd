//! Logs of pods.

use http::Request;

use crate::cluster::encode;
use crate::{Cluster, Kind, Result};

impl Cluster {
    /// Returns the last `num_lines` lines that a container of a pod wrote; with `previous`, those of the one before it was
    /// restarted. Empty if there is no log.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub async fn logs(
        &self,
        pod: &str,
        container: &str,
        num_lines: usize,
        previous: bool,
    ) -> Result<String> {
        let previous = if previous { "&previous=true" } else { "" };
        let container = encode(container);
        let path = format!(
            "{}/{pod}/log?container={container}&tailLines={num_lines}{previous}",
            Kind::POD.path(Some(self.namespace()))
        );
        let log = Kind { plural: "pods/log", ..Kind::POD };
        match self.request(&log, pod, "get", Request::get(path).body(Vec::new())).await {
            // The container has not started yet.
            Err(crate::Error::Refused { status: 400, .. }) => Ok(String::new()),
            answer => Ok(answer?.unwrap_or_default()),
        }
    }
}
