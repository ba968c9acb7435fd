//! An index with a password, named by the list.

use mlpack_install::fetch_packages;
use mlpack_lock::ArtifactOrigin;
use mlpack_oci::Silent;

use crate::kit::{Index, Project, versions};

#[tokio::test]
async fn a_password_opens_the_index_and_is_never_shown() {
    let mut project = Project::new();
    project.wheel("served", "private", "1.0", &[]);
    let port = Index::serve(project.path("served"), Some("me:s3cret")).port;
    project.settings.variables = [("TOKEN".to_owned(), "s3cret".to_owned())].into_iter().collect();
    let index = format!("--index-url http://me:${{TOKEN}}@127.0.0.1:{port}/simple");
    let Some(found) = project.resolved(&[&index, "private"]).await else { return };
    assert_eq!(versions(&found.environment), ["private==1.0"]);
    let file = format!("http://127.0.0.1:{port}/files/private-1.0-py3-none-any.whl");
    assert_eq!(found.environment.packages[0].artifact.origin, ArtifactOrigin::Url(file.clone()));
    let fresh = tempfile::tempdir().unwrap();
    let mut settings = found.settings.clone();
    settings.cache = fresh.path().to_owned();
    fetch_packages(&found.environment, None, &settings, &Silent).await.unwrap();
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");

    let direct = format!(
        "private @ http://me:${{TOKEN}}@127.0.0.1:{port}/files/private-1.0-py3-none-any.whl"
    );
    let found = project.resolved(&["--no-index", &direct]).await.unwrap();
    assert_eq!(found.environment.packages[0].artifact.origin, ArtifactOrigin::Url(file));
    let again = tempfile::tempdir().unwrap();
    let settings =
        mlpack_packages::Settings { cache: again.path().to_owned(), ..found.settings.clone() };
    fetch_packages(&found.environment, None, &settings, &Silent).await.unwrap();
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");

    let (message, _) = project.refused(&[&index, "nothing-there"]).await.unwrap();
    assert_eq!(message, "DIR/env.yml:4: there is no package `nothing-there` in the index");
    let (_, hint) = project.refused(&[&index, "json"]).await.unwrap();
    assert_eq!(hint, "`json` is a part of Python itself: remove the line");
    let wrong = format!("--index-url http://me:wr0ng@127.0.0.1:{port}/simple");
    let (message, hint) = project.refused(&[&wrong, "private"]).await.unwrap();
    assert!(!message.contains("wr0ng") && !hint.contains("wr0ng"), "{message}\n{hint}");
    assert!(
        message
            .ends_with(&format!("127.0.0.1:{port}/simple refused the request: 401 Unauthorized")),
        "{message}"
    );
}

/// A package of another index must not take the place of one in an index that refuses the login.
#[tokio::test]
async fn an_index_that_refuses_the_login_ends_the_run() {
    let project = Project::new();
    project.wheel("closed", "private", "1.0", &[]);
    project.wheel("open", "private", "2.0", &[]);
    let closed = Index::serve(project.path("closed"), Some("me:s3cret")).port;
    let open = Index::serve(project.path("open"), None);
    for (login, refused) in [("", true), ("me:wr0ng@", true), ("me:s3cret@", false)] {
        let extra = format!("--extra-index-url http://{login}127.0.0.1:{closed}/simple");
        let list = [&*open.option(), &extra, "private"];
        if !refused {
            let found = project.resolved(&list).await.unwrap();
            assert_eq!(versions(&found.environment), ["private==2.0"]);
            continue;
        }
        let Some((message, hint)) = project.refused(&list).await else { return };
        let expected = format!("127.0.0.1:{closed}/simple refused the request: 401 Unauthorized");
        assert!(message.ends_with(&expected) && !message.contains("wr0ng"), "{message}");
        assert!(hint.contains("check the user name and the password"), "{hint}");
    }
}
