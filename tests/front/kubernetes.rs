//! Services on a Kubernetes cluster.

use serde_json::{Value, json};
use snapbox::str;

use crate::kit::{Answer, Cluster, Pushed, pushed};
use crate::need;

/// An image, and a cluster that can run it.
struct Lab {
    pushed: Pushed,
    cluster: Cluster,
}

fn lab() -> Option<Lab> {
    let mut pushed = pushed()?;
    let cluster = Cluster::start(&mut pushed.context, &[]);
    pushed.context.name_pattern(r"digits-[0-9a-f]{10}", "digits-[HASH]");
    pushed.context.name_pattern(r"\d+ seconds? ago *", "[AGE]  ");
    pushed.context.name_pattern("CREATED +", "CREATED  ");
    Some(Lab { pushed, cluster })
}

impl Lab {
    fn deploy(&self, more: &[&str]) -> Answer {
        let line = ["deploy", &self.pushed.reference, "-n", "digits", "--compute-target", "lab"];
        self.pushed.context.mlpack(&[&line, more].concat())
    }

    fn service(&self, verb: &str, more: &[&str]) -> Answer {
        let line = ["service", verb, "-n", "digits", "--compute-target", "lab"];
        self.pushed.context.mlpack(&[&line, more].concat())
    }

    fn behave_as(&self, state: &str, log: &str) {
        self.cluster.behave(&json!({ "pods": { "": { "state": state, "log": log } } }));
    }
}

#[test]
fn a_service_lives_on_a_cluster() {
    let lab = need!(lab());
    lab.behave_as("ready", "one\ntwo\nthree\n");
    lab.deploy(&["--env", "LEVEL=1", "--tag", "stage=test"]).is(str![[r#"
name         digits
state        running
image        [HOST]/team/digits@[DIGEST]
tags         stage=test
scoring URI  http://203.0.113.7/api/v1/service/digits/score
swagger URI  http://203.0.113.7/api/v1/service/digits/swagger.json
keys         `mlpack service get-keys -n digits`

"#]]);
    lab.service("show", &[]).is(str![[r#"
name         digits
state        running
image        [HOST]/team/digits@[DIGEST]
tags         stage=test
scoring URI  http://203.0.113.7/api/v1/service/digits/score
swagger URI  http://203.0.113.7/api/v1/service/digits/swagger.json
keys         `mlpack service get-keys -n digits`

"#]]);
    lab.deploy(&[]).is(str![[r#"
--- stderr
error: a service named `digits` already exists and is running
hint: add `--overwrite` to replace it, or delete it with `mlpack service delete -n digits`
--- exit code 1

"#]]);
    let list = ["service", "list", "--compute-type", "aks"];
    lab.pushed.context.mlpack(&list).is(str![[r#"
NAME    STATE    MODELS  CREATED  SCORING URI
digits  running  model   [AGE]  http://203.0.113.7/api/v1/service/digits/score

"#]]);
    lab.service("get-logs", &["-l", "2"]).is(str![[r#"
two
three

"#]]);
    lab.service("run", &["-d", "[1]"]).is(str![[r#"
{"pod": "digits-[HASH]-0", "body": "[1]"}

"#]]);
    let set = ["--key", "primary", "--set-key", "mine"];
    assert!(lab.service("regen-key", &set).ok().starts_with("primary    mine\nsecondary  "));
    assert!(lab.service("get-keys", &[]).ok().starts_with("primary    mine\nsecondary  "));
    lab.service("run", &["-d", "[2]"]).is(str![[r#"
{"pod": "digits-[HASH]-0", "body": "[2]"}

"#]]);
    lab.deploy(&["--env", "LEVEL=1", "--tag", "stage=test", "--dry-run"]).is("no changes\n");
    let tags = ["--query", "tags", "-o", "tsv"];
    let change = ["--cpu-cores", "0.5", "--add-tag", "stage=live"];
    lab.service("update", &[&change[..], &tags].concat()).is("live\n");
    lab.deploy(&["--expose", "cluster-ip", "--num-replicas", "2", "--dry-run"]).is(str![[r#"
~ Service/digits .spec.type: LoadBalancer -> ClusterIP
- Deployment/digits .metadata.annotations[org.mlpack.config].autoScaler
~ Deployment/digits .metadata.annotations[org.mlpack.config].containerResourceRequirements.cpu: 0.5 -> 0.1
~ Deployment/digits .metadata.annotations[org.mlpack.config].numReplicas: (none) -> 2
~ Deployment/digits .metadata.annotations[org.mlpack.options].exposure: (none) -> cluster-ip
- Deployment/digits .metadata.annotations[org.mlpack.tags]
~ Deployment/digits .spec.replicas: 1 -> 2
- Deployment/digits .spec.template.metadata.annotations[org.mlpack.variables]
- Deployment/digits .spec.template.spec.containers[0].envFrom
~ Deployment/digits .spec.template.spec.containers[0].resources.requests.cpu: 500m -> 100m
- HorizontalPodAutoscaler/digits
- Secret/digits-variables

"#]]);
    lab.service("delete", &[]).is("digits deleted\n");
    lab.service("delete", &[]).is(str![[r#"
--- stderr
error: there is no service named `digits`
hint: there are no services; deploy one with `mlpack deploy`
--- exit code 1

"#]]);
    lab.deploy(&["--env", "LEVEL=1", "--dry-run"]).is(str![[r#"
+ Secret/digits-keys
+ Secret/digits-variables
+ Service/digits
+ Deployment/digits
+ PodDisruptionBudget/digits
+ HorizontalPodAutoscaler/digits

"#]]);
}

#[test]
fn an_update_that_does_not_start_goes_back() {
    let lab = need!(lab());
    lab.deploy(&["--namespace", "team"]).ok();
    let update = |how: Value, seconds: &str| {
        lab.cluster.behave(&how);
        let line = ["--namespace", "team", "--cpu-cores", "2", "--timeout", seconds];
        lab.service("update", &line)
    };
    let pods = |state: Value| json!({ "pods": { "": state } });
    let log =
        "Traceback (most recent call last):\nModuleNotFoundError: No module named 'sklearn'\n";
    update(pods(json!({ "state": "crash", "log": log })), "20").is(str![[r#"
--- stderr
error: service `digits` failed: the Python module `sklearn` is not in the image
end of its log:
  | Traceback (most recent call last):
  | ModuleNotFoundError: No module named 'sklearn'
hint: add the package `scikit-learn` to the conda file's pip list; if it is your own file, set sourceDirectory to its folder
--- exit code 4

"#]]);
    let killed = json!({ "state": "crash", "exitCode": 137, "reason": "OOMKilled" });
    update(pods(killed), "20").is(str![[r#"
--- stderr
error: service `digits` failed: the server process was killed, most likely because it ran out of memory
its log is empty
hint: increase the memory of the machine, or load a smaller model in init()
--- exit code 4

"#]]);
    let message = "Back-off pulling image: 401 Unauthorized";
    let mut denied = pods(json!({ "state": "ImagePullBackOff", "message": message }));
    denied["events"] = json!([{ "reason": "Failed", "message": "Failed to pull image" }]);
    update(denied, "20").is(str![[r#"
--- stderr
error: service `digits` did not start: the image cannot be pulled (ImagePullBackOff): Back-off pulling image: 401 Unauthorized
  | Failed: Failed to pull image
hint: give the cluster a login: `--pull-login` for this machine's, or `--pull-secret NAME`
--- exit code 4

"#]]);
    update(pods(json!({ "state": "unschedulable" })), "1").is(str![[r#"
--- stderr
error: service `digits` did not start: its pod fits on no node: 0/2 nodes are available: 2 Insufficient memory.
hint: ask for less with `containerResourceRequirements` or `gpuCores`, or add nodes
--- exit code 4

"#]]);
    update(pods(json!({ "state": "starting", "log": "loading\n" })), "1").is(str![[r#"
--- stderr
error: service `digits` did not answer within 1 s: init() is running
end of its log:
  | loading
hint: if init() loads a large model, increase `--timeout`
--- exit code 4

"#]]);
    update(json!({ "quota": "exceeded quota: pods=1" }), "1").is(str![[r#"
--- stderr
error: service `digits` did not start: the cluster refuses its pods: exceeded quota: pods=1
hint: a quota or a policy of the namespace forbids them; change it, or what is asked for
--- exit code 4

"#]]);
    lab.cluster.behave(&json!({}));
    lab.deploy(&["--namespace", "team", "--dry-run"]).is("no changes\n");
    lab.service("show", &["--namespace", "team", "--query", "state", "-o", "tsv"]).is("running\n");
}

#[test]
fn a_deployment_that_does_not_start_is_replaced_by_the_next() {
    let lab = need!(lab());
    lab.behave_as("crash", "SyntaxError: invalid syntax\n");
    assert_eq!(lab.deploy(&[]).code, 4);
    lab.service("show", &["--query", "[state, error]", "-o", "tsv"]).is(str![[r#"
failed
service `digits` failed: the entry script has a syntax error: SyntaxError: invalid syntax

"#]]);
    // It is tried again, not refused as one that is being deployed.
    assert_eq!(lab.deploy(&[]).code, 4);
}

#[test]
fn fields_of_others_are_taken_only_on_request() {
    let lab = need!(lab());
    lab.deploy(&["--num-replicas", "3"]).ok();
    // Who hands the number over to an autoscaler keeps it until that decides.
    lab.deploy(&["--autoscale-enabled", "true", "--overwrite"]).ok();
    lab.deploy(&["--num-replicas", "3", "--dry-run"]).is(str![[r#"
- Deployment/digits .metadata.annotations[org.mlpack.config].autoScaler
~ Deployment/digits .metadata.annotations[org.mlpack.config].numReplicas: (none) -> 3
- HorizontalPodAutoscaler/digits

"#]]);
    let other = json!([["deployments", "digits", "kubectl-scale", ["spec", "replicas"], 5]]);
    lab.cluster.behave(&json!({ "others": other }));
    lab.service("update", &["--num-replicas", "2", "--autoscale-enabled", "false"]).is(str![[r#"
--- stderr
error: Deployment/digits has fields that others manage: .spec.replicas by "kubectl-scale" using apps/v1
hint: let its manager give the field up, or take it with `--force-conflicts`
--- exit code 1

"#]]);
    lab.cluster.behave(&json!({}));
    lab.deploy(&["--num-replicas", "2", "--overwrite", "--force-conflicts"]).ok();
}

#[test]
fn what_a_cluster_refuses_is_explained() {
    let lab = need!(lab());
    let context = &lab.pushed.context;
    lab.deploy(&["--namespace", "nowhere", "--dry-run"]).ok();
    lab.cluster.behave(&json!({ "forbidden": ["patch secrets"] }));
    lab.deploy(&[]).is(str![[r#"
--- stderr
error: the cluster does not allow to patch secrets: secrets is forbidden: User "ci" cannot patch resource "secrets" in the namespace "default"
hint: a rule is missing: `kubectl create role mlpack --verb=patch --resource=secrets --namespace=default`, bound to the user
--- exit code 1

"#]]);
    lab.cluster.behave(&json!({ "token": "another" }));
    lab.deploy(&[]).is(str![[r#"
--- stderr
error: the cluster at [CLUSTER] does not accept the login of the kubeconfig: Unauthorized
hint: log in again: its token may have ended; `kubectl get nodes` with the same context must work
--- exit code 1

"#]]);
    let line = ["service", "list", "--compute-target", "prod"];
    context.mlpack(&line).is(str![[r#"
--- stderr
error: the kubeconfig [TEMP]/work/kubeconfig has no context `prod`
hint: its contexts are lab
--- exit code 1

"#]]);
    let mut broken = lab.cluster.kubeconfig(json!({}));
    broken["users"][0]["user"] = json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login", "interactiveMode": "Never" } });
    context.write("kubeconfig", broken.to_string());
    lab.service("show", &[]).is(str![[r#"
--- stderr
error: cannot log in to the cluster at [CLUSTER]: the program that the kubeconfig names for it cannot be run: No such file or directory (os error 2)
hint: log in again: its token may have ended; `kubectl get nodes` with the same context must work
--- exit code 1

"#]]);
    context.write("kubeconfig", "clusters: [\n");
    lab.service("show", &[]).is(str![[r#"
--- stderr
error: cannot use the kubeconfig [TEMP]/work/kubeconfig: failed to parse kubeconfig YAML: error: line 1 column 11: unclosed bracket '['
 --> <input>:1:11
  |
1 | clusters: [
  |           ^ unclosed bracket '['
hint: `kubectl config view` shows what it contains
--- exit code 1

"#]]);
    std::fs::remove_file(context.path("kubeconfig")).unwrap();
    lab.service("show", &[]).is(str![[r#"
--- stderr
error: there is no kubeconfig: [TEMP]/work/kubeconfig does not exist, and this machine is not in a cluster
hint: set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`
--- exit code 1

"#]]);
}

#[test]
fn a_cluster_with_another_certificate_is_not_talked_to() {
    let mut lab = need!(lab());
    let context = &mut lab.pushed.context;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    context.write("tls.crt", made.cert.pem());
    context.write("tls.key", made.signing_key.serialize_pem());
    context.write("ca.crt", made.cert.pem());
    let tls = [context.path("tls.crt"), context.path("tls.key")];
    lab.cluster = Cluster::start(context, &tls);
    let trusted =
        lab.cluster.kubeconfig(json!({ "certificate-authority": context.path("ca.crt") }));
    context.write("kubeconfig", trusted.to_string());
    lab.service("show", &[]).is(str![[r#"
--- stderr
error: there is no service named `digits`
hint: there are no services; deploy one with `mlpack deploy`
--- exit code 1

"#]]);
    let context = &lab.pushed.context;
    let mut broken = trusted;
    broken["clusters"][0]["cluster"]["certificate-authority"] = Value::Null;
    broken["clusters"][0]["cluster"]["certificate-authority-data"] =
        "bm90IGEgY2VydGlmaWNhdGU=".into();
    context.write("kubeconfig", broken.to_string());
    lab.service("show", &[]).is(str![[r#"
--- stderr
error: cannot reach the cluster at [CLUSTER]: invalid peer certificate: UnknownIssuer
hint: compare `certificate-authority-data` and the client certificate in the kubeconfig with the cluster's
--- exit code 1

"#]]);
    let strange =
        lab.cluster.kubeconfig(json!({ "certificate-authority": context.path("ca.crt") }));
    context.write("kubeconfig", strange.to_string());
    context.write("ca.crt", other.cert.pem());
    lab.service("show", &[]).is(str![[r#"
--- stderr
error: cannot reach the cluster at [CLUSTER]: invalid peer certificate: BadSignature
hint: compare `certificate-authority-data` and the client certificate in the kubeconfig with the cluster's
--- exit code 1

"#]]);
}
