//! Lists that conflict with the inference server: it is added to the outcome of the list.

use crate::kit::{Index, Project, versions};

/// `old` pins a release of gunicorn that the server does not accept; `strict` conflicts with any server.
fn project() -> Project {
    let mut project = Project::new();
    project.add_server = true;
    project.wheel("served", "old", "1.0", &["gunicorn==19.9.0", "core"]);
    project.wheel("served", "strict", "1.0", &["core<2"]);
    for version in ["1.0", "1.5", "2.0"] {
        project.wheel("served", "core", version, &[]);
    }
    for version in ["19.9.0", "23.0.0"] {
        project.wheel("served", "gunicorn", version, &[]);
    }
    project.wheel("served", "inference_schema", "1.8", &[]);
    project
}

fn server(project: &Project, requires: &[&str]) {
    project.wheel("served", "azureml_inference_server_http", "1.4.1", requires);
}

#[tokio::test]
async fn the_server_changes_only_the_packages_it_needs() {
    let project = project();
    server(&project, &["gunicorn>=23", "inference-schema~=1.8.0"]);
    let index = Index::serve(project.path("served"), None);
    let list = [&*index.option(), "old", "core<2"];
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(
        versions(&found.environment),
        [
            "azureml-inference-server-http==1.4.1",
            "core==1.5",
            "gunicorn==23.0.0",
            "inference-schema==1.8",
            "old==1.0",
        ]
    );
    let [added, changed] = &*found.notes else { panic!("{:?}", found.notes) };
    assert!(added.contains("azureml-inference-server-http 1.4.1 and 1 "), "{added}");
    assert!(changed.ends_with("gunicorn is 23.0.0 instead of 19.9.0"), "{changed}");
}

#[tokio::test]
async fn a_list_that_the_server_accepts_is_resolved_with_it() {
    let project = project();
    server(&project, &["gunicorn>=23", "core<2"]);
    let index = Index::serve(project.path("served"), None);
    let Some(found) = project.resolved(&[&*index.option(), "core"]).await else { return };
    // The server's bound decides, which it would not if the list were resolved first.
    assert_eq!(
        versions(&found.environment),
        ["azureml-inference-server-http==1.4.1", "core==1.5", "gunicorn==23.0.0"]
    );
}

#[tokio::test]
async fn an_older_server_is_taken_if_the_list_pins_what_the_newer_ones_refuse() {
    let project = project();
    server(&project, &["core>=2"]);
    project.wheel("served", "azureml_inference_server_http", "0.8.4", &["core<2"]);
    let index = Index::serve(project.path("served"), None);
    let Some(found) = project.resolved(&[&*index.option(), "core==1.5"]).await else { return };
    let expected = ["azureml-inference-server-http==0.8.4", "core==1.5"];
    assert_eq!(versions(&found.environment), expected);
    assert_eq!(
        found.notes,
        [
            "azureml-inference-server-http>=1.4,<2 does not go with the pip list; adding azureml-inference-server-http 0.8.4"
        ]
    );
}

#[tokio::test]
async fn a_conflict_with_other_packages_of_the_server_is_reported() {
    let project = project();
    server(&project, &["core>=2"]);
    let index = Index::serve(project.path("served"), None);
    let Some((message, hint)) = project.refused(&[&*index.option(), "strict"]).await else {
        return;
    };
    assert!(message.contains("strict depend on core<2"), "{message}");
    assert!(
        message.contains("`--server azmlinfsrv` adds azureml-inference-server-http>=1.4,<2.\n"),
        "{message}"
    );
    assert!(hint.contains("omit `--server azmlinfsrv`"));
}

#[tokio::test]
async fn a_conflict_within_the_list_does_not_mention_the_server() {
    let project = project();
    server(&project, &["gunicorn>=23"]);
    let index = Index::serve(project.path("served"), None);
    let list = [&*index.option(), "strict", "core==2.0"];
    let Some((message, _)) = project.refused(&list).await else { return };
    assert!(message.contains("core<2"), "{message}");
    assert!(!message.contains("azureml-inference-server-http"), "{message}");
}

#[tokio::test]
async fn a_list_that_names_the_server_has_no_fallback() {
    let project = project();
    server(&project, &["gunicorn>=23"]);
    let index = Index::serve(project.path("served"), None);
    let list = [&*index.option(), "old", "azureml-inference-server-http"];
    let Some((message, _)) = project.refused(&list).await else { return };
    assert!(message.contains("gunicorn"), "{message}");
}

#[tokio::test]
async fn a_cutoff_before_the_first_server_only_applies_to_the_list() {
    let mut project = project();
    server(&project, &["gunicorn>=23", "inference-schema~=1.8.0"]);
    let times = [
        ("old", "2019-01-01T00:00:00Z"),
        ("core-1.0", "2019-01-01T00:00:00Z"),
        ("gunicorn-19.9.0", "2019-01-01T00:00:00Z"),
    ];
    let late = ["core-1.5", "core-2.0", "gunicorn-23.0.0", "inference_schema"];
    let late = late.iter().chain(&["azureml_inference_server_http"]);
    let times: Vec<_> =
        times.into_iter().chain(late.map(|file| (*file, "2024-01-01T00:00:00Z"))).collect();
    let index = Index::dated(project.path("served"), &times);
    project.settings.exclude_newer = Some("2019-05-05".to_owned());
    let Some(found) = project.resolved(&[&*index.option(), "old"]).await else { return };
    assert_eq!(
        versions(&found.environment),
        [
            "azureml-inference-server-http==1.4.1",
            "core==1.0",
            "gunicorn==23.0.0",
            "inference-schema==1.8",
            "old==1.0",
        ]
    );
    assert!(found.notes.iter().any(|note| note.contains("2019-05-05")), "{:?}", found.notes);
}
