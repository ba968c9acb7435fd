//! Lists that cannot be resolved.

use std::net::TcpListener;

use crate::kit::{Index, Project, target};

#[tokio::test]
async fn the_message_states_which_requirements_conflict() {
    let mut project = Project::new();
    project.target = target((3, 6, 15), 23);
    project.wheel("wheels", "alpha", "1.0", &["beta>=1.13.3"]);
    for version in ["0.9", "2.0"] {
        project.wheel("wheels", "alpha", version, &[]);
    }
    project.wheel("wheels", "beta", "1.12", &[]);
    project.wheel("wheels", "beta", "1.14", &[]);
    let list = ["--no-index", "-f wheels", "alpha==1.0", "beta<1.13"];
    let Some((message, _)) = project.refused(&list).await else { return };
    let (headline, reason) = message.split_once('\n').unwrap();
    assert!(headline.ends_with(&project.target.describe()), "{headline}");
    assert_eq!(
        reason,
        "Because alpha==1.0 depends on beta>=1.13.3 and you require alpha==1.0, we can conclude that you require beta>=1.13.3.\nAnd because you require beta<1.13, we can conclude that your requirements are unsatisfiable."
    );
}

#[tokio::test]
async fn a_package_that_the_index_does_not_have_is_named() {
    let project = Project::new();
    project.wheel("served", "alpha", "1.0", &[]);
    let index = Index::serve(project.path("served"), None);
    let list = [&*index.option(), "no-such-package"];
    let Some((message, _)) = project.refused(&list).await else { return };
    assert!(message.contains("`no-such-package`"), "{message}");
}

#[tokio::test]
async fn an_index_that_cannot_be_reached_is_named_without_its_password() {
    let project = Project::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let index = format!("--index-url http://me:s3cret@127.0.0.1:{port}/simple");
    let Some((message, hint)) = project.refused(&[&index, "alpha"]).await else { return };
    let text = format!("{message}\n{hint}");
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(text.contains("PIP_INDEX_URL") && !text.contains("s3cret"), "{text}");
}
