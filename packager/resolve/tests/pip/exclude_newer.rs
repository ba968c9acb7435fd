//! `--exclude-newer`: releases uploaded after a date are ignored.

use mlpack_resolve::Error;
use mlpack_source_build::Error as BuildError;

use crate::kit::{Index, Project, skipped, versions};

/// A project whose index has `alpha` in a release of 5 May 2019 and one of the day after.
fn project() -> (Project, Index) {
    let project = Project::new();
    project.wheel("served", "alpha", "1.0", &[]);
    project.wheel("served", "alpha", "2.0", &[]);
    let times = [("alpha-1.0", "2019-05-05T23:59:59Z"), ("alpha-2.0", "2019-05-06T00:00:00Z")];
    let index = Index::dated(project.path("served"), &times);
    (project, index)
}

#[tokio::test]
async fn a_date_includes_its_whole_day() {
    let (mut project, index) = project();
    let list = [&*index.option(), "alpha"];
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(versions(&found.environment), ["alpha==2.0"]);
    for (cutoff, version) in [
        ("2019-05-05", "alpha==1.0"),
        ("2019-05-06", "alpha==2.0"),
        ("2019-05-06T02:00:00+02:00", "alpha==1.0"),
    ] {
        project.settings.exclude_newer = Some(cutoff.to_owned());
        let found = project.resolved(&list).await.unwrap();
        assert_eq!(versions(&found.environment), [version], "{cutoff}");
    }
    project.settings.exclude_newer = Some("2019-05-04".to_owned());
    assert!(project.refused(&list).await.unwrap().0.contains("alpha"));
}

#[tokio::test]
async fn a_locked_release_after_the_cutoff_is_replaced() {
    let (mut project, index) = project();
    let list = [&*index.option(), "alpha"];
    let Some(locked) = project.resolved(&list).await else { return };
    assert_eq!(versions(&locked.environment), ["alpha==2.0"]);
    project.settings.exclude_newer = Some("2019-05-05".to_owned());
    let found = project.resolve_from(&list, Some(&locked.environment)).await.unwrap();
    assert_eq!(versions(&found.environment), ["alpha==1.0"]);
}

#[tokio::test]
async fn files_behind_find_links_have_no_upload_time() {
    let mut project = Project::new();
    project.wheel("wheels", "alpha", "1.0", &[]);
    project.settings.exclude_newer = Some("2019-05-05".to_owned());
    let list = ["--no-index", "-f wheels", "alpha"];
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(
        found.notes,
        [
            "--exclude-newer does not apply to alpha 1.0: files behind --find-links have no upload time"
        ]
    );
}

#[tokio::test]
async fn an_invalid_date_is_refused() {
    let mut project = Project::new();
    project.settings.exclude_newer = Some("yesterday".to_owned());
    let error = project.resolve(&["alpha"]).await.unwrap_err();
    if let Error::SourceBuild(BuildError::UvMissing { reason }) = error {
        return skipped(&reason);
    }
    assert!(error.to_string().starts_with("invalid date or timestamp `yesterday`: "), "{error}");
    assert_eq!(error.hint().unwrap(), "write a date as 2019-05-05");
}
