//! Lists that name other files, and options.

use mlpack_lock::ArtifactKind;

use crate::kit::{Project, versions};

/// Two packages in several releases, and no index.
fn project() -> Project {
    let project = Project::new();
    for version in ["1.0", "1.5", "2.0", "3.0rc1"] {
        project.wheel("wheels", "alpha", version, &[]);
    }
    project.wheel("wheels", "beta", "1.0", &["alpha", "gamma; extra == 'more'"]);
    project.wheel("wheels", "gamma", "1.0", &[]);
    project
}

const CLOSED: [&str; 2] = ["--no-index", "-f wheels"];

#[tokio::test]
async fn files_name_files_and_bounds_hold() {
    let project = project();
    project.file("lists/base.txt", "# base\n-r more/deep.txt \\\n  --no-index\n-c ../limits.txt\n");
    project.file(
        "lists/more/deep.txt",
        "beta[more] \\\n  ; python_version > '3'  # why\n--find-links ../../wheels\n",
    );
    project.file("limits.txt", "alpha<2\nunused==7\n");
    let Some(found) = project.resolved(&["-r lists/base.txt"]).await else { return };
    assert_eq!(versions(&found.environment), ["alpha==1.5", "beta==1.0", "gamma==1.0"]);
    assert_eq!(found.notes, Vec::<String>::new());
    assert_eq!(
        found.settings.indexes.find_links,
        [project.path("lists/more/../../wheels").display().to_string()]
    );
}

#[tokio::test]
async fn markers_and_releases_before_the_final_one() {
    let project = project();
    let mut list = CLOSED.to_vec();
    list.extend(["alpha", "gamma; python_version < '3'"]);
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(versions(&found.environment), ["alpha==2.0"]);
    list.push("--pre");
    let found = project.resolved(&list).await.unwrap();
    assert_eq!(versions(&found.environment), ["alpha==3.0rc1"]);
}

#[tokio::test]
async fn source_or_wheel_as_the_list_says() {
    let project = project();
    project.archive("wheels", "alpha", "2.0");
    let mut list = CLOSED.to_vec();
    list.push("alpha==2.0");
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(found.environment.packages[0].artifact.kind, ArtifactKind::Wheel);
    list.push("--no-binary Alpha");
    let found = project.resolved(&list).await.unwrap();
    let artifact = &found.environment.packages[0].artifact;
    assert_eq!((artifact.kind, &*artifact.filename), (ArtifactKind::Sdist, "alpha-2.0.tar.gz"));
    assert_eq!(found.notes, Vec::<String>::new());
    project.archive("wheels", "delta", "1.0");
    let mut list = CLOSED.to_vec();
    list.extend(["delta", "--only-binary :all:"]);
    let (message, _) = project.refused(&list).await.unwrap();
    assert!(
        message.starts_with("the pip list is unsatisfiable for cpython-3.11.7-linux-"),
        "{message}"
    );
    assert!(message.contains("delta==1.0 has no usable wheels"), "{message}");
}

#[tokio::test]
async fn hashes_decide_which_file_is_taken() {
    let project = project();
    let hash =
        |name: &str| mlpack_oci::Digest::of(&std::fs::read(project.path(name)).unwrap()).hex();
    let right = format!("alpha==2.0 --hash=sha256:{}", hash("wheels/alpha-2.0-py3-none-any.whl"));
    let wrong = format!("alpha==2.0 --hash=sha256:{}", hash("wheels/alpha-1.0-py3-none-any.whl"));
    let with = |line: &str| [CLOSED[0].to_owned(), CLOSED[1].to_owned(), line.to_owned()];
    let as_text = |list: &[String]| list.to_vec();
    let list = as_text(&with(&right));
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(versions(&found.environment), ["alpha==2.0"]);
    let mut more = list.clone();
    more.push("gamma==1.0");
    assert_eq!(
        project.refused(&more).await.unwrap(),
        (
            "the pip list has hashes, but none for gamma==1.0".to_owned(),
            "with one hash in the list every package needs one: make the list with `pip-compile --generate-hashes`".to_owned()
        )
    );
    let list = with(&wrong);
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    assert_eq!(
        project.refused(&list).await.unwrap(),
        (
            "alpha-2.0-py3-none-any.whl of alpha has none of the hashes that the pip list gives"
                .to_owned(),
            "add the hash of a file that loads on the image behind alpha, if you trust it, or pin another version".to_owned()
        )
    );
}

#[tokio::test]
async fn what_has_no_effect_is_told() {
    let project = project();
    let list = [
        "--no-index",
        "-f wheels",
        "gamma",
        "--trusted-host h.example",
        "--use-pep517",
        "--prefer-binary",
    ];
    let Some(found) = project.resolved(&list).await else { return };
    let notes: Vec<String> = found.notes.iter().map(|note| project.short(note)).collect();
    assert_eq!(
        notes,
        [
            "DIR/env.yml:6: `--trusted-host h.example` has no effect: certificates are always checked",
            "DIR/env.yml:7: `--use-pep517` has no effect here",
        ]
    );
}
