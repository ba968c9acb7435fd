//! The inference server that is added to a list.

use crate::kit::{Index, Project, target, versions};

/// A project whose index has a release of the server and of azureml-defaults for each Python.
fn project() -> (Project, Index) {
    let mut project = Project::new();
    project.add_server = true;
    project.wheel("served", "alpha", "1.0", &[]);
    for version in ["0.7.7", "0.8.4", "1.3.4", "1.4.1"] {
        project.wheel("served", "azureml_inference_server_http", version, &[]);
    }
    let defaults = [
        ("1.30.0", vec![]),
        ("1.47.0", vec!["azureml-inference-server-http~=0.7.2"]),
        ("1.54.0", vec!["azureml-inference-server-http~=0.8.0"]),
        ("1.60.0", vec!["azureml-inference-server-http~=1.3.0"]),
        ("1.62.0", vec!["azureml-inference-server-http~=1.4.0"]),
    ];
    for (version, requires) in defaults {
        project.wheel("served", "azureml_defaults", version, &requires);
    }
    let index = Index::serve(project.path("served"), None);
    (project, index)
}

#[tokio::test]
async fn every_python_gets_its_server_and_defaults() {
    let (mut project, index) = project();
    let option = index.option();
    for (minor, server, defaults) in [
        (6, "0.7.7", "1.47.0"),
        (7, "0.8.4", "1.54.0"),
        (8, "1.3.4", "1.60.0"),
        (9, "1.4.1", "1.62.0"),
        (13, "1.4.1", "1.62.0"),
    ] {
        project.target = target((3, minor, 1), 36);
        let server = format!("azureml-inference-server-http=={server}");
        let Some(found) = project.resolved(&[&option, "alpha"]).await else { return };
        assert_eq!(versions(&found.environment), ["alpha==1.0", &server], "3.{minor}");
        assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
        let found = project.resolved(&[&option, "azureml-defaults"]).await.unwrap();
        let defaults = format!("azureml-defaults=={defaults}");
        assert_eq!(versions(&found.environment), [defaults, server], "3.{minor}");
    }
}

/// Without a bound uv may choose a release of azureml-defaults that has no server.
#[tokio::test]
async fn defaults_before_the_server_are_only_chosen_if_the_list_pins_them() {
    let (project, index) = project();
    let list = [&*index.option(), "azureml-defaults<1.34"];
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(
        versions(&found.environment),
        ["azureml-defaults==1.30.0", "azureml-inference-server-http==1.4.1"]
    );
}
