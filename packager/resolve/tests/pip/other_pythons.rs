//! Releases that are for other Pythons, whatever the bound.

use crate::kit::{Index, Project, versions};

/// uv looks at lower bounds; send2trash 2.0.0 excludes each Python that it is not for.
#[tokio::test]
async fn releases_for_other_pythons_are_passed_over() {
    let project = Project::new();
    project.wheel("served", "app", "1.0", &["trash", "classes"]);
    project.wheel("served", "trash", "1.8", &[]);
    for version in ["1.9", "2.0"] {
        let excluded = "Requires-Python: !=3.5.*,!=3.6.*,!=3.7.*,!=3.11.*";
        project.wheel("served", "trash", version, &[excluded]);
    }
    project.wheel("served", "classes", "0.6", &["Requires-Python: >=3.6"]);
    project.wheel("served", "classes", "0.8", &["Requires-Python: >=3.6, <3.7"]);
    let index = Index::serve(project.path("served"), None).option();
    let Some(found) = project.resolved(&[&*index, "app"]).await else { return };
    assert_eq!(versions(&found.environment), ["app==1.0", "classes==0.6", "trash==1.8"]);
    assert_eq!(
        found.notes,
        [
            "using classes 0.6: 0.8 is not for Python 3.11 (>=3.6, <3.7)",
            "using trash 1.8: 2.0 is not for Python 3.11 (!=3.5.*,!=3.6.*,!=3.7.*,!=3.11.*)",
            "using trash 1.8: 1.9 is not for Python 3.11 (!=3.5.*,!=3.6.*,!=3.7.*,!=3.11.*)",
        ]
    );
    // What the list asks for stays, and is reported before it is installed.
    let found = project.resolved(&[&*index, "app", "trash==2.0"]).await.unwrap();
    assert_eq!(versions(&found.environment)[2..], ["trash==2.0"]);
    assert_eq!(versions(&found.environment)[1], "classes==0.6");
}
