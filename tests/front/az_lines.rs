//! Command lines that users of `az ml` have, unchanged: `az` is the function of `mlpack completions az`.

use snapbox::str;

use crate::kit::{Answer, TestContext, base};

const SCRIPT: &str = "def init():\n    pass\n\n\ndef run(data):\n    return data\n";
const FLAT: &str = r#"{"entryScript": "score.py", "runtime": "python", "schemaFile": ""}"#;
const ACI: &str = "computeType: aci\ncontainerResourceRequirements:\n  cpu: 1\n  memoryInGB: 1\n";
const AKS: &str =
    "computeType: aks\nsslEnabled: true\nautoScaler:\n  autoscaleEnabled: false\nnumReplicas: 1\n";
const LOCAL: &str = r#"{"computeType": "local", "port": 32000,}"#;

fn context() -> TestContext {
    let mut context = TestContext::bare().inheriting(&["PATH"]);
    context.set("MLPACK_POLICY", "current");
    context.name_pattern(r"sha256:[0-9a-f]{64}", "[DIGEST]");
    context.name_pattern(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[NOW]");
    project(&context, FLAT);
    context
}

/// Writes every file that the lines name, and registers every model.
pub(crate) fn project(context: &TestContext, inference_config: &str) {
    context.write("score.py", SCRIPT);
    context.write("scoring/score.py", SCRIPT);
    for file in [
        "inferenceconfig.json",
        "inferenceConfig.json",
        "inferenceConfig.yml",
        "inference_config.yml",
        "InferenceConfig.json",
        "config/inference-config.yml",
        "config/inference_config.json",
        "aml_config/inference-config.yml",
    ] {
        context.write(file, inference_config);
    }
    for (file, text) in [
        ("deploymentconfig.json", ACI),
        ("deploymentconfig.yml", AKS),
        ("aciDeploymentConfig.yml", ACI),
        ("dc.yml", ACI),
        ("config/deployment-config-aci.yml", ACI),
        ("config/deployment-config-aks.yml", AKS),
        ("config/aks_deploy.json", AKS),
        ("deployconfig.json", AKS),
        ("deployconfiglocal.json", LOCAL),
        ("deployment_config_aci.yml", ACI),
        ("deployment_config_aks.yml", AKS),
        ("deployment/deployment-config-aci.yml", ACI),
    ] {
        context.write(file, text);
    }
    context.write(
        "profileresult.json",
        r#"{"state": "Succeeded", "recommendedCpu": 0.3, "recommendedMemoryInGB": 0.4}"#,
    );
    context.write("outputs/sklearn_mnist_model.pkl", "weights");
    context.write("mnist/model.onnx", "weights");
    let versions = [
        ("credit", 1),
        ("tf-dnn", 1),
        ("mymodel", 1),
        ("iris", 3),
        ("food", 1),
        ("seer", 33),
        ("diabetes.pkl", 3),
        ("demo-model", 1),
    ];
    for (name, version) in versions {
        for _ in 0..version {
            let args = ["model", "register", "-n", name, "-p", "mnist/model.onnx"];
            context.mlpack(&[&args[..], &["-t", "model.json"]].concat()).ok();
        }
    }
}

/// Runs lines as a shell script does, and returns each with what it printed.
pub(crate) fn run(context: &TestContext, lines: &str) -> Answer {
    let program = env!("CARGO_BIN_EXE_mlpack");
    let mut all = String::new();
    for line in lines.lines() {
        let script = format!(
            "mlpack() {{ '{program}' --quiet \"$@\"; }}; eval \"$(mlpack completions az)\"; {line}"
        );
        let answer = context.answer(context.program("sh", &["-c", &script]), "");
        let text = answer.text();
        all += &format!("$ {line}\n{text}");
    }
    context.normalized(&all)
}

#[test]
fn the_lines_of_the_azure_page() {
    let context = context();
    let lines = "\
az ml model register -n sklearn_mnist  --asset-path outputs/sklearn_mnist_model.pkl  --experiment-name myexperiment
az ml model register -n onnx_mnist -p mnist/model.onnx
az ml model deploy -m sklearn_mnist:1 -ic inferenceconfig.json -dc deploymentconfig.json
az ml model deploy -m sklearn_mnist:1 -n aciservice -ic inferenceconfig.json -dc deploymentconfig.json
az ml model deploy -ct myaks -m mymodel:1 -n aksservice -ic inferenceconfig.json -dc deploymentconfig.json";
    run(&context, lines).is(str![[r#"
$ az ml model register -n sklearn_mnist  --asset-path outputs/sklearn_mnist_model.pkl  --experiment-name myexperiment
id          sklearn_mnist:1
file        sklearn_mnist_model.pkl (7 B)
created     [NOW]
experiment  myexperiment
$ az ml model register -n onnx_mnist -p mnist/model.onnx
id       onnx_mnist:1
file     model.onnx (7 B)
created  [NOW]
$ az ml model deploy -m sklearn_mnist:1 -ic inferenceconfig.json -dc deploymentconfig.json
--- stderr
error: no Azure resource group is named
hint: name it with `-g NAME`, AZURE_DEFAULTS_GROUP, or `resource_group` in .azureml/config.json
--- exit code 1
$ az ml model deploy -m sklearn_mnist:1 -n aciservice -ic inferenceconfig.json -dc deploymentconfig.json
--- stderr
error: no Azure resource group is named
hint: name it with `-g NAME`, AZURE_DEFAULTS_GROUP, or `resource_group` in .azureml/config.json
--- exit code 1
$ az ml model deploy -ct myaks -m mymodel:1 -n aksservice -ic inferenceconfig.json -dc deploymentconfig.json
--- stderr
error: `--compute-target` has no meaning for compute type `aci`
hint: leave it out; `mlpack deploy --help` says what each option is for
--- exit code 1

"#]]);
}

#[test]
fn lines_that_deploy_to_azure_container_instances() {
    let context = context();
    let lines = r#"az ml model deploy -n svc-aci -f model.json --ic config/inference-config.yml --dc config/deployment-config-aci.yml --overwrite
az ml model deploy -g my-rg -w my-ws -n svc -f model.json --dc dc.yml --ic inferenceConfig.yml --description "A classifier on ACI" --overwrite -v
az ml model deploy -n svc-aci -m credit:1 --inference-config-file config/inference-config.yml --deploy-config-file config/deployment-config-aci.yml --overwrite
az ml model deploy -n myservice -m "mymodel:1" --ic inferenceConfig.yml --dc aciDeploymentConfig.yml
az ml model deploy -n food -m food:1 --ic inferenceconfig.json --dc deploymentconfig.json --resource-group my-rg --workspace-name my-ws --overwrite -v
az ml model deploy -n food -m food:1 --ic inferenceconfig.json --pi profileresult.json --dc deploymentconfig.json -w my-ws -g my-rg --overwrite -v
az ml model deploy --name diabetes-aci --model 'diabetes.pkl:3' --ic inference_config.yml --dc deployment_config_aci.yml -g my-rg --workspace-name my-ws --overwrite -v"#;
    run(&context, lines).is(str![[r#"
$ az ml model deploy -n svc-aci -f model.json --ic config/inference-config.yml --dc config/deployment-config-aci.yml --overwrite
--- stderr
error: no Azure resource group is named
hint: name it with `-g NAME`, AZURE_DEFAULTS_GROUP, or `resource_group` in .azureml/config.json
--- exit code 1
$ az ml model deploy -g my-rg -w my-ws -n svc -f model.json --dc dc.yml --ic inferenceConfig.yml --description "A classifier on ACI" --overwrite -v
--- stderr
error: cannot ask for the addresses of the cloud: 127.0.0.1: Connection refused
hint: check the network, the proxy and MLPACK_AZURE_CLOUD
--- exit code 1
$ az ml model deploy -n svc-aci -m credit:1 --inference-config-file config/inference-config.yml --deploy-config-file config/deployment-config-aci.yml --overwrite
--- stderr
error: no Azure resource group is named
hint: name it with `-g NAME`, AZURE_DEFAULTS_GROUP, or `resource_group` in .azureml/config.json
--- exit code 1
$ az ml model deploy -n myservice -m "mymodel:1" --ic inferenceConfig.yml --dc aciDeploymentConfig.yml
--- stderr
error: no Azure resource group is named
hint: name it with `-g NAME`, AZURE_DEFAULTS_GROUP, or `resource_group` in .azureml/config.json
--- exit code 1
$ az ml model deploy -n food -m food:1 --ic inferenceconfig.json --dc deploymentconfig.json --resource-group my-rg --workspace-name my-ws --overwrite -v
--- stderr
error: cannot ask for the addresses of the cloud: 127.0.0.1: Connection refused
hint: check the network, the proxy and MLPACK_AZURE_CLOUD
--- exit code 1
$ az ml model deploy -n food -m food:1 --ic inferenceconfig.json --pi profileresult.json --dc deploymentconfig.json -w my-ws -g my-rg --overwrite -v
--- stderr
error: cannot ask for the addresses of the cloud: 127.0.0.1: Connection refused
hint: check the network, the proxy and MLPACK_AZURE_CLOUD
--- exit code 1
$ az ml model deploy --name diabetes-aci --model 'diabetes.pkl:3' --ic inference_config.yml --dc deployment_config_aci.yml -g my-rg --workspace-name my-ws --overwrite -v
--- stderr
error: cannot ask for the addresses of the cloud: 127.0.0.1: Connection refused
hint: check the network, the proxy and MLPACK_AZURE_CLOUD
--- exit code 1

"#]]);
}

#[test]
fn lines_that_deploy_to_kubernetes() {
    let context = context();
    let lines = r#"az ml model deploy --name svc-aks --ct my-aks -f model.json --ic config/inference-config.yml --dc config/deployment-config-aks.yml --overwrite
az ml model deploy -n svc-aks -m credit:1 --compute-target my-aks --inference-config-file config/inference-config.yml --deploy-config-file config/deployment-config-aks.yml --overwrite
az ml model deploy -n aks4 -m "tf-dnn:1" --ic inferenceconfig.json --dc deploymentconfig.yml --ct my-aks -w my-ws -g "my-rg" --overwrite
az ml model deploy --name irisservice --model iris:3 --inference-config-file ./config/inference_config.json --deploy-config-file ./config/aks_deploy.json --overwrite --compute-target my-aks
az ml model deploy --name seer-svc --model seer:32 --compute-target my-aks --inference-config inferenceconfig.json --deploy-config-file deployconfig.json --overwrite
az ml model deploy --name diabetes-aks --model 'diabetes.pkl:3' --compute-target my-aks --ic inference_config.yml --dc deployment_config_aks.yml -g my-rg --workspace-name my-ws --overwrite -v"#;
    run(&context, lines).is(str![[r#"
$ az ml model deploy --name svc-aks --ct my-aks -f model.json --ic config/inference-config.yml --dc config/deployment-config-aks.yml --overwrite
--- stderr
warning: [TEMP]/work/config/deployment-config-aks.yml:2:1: ignored the unknown key `sslEnabled`
error: there is no kubeconfig: [TEMP]/home/.kube/config does not exist, and this machine is not in a cluster
hint: set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`
--- exit code 1
$ az ml model deploy -n svc-aks -m credit:1 --compute-target my-aks --inference-config-file config/inference-config.yml --deploy-config-file config/deployment-config-aks.yml --overwrite
--- stderr
warning: [TEMP]/work/config/deployment-config-aks.yml:2:1: ignored the unknown key `sslEnabled`
error: there is no kubeconfig: [TEMP]/home/.kube/config does not exist, and this machine is not in a cluster
hint: set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`
--- exit code 1
$ az ml model deploy -n aks4 -m "tf-dnn:1" --ic inferenceconfig.json --dc deploymentconfig.yml --ct my-aks -w my-ws -g "my-rg" --overwrite
--- stderr
warning: [TEMP]/work/deploymentconfig.yml:2:1: ignored the unknown key `sslEnabled`
error: there is no kubeconfig: [TEMP]/home/.kube/config does not exist, and this machine is not in a cluster
hint: set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`
--- exit code 1
$ az ml model deploy --name irisservice --model iris:3 --inference-config-file ./config/inference_config.json --deploy-config-file ./config/aks_deploy.json --overwrite --compute-target my-aks
--- stderr
warning: [TEMP]/work/./config/aks_deploy.json:2:1: ignored the unknown key `sslEnabled`
error: there is no kubeconfig: [TEMP]/home/.kube/config does not exist, and this machine is not in a cluster
hint: set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`
--- exit code 1
$ az ml model deploy --name seer-svc --model seer:32 --compute-target my-aks --inference-config inferenceconfig.json --deploy-config-file deployconfig.json --overwrite
--- stderr
warning: [TEMP]/work/deployconfig.json:2:1: ignored the unknown key `sslEnabled`
error: there is no kubeconfig: [TEMP]/home/.kube/config does not exist, and this machine is not in a cluster
hint: set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`
--- exit code 1
$ az ml model deploy --name diabetes-aks --model 'diabetes.pkl:3' --compute-target my-aks --ic inference_config.yml --dc deployment_config_aks.yml -g my-rg --workspace-name my-ws --overwrite -v
--- stderr
warning: [TEMP]/work/deployment_config_aks.yml:2:1: ignored the unknown key `sslEnabled`
error: there is no kubeconfig: [TEMP]/home/.kube/config does not exist, and this machine is not in a cluster
hint: set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`
--- exit code 1

"#]]);
}

#[test]
fn lines_that_package() {
    let context = context();
    let base = base("debian12-py311");
    context.write("conda_dependencies.yml", "dependencies:\n- python=3.11\n");
    context.write("project/scoring/score.py", SCRIPT);
    let lines = format!(
        r#"cd project && az ml model package --workspace-name my-ws -g my-rg --model 'diabetes.pkl:3' --entry-script scoring/score.py --cf ../conda_dependencies.yml -v --rt python --bi {base}
az ml model package --InferenceConfig-file InferenceConfig.json"#
    );
    run(&context, &lines).is(str![[r#"
$ cd project && az ml model package --workspace-name my-ws -g my-rg --model 'diabetes.pkl:3' --entry-script scoring/score.py --cf ../conda_dependencies.yml -v --rt python --bi oci:[BASES]/debian12-py311
oci:[TEMP]/work/.mlpack@[DIGEST]
--- stderr
warning: `--resource-group`, `--workspace-name` have no effect: there is no Azure workspace
warning: `--verbose` has no effect: only the reference is printed
$ az ml model package --InferenceConfig-file InferenceConfig.json
--- stderr
error: unexpected argument '--InferenceConfig-file' found

  tip: a similar argument exists: '--inference-config-file'

Usage: mlpack model package [OPTIONS]

For more information, try '--help'.
--- exit code 2

"#]]);
}
