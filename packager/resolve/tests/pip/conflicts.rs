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
        "these two lines cannot both be met:\n  DIR/env.yml:5: alpha==1.0\n  DIR/env.yml:6: beta<1.13\nBecause alpha==1.0 depends on beta>=1.13.3 and you require alpha==1.0, we can conclude that you require beta>=1.13.3.\nAnd because you require beta<1.13, we can conclude that your requirements are unsatisfiable."
    );
}

/// Any two of the three can be met, and the proof of the whole list names others too.
#[tokio::test]
async fn the_fewest_lines_that_conflict_are_named() {
    let project = Project::new();
    for version in ["1", "2", "3"] {
        project.wheel("wheels", "shared", version, &[]);
    }
    for (name, needs) in [("left", "shared!=1"), ("right", "shared!=2")] {
        project.wheel("wheels", name, "1", &[needs]);
    }
    let others: Vec<String> = (0..20).map(|number| format!("other{number}")).collect();
    for name in &others {
        project.wheel("wheels", name, "1", &["shared"]);
    }
    project.file("limits.txt", "unused<3\nshared<3\n");
    let mut list = vec!["--no-index", "-f wheels", "-c limits.txt"];
    list.extend(others[..10].iter().map(String::as_str));
    list.extend(["right", "left"]);
    list.extend(others[10..].iter().map(String::as_str));
    let Some((message, hint)) = project.refused(&list).await else { return };
    let (_, reason) = message.split_once('\n').unwrap();
    assert_eq!(
        reason,
        "these lines cannot all be met:\n  DIR/env.yml:16: right\n  DIR/env.yml:17: left\n  DIR/limits.txt:2: shared<3\nBecause all versions of left depend on shared>1 and only the following versions of shared are available:\n    shared==1\n    shared==2\n    shared>=3\nwe can conclude that all versions of left depend on shared>=2.\nAnd because all versions of right depend on one of:\n    shared<2\n    shared>2\nand shared<3, we can conclude that all versions of left and all versions of right are incompatible.\nAnd because you require right and left, we can conclude that your requirements are unsatisfiable."
    );
    assert_eq!(hint, "loosen or pin the versions named above so that one set satisfies all");
}

#[tokio::test]
async fn a_package_by_place_and_another_release_of_it() {
    let project = Project::new();
    for version in ["1.0", "2.0"] {
        project.wheel("wheels", "alpha", version, &[]);
    }
    let list = ["--no-index", "-f wheels", "./wheels/alpha-1.0-py3-none-any.whl", "alpha==2.0"];
    let Some((message, hint)) = project.refused(&list).await else { return };
    let (_, reason) = message.split_once('\n').unwrap();
    assert_eq!(
        (reason, &*hint),
        (
            "these two lines cannot both be met:\n  DIR/env.yml:5: ./wheels/alpha-1.0-py3-none-any.whl\n  DIR/env.yml:6: alpha==2.0\nalpha has a place in one of them, and its release there is another one",
            "remove one of the two lines"
        )
    );
}

#[tokio::test]
async fn an_address_without_its_file_is_named_by_line() {
    let project = Project::new();
    project.wheel("served", "alpha", "1.0", &[]);
    let index = Index::serve(project.path("served"), None);
    let host = index.option().replace("--index-url ", "").replace("/simple", "");
    for file in ["beta-1.0.tar.gz", "beta-1.0-py3-none-any.whl"] {
        let line = format!("beta @ {host}/files/{file}");
        let Some((message, _)) = project.refused(&[&*index.option(), "alpha", &line]).await else {
            return;
        };
        let expected = format!("DIR/env.yml:5: cannot fetch {host}/files/{file}: 404 Not Found");
        assert_eq!(message, expected);
    }
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
    assert!(text.contains(" names this index: check its address"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}
