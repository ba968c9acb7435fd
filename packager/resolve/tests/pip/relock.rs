//! Lists that changed a little, resolved with the earlier lock.

use std::path::Path;

use mlpack_install::fetch_packages;
use mlpack_lock::{ArtifactKind, ArtifactOrigin, LockedEnvironment};
use mlpack_oci::Silent;

use crate::kit::{Index, Project, target, versions};

/// Returns a project with a separate cache, its index, and its lock: `left`, which requires `core`,
/// `other`, and `built`, which is a source archive. All are fetched. A newer `core` appears later.
async fn locked_project(cache: &Path) -> Option<(Project, Index, LockedEnvironment)> {
    let mut project = Project::new();
    project.settings.cache = cache.to_owned();
    project.wheel("served", "left", "1.0", &["core"]);
    project.wheel("served", "core", "1.0", &[]);
    project.wheel("served", "other", "1.0", &[]);
    project.archive("served", "built", "1.0");
    let index = Index::serve(project.path("served"), None);
    let lines = [&index.option(), "left", "other==1.0", "built"];
    let found = project.resolved(&lines).await?;
    fetch_packages(&found.environment, None, &found.settings, &Silent).await.unwrap();
    project.wheel("served", "core", "2.0", &[]);
    assert_eq!(index.pages(), ["built", "core", "left", "other"]);
    Some((project, index, found.environment))
}

/// Returns the packages of a list with an earlier lock, and the pages that were requested.
async fn again(
    project: &Project,
    index: &Index,
    locked: &LockedEnvironment,
    lines: &[&str],
) -> (Vec<String>, Vec<String>) {
    let option = index.option();
    let lines: Vec<&str> = std::iter::once(&*option).chain(lines.iter().copied()).collect();
    let found = project.resolve_from(&lines, Some(locked)).await.unwrap();
    for package in &found.environment.packages {
        assert!(matches!(package.artifact.origin, ArtifactOrigin::Url(_)), "{package:?}");
        let name = package.name.replace('-', "_");
        assert!(package.artifact.filename.starts_with(&name), "{package:?}");
        assert_eq!(package.artifact.kind == ArtifactKind::Sdist, package.name == "built");
        if let Some(before) = locked.package(&package.name)
            && before.version == package.version
        {
            assert_eq!(package, before);
        }
    }
    (versions(&found.environment), index.pages())
}

#[tokio::test]
async fn only_new_pins_are_requested_from_the_index() {
    let cache = tempfile::tempdir().unwrap();
    let Some((project, index, locked)) = locked_project(cache.path()).await else { return };
    project.wheel("served", "other", "2.0", &["core>=1"]);
    let (found, asked) =
        again(&project, &index, &locked, &["left==1.0", "other==2.0", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==1.0", "left==1.0", "other==2.0"]);
    assert_eq!(asked, ["other"]);
    // One package fewer.
    let (found, asked) = again(&project, &index, &locked, &["left"]).await;
    assert_eq!(found, ["core==1.0", "left==1.0"]);
    assert_eq!(asked, [""; 0]);
}

#[tokio::test]
async fn a_list_with_more_to_decide_is_resolved_as_a_whole() {
    let cache = tempfile::tempdir().unwrap();
    let Some((project, index, locked)) = locked_project(cache.path()).await else { return };
    let all = ["built", "core", "left", "other"];
    // A bound that the locked release does not satisfy.
    let (found, asked) = again(&project, &index, &locked, &["left", "core>1", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==2.0", "left==1.0"]);
    assert_eq!(asked, ["built", "core", "left"]);
    // A release that conflicts with a locked one.
    project.wheel("served", "other", "3.0", &["core>=2"]);
    let (found, asked) = again(&project, &index, &locked, &["left", "other==3.0", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==2.0", "left==1.0", "other==3.0"]);
    assert_eq!(asked, all);
    // A package that was not locked.
    project.wheel("served", "other", "4.0", &["fresh"]);
    project.wheel("served", "fresh", "1.0", &[]);
    let (found, asked) = again(&project, &index, &locked, &["left", "other==4.0", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==1.0", "fresh==1.0", "left==1.0", "other==4.0"]);
    assert_eq!(asked, ["built", "core", "fresh", "left", "other"]);
    // The locked wheels are not in the cache any more.
    std::fs::remove_dir_all(cache.path().join("wheels")).unwrap();
    std::fs::remove_dir_all(cache.path().join("built")).unwrap();
    project.wheel("served", "other", "2.0", &["core>=1"]);
    let (found, asked) = again(&project, &index, &locked, &["left", "other==2.0", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==1.0", "left==1.0", "other==2.0"]);
    assert_eq!(asked, all);
}

#[tokio::test]
async fn a_list_that_requires_another_file_gets_it() {
    let cache = tempfile::tempdir().unwrap();
    let Some((project, index, locked)) = locked_project(cache.path()).await else { return };
    project.archive("served", "core", "1.0");
    project.wheel("served", "built", "1.0", &[]);
    let index = index.option();
    for (option, name, kind) in [
        ("--no-binary core", "core", ArtifactKind::Sdist),
        ("--only-binary built", "built", ArtifactKind::Wheel),
    ] {
        let lines = [&index, option, "left", "core==1.0", "other==1.0", "built"];
        let found = project.resolve_from(&lines, Some(&locked)).await.unwrap().environment;
        assert_eq!(versions(&found), versions(&locked));
        for package in &found.packages {
            let before = locked.package(&package.name).unwrap();
            if package.name == name {
                assert_eq!(package.artifact.kind, kind, "{package:?}");
            } else {
                assert_eq!(package, before);
            }
        }
    }
}

#[tokio::test]
async fn a_lock_for_another_target_only_gives_preferences() {
    let cache = tempfile::tempdir().unwrap();
    let Some((mut project, index, locked)) = locked_project(cache.path()).await else { return };
    project.target = target((3, 10, 1), 36);
    let (found, asked) = again(&project, &index, &locked, &["left==1.0"]).await;
    assert_eq!(found, ["core==1.0", "left==1.0"]);
    // The files are those of the index, not of the lock.
    assert_eq!(asked, ["core", "left"]);
}

#[tokio::test]
async fn a_server_is_added_to_what_was_locked() {
    let cache = tempfile::tempdir().unwrap();
    let Some((mut project, index, locked)) = locked_project(cache.path()).await else { return };
    project.add_server = true;
    project.wheel("served", "azureml_inference_server_http", "1.4.1", &["core"]);
    let (found, _) = again(&project, &index, &locked, &["left"]).await;
    assert_eq!(found, ["azureml-inference-server-http==1.4.1", "core==1.0", "left==1.0"]);
}
