//! Lists that changed a little, with what was locked before.

use std::path::Path;

use mlpack_install::fetch_packages;
use mlpack_lock::{ArtifactKind, ArtifactOrigin, LockedEnvironment};
use mlpack_oci::Silent;

use crate::index::Index;
use crate::kit::{Project, versions};

/// A project with a cache of its own, its index, and `left`, which needs `core`, beside `other` and
/// `built`, which has only sources; all of them locked, and fetched. A newer `core` came since.
async fn locked(cache: &Path) -> Option<(Project, Index, LockedEnvironment)> {
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

/// The packages of a list beside what is held, and the pages that were asked for.
async fn again(
    project: &Project,
    index: &Index,
    held: &LockedEnvironment,
    lines: &[&str],
) -> (Vec<String>, Vec<String>) {
    let option = index.option();
    let lines: Vec<&str> = std::iter::once(&*option).chain(lines.iter().copied()).collect();
    let found = project.resolve_from(&lines, Some(held)).await.unwrap();
    for package in &found.environment.packages {
        assert!(matches!(package.artifact.origin, ArtifactOrigin::Url(_)), "{package:?}");
        assert!(package.artifact.filename.starts_with(&package.name), "{package:?}");
        assert_eq!(package.artifact.kind == ArtifactKind::Sdist, package.name == "built");
        if let Some(before) = held.package(&package.name)
            && before.version == package.version
        {
            assert_eq!(package, before);
        }
    }
    (versions(&found.environment), index.pages())
}

#[tokio::test]
async fn only_what_is_pinned_anew_is_asked_for() {
    let cache = tempfile::tempdir().unwrap();
    let Some((project, index, held)) = locked(cache.path()).await else { return };
    project.wheel("served", "other", "2.0", &["core>=1"]);
    let (found, asked) =
        again(&project, &index, &held, &["left==1.0", "other==2.0", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==1.0", "left==1.0", "other==2.0"]);
    assert_eq!(asked, ["other"]);
    // One less.
    let (found, asked) = again(&project, &index, &held, &["left"]).await;
    assert_eq!(found, ["core==1.0", "left==1.0"]);
    assert_eq!(asked, [""; 0]);
}

#[tokio::test]
async fn what_leaves_a_choice_is_resolved_as_a_whole() {
    let cache = tempfile::tempdir().unwrap();
    let Some((project, index, held)) = locked(cache.path()).await else { return };
    let all = ["built", "core", "left", "other"];
    // A bound that the locked release does not meet.
    let (found, asked) = again(&project, &index, &held, &["left", "core>1", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==2.0", "left==1.0"]);
    assert_eq!(asked, ["built", "core", "left"]);
    // A release that does not go with a locked one.
    project.wheel("served", "other", "3.0", &["core>=2"]);
    let (found, asked) = again(&project, &index, &held, &["left", "other==3.0", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==2.0", "left==1.0", "other==3.0"]);
    assert_eq!(asked, all);
    // A package that was not there.
    project.wheel("served", "other", "4.0", &["fresh"]);
    project.wheel("served", "fresh", "1.0", &[]);
    let (found, asked) = again(&project, &index, &held, &["left", "other==4.0", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==1.0", "fresh==1.0", "left==1.0", "other==4.0"]);
    assert_eq!(asked, ["built", "core", "fresh", "left", "other"]);
    // Nothing is at hand to stand for it.
    std::fs::remove_dir_all(cache.path().join("wheels")).unwrap();
    std::fs::remove_dir_all(cache.path().join("built")).unwrap();
    project.wheel("served", "other", "2.0", &["core>=1"]);
    let (found, asked) = again(&project, &index, &held, &["left", "other==2.0", "built"]).await;
    assert_eq!(found, ["built==1.0", "core==1.0", "left==1.0", "other==2.0"]);
    assert_eq!(asked, all);
}

#[tokio::test]
async fn a_list_that_wants_another_file_gets_it() {
    let cache = tempfile::tempdir().unwrap();
    let Some((project, index, held)) = locked(cache.path()).await else { return };
    project.archive("served", "core", "1.0");
    project.wheel("served", "built", "1.0", &[]);
    let index = index.option();
    for (option, name, kind) in [
        ("--no-binary core", "core", ArtifactKind::Sdist),
        ("--only-binary built", "built", ArtifactKind::Wheel),
    ] {
        let lines = [&index, option, "left", "core==1.0", "other==1.0", "built"];
        let found = project.resolve_from(&lines, Some(&held)).await.unwrap().environment;
        assert_eq!(versions(&found), versions(&held));
        for package in &found.packages {
            let before = held.package(&package.name).unwrap();
            if package.name == name {
                assert_eq!(package.artifact.kind, kind, "{package:?}");
            } else {
                assert_eq!(package, before);
            }
        }
    }
}
