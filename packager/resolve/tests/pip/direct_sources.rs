//! Wheels, archives, folders and repositories named by path or address.

use std::fs;
use std::process::Command;

use mlpack_install::fetch_packages;
use mlpack_lock::{ArtifactKind, ArtifactOrigin};
use mlpack_oci::Silent;

use crate::kit::{Project, find_uv, versions};

fn names(dir: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn every_source_is_locked_by_a_hash() {
    let project = Project::new();
    project.wheel("wheels", "alpha", "1.0", &["beta"]);
    project.archive("archives", "beta", "1.1");
    project.sources("my gamma", "gamma", "1.2");
    project.sources("delta", "delta", "1.3");
    let list = [
        "--no-index",
        "./wheels/alpha-1.0-py3-none-any.whl",
        "archives/beta-1.1.tar.gz",
        "./my gamma",
        "-e ./delta",
    ];
    let Some(found) = project.resolved(&list).await else { return };
    let environment = &found.environment;
    assert_eq!(versions(environment), ["alpha==1.0", "beta==1.1", "delta==1.3", "gamma==1.2"]);
    let artifacts: Vec<_> = environment
        .packages
        .iter()
        .map(|package| (package.artifact.kind, package.artifact.origin.clone()))
        .collect();
    let at = |name: &str| ArtifactOrigin::Path(project.path(name));
    assert_eq!(
        artifacts,
        [
            (ArtifactKind::Wheel, at("wheels/alpha-1.0-py3-none-any.whl")),
            (ArtifactKind::Sdist, at("archives/beta-1.1.tar.gz")),
            (ArtifactKind::Folder, at("delta")),
            (ArtifactKind::Folder, at("my gamma")),
        ]
    );
    let notes: Vec<String> = found.notes.iter().map(|note| project.short(note)).collect();
    assert_eq!(
        notes,
        [
            "DIR/env.yml:7: `./delta` is installed as a regular package: an image has no editable installs"
        ]
    );
    fetch_packages(environment, None, &found.settings, &Silent).await.unwrap();
    // Nothing was built in the user's folder.
    assert_eq!(names(&project.path("delta")), ["backend.py", "delta.py", "pyproject.toml"]);

    // From the lock without the built wheels; then from sources that changed.
    let fresh = tempfile::tempdir().unwrap();
    let mut settings = found.settings.clone();
    settings.uv = find_uv(&settings.cache);
    settings.cache = fresh.path().to_owned();
    fetch_packages(environment, None, &settings, &Silent).await.unwrap();
    fs::remove_dir_all(fresh.path().join("built")).unwrap();
    project.file("delta/delta.py", "VERSION = 'other'\n");
    let error = fetch_packages(environment, None, &settings, &Silent).await.unwrap_err();
    let message = project.short(&error.to_string());
    assert!(message.starts_with("checksum mismatch for DIR/delta: "), "{message}");
}

#[tokio::test]
async fn a_repository_is_locked_to_its_commit() {
    let project = Project::new();
    project.sources("repo/python", "epsilon", "1.0");
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .current_dir(project.path("repo"))
            .output();
        output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    if git(&["init", "--quiet"]).is_none() {
        return crate::kit::skipped("no git");
    }
    git(&["add", "."]).unwrap();
    git(&["commit", "--quiet", "-m", "one"]).unwrap();
    git(&["tag", "v1"]).unwrap();
    let commit = git(&["rev-parse", "HEAD"]).unwrap();
    project.sources("repo/python", "epsilon", "2.0");
    git(&["commit", "--quiet", "-a", "-m", "two"]).unwrap();
    let url = format!("file://{}", project.path("repo").display());
    let line = format!("-e git+{url}@v1#egg=epsilon&subdirectory=python");
    let Some(found) = project.resolved(&["--no-index", &line]).await else { return };
    assert_eq!(versions(&found.environment), ["epsilon==1.0"]);
    let artifact = &found.environment.packages[0].artifact;
    assert_eq!(artifact.kind, ArtifactKind::Folder);
    let subdirectory = Some("python".to_owned());
    assert_eq!(artifact.origin, ArtifactOrigin::Git { url: url.clone(), commit, subdirectory });
    fetch_packages(&found.environment, None, &found.settings, &Silent).await.unwrap();

    let newest = format!("epsilon @ git+{url}#subdirectory=python");
    let found = project.resolved(&["--no-index", &newest]).await.unwrap();
    assert_eq!(versions(&found.environment), ["epsilon==2.0"]);

    let missing = format!("git+{url}@v9#egg=epsilon");
    let (message, hint) = project.refused(&["--no-index", &missing]).await.unwrap();
    assert_eq!(
        (&*message, &*hint),
        (
            "DIR/env.yml:4: `git+file://DIR/repo@v9#egg=epsilon`: cannot read the repository file://DIR/repo: it has no branch, tag or commit `v9`",
            "check address and revision; for a private repository give git a login"
        )
    );
    let other = format!("zeta @ git+{url}@v1#subdirectory=python");
    let (message, _) = project.refused(&["--no-index", &other]).await.unwrap();
    assert_eq!(
        message,
        "DIR/env.yml:4: `zeta @ git+file://DIR/repo@v1#subdirectory=python`: it contains epsilon, not zeta"
    );
}

/// `setup.py develop` makes the folder importable, whatever the package contains.
#[tokio::test]
async fn an_editable_project_whose_package_is_empty_is_refused() {
    let project = Project::new();
    project
        .file("tool/setup.py", "from setuptools import setup\nsetup(name='tool', version='1')\n");
    project.sources("full", "tool", "1");
    let backend = fs::read_to_string(project.path("full/backend.py")).unwrap();
    let module = "        \"tool.py\": open(\"tool.py\").read(),\n";
    project.file("tool/tests/backend.py", &backend.replace(module, ""));
    let configuration = fs::read_to_string(project.path("full/pyproject.toml")).unwrap();
    project.file("tool/pyproject.toml", &configuration.replace("['.']", "['tests']"));
    let list = ["--no-index", "-e ./tool"];
    // Without modules it exists for what it requires.
    let Some(found) = project.resolved(&list).await else { return };
    assert_eq!(versions(&found.environment), ["tool==1"]);
    project.file("tool/helpers/deep.py", "");
    project.file("tool/settings.py", "");
    let (message, hint) = project.refused(&list).await.unwrap();
    assert_eq!(
        (&*message, &*hint),
        (
            "DIR/env.yml:4: `./tool`: its package is empty, though the folder has `helpers`, `settings`",
            "name what is to be installed in its setup.py: `packages=find_namespace_packages()` and `py_modules=[...]`"
        )
    );
}

#[tokio::test]
async fn a_build_that_fails_shows_its_last_lines() {
    let project = Project::new();
    project.sources("broken", "broken", "1.0");
    project.file("broken/backend.py", "raise SystemExit('the moon is in the wrong house')\n");
    let Some((message, hint)) = project.refused(&["--no-index", "./broken"]).await else { return };
    assert!(message.starts_with("DIR/env.yml:4: `./broken` cannot be built here: "), "{message}");
    assert!(message.contains("the moon is in the wrong house"), "{message}");
    assert_eq!(
        hint,
        "build a wheel of it yourself and name that, or give a Python 3.11 of this machine's architecture with --python"
    );
}
