//! Services on Azure Container Instances.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use snapbox::str;

use crate::kit::{Answer, FixtureServer, Pushed, get, pushed};
use crate::need;

/// An image, and a subscription that can run it.
struct Lab {
    pushed: Pushed,
    azure: FixtureServer,
}

fn lab() -> Option<Lab> {
    let mut pushed = pushed()?;
    let context = &mut pushed.context;
    let azure = FixtureServer::start("azure/server.py", &context.root().join("azure"), &[]);
    context.name(azure.address.trim_start_matches("http://"), "[AZURE]");
    for (name, value) in [
        ("MLPACK_AZURE_CLOUD", azure.address.as_str()),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_CLIENT_SECRET", "password"),
        ("AZURE_SUBSCRIPTION_ID", "lab"),
        // The addresses of groups are behind the server.
        ("http_proxy", &azure.address),
        ("no_proxy", "127.0.0.1"),
    ] {
        context.set(name, value);
    }
    context.name_pattern(r"\d+ (second|minute|hour|day|month)s? ago *", "[AGE]  ");
    context.name_pattern("CREATED +", "CREATED  ");
    Some(Lab { pushed, azure })
}

impl Lab {
    fn deploy(&self, more: &[&str]) -> Answer {
        self.deploy_to("team", more)
    }

    fn deploy_to(&self, resource_group: &str, more: &[&str]) -> Answer {
        let line = ["deploy", &self.pushed.reference, "-n", "digits", "--compute-type", "aci"];
        self.pushed.context.mlpack(&[&line[..], &["-g", resource_group], more].concat())
    }

    fn service(&self, verb: &str, more: &[&str]) -> Answer {
        let line = ["service", verb, "-n", "digits", "--compute-type", "aci", "-g", "team"];
        self.pushed.context.mlpack(&[&line, more].concat())
    }

    fn groups_are(&self, state: &str, log: &str) {
        self.azure.behave(&json!({ "group": { "state": state, "log": log } }));
    }
}

#[test]
fn a_service_lives_in_a_container_group() {
    let lab = need!(lab());
    lab.groups_are("ready", "one\ntwo\nthree\n");
    let more = ["--auth-enabled", "true", "--dns-name-label", "digits-lab", "--env", "LEVEL=a=b"];
    lab.deploy(&[&more[..], &["--tag", "stage=test"]].concat()).is(str![[r#"
name         digits
state        running
image        [HOST]/team/digits@[DIGEST]
tags         stage=test
scoring URI  http://digits-lab.westeurope.azurecontainer.io/score
swagger URI  http://digits-lab.westeurope.azurecontainer.io/swagger.json
keys         `mlpack service get-keys -n digits`

"#]]);
    lab.service("show", &[]).is(str![[r#"
name         digits
state        running
image        [HOST]/team/digits@[DIGEST]
tags         stage=test
scoring URI  http://digits-lab.westeurope.azurecontainer.io/score
swagger URI  http://digits-lab.westeurope.azurecontainer.io/swagger.json
keys         `mlpack service get-keys -n digits`

"#]]);
    lab.deploy(&[]).is(str![[r#"
--- stderr
error: a service named `digits` already exists and is running
hint: add `--overwrite` to replace it, or delete it with `mlpack service delete -n digits`
--- exit code 1

"#]]);
    // As `az configure --defaults group=team` writes it.
    lab.pushed.context.write("../home/.azure/config", "[defaults]\ngroup = team\n");
    let list = ["service", "list", "--compute-type", "aci"];
    lab.pushed.context.mlpack(&list).is(str![[r#"
NAME    STATE    MODELS  CREATED  SCORING URI
digits  running  model   [AGE]  http://digits-lab.westeurope.azurecontainer.io/score

"#]]);
    lab.service("get-logs", &["-l", "2"]).is(str![[r#"
two
three

"#]]);
    lab.service("run", &["-d", "[1]"]).is(str![[r#"
{"group": "digits", "body": "[1]"}

"#]]);
    let set = ["--key", "primary", "--set-key", "mine"];
    assert!(lab.service("regen-key", &set).ok().starts_with("primary    mine\nsecondary  "));
    assert!(lab.service("get-keys", &[]).ok().starts_with("primary    mine\nsecondary  "));
    lab.service("run", &["-d", "[2]"]).is(str![[r#"
{"group": "digits", "body": "[2]"}

"#]]);
    lab.deploy(&[&more[..], &["--tag", "stage=test", "--dry-run"]].concat()).is("no changes\n");
    let tags = ["--query", "tags", "-o", "tsv"];
    let change = ["--cpu-cores", "0.5", "--add-tag", "stage=live"];
    lab.service("update", &[&change[..], &tags].concat()).is("live\n");
    lab.deploy(&["--env", "LEVEL=2", "--dry-run"]).is(str![[r#"
~ ContainerGroup/digits .properties.containers[0].properties.environmentVariables.LEVEL.secureValue: (hidden) -> (hidden)
- ContainerGroup/digits .properties.containers[0].properties.environmentVariables.MLPACK_KEYS_FILE
~ ContainerGroup/digits .properties.containers[0].properties.resources.requests.cpu: 0.5 -> 0.1
- ContainerGroup/digits .properties.containers[0].properties.volumeMounts
- ContainerGroup/digits .properties.ipAddress.dnsNameLabel
- ContainerGroup/digits .properties.volumes
- ContainerGroup/digits .tags.stage

"#]]);
    lab.service("delete", &[]).is("digits deleted\n");
    lab.service("delete", &[]).is(str![[r#"
--- stderr
error: there is no service named `digits`
hint: there are no services; deploy one with `mlpack deploy`
--- exit code 1

"#]]);
    lab.deploy(&["--dry-run"]).is(str![[r#"
+ ContainerGroup/digits

"#]]);
}

#[test]
fn an_update_that_does_not_start_never_replaces_what_works() {
    let lab = need!(lab());
    lab.deploy(&["--env", "LEVEL=1"]).ok();
    let update = |state: &str, log: &str, seconds: &str| {
        lab.groups_are(state, log);
        lab.service("update", &["--cpu-cores", "2", "--timeout", seconds])
    };
    let log = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'numpy'\n";
    update("crash", log, "60").is(str![[r#"
--- stderr
error: service `digits` failed: the Python module `numpy` is not in the image
end of its log:
  | Traceback (most recent call last):
  | ModuleNotFoundError: No module named 'numpy'
hint: add the package `numpy` to the conda file's pip list; if it is your own file, set sourceDirectory to its folder
--- exit code 4

"#]]);
    update("pull", "", "60").is(str![[r#"
--- stderr
error: service `digits` did not start: The image is not accessible (InaccessibleImage)
  | Pulling: pulling image "[HOST]/team/digits@[DIGEST]"
  | Failed: Failed to pull image: unauthorized.
hint: let Azure pull it: `--pull-login` with this machine's login, or `--pull-identity ID`
--- exit code 4

"#]]);
    update("starting", "", "8").is(str![[r#"
--- stderr
error: service `digits` did not answer within 8 s: {"message": "init() has not returned yet"}
its log is empty
hint: if init() loads a large model, increase `--timeout`
--- exit code 4

"#]]);
    // What was there before still is, and nothing is beside it.
    lab.service("run", &["-d", "[1]"]).is(str![[r#"
{"group": "digits", "body": "[1]"}

"#]]);
    let query = ["--query", "state", "-o", "tsv"];
    lab.service("show", &query).is("running\n");
    let list = ["service", "list", "--compute-type", "aci", "-g", "team", "--query", "length(@)"];
    lab.pushed.context.mlpack(&list).is("1\n");
}

#[test]
fn an_update_that_was_killed_is_cleaned_up() {
    let lab = need!(lab());
    lab.deploy(&[]).ok();
    let groups = || get(&format!("{}/groups", lab.azure.address)).body;
    lab.groups_are("starting", "");
    let line = ["service", "update", "-n", "digits", "--compute-type", "aci", "-g", "team"];
    let line = [&line[..], &["--cpu-cores", "2"]].concat();
    let mut update = lab.pushed.context.command(&line);
    let mut update = update.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while groups() != r#"["digits", "digits-mlpack-trial"]"# {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", groups());
        std::thread::sleep(Duration::from_millis(50));
    }
    update.kill().unwrap();
    update.wait().unwrap();
    lab.groups_are("ready", "");
    lab.service("update", &["--cpu-cores", "2"]).ok();
    assert_eq!(groups(), r#"["digits"]"#);
}

#[test]
fn a_group_that_does_not_start_is_replaced_by_the_next() {
    let lab = need!(lab());
    lab.groups_are("crash", "MemoryError\n");
    lab.deploy(&["--timeout", "60"]).is(str![[r#"
--- stderr
error: service `digits` failed: the server could not import the entry script, or its init() failed (exit code 3)
end of its log:
  | MemoryError
hint: see the traceback in the log; the stopped container is kept until the next deployment of this name: `mlpack service get-logs -n digits` shows its whole log
--- exit code 4

"#]]);
    lab.service("show", &["--query", "[state, error]", "-o", "tsv"]).is(str![[r#"
failed
its container ended with exit code 3

"#]]);
    lab.service("get-logs", &[]).is("MemoryError\n");
    lab.service("run", &["-d", "[1]"]).is(str![[r#"
--- stderr
error: service `digits` is failed
hint: `mlpack service get-logs -n digits` shows why
--- exit code 4

"#]]);
    lab.groups_are("ready", "");
    lab.deploy(&[]).is(str![[r#"
name         digits
state        running
image        [HOST]/team/digits@[DIGEST]
scoring URI  http://203.0.113.9/score
swagger URI  http://203.0.113.9/swagger.json

"#]]);
}

#[test]
fn what_azure_refuses_is_explained() {
    let lab = need!(lab());
    let refuse = |lab: &Lab, how: Value, more: &[&str]| {
        lab.azure.behave(&how);
        lab.deploy(more)
    };
    let denied = json!([
        403,
        "AuthorizationFailed",
        "The client 'ci' does not have authorization to perform action 'Microsoft.ContainerInstance/containerGroups/write'."
    ]);
    refuse(&lab, json!({ "refuse": { "PUT": denied } }), &[]).is(str![[r#"
--- stderr
error: Azure refused to put containerGroups/digits: The client 'ci' does not have authorization to perform action 'Microsoft.ContainerInstance/containerGroups/write' (AuthorizationFailed, status 403)
hint: let an owner give the signed-in identity the role Contributor on the resource group: `az role assignment create --role Contributor --assignee ID --scope /subscriptions/ID/resourceGroups/GROUP`
--- exit code 1

"#]]);
    let quota = json!([
        409,
        "ContainerGroupQuotaReached",
        "Resource type 'Microsoft.ContainerInstance/containerGroups' container group quota 'StandardCores' exceeded in region 'westeurope'."
    ]);
    refuse(&lab, json!({ "refuse": { "PUT": quota } }), &[]).is(str![[r#"
--- stderr
error: Azure refused to put containerGroups/digits: Resource type 'Microsoft.ContainerInstance/containerGroups' container group quota 'StandardCores' exceeded in region 'westeurope' (ContainerGroupQuotaReached, status 409)
hint: ask for a higher quota, delete container groups, or use another `location`
--- exit code 1

"#]]);
    refuse(&lab, json!({}), &["--cpu-cores", "8"]).is(str![[r#"
--- stderr
error: `cpu` is 8, and a container group in `westeurope` has at most 4 cores
hint: ask for at most 4, or deploy to `aks`
--- exit code 1

"#]]);
    refuse(&lab, json!({ "capabilities": [] }), &["--location", "atlantis"]).is(str![[r#"
--- stderr
error: region `atlantis` has no Azure Container Instances
hint: set another `location`
--- exit code 1

"#]]);
    lab.azure.behave(&json!({}));
    lab.deploy_to("missing", &[]).is(str![[r#"
--- stderr
error: Azure refused to get containerGroups/digits: Resource group 'missing' could not be found (ResourceGroupNotFound, status 404)
hint: create it with `az group create -n GROUP -l REGION`, or name another with `-g`
--- exit code 1

"#]]);
    refuse(&lab, json!({ "secret": "another" }), &[]).is(str![[r#"
--- stderr
error: cannot sign in to Azure with the service principal of AZURE_CLIENT_ID: AADSTS7000215: Invalid client secret provided
hint: check the variables that begin with AZURE_, or `az login` again
--- exit code 1

"#]]);
    // Throttled requests are repeated.
    refuse(&lab, json!({ "throttle": 2 }), &[]).is(str![[r#"
name         digits
state        running
image        [HOST]/team/digits@[DIGEST]
scoring URI  http://203.0.113.9/score
swagger URI  http://203.0.113.9/swagger.json

"#]]);
}
