//! Decides which objects a deployment needs. Pure: nothing is created here.

use mlpack_oci::{Digest, labels};
use serde_json::{Map, Value, json};

use super::pod;
use super::secrets::SecretObject;
use crate::Result;
use crate::config::{AksConfig, DeploymentConfig, Scale};
use crate::options::Exposure;
use crate::placement_error::PlacementError;
use crate::rendering::{Form, Rendered, RenderedDocument, Rendering};
use crate::service_keys::ServiceKeys;

/// Returns the objects of a deployment in the order in which they are applied.
///
/// # Errors
/// [`PlacementError`], or [`Error::Key`](crate::Error::Key).
pub(crate) fn render(config: &AksConfig, rendering: &Rendering<'_>) -> Result<Rendered> {
    check(config, rendering)?;
    let secrets = secrets(config, rendering)?;
    let mut objects = Objects::new(config, rendering, secrets.hash);
    if config.namespace.is_some() {
        objects.add("namespace", json!({}))?;
    }
    for secret in &secrets.objects {
        objects.add_secret(secret)?;
    }
    let container = match rendering.form {
        Form::KServe => "kserve-container",
        _ => rendering.deployment.name.as_str(),
    };
    let values =
        pod::values(config, rendering, &secrets.names, &objects.values["selector"], container)?;
    let pod = rendering.templates.fill_document("kubernetes/pod.yaml.hbs", &values);
    let pod = pod.map_err(PlacementError::Template)?;
    match rendering.form {
        Form::KServe => {
            // Its other mode, Knative, allows one port and no topology.
            let mode = json!("RawDeployment");
            objects.values["annotations"]["serving.kserve.io/deploymentMode"] = mode;
            objects.add("inference-service", predictor(config, pod))?;
        }
        Form::Plain | Form::Kustomize => objects.add_service(config, &pod)?,
    }
    let mut documents = objects.documents;
    if rendering.form == Form::Kustomize {
        let files: Vec<&str> = documents.iter().map(|document| &*document.file).collect();
        let values = json!({ "resources": files });
        let template = "kubernetes/kustomization.yaml.hbs";
        documents.push(rendering.document(template, "kustomization.yaml".to_owned(), &values)?);
    }
    Ok(Rendered { documents, warnings: warnings(config, rendering) })
}

/// Refuses what no object can express.
fn check(config: &AksConfig, rendering: &Rendering<'_>) -> Result<(), PlacementError> {
    let refused =
        |reason: &str, hint| Err(PlacementError::Setting { reason: reason.to_owned(), hint });
    if config.token_auth_enabled {
        return refused(
            "`tokenAuthEnabled`: tokens of Azure Machine Learning ended with its service",
            "use keys: set `authEnabled` to true instead",
        );
    }
    match (rendering.form, &rendering.options.exposure) {
        (Form::KServe, _) => {
            rendering.refuse_other_options(&["--pull-secret"], "an InferenceService")?;
        }
        (_, Exposure::Gateway { .. } | Exposure::Ingress { .. }) => rendering
            .refuse_other_options(
                &["--expose", "--hostname", "--tls-secret", "--pull-secret"],
                "compute type `aks`",
            )?,
        (_, exposure) => rendering.refuse_other_options(
            &["--expose", "--tls-secret", "--pull-secret"],
            &format!("compute type `aks` with `--expose {exposure}`"),
        )?,
    }
    let through_gateway = matches!(rendering.options.exposure, Exposure::Gateway { .. });
    if rendering.options.tls_secret.is_some() && through_gateway {
        return refused(
            "`--tls-secret` has no place in an HTTPRoute: the Gateway has the certificate",
            "name the secret in the Gateway's listener",
        );
    }
    Ok(())
}

fn warnings(config: &AksConfig, rendering: &Rendering<'_>) -> Vec<String> {
    let refresh = match config.scale {
        Scale::Auto { refresh_period_in_seconds, .. } => refresh_period_in_seconds != 1,
        Scale::Fixed { .. } => false,
    };
    let all = [
        (
            refresh,
            "`autoScaler.refreshPeriodInSeconds` has no effect: the cluster decides how often it scales",
        ),
        (
            config.data_collection.storage_enabled,
            "`dataCollection.storageEnabled`: rows are in /var/mlpack/model-data of each pod and end with it",
        ),
    ];
    let shown = all.into_iter().filter(|(shown, _)| *shown).map(|(_, text)| text.to_owned());
    rendering.insights_warning(config.app_insights_enabled).into_iter().chain(shown).collect()
}

/// The secrets of a service and where its pod refers to them.
struct Secrets {
    objects: Vec<SecretObject>,
    names: pod::SecretNames,
    /// Digest of the variables: a pod reads them only when it starts.
    hash: Option<Digest>,
}

fn secrets(config: &AksConfig, rendering: &Rendering<'_>) -> Result<Secrets> {
    let service = rendering.deployment.name.as_str();
    let environment = &rendering.deployment.environment;
    let keys = config.auth_enabled.then(|| ServiceKeys::of(&config.keys)).transpose()?;
    let keys = keys.map(|keys| SecretObject::keys(service, &keys));
    let variables = SecretObject::variables(service, environment);
    let pull = rendering.pull_login.map(|login| SecretObject::pull(service, login));
    let name = |secret: &Option<SecretObject>| secret.as_ref().map(|secret| secret.name.clone());
    let names = pod::SecretNames {
        keys: name(&keys),
        variables: name(&variables),
        pull: rendering.options.pull_secret.clone().or_else(|| name(&pull)),
    };
    let hash = variables.as_ref().map(|secret| Digest::of(secret.data.to_string().as_bytes()));
    Ok(Secrets { objects: [keys, variables, pull].into_iter().flatten().collect(), names, hash })
}

/// The predictor of KServe: a pod with its scale.
fn predictor(config: &AksConfig, pod: Value) -> Value {
    let scale = match config.scale {
        Scale::Fixed { num_replicas } => {
            json!({ "minReplicas": num_replicas, "maxReplicas": num_replicas })
        }
        Scale::Auto { min_replicas, max_replicas, target_utilization, .. } => json!({
            "minReplicas": min_replicas,
            "maxReplicas": max_replicas,
            "scaleMetric": "cpu",
            "scaleTarget": target_utilization,
        }),
    };
    let mut predictor = Map::new();
    for part in [scale, pod] {
        if let Value::Object(part) = part {
            predictor.extend(part);
        }
    }
    json!({ "predictor": predictor })
}

/// The documents so far, and the values that all have.
struct Objects<'a> {
    rendering: &'a Rendering<'a>,
    values: Map<String, Value>,
    documents: Vec<RenderedDocument>,
}

impl<'a> Objects<'a> {
    fn new(config: &AksConfig, rendering: &'a Rendering<'a>, hash: Option<Digest>) -> Self {
        let deployment = rendering.deployment;
        let name = deployment.name.as_str();
        let selector = json!({ labels::SERVICE: name });
        let labels = json!({
            "app.kubernetes.io/managed-by": "mlpack",
            "app.kubernetes.io/name": name,
            labels::SERVICE: name,
        });
        let image = &deployment.image;
        let mut annotations = Map::new();
        let digest = image.digest.to_string();
        annotations.insert(labels::DIGEST.to_owned(), digest.into());
        annotations.insert(labels::REFERENCE.to_owned(), image.place.clone().into());
        for (label, text) in deployment.metadata.to_labels() {
            annotations.insert(label.to_owned(), text.into());
        }
        // What an update begins with.
        let records = [
            (labels::CONFIG, serde_json::to_string(&DeploymentConfig::Aks(config.clone()))),
            (labels::OPTIONS, serde_json::to_string(rendering.options)),
            (labels::FACTS, serde_json::to_string(&deployment.facts.recorded())),
        ];
        for (label, text) in records {
            annotations.insert(label.to_owned(), text.unwrap_or_default().into());
        }
        let mut pod_annotations = json!({
            "prometheus.io/path": "/metrics",
            "prometheus.io/port": crate::front_door::OPERATIONS_PORT.to_string(),
            "prometheus.io/scrape": "true",
        });
        if let Some(hash) = hash {
            pod_annotations["org.mlpack.variables"] = hash.to_string().into();
        }
        let values = json!({
            "name": name,
            "namespace": config.namespace,
            "labels": labels,
            "selector": selector,
            "annotations": annotations,
            "pod_annotations": pod_annotations,
            "hostname": rendering.options.hostname,
            "tls_secret": rendering.options.tls_secret,
            "path": format!("/api/v1/service/{name}"),
        });
        let Value::Object(values) = values else { unreachable!("an object is an object") };
        Self { rendering, values, documents: Vec::new() }
    }

    /// Adds the object of `kubernetes/KIND.yaml.hbs`, numbered so that `kubectl apply -f` keeps the order.
    fn add(&mut self, kind: &str, more: Value) -> Result<()> {
        let file = format!("{}-{kind}.yaml", self.documents.len());
        let mut values = self.values.clone();
        if let Value::Object(more) = more {
            values.extend(more);
        }
        let template = format!("kubernetes/{kind}.yaml.hbs");
        self.documents.push(self.rendering.document(&template, file, &Value::Object(values))?);
        Ok(())
    }

    fn add_secret(&mut self, secret: &SecretObject) -> Result<()> {
        let SecretObject { name, kind, data } = secret;
        let values = json!({ "secret_name": name, "secret_type": kind, "secret_data": data });
        self.add("secret", values)?;
        if let Some(added) = self.documents.last_mut() {
            added.secret = true;
            added.file = added.file.replace("secret", &format!("secret-{name}"));
        }
        Ok(())
    }

    /// Adds the objects that run a pod and lead requests to it.
    fn add_service(&mut self, config: &AksConfig, pod: &Value) -> Result<()> {
        let exposure = &self.rendering.options.exposure;
        let tls = pod::front_door_has_tls(self.rendering);
        let (scheme, port) = if tls { ("https", 443) } else { ("http", 80) };
        let service_type = match exposure {
            Exposure::LoadBalancer => "LoadBalancer",
            _ => "ClusterIP",
        };
        let port = json!({ "service_port": port, "scheme": scheme, "service_type": service_type });
        self.add("service", port.clone())?;
        let replicas = match config.scale {
            Scale::Fixed { num_replicas } => Some(num_replicas),
            // The autoscaler has the number.
            Scale::Auto { .. } => None,
        };
        let progress = self.rendering.deployment.timeout.as_secs().max(1);
        let more = json!({ "replicas": replicas, "progress_seconds": progress, "pod": pod });
        self.add("deployment", more)?;
        self.add("pod-disruption-budget", json!({}))?;
        if let Scale::Auto { min_replicas, max_replicas, target_utilization, .. } = config.scale {
            let more = json!({
                "min_replicas": min_replicas,
                "max_replicas": max_replicas,
                "target_utilization": target_utilization,
            });
            self.add("horizontal-pod-autoscaler", more)?;
        }
        let more = |key: &str, value: Value| {
            let mut more = port.clone();
            more[key] = value;
            more
        };
        match exposure {
            Exposure::Gateway { namespace, name } => {
                let gateway = json!({ "name": name, "namespace": namespace });
                self.add("http-route", more("gateway", gateway))
            }
            Exposure::Ingress { class } => {
                self.add("ingress", more("ingress_class", class.as_str().into()))
            }
            Exposure::LoadBalancer | Exposure::ClusterIp => Ok(()),
        }
    }
}
