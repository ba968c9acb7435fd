//! The documents of deployments, whole, in `fixtures/golden/deploy`; `SNAPSHOTS=overwrite` writes them again.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use mlpack_deploy::{
    Deployment, DeploymentConfig, Form, ImageFacts, Metadata, PullLogin, Rendered, Rendering,
    Result, TargetOptions, render,
};
use mlpack_documents::Templates;
use snapbox::{Assert, Data};

macro_rules! templates {
    ($($path:literal),* $(,)?) => {
        Templates::new([$(($path, include_str!(concat!("../../../templates/", $path)))),*])
    };
}

fn templates() -> Templates {
    templates![
        "aci/container-group.json.hbs",
        "iot/deployment.json.hbs",
        "iot/module.json.hbs",
        "kubernetes/deployment.yaml.hbs",
        "kubernetes/horizontal-pod-autoscaler.yaml.hbs",
        "kubernetes/http-route.yaml.hbs",
        "kubernetes/inference-service.yaml.hbs",
        "kubernetes/ingress.yaml.hbs",
        "kubernetes/kustomization.yaml.hbs",
        "kubernetes/namespace.yaml.hbs",
        "kubernetes/pod-disruption-budget.yaml.hbs",
        "kubernetes/pod.yaml.hbs",
        "kubernetes/secret.yaml.hbs",
        "kubernetes/service.yaml.hbs",
    ]
}

/// A deployment with everything at its default.
struct Case {
    deployment: Deployment,
    options: TargetOptions,
    pull_login: Option<PullLogin>,
    form: Form,
}

impl Case {
    fn new() -> Self {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let labels = [("org.mlpack.front-door", "0.1.0"), ("org.mlpack.port", "5001")];
        Self {
            deployment: Deployment {
                name: "digits".parse().unwrap(),
                image: format!("registry.example.com/team/digits@{digest}").parse().unwrap(),
                facts: ImageFacts {
                    labels: labels.map(|(key, text)| (key.to_owned(), text.to_owned())).into(),
                    architecture: "amd64".to_owned(),
                    user: "65532:65532".to_owned(),
                },
                environment: BTreeMap::new(),
                metadata: Metadata::default(),
                overwrite: false,
                timeout: Duration::from_secs(310),
            },
            options: TargetOptions::default(),
            pull_login: None,
            form: Form::Plain,
        }
    }

    /// Everything that a deployment can have.
    fn full() -> Self {
        let pair = |key: &str, text: &str| BTreeMap::from([(key.to_owned(), text.to_owned())]);
        let mut case = Self::new();
        case.deployment.environment = pair("LOG_LEVEL", "debug: \"yes\"");
        case.deployment.metadata = Metadata {
            description: Some("Digits".to_owned()),
            tags: pair("stage", "test"),
            properties: pair("team", "vision"),
        };
        case.pull_login = Some(PullLogin {
            server: "registry.example.com".to_owned(),
            username: "reader".to_owned(),
            password: "pull-only".to_owned().into(),
        });
        case
    }

    fn render(&self, config: &str) -> Result<Rendered> {
        let config = DeploymentConfig::parse(config, "dc.yml")?;
        render(
            &config,
            &Rendering {
                deployment: &self.deployment,
                options: &self.options,
                pull_login: self.pull_login.as_ref(),
                form: self.form,
                templates: &templates(),
                folder: Path::new(env!("CARGO_MANIFEST_DIR")),
            },
        )
    }

    /// Every document with the name of its file, and the warnings.
    fn text(&self, config: &str) -> String {
        let rendered = self.render(config).unwrap();
        let mut text = String::new();
        for document in &rendered.documents {
            let secret = if document.secret { " (secret)" } else { "" };
            text.push_str(&format!(
                "# {}{secret}\n---\n{}",
                document.file,
                document.text().unwrap()
            ));
        }
        for warning in &rendered.warnings {
            text.push_str(&format!("# warning: {warning}\n"));
        }
        text
    }

    fn refused(&self, config: &str) -> String {
        let Err(error) = self.render(config) else { panic!("not refused: {config}") };
        format!("{error}\nhint: {}\n", error.hint().unwrap())
    }
}

fn is(text: &str, golden: &str) {
    let path = format!("{}/../../fixtures/golden/deploy/{golden}", env!("CARGO_MANIFEST_DIR"));
    let golden = Data::read_from(Path::new(&path), None);
    Assert::new().action_env("SNAPSHOTS").eq(text, golden.raw());
}

const KEYS: &str = "keys: {primaryKey: first, secondaryKey: second}\n";

#[test]
fn a_service_with_fixed_replicas() {
    let config = format!("computeType: aks\nnumReplicas: 2\n{KEYS}");
    is(&Case::new().text(&config), "kubernetes-fixed.yaml");
}

#[test]
fn a_service_with_everything_behind_a_gateway() {
    let config = format!(
        "computeType: aks\nnamespace: models\ngpuCores: 1\nappInsightsEnabled: true\n{KEYS}\
         autoScaler: {{autoscaleEnabled: true, minReplicas: 2, maxReplicas: 5, refreshPeriodInSeconds: 2, targetUtilization: 60}}\n\
         containerResourceRequirements: {{cpu: 1.5, memoryInGB: 2, cpuLimit: 2, memoryInGBLimit: 3}}\n\
         dataCollection: {{storageEnabled: true}}\nscoringTimeoutMs: 90500\nmaxConcurrentRequestsPerContainer: 2\n\
         livenessProbeRequirements: {{initialDelaySeconds: 61, periodSeconds: 7, timeoutSeconds: 3, failureThreshold: 4}}\n"
    );
    let mut case = Case::full();
    case.options.exposure = "gateway=infra/edge".parse().unwrap();
    case.options.hostname = Some("models.example.com".to_owned());
    is(&case.text(&config), "kubernetes-gateway.yaml");
}

#[test]
fn a_service_with_tls_without_keys() {
    let mut case = Case::new();
    case.options.tls_secret = Some("digits-tls".to_owned());
    case.options.pull_secret = Some("registry".to_owned());
    case.deployment.facts.architecture = "arm64".to_owned();
    let config = "computeType: aks\nauthEnabled: false\nnumReplicas: 1\n";
    is(&case.text(config), "kubernetes-tls.yaml");
}

#[test]
fn a_service_behind_an_ingress_with_kustomize() {
    let mut case = Case::new();
    case.form = Form::Kustomize;
    case.options.exposure = "ingress=webapprouting.kubernetes.azure.com".parse().unwrap();
    case.options.hostname = Some("models.example.com".to_owned());
    case.options.tls_secret = Some("models-tls".to_owned());
    let config = format!("computeType: aks\n{KEYS}");
    is(&case.text(&config), "kubernetes-ingress.yaml");
}

#[test]
fn an_inference_service_of_kserve() {
    let mut case = Case::full();
    case.form = Form::KServe;
    let config = format!("computeType: aks\nnamespace: models\n{KEYS}");
    is(&case.text(&config), "kserve.yaml");
}

#[test]
fn a_container_group() {
    let config = "computeType: aci\nlocation: westeurope\ncontainerResourceRequirements: {cpu: 1, memoryInGB: 1.5}\n";
    is(&Case::new().text(config), "aci.json");
}

#[test]
fn a_container_group_with_everything() {
    let config = format!(
        "computeType: aci\nlocation: westeurope\nauthEnabled: true\n{KEYS}dnsNameLabel: digits\nappInsightsEnabled: true\n\
         vaultBaseUrl: https://vault.example.com\nkeyName: key\nkeyVersion: '7'\n"
    );
    is(&Case::full().text(&config), "aci-full.json");
    let mut private = Case::new();
    private.options.pull_identity = Some("/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/puller".to_owned());
    private.options.subnet = Some("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/net/subnets/models".to_owned());
    let config = "computeType: aci\nlocation: westeurope\nvnetName: net\nsubnetName: models\n";
    is(&private.text(config), "aci-subnet.json");
}

const IOT: &str = "computeType: iot
iotDeviceId: device
amlModule: {moduleName: ml, createOptions: {HostConfig: {Memory: 536870912}}, environmentVariables: {LEVEL: debug}, propertiesDesired: {threshold: 3}}
externalModules: [{moduleName: sensor, imageLocation: 'mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.5'}]
acrCredentials: [{location: registry.example.com, user: reader, password: pull-only}]
routes:
  in: FROM /messages/modules/sensor/outputs/* INTO BrokeredEndpoint(\"/modules/ml/inputs/amlInput\")
  out: FROM /messages/modules/ml/outputs/amlOutput INTO $upstream
";

#[test]
fn modules_of_an_iot_edge_device() {
    is(&Case::new().text(IOT), "iot.json");
    let long = "x".repeat(600);
    let config = IOT.replace("Memory: 536870912", &format!("Binds: ['{long}', 'ü']"));
    let document = &Case::full().render(&config).unwrap().documents[0].content;
    let desired = &document["modulesContent"]["$edgeAgent"]["properties.desired"];
    let settings = &desired["modules"]["ml"]["settings"];
    let pieces = ["createOptions", "createOptions01"].map(|key| settings[key].as_str().unwrap());
    assert_eq!(pieces[0].len(), 512);
    assert_eq!(pieces.concat(), format!(r#"{{"HostConfig":{{"Binds":["{long}","ü"]}}}}"#));
    assert_eq!(settings.as_object().unwrap().len(), 3);
}

#[test]
fn what_a_target_cannot_have_is_refused() {
    let mut said = String::new();
    let case = Case::new();
    for config in [
        "computeType: aks\ntokenAuthEnabled: true\n",
        "computeType: aks\nlivenessProbeRequirements: {successThreshold: 2}\n",
        "computeType: aci\n",
        "computeType: aci\nlocation: a\nvnetName: net\nsubnetName: models\n",
        "computeType: local\n",
    ] {
        said.push_str(&case.refused(config));
    }
    let mut case = Case::new();
    case.options.exposure = "gateway=edge".parse().unwrap();
    case.options.tls_secret = Some("tls".to_owned());
    said.push_str(&case.refused("computeType: aks\n"));
    let mut case = Case::new();
    case.deployment.facts.architecture = "arm64".to_owned();
    said.push_str(&case.refused("computeType: aci\nlocation: a\n"));
    let mut case = Case::new();
    case.deployment.facts.labels.clear();
    said.push_str(&case.refused("computeType: aks\n"));
    let mut case = Case::new();
    case.deployment.image.place = "oci:out".to_owned();
    said.push_str(&case.refused("computeType: aks\n"));
    let mut case = Case::new();
    case.deployment.metadata.description = Some("x".repeat(257));
    said.push_str(&case.refused("computeType: aci\nlocation: a\n"));
    let mut case = Case::new();
    case.form = Form::KServe;
    said.push_str(&case.refused("computeType: aci\nlocation: a\n"));
    let mut case = Case::new();
    case.options.subnet = Some("/subscriptions/s/virtualNetworks/net/subnets/other".to_owned());
    said.push_str(
        &case.refused("computeType: aci\nlocation: a\nvnetName: net\nsubnetName: models\n"),
    );
    said.push_str(&case.refused("computeType: aci\nlocation: a\ndnsNameLabel: digits\n"));
    let case = Case::new();
    said.push_str(&case.refused(&IOT.replace("/modules/ml/inputs", "/modules/mi/inputs")));
    said.push_str(&case.refused(&IOT.replace("moduleName: sensor", "moduleName: ml")));
    let long = format!("Binds: ['{}']", "x".repeat(51_200));
    said.push_str(&case.refused(&IOT.replace("Memory: 536870912", &long)));
    let mut case = Case::new();
    case.options.hostname = Some("models.example.com".to_owned());
    for config in ["computeType: aks\n", "computeType: aci\nlocation: a\n", IOT] {
        said.push_str(&case.refused(config));
    }
    case.form = Form::KServe;
    said.push_str(&case.refused("computeType: aks\n"));
    let mut case = Case::new();
    case.options.pull_secret = Some("registry".to_owned());
    said.push_str(&case.refused("computeType: aci\nlocation: a\n"));
    is(&said, "refused.txt");
}

/// Keys that are not given are generated, so they are different each time, and nothing else is.
#[test]
fn only_generated_keys_differ() {
    let case = Case::full();
    let config = "computeType: aks\nnumReplicas: 1\n";
    let (one, two) = (case.render(config).unwrap(), case.render(config).unwrap());
    let differ =
        |(one, two): (&mlpack_deploy::RenderedDocument, _)| (one != two).then(|| one.file.clone());
    let differ: Vec<String> = one.documents.iter().zip(&two.documents).filter_map(differ).collect();
    assert_eq!(differ, ["0-secret-digits-keys.yaml"]);
}
