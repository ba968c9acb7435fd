//! Wheels for other C libraries and architectures than this machine's.

use mlpack_lock::ArtifactKind;
use mlpack_requirements::Architecture;

use crate::kit::{Index, Project, target, versions};

#[tokio::test]
async fn an_old_base_gets_the_last_release_with_a_wheel_for_it() {
    let mut project = Project::new();
    project.target = target((3, 13, 0), 23);
    let machine = project.target.architecture.machine();
    let tag = |glibc: u32| format!("cp313-cp313-manylinux_2_{glibc}_{machine}");
    project.wheel_for("served", "alpha", "1.0", &tag(17), &[]);
    project.wheel_for("served", "alpha", "2.0", &tag(28), &[]);
    project.archive("served", "alpha", "2.0");
    let index = Index::serve(project.path("served"), None);
    let Some(found) = project.resolved(&[&index.option(), "alpha"]).await else { return };
    assert_eq!(versions(&found.environment), ["alpha==1.0"]);
    let artifact = &found.environment.packages[0].artifact;
    assert_eq!(artifact.kind, ArtifactKind::Wheel);
    assert_eq!(artifact.filename, format!("alpha-1.0-{}.whl", tag(17)));
    assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
    assert!(found.notes[0].contains("alpha 1.0"), "{:?}", found.notes);
}

#[tokio::test]
async fn a_release_that_never_had_wheels_is_built() {
    let project = Project::new();
    project.archive("served", "alpha", "2.0");
    project.archive("served", "alpha", "1.0");
    let index = Index::serve(project.path("served"), None);
    let Some(found) = project.resolved(&[&index.option(), "alpha"]).await else { return };
    assert_eq!(versions(&found.environment), ["alpha==2.0"]);
    assert_eq!(found.environment.packages[0].artifact.kind, ArtifactKind::Sdist);
}

#[tokio::test]
async fn another_architecture_gets_its_wheels() {
    let mut project = Project::new();
    for machine in ["aarch64", "x86_64"] {
        let tag = format!("cp311-cp311-manylinux_2_17_{machine}.manylinux2014_{machine}");
        project.wheel_for("served", "alpha", "1.0", &tag, &["beta; platform_machine == 'aarch64'"]);
    }
    project.wheel("served", "beta", "1.0", &[]);
    let index = Index::serve(project.path("served"), None);
    for (architecture, packages, machine) in [
        (Architecture::Arm64, &["alpha==1.0", "beta==1.0"][..], "aarch64"),
        (Architecture::Amd64, &["alpha==1.0"], "x86_64"),
    ] {
        project.target.architecture = architecture;
        let Some(found) = project.resolved(&[&index.option(), "alpha"]).await else { return };
        assert_eq!(versions(&found.environment), packages);
        let filename = &found.environment.packages[0].artifact.filename;
        assert!(filename.ends_with(&format!("manylinux2014_{machine}.whl")), "{filename}");
    }
}
