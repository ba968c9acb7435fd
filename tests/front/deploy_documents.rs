//! Documents of deployments: written for an image in a registry, and checked against the official models.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use snapbox::str;

use crate::kit::{Answer, Pushed, TestContext, eq, files, pushed, python_with, repository};
use crate::need;

/// Judges of the documents, and what they are judged by: the versions that the goldens were accepted by.
const JUDGES: [&str; 6] = [
    "azure-iot-hub==2.7.0",
    "azure-mgmt-containerinstance==10.1.0",
    "kubernetes==37.0.2",
    "kubernetes-validate==1.37.0",
    "pyyaml>=6",
    // azure-iot-hub needs it without saying so.
    "six",
];

#[test]
fn official_models_accept_every_document() {
    let python = need!(python_with("judges", &JUDGES));
    let folder = repository().join("fixtures/golden/deploy");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension != "txt"));
    files.sort();
    let judge = repository().join("fixtures/judge.py");
    let output = Command::new(&python).arg(&judge).args(files).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    eq(
        &format!("{said}{}", String::from_utf8_lossy(&output.stderr)),
        str![[r#"
ContainerGroup: accepted
ContainerGroup: accepted
ContainerGroup: accepted
DeploymentManifest: accepted
Namespace: accepted
Secret: accepted
Secret: accepted
Secret: accepted
InferenceService: no model
Secret: accepted
Service: accepted
Deployment: accepted
PodDisruptionBudget: accepted
Namespace: accepted
Secret: accepted
Secret: accepted
Secret: accepted
Service: accepted
Deployment: accepted
PodDisruptionBudget: accepted
HorizontalPodAutoscaler: accepted
HTTPRoute: no model
Secret: accepted
Service: accepted
Deployment: accepted
PodDisruptionBudget: accepted
HorizontalPodAutoscaler: accepted
Ingress: accepted
Kustomization: no model
Service: accepted
Deployment: accepted
PodDisruptionBudget: accepted

"#]],
    );
    assert!(output.status.success());

    let misspelled = TestContext::bare();
    misspelled.write(
        "bad.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {tpye: ClusterIP}\n",
    );
    misspelled.write(
        "bad.json",
        r#"{"location": "a", "properties": {"containers": [], "osTpye": "Linux"}}"#,
    );
    let files = ["bad.yaml", "bad.json"].map(|file| misspelled.path(file));
    let output = Command::new(&python).arg(judge).args(files).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!((said.matches("accepted").count(), said.lines().count()), (0, 2), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

/// Every document by its file.
fn texts(context: &TestContext) -> BTreeMap<OsString, String> {
    let entries = std::fs::read_dir(context.path("out")).unwrap().map(Result::unwrap);
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    entries.map(|entry| (entry.file_name(), text(&entry.path()))).collect()
}

/// Renders the documents of a pushed image.
fn render(pushed: &Pushed, more: &[&str]) -> Answer {
    let line = ["deploy", &pushed.reference, "-n", "digits", "--render-only", "-o", "out"];
    pushed.context.mlpack(&[&line, more].concat())
}

#[test]
fn documents_replace_those_of_an_earlier_rendering() {
    let pushed = need!(pushed());
    let context = &pushed.context;
    context.write("aks.yml", "computeType: aks\nkeys: {primaryKey: first, secondaryKey: second}\n");
    render(&pushed, &["--dc", "aks.yml", "--env", "TOKEN=hush"]).is(str![[r#"
out/0-secret-digits-keys.yaml
out/1-secret-digits-variables.yaml
out/2-service.yaml
out/3-deployment.yaml
out/4-pod-disruption-budget.yaml
out/5-horizontal-pod-autoscaler.yaml

"#]]);
    let mode = |file: &str| {
        std::fs::metadata(context.path("out").join(file)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!([mode("0-secret-digits-keys.yaml"), mode("2-service.yaml")], [0o600, 0o644]);
    let documents = texts(context);
    let deployment = std::fs::read_to_string(context.path("out/3-deployment.yaml")).unwrap();
    let image = context.mlpack(&["inspect", &pushed.reference, "--format", "json"]).json();
    let digest = image["digest"].as_str().unwrap();
    assert!(deployment.contains(&format!("/team/digits@{digest}\n")), "{deployment}");
    assert!(!deployment.contains("hush"), "{deployment}");
    // The same line gives the same bytes; a smaller deployment leaves nothing of the larger one.
    render(&pushed, &["--dc", "aks.yml", "--env", "TOKEN=hush"]).ok();
    assert_eq!(texts(context), documents);
    let aci = ["--compute-type", "aci", "--location", "westeurope", "--format", "json"];
    render(&pushed, &aci).is(str![[r#"
{
  "image": "[HOST]/team/digits@[DIGEST]",
  "folder": "out",
  "files": [
    "container-group.json"
  ]
}

"#]]);
    assert_eq!(files(&context.path("out")).len(), 1);
    // What is not ours stays.
    context.write("out/notes.txt", "mine");
    render(&pushed, &aci).is(str![[r#"
--- stderr
{"error":{"message":"[TEMP]/work/out has a file that is no rendered document: notes.txt","hint":"name an empty or new folder","exitCode":2}}
--- exit code 2

"#]]);
    assert_eq!(files(&context.path("out")).len(), 2);
}

#[test]
fn mistakes_are_reported_before_anything_is_written() {
    let pushed = need!(pushed());
    let context = &pushed.context;
    let mut said = String::new();
    let mut refused = |answer: Answer| {
        said.push_str(&answer.text());
        assert!(!context.path("out").exists());
    };
    refused(render(&pushed, &["--compute-type", "aks", "--expose", "public"]));
    refused(render(&pushed, &["--compute-type", "aks", "--tls-secret", "My_Secret"]));
    refused(render(&pushed, &["--compute-type", "aks", "--pull-login"]));
    refused(render(
        &pushed,
        &["--compute-type", "aks", "--pull-login", "--pull-secret", "registry"],
    ));
    refused(render(&pushed, &["--compute-type", "aci"]));
    refused(render(&pushed, &["--compute-type", "aci", "--location", "a", "--subnet", "net/sub"]));
    refused(render(&pushed, &[]));
    refused(context.mlpack(&[
        "deploy",
        &pushed.reference,
        "-n",
        "digits",
        "--expose",
        "cluster-ip",
    ]));
    refused(context.mlpack(&["deploy", &pushed.reference, "-n", "digits", "--render-only"]));
    context.write("keys.yml", "computeType: aks\nkeys: {primaryKey: two words}\n");
    refused(render(&pushed, &["--dc", "keys.yml"]));
    eq(
        &said,
        str![[r#"
--- stderr
error: invalid value 'public' for '--expose <HOW>': expected `load-balancer`, `cluster-ip`, `gateway=NAME`, `gateway=NAMESPACE/NAME` or `ingress=CLASS`

For more information, try '--help'.
--- exit code 2
--- stderr
error: invalid value 'My_Secret' for '--tls-secret <NAME>': expected lower case letters, digits, `-` and `.`

For more information, try '--help'.
--- exit code 2
--- stderr
error: there is no login for [HOST] on this machine
hint: log in with a user name and a password that may only pull, with `mlpack login [HOST]`
--- exit code 2
--- stderr
error: the argument '--pull-login' cannot be used with '--pull-secret <NAME>'

Usage: mlpack deploy [OPTIONS] --name <NAME> <IMAGE>

For more information, try '--help'.
--- exit code 2
--- stderr
error: `location` is missing: the Azure region of the container group
hint: set `location` in the deployment config, or add `--location REGION`
--- exit code 1
--- stderr
error: invalid value 'net/sub' for '--subnet <ID>': expected a resource id, as in /subscriptions/…/resourceGroups/…/providers/…

For more information, try '--help'.
--- exit code 2
--- stderr
error: there are no documents for compute type `local`
hint: documents are rendered for `aks` (plain, kustomize or kserve), `aci` and `iot` (plain)
--- exit code 1
--- stderr
error: `--expose` has no meaning for compute type `local`
hint: leave it out; `mlpack deploy --help` says what each option is for
--- exit code 1
--- stderr
error: the following required arguments were not provided:
  --output <DIR>

Usage: mlpack deploy [OPTIONS] --name <NAME> <IMAGE>

For more information, try '--help'.
--- exit code 2
--- stderr
error: a key of the service is not one word of printable ASCII
hint: use letters and digits, as in the keys that mlpack generates
--- exit code 1

"#]],
    );
}
