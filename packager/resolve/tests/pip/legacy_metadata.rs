//! Releases whose metadata is from before PEP 440.

use crate::kit::{Index, Project, versions};

/// pandas before 0.25 requires `pytz (>=2011k)`.
#[tokio::test]
async fn specifiers_of_old_metadata_are_read_as_pip_read_them() {
    let project = Project::new();
    for version in ["0.23.4", "0.24.2"] {
        project.wheel("served", "frames", version, &["zones (>=2011k)", "arrays (>=1.9)"]);
    }
    project.wheel("served", "frames", "0.25.0", &["zones>=2017"]);
    // What uv goes back to when it does not read the metadata of newer releases.
    project.archive("served", "frames", "0.1");
    for version in ["2010", "2011", "2018.5"] {
        project.wheel("served", "zones", version, &[]);
    }
    project.wheel("served", "arrays", "1.16.0", &[]);
    let index = Index::serve(project.path("served"), None).option();
    for wanted in ["frames==0.24.2", "frames<0.25", "frames>0.23,<0.25"] {
        let Some(found) = project.resolved(&[&*index, wanted]).await else { return };
        assert_eq!(
            versions(&found.environment),
            ["arrays==1.16.0", "frames==0.24.2", "zones==2018.5"]
        );
        let note = "frames 0.24.2 requires `zones (>=2011k)`, which is no requirement any more; it is read as `zones>2011`, as pip did";
        assert!(found.notes.iter().any(|said| said == note), "{:?}", found.notes);
    }
    let found = project.resolved(&[&*index, "frames==0.23.4"]).await.unwrap();
    assert_eq!(versions(&found.environment)[1], "frames==0.23.4");
    // A bound that is not met stays a conflict.
    let (message, _) = project.refused(&[&*index, "frames==0.24.2", "zones==2011"]).await.unwrap();
    assert!(message.contains("frames==0.24.2 depends on zones>2011"), "{message}");
}
