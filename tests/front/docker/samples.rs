//! The samples, packaged with the real server from PyPI, deployed, asked.

use std::fs;

use serde_json::Value;

use crate::kit::{Answer, Docker, TestContext, docker, get, post, repository, runnable_base};
use crate::need;

/// Runs `model deploy` and tells the scoring URI.
#[track_caller]
fn deploy(context: &TestContext, docker: &Docker, rest: &[&str]) -> String {
    let args =
        [&["model", "deploy", "-n", &docker.name, "-ic", "inferenceconfig.json"], rest].concat();
    let answer: Answer = context.mlpack(&args);
    let show = context.mlpack(&["service", "show", "-n", &docker.name, "--format", "json"]).json();
    assert!(answer.ok().contains("running"), "{}", answer.stdout);
    assert_eq!(show["state"], "running");
    show["scoringUri"].as_str().unwrap().to_owned()
}

fn expected(context: &TestContext) -> Value {
    serde_json::from_str(&fs::read_to_string(context.path("expected.json")).unwrap()).unwrap()
}

/// Azure's sample of 2019: scikit-learn's ridge on an Ubuntu 18.04 with Miniconda and Python 3.6.
#[test]
fn the_seed_sample() {
    let docker = need!(docker("seed"));
    let base = need!(runnable_base("ubuntu18-miniconda-py36"));
    let context = need!(TestContext::online()).running().inheriting(&["DOCKER_HOST"]);
    context.fixture("sklearn-ridge");
    let model = "sklearn_regression_model.pkl=sklearn_regression_model.pkl";
    let uri =
        deploy(&context, &docker, &["-dc", "deploymentconfig.json", "-m", model, "--bi", &base]);
    assert!(uri.ends_with(":32267/score"), "{uri}");
    let root = uri.strip_suffix("score").unwrap();

    let sample = fs::read_to_string(context.path("sample.json")).unwrap();
    let answer = post(&uri, &sample);
    assert_eq!(answer.status, 200, "{}", answer.body);
    // The last digits depend on the processor's vector units; ten of them do not.
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let (found, expected) = (numbers(&answer.json()), numbers(&expected(&context)));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < expected.abs() * 1e-10, "{found} {expected}");
    }
    assert_eq!(get(root).status, 200);
    let swagger = get(&format!("{root}swagger.json"));
    assert_eq!(swagger.status, 200);
    let swagger = swagger.json();
    let input = &swagger["definitions"]["ServiceInput"];
    assert_eq!(input["properties"]["data"]["type"], "array", "{swagger}");
    assert_eq!(input["properties"]["data"]["items"]["type"], "array", "{swagger}");
    assert_eq!(input["example"]["data"][0][0], 10, "{swagger}");

    // It runs as an unprivileged user and stops on SIGTERM.
    assert_eq!(docker.run(&["exec", &docker.name, "id", "-u"]), "65532");
    docker.run(&["stop", "--time", "8", &docker.name]);
    assert_eq!(docker.run(&["inspect", "-f", "{{.State.ExitCode}}", &docker.name]), "0");
}

/// The conda file of the Azure document, with packages of its time and of today.
#[test]
fn conda_file_of_the_azure_document() {
    let docker = need!(docker("verbatim"));
    let base = need!(runnable_base("ubuntu18-miniconda-py36"));
    let context = need!(TestContext::online()).running().inheriting(&["DOCKER_HOST"]);
    context.fixture("sklearn-ridge");
    context.write(
        "myenv.yml",
        "name: project_environment\ndependencies:\n  - python=3.6.2\n  - pip:\n    - azureml-defaults\n    - scikit-learn\n    - inference-schema[numpy-support]\n",
    );
    // The pickle of the fixture is of one scikit-learn alone; a model that is fitted at the start
    // is of each.
    let script = fs::read_to_string(context.path("score.py")).unwrap();
    let script = script.replace("import joblib\n", "").replace(
        "joblib.load(Model.get_model_path('sklearn_regression_model.pkl'))",
        "Ridge(alpha=0.03).fit(*load_diabetes(return_X_y=True)); print(Model.get_model_path('sklearn_regression_model.pkl'))",
    );
    context.write(
        "score.py",
        format!("from sklearn.datasets import load_diabetes\nfrom sklearn.linear_model import Ridge\n{script}"),
    );
    let model = "sklearn_regression_model.pkl=sklearn_regression_model.pkl";
    let deployed = |day: &[&str]| {
        let rest = ["-dc", "deploymentconfig.json", "-m", model, "--bi", &base];
        let uri = deploy(&context, &docker, &[&rest[..], day].concat());
        let answer = post(&uri, &fs::read_to_string(context.path("sample.json")).unwrap());
        assert_eq!(answer.status, 200, "{}", answer.body);
        let code = "import sklearn, azureml.core; print(sklearn.__version__, azureml.core.VERSION)";
        let said = docker.run(&["exec", &docker.name, "python", "-c", code]);
        docker.run(&["rm", "--force", &docker.name]);
        (said, answer.json().as_array().unwrap().len())
    };
    assert_eq!(deployed(&["--exclude-newer", "2019-05-05"]), ("0.20.3 1.0.33".to_owned(), 2));
    assert_eq!(deployed(&[]), ("0.24.2 1.47.0".to_owned(), 2));
}

/// Two models in one image, a file and a folder, on a base of today.
#[test]
fn two_models() {
    let docker = need!(docker("two"));
    let base = need!(runnable_base("debian12-py311"));
    let context = need!(TestContext::online()).running().inheriting(&["DOCKER_HOST"]);
    context.fixture("two-models");
    let models =
        ["-dc", "deploymentconfig.json", "-m", "digits:3=digits.onnx", "-m", "names=names"];
    let uri =
        deploy(&context, &docker, &[&models[..], &["--bi", &base, "--policy", "current"]].concat());
    let answer = context.mlpack(&["service", "run", "-n", &docker.name, "-d", "@sample.json"]);
    assert_eq!(answer.json(), expected(&context));
    assert_eq!(get(uri.strip_suffix("score").unwrap()).status, 200);
    let show = context.mlpack(&["service", "show", "-n", &docker.name, "--format", "json"]).json();
    assert_eq!(get(show["swaggerUri"].as_str().unwrap()).status, 200);
}

/// The README's main job: scaffold, package, deploy, ask.
#[test]
fn quickstart() {
    let mut docker = need!(docker("quick"));
    docker.name = "mlpack-quickstart".to_owned();
    let base = need!(runnable_base("debian12-py311"));
    let mut context = need!(TestContext::online()).running().inheriting(&["DOCKER_HOST"]);
    for (pattern, name) in [
        (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:[PORT]"),
        (r"sha256:[0-9a-f]{64}", "[DIGEST]"),
        (r"with \d+ packages on Python [\d.]+\d", "with [COUNT] packages on Python [PYTHON]"),
    ] {
        context.name_pattern(pattern, name);
    }
    let answer = context.mlpack(&["quickstart", "--base-image", &base]);
    answer.is(snapbox::str![[r#"
created          mlpack-quickstart
packaged         oci:mlpack-quickstart/image@[DIGEST]
contents         score.py with [COUNT] packages on Python [PYTHON], model digits:0
inspect with     mlpack inspect oci:mlpack-quickstart/image:quickstart
service          mlpack-quickstart is running
scoring URI      http://127.0.0.1:[PORT]/score
prediction       {"labels": [2], "probabilities": [1.0]}
try again        curl -H 'Content-Type: application/json' -d @mlpack-quickstart/sample.json http://127.0.0.1:[PORT]/score
remove with      mlpack service delete -n mlpack-quickstart

"#]]);
    let expected = repository().join("templates/quickstart/expected.json");
    let expected: Value = serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
    let predicted =
        answer.stdout.lines().find_map(|line| line.strip_prefix("prediction  ")).unwrap();
    let predicted: Value = serde_json::from_str(predicted).unwrap();
    assert_eq!(predicted["labels"], expected["labels"]);
}
