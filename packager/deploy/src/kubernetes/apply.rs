//! Applies objects, deletes those that are no longer described, and compares.

use mlpack_cluster::{Error as ClusterError, Kind};
use mlpack_oci::{Progress, labels};
use serde_json::{Value, json};

use super::cluster::KubernetesDeployer;
use super::release::Release;
use crate::{Change, Result, ServiceName, Webservice};

/// Kinds of objects that a service can have, in the order in which they are deleted: first what leads requests to the
/// pods, last what pods need to end.
const KINDS: [&Kind; 7] = [
    &Kind::HTTP_ROUTE,
    &Kind::INGRESS,
    &Kind::AUTOSCALER,
    &Kind::SERVICE,
    &Kind::DEPLOYMENT,
    &Kind::DISRUPTION_BUDGET,
    &Kind::SECRET,
];

/// What the API server adds to an object, which no one describes.
const ADDED: [&str; 6] =
    ["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];

/// What is said of an object that is created or deleted as a whole.
const EXISTS: &str = "exists";

/// Returns the name of an object in messages, as in `Deployment/digits`.
fn title(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

fn is_namespace(object: &Value) -> bool {
    object["kind"] == Kind::NAMESPACE.name
}

/// Returns an object without what the API server adds.
fn described(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.remove("status");
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            metadata.retain(|key, _| !ADDED.contains(&key.as_str()));
            if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
                annotations.remove("deployment.kubernetes.io/revision");
                // A record is compared field by field.
                for text in annotations.values_mut() {
                    let record = text.as_str().filter(|text| text.starts_with('{'));
                    if let Some(Ok(record)) = record.map(serde_json::from_str) {
                        *text = record;
                    }
                }
            }
        }
    }
    object
}

impl KubernetesDeployer {
    /// Replaces what answers for a service, and goes back to `before` if the new one never does.
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
        let objects = self.objects(release)?;
        let rolled_out = async {
            self.apply(&objects).await?;
            self.note_failure(name, None).await?;
            self.await_rollout(release, progress).await
        };
        if let Err(error) = rolled_out.await {
            if let Some(before) = before {
                progress.note(&format!("Going back to what `{name}` was before"));
                // Why the new one failed is the error; this is what follows from it.
                if let Err(second) = self.go_back(name, &before).await {
                    progress.note(&format!("`{name}` could not be set back: {second}"));
                }
            } else {
                // It is not being deployed any more, so that the next deployment replaces it. Without the note it does so
                // after the time limit.
                let _ = self.note_failure(name, Some(&error.to_string())).await;
            }
            return Err(error);
        }
        self.prune(name, &objects).await?;
        self.described(name, &self.find(name).await?).await
    }

    /// Applies what a service was, and deletes what it has become since.
    async fn go_back(&self, name: &ServiceName, before: &Release) -> Result<()> {
        let earlier = self.objects(before)?;
        self.apply(&earlier).await?;
        self.prune(name, &earlier).await
    }

    /// Applies objects in order, after all were accepted.
    async fn apply(&self, objects: &[Value]) -> Result<()> {
        let objects = self.without_namespace(objects).await?;
        if !is_namespace(&objects[0]) {
            // In a namespace that does not exist yet, nothing can be tried.
            for object in objects {
                self.cluster.apply(object, true, self.force_conflicts).await?;
            }
        }
        for object in objects {
            if object["kind"] == Kind::DEPLOYMENT.name {
                self.keep_replicas(object).await?;
            }
            self.cluster.apply(object, false, self.force_conflicts).await?;
        }
        Ok(())
    }

    /// Writes down why a service failed, or that it has not.
    async fn note_failure(&self, name: &ServiceName, reason: Option<&str>) -> Result<()> {
        let reason = reason.and_then(|reason| reason.lines().next());
        let patch = json!({ "metadata": { "annotations": { labels::FAILURE: reason } } });
        Ok(self.cluster.merge(&Kind::DEPLOYMENT, name.as_str(), &patch).await.map(drop)?)
    }

    /// Leaves out the namespace, which is first, if it exists. Who may deploy in one may not be allowed to read it.
    async fn without_namespace<'a>(&self, objects: &'a [Value]) -> Result<&'a [Value]> {
        match objects {
            [first, others @ ..] if is_namespace(first) => {
                match self.cluster.get(&Kind::NAMESPACE, self.cluster.namespace()).await {
                    Ok(None) => Ok(objects),
                    Ok(Some(_)) | Err(ClusterError::Forbidden { .. }) => Ok(others),
                    Err(error) => Err(error.into()),
                }
            }
            objects => Ok(objects),
        }
    }

    /// Keeps the number of pods when an autoscaler takes it over: a number that no one describes any more becomes 1.
    async fn keep_replicas(&self, object: &Value) -> Result<()> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if !object["spec"]["replicas"].is_null() {
            return Ok(());
        }
        let Some(live) = self.cluster.get(&Kind::DEPLOYMENT, name).await? else { return Ok(()) };
        let ours = |entry: &Value| {
            entry["manager"] == mlpack_cluster::MANAGER
                && !entry["fieldsV1"]["f:spec"]["f:replicas"].is_null()
        };
        if live["metadata"]["managedFields"].as_array().is_some_and(|all| all.iter().any(ours)) {
            self.cluster.keep(&live, json!({ "replicas": live["spec"]["replicas"] })).await?;
        }
        Ok(())
    }

    /// Deletes the objects of a service that are not among those to keep.
    pub(super) async fn prune(&self, name: &ServiceName, keep: &[Value]) -> Result<()> {
        for object in self.others(name, keep).await? {
            self.cluster.delete(&object).await?;
        }
        Ok(())
    }

    /// Returns the objects of a service that are not among those to keep.
    async fn others(&self, name: &ServiceName, keep: &[Value]) -> Result<Vec<Value>> {
        let selector = format!("{}={name},app.kubernetes.io/managed-by=mlpack", labels::SERVICE);
        let kept: Vec<String> = keep.iter().map(title).collect();
        let mut others = Vec::new();
        for kind in KINDS {
            let found = self.cluster.list(kind, &selector).await?;
            others.extend(found.into_iter().filter(|object| !kept.contains(&title(object))));
        }
        Ok(others)
    }

    /// Returns what applying a release would change, as the API server itself says it.
    pub(super) async fn compare(&self, release: &Release) -> Result<Vec<Change>> {
        let objects = self.objects(release)?;
        let described_objects = self.without_namespace(&objects).await?;
        let mut changes = Vec::new();
        for object in described_objects {
            let title = title(object);
            let kind = Kind::of(object);
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let live = match kind {
                Some(kind) => self.cluster.get(kind, name).await?,
                None => None,
            };
            let Some(live) = live else {
                changes.push(Change { field: title, from: None, to: Some(EXISTS.to_owned()) });
                continue;
            };
            let then = self.cluster.apply(object, true, self.force_conflicts).await?;
            let (now, then) = (described(live), described(then));
            changes.extend(Change::between(&title, &now, &then, &[".data"]));
        }
        for object in self.others(&release.deployment.name, &objects).await? {
            let field = title(&object);
            changes.push(Change { field, from: Some(EXISTS.to_owned()), to: None });
        }
        Ok(changes)
    }
}
