//! The real azureml-core finds registered models through the link of the image.

use crate::kit::{Docker, TestContext, runnable_base};
use crate::need;

const SCRIPT: &str = "\
import azureml.core
from azureml.core.model import Model


def init():
    pass


def run(data):
    newest = open(Model.get_model_path('digits')).read()
    first = open(Model.get_model_path('digits', version=1)).read()
    return [azureml.core.VERSION, newest, first]
";

/// Deploys registered models with azureml-core of 2019 and of today.
pub(super) fn finds_registered_models(docker: &Docker) {
    for (base, policy, version, server, newest) in [
        ("ubuntu18-miniconda-py36", "azureml-2019", "1.0.33", "builtin", "1.0.33"),
        ("debian12-py311", "current", "1.61.*", "builtin", "1.61.0"),
        ("debian12-py311", "current", "1.61.*", "azmlinfsrv", "1.61.0"),
    ] {
        let base = need!(runnable_base(base));
        let context = need!(TestContext::online()).running().inheriting(&["DOCKER_HOST"]);
        context.write("score.py", SCRIPT);
        context.write(
            "environment.yml",
            format!("dependencies:\n- pip:\n  - azureml-core=={version}\n"),
        );
        for text in ["first", "second"] {
            context.write("digits.txt", text);
            context.mlpack(&["model", "register", "-n", "digits", "-p", "digits.txt"]).ok();
        }
        let args = ["model", "deploy", "-n", &docker.name, "--es", "score.py", "--overwrite"];
        let models = ["-m", "digits:1", "-m", "digits:2", "--cf", "environment.yml"];
        let rest = ["--bi", &base, "--policy", policy, "--server", server];
        context.mlpack(&[&args[..], &models, &rest].concat()).ok();
        let found = context.mlpack(&["service", "run", "-n", &docker.name, "-d", "{}"]).json();
        let release = found[0].as_str().unwrap();
        assert!(release.starts_with(newest), "{release}");
        assert_eq!((&found[1], &found[2]), (&"second".into(), &"first".into()), "{found}");
    }
}
