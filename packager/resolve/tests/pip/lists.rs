//! Lists that include other files, and options.

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
async fn included_files_and_constraints_apply() {
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

/// A folder of the list must be there; PIP_FIND_LINKS may be of another machine.
#[tokio::test]
async fn a_folder_of_a_variable_may_be_missing() {
    let mut project = project();
    project.settings.indexes.find_links = ["gone", "wheels"].map(str::to_owned).into();
    let Some(found) = project.resolved(&["--no-index", "gamma"]).await else { return };
    assert_eq!(versions(&found.environment), ["gamma==1.0"]);
    let note = "ignored `gone` of PIP_FIND_LINKS or UV_FIND_LINKS, as pip does: there is no such folder or file";
    assert_eq!(found.notes, [note]);
}

#[tokio::test]
async fn markers_and_prereleases() {
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
async fn the_list_chooses_between_source_and_wheel() {
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
async fn hashes_decide_which_file_is_used() {
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
            "hash mismatch for alpha: alpha-2.0-py3-none-any.whl matches none of the hashes in the pip list"
                .to_owned(),
            "add the hash of a file that loads on the image behind alpha, if you trust it, or pin another version".to_owned()
        )
    );
}

#[tokio::test]
async fn options_without_effect_are_reported() {
    let project = project();
    let list = [
        "--no-index",
        "-f wheels",
        "gamma",
        "--trusted-host h.example",
        "--use-pep517",
        "--prefer-binary",
        "-r file:more%20lists.txt as always",
    ];
    project.file("more lists.txt", "alpha==1.0;\n");
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(versions(&found.environment), ["alpha==1.0", "gamma==1.0"]);
    let notes: Vec<String> = found.notes.iter().map(|note| project.short(note)).collect();
    assert_eq!(
        notes,
        [
            "DIR/env.yml:6: `--trusted-host h.example` has no effect: certificates are always checked",
            "DIR/env.yml:7: `--use-pep517` has no effect here",
            "DIR/env.yml:9: `as` has no effect here",
            "DIR/env.yml:9: `always` has no effect here",
        ]
    );
}

#[tokio::test]
async fn none_cancels_earlier_choices_between_source_and_wheel() {
    let project = project();
    project.archive("wheels", "alpha", "2.0");
    let list = [CLOSED[0], CLOSED[1], "--no-binary :all:", "--no-binary :none:", "alpha==2.0"];
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(found.environment.packages[0].artifact.kind, ArtifactKind::Wheel);
}

#[tokio::test]
async fn a_relative_path_is_relative_to_the_file_it_is_written_in() {
    let project = project();
    project.sources("lists/more/local", "local", "1.0");
    project.file("lists/base.txt", "-r more/deep.txt\n");
    project.file("lists/more/deep.txt", "./local\n-c limits.txt\nalpha\n");
    project.file("lists/more/limits.txt", "alpha<1.2\n");
    let list = [CLOSED[0], CLOSED[1], "-r lists/base.txt"];
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(versions(&found.environment), ["alpha==1.0", "local==1.0"]);
}

#[tokio::test]
async fn require_hashes_refuses_a_list_without_any() {
    let project = project();
    let list = [CLOSED[0], CLOSED[1], "--require-hashes", "gamma==1.0"];
    let Some((message, _)) = project.refused(&list).await else { return };
    assert!(message.contains("gamma==1.0"), "{message}");
}
