//! Services of registered models, with the command lines that users of `az ml` have.

use snapbox::str;

use super::{azureml, update};
use crate::az_lines;
use crate::kit::{Docker, TestContext, docker, runnable_base};
use crate::need;

fn context_and_engine(test: &str) -> Option<(TestContext, Docker)> {
    let docker = docker(test)?;
    let base = runnable_base("debian12-py311")?;
    let mut context = TestContext::offline()?.running().inheriting(&["DOCKER_HOST"]);
    context.set("MLPACK_POLICY", "current");
    context.name(&docker.name, "[SERVICE]");
    context.name_pattern(r#""createdTime": "[^"]*""#, r#""createdTime": "[TIME]""#);
    context.name_pattern(r"sha256:[0-9a-f]{64}", "[DIGEST]");
    let config =
        format!(r#"{{"entryScript": "score.py", "runtime": "python", "baseImage": "{base}"}}"#);
    az_lines::project(&context, &config);
    Some((context, docker))
}

#[test]
fn registered_models_are_deployed_profiled_and_updated() {
    let (mut context, docker) = need!(context_and_engine("azlines"));
    let name = docker.name.as_str();
    let lines = format!(
        r#"az ml model deploy --name {name} --model seer:33 --inference-config inferenceconfig.json --deploy-config-file deployconfiglocal.json --overwrite
az ml model deploy -n {name} -m demo-model:1 --ic aml_config/inference-config.yml --dc deployment/deployment-config-aci.yml --runtime python --compute-type local --port 32000 --overwrite --cc 0.5 --gb 0.5 --lo westeurope --description "A demo" --tag stage=test --tag team=a --property origin=docs --no-wait
az ml service show -n {name} -g my-rg -w my-ws -o json
az ml service list --model-id demo-model:1 --tag stage=test --query '[].scoringUri' -o tsv
az ml service list --model-name seer --query 'length(@)'
az ml service run -n {name} -d '{{"data": [1]}}'
az ml model delete -i demo-model:1"#
    );
    az_lines::run(&context, &lines).is(str![[r#"
$ az ml model deploy --name [SERVICE] --model seer:33 --inference-config inferenceconfig.json --deploy-config-file deployconfiglocal.json --overwrite
name         [SERVICE]
state        running
image        docker:[SERVICE]@[DIGEST]
scoring URI  http://127.0.0.1:32000/score
swagger URI  http://127.0.0.1:32000/swagger.json
$ az ml model deploy -n [SERVICE] -m demo-model:1 --ic aml_config/inference-config.yml --dc deployment/deployment-config-aci.yml --runtime python --compute-type local --port 32000 --overwrite --cc 0.5 --gb 0.5 --lo westeurope --description "A demo" --tag stage=test --tag team=a --property origin=docs --no-wait
name         [SERVICE]
state        running
image        docker:[SERVICE]@[DIGEST]
description  A demo
tags         stage=test, team=a
properties   origin=docs
scoring URI  http://127.0.0.1:32000/score
swagger URI  http://127.0.0.1:32000/swagger.json
--- stderr
warning: `--location` has no effect on compute type `local`
warning: `--no-wait` has no effect: mlpack waits until the service answers
$ az ml service show -n [SERVICE] -g my-rg -w my-ws -o json
{
  "name": "[SERVICE]",
  "description": "A demo",
  "tags": {
    "stage": "test",
    "team": "a"
  },
  "properties": {
    "origin": "docs"
  },
  "state": "running",
  "computeType": "local",
  "scoringUri": "http://127.0.0.1:32000/score",
  "swaggerUri": "http://127.0.0.1:32000/swagger.json",
  "models": [
    {
      "name": "demo-model",
      "version": 1,
      "digest": "[DIGEST]"
    }
  ],
  "authEnabled": false,
  "imageId": "docker:[SERVICE]@[DIGEST]",
  "imageDigest": "[DIGEST]",
  "createdTime": "[TIME]",
  "error": null
}
--- stderr
warning: `--resource-group`, `--workspace-name` have no effect: there is no Azure workspace
$ az ml service list --model-id demo-model:1 --tag stage=test --query '[].scoringUri' -o tsv
http://127.0.0.1:32000/score
$ az ml service list --model-name seer --query 'length(@)'
0
$ az ml service run -n [SERVICE] -d '{"data": [1]}'
"{\"data\": [1]}"
$ az ml model delete -i demo-model:1
--- stderr
error: model `demo-model:1` is used by service `[SERVICE]`
hint: delete what uses it first (`mlpack service delete -n NAME`), or add `--force`
--- exit code 2

"#]]);
    let limits = ["inspect", "-f", "{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}", name];
    assert_eq!(docker.run(&limits), "500000000 536870912");
    profile(&context, &docker);
    context.mlpack(&["service", "delete", "-n", name]).ok();
    update::loses_no_request(&mut context, &docker);
    azureml::finds_registered_models(&docker);
}

/// Measures a service, and deploys with what is recommended.
fn profile(context: &TestContext, docker: &Docker) {
    let name = docker.name.as_str();
    let profile_of = |data: &str| {
        let line = format!(
            "az ml model profile -n {name} -m demo-model:1 --ic inferenceconfig.json -d {data} -t profile.json -g my-rg -w my-ws -o json --duration 2"
        );
        az_lines::run(context, &line).stdout
    };
    let text = profile_of("'{\"data\": [1]}'");
    let json = text.lines().skip(1).take_while(|line| !line.starts_with("---"));
    let found: serde_json::Value =
        serde_json::from_str(&json.collect::<Vec<_>>().join("\n")).unwrap();
    let number = |key: &str| found[key].as_f64().unwrap();
    assert!(number("totalQueries") > 50.0, "{text}");
    assert!(number("latencyPercentile50InMs") <= number("latencyPercentile99InMs"), "{text}");
    assert!((0.1..=64.0).contains(&number("recommendedCpu")), "{text}");
    assert!(number("recommendedCpu") >= number("maxUtilizedCpu"), "{text}");
    assert!(number("recommendedMemoryInGB") > number("maxUtilizedMemoryInGB"), "{text}");
    assert!(number("maxUtilizedMemoryInGB") > 0.001, "{text}");
    let filter = format!("label=org.mlpack.service=profile-{name}");
    assert_eq!(docker.run(&["ps", "--all", "--quiet", "--filter", &filter]), "");
    let written = std::fs::read_to_string(context.path("profile.json")).unwrap();
    let written: serde_json::Value =
        serde_json::from_str(&written.replace(name, "[SERVICE]")).unwrap();
    assert_eq!(written, found);
    let deploy = format!(
        "az ml model deploy -n {name} -m demo-model:1 --ic inferenceconfig.json --pi profile.json --cc 0.75 --overwrite -o none"
    );
    az_lines::run(context, &deploy);
    let limits = ["inspect", "-f", "{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}", name];
    #[allow(clippy::cast_possible_truncation, reason = "a few GB")]
    let memory = (number("recommendedMemoryInGB") * f64::from(1 << 30)) as u64;
    assert_eq!(docker.run(&limits), format!("750000000 {memory}"));
    context.write(
        "score.py",
        "def init():\n    pass\n\n\ndef run(data):\n    raise ValueError(data)\n",
    );
    let profile = ["model", "profile", "-n", name, "-m", "demo-model:1", "-d", "1"];
    let failed = context.mlpack(&[&profile[..], &["--ic", "inferenceconfig.json"]].concat());
    assert_eq!(failed.code, 4);
    assert!(failed.stderr.contains("ValueError: 1"), "{}", failed.stderr);
    let last = format!("error: service `profile-{name}` answered 500: run() raised an exception");
    assert!(failed.stderr.contains(&last), "{}", failed.stderr);
    assert_eq!(docker.run(&["ps", "--all", "--quiet", "--filter", &filter]), "");
    context.write("profile.json", "{}");
    let deploy = ["model", "deploy", "-m", "demo-model:1", "--ic", "inferenceconfig.json"];
    context.mlpack(&[&deploy[..], &["--profile-input", "profile.json"]].concat()).is(str![[r#"
--- stderr
error: profile.json is not a profile: it has no `recommendedCpu` and `recommendedMemoryInGB`
hint: write one with `mlpack model profile -t FILE`
--- exit code 2

"#]]);
}
