//! Creates and replaces container groups.

use std::time::Duration;

use mlpack_azure::Operation;
use mlpack_oci::{Progress, labels};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use super::error::Error as AciError;
use super::group::{AciDeployer, VERSION, trial_name};
use super::record::is_piece;
use super::release::Release;
use crate::{Change, Error, Result, ServiceName, Webservice};

/// How long a group may take to be deleted.
const DELETION: Duration = Duration::from_secs(300);

/// Time between two attempts to replace a group that another operation still changes.
const BUSY: Duration = Duration::from_secs(5);

/// Codes of a group that another operation changes (Azure, "Troubleshoot common issues in Azure Container Instances").
const BUSY_CODES: [&str; 2] = ["ContainerGroupTransitioning", "Conflict"];

/// Codes of a region or a subscription that has no place for a second group.
pub(super) const FULL_CODES: [&str; 2] = ["ContainerGroupQuotaReached", "ServiceUnavailable"];

/// What of a body is not shown.
const HIDDEN: [&str; 3] = [
    ".properties.volumes",
    ".properties.imageRegistryCredentials",
    ".properties.containers[0].properties.environmentVariables",
];

/// What is said of a group that is created as a whole.
const EXISTS: &str = "exists";

/// Returns Azure's code of an error, if it has one.
fn code(error: &Error) -> Option<&str> {
    let Error::Target { source, .. } = error else { return None };
    match source.downcast_ref() {
        Some(AciError::Azure(error)) => error.code(),
        _ => None,
    }
}

/// Returns a body whose fields can be compared one by one: variables by name, and without the record, which repeats them.
fn comparable(mut body: Value) -> Value {
    let variables = &mut body["properties"]["containers"][0]["properties"]["environmentVariables"];
    let named: Map<String, Value> = variables
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|variable| Some((variable["name"].as_str()?.to_owned(), variable.clone())))
        .collect();
    *variables = Value::Object(named);
    if let Some(tags) = body["tags"].as_object_mut() {
        tags.retain(|name, _| !is_piece(name));
    }
    body
}

impl AciDeployer {
    /// Replaces a service. One that works is first tried beside it, and is what is gone back to.
    ///
    /// # Errors
    /// As [`Deployer::deploy`](crate::Deployer::deploy).
    pub(super) async fn roll_out(
        &self,
        release: &Release,
        before: Option<Release>,
        progress: &dyn Progress,
    ) -> Result<Webservice> {
        let name = &release.deployment.name;
        let body = self.body(release)?;
        // An earlier run may have been ended in the middle.
        self.remove_trial(name).await?;
        if before.is_some() {
            self.try_beside(release, body.clone(), progress).await?;
        }
        let replaced = self.replace(name.as_str(), &body, release, progress).await;
        if let Err(error) = replaced {
            let Some(before) = before else { return Err(error) };
            progress.note(&format!("Going back to what `{name}` was before"));
            let went_back = async {
                self.replace(name.as_str(), &self.body(&before)?, &before, progress).await
            };
            // Why the new one failed is the error; this is what follows from it.
            if let Err(second) = went_back.await {
                progress.note(&format!("`{name}` could not be set back: {second}"));
            }
            return Err(error.not_kept());
        }
        self.described(name, &self.find(name).await?)
    }

    /// Runs a release in a separate group first: one that does not work never replaces one that does.
    async fn try_beside(
        &self,
        release: &Release,
        mut body: Value,
        progress: &dyn Progress,
    ) -> Result<()> {
        let name = &release.deployment.name;
        let trial = trial_name(name);
        // The label belongs to the group that clients know.
        if let Some(address) = body["properties"]["ipAddress"].as_object_mut() {
            address.remove("dnsNameLabel");
        }
        let tried = self.replace(&trial, &body, release, progress).await;
        self.remove_trial(name).await?;
        match tried {
            Err(error) if code(&error).is_some_and(|code| FULL_CODES.contains(&code)) => {
                progress.note(&format!("`{name}` cannot be tried beside what runs: {error}"));
                Ok(())
            }
            tried => tried.map_err(Error::not_kept),
        }
    }

    /// Puts a group and waits until it answers.
    async fn replace(
        &self,
        group: &str,
        body: &Value,
        release: &Release,
        progress: &dyn Progress,
    ) -> Result<()> {
        let deadline = Instant::now() + release.deployment.timeout;
        let operation = self.put(group, body, deadline).await?;
        self.await_answer(group, release, operation, deadline, progress).await
    }

    /// Puts a group, again while another operation changes it.
    async fn put(&self, group: &str, body: &Value, deadline: Instant) -> Result<Operation> {
        loop {
            let error = match self.manager.put(&self.path(group), VERSION, body).await {
                Ok(operation) => return Ok(operation),
                Err(error) => error,
            };
            let is_busy = error.code().is_some_and(|code| BUSY_CODES.contains(&code));
            if !is_busy || Instant::now() + BUSY > deadline {
                return Err(error.into());
            }
            sleep(BUSY).await;
        }
    }

    /// Deletes the group that tried an update, if there is one.
    pub(super) async fn remove_trial(&self, name: &ServiceName) -> Result<()> {
        let trial = trial_name(name);
        let found = self.manager.get(&self.path(&trial), VERSION).await?;
        match found.filter(|group| group["tags"][labels::SERVICE] == name.as_str()) {
            Some(_) => self.remove(&trial).await,
            None => Ok(()),
        }
    }

    /// Deletes a group and waits until it is gone.
    pub(super) async fn remove(&self, group: &str) -> Result<()> {
        let operation = self.manager.delete(&self.path(group), VERSION).await?;
        Ok(self.manager.wait(operation, DELETION).await?)
    }

    /// Returns what a release would change.
    pub(super) fn compare(
        &self,
        release: &Release,
        before: Option<&Release>,
    ) -> Result<Vec<Change>> {
        let object = format!("ContainerGroup/{}", release.deployment.name);
        let body = self.body(release)?;
        let Some(before) = before else {
            return Ok(vec![Change { field: object, from: None, to: Some(EXISTS.to_owned()) }]);
        };
        let (now, then) = (comparable(self.body(before)?), comparable(body));
        Ok(Change::between(&object, &now, &then, &HIDDEN))
    }
}
