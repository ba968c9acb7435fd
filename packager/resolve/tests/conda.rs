//! Conda packages from a channel that the tests make: what cannot be resolved, and why.

#![allow(clippy::unwrap_used, reason = "a test panics when something is missing")]

use std::fs;
use std::path::Path;

use mlpack_lock::{LockTarget, VirtualPackages};
use mlpack_oci::Silent;
use mlpack_packages::Settings;
use mlpack_requirements::{Architecture, CondaFile};
use mlpack_resolve::{Error, ResolveRequest, resolve};
use serde_json::{Value, json};

/// Name, version and requirements of a package.
type Package<'a> = (&'a str, &'a str, &'a [&'a str]);

/// Writes the index of a channel's platform.
fn write_platform(channel: &Path, platform: &str, packages: &[Package<'_>]) {
    let entry = |(name, version, depends): &Package<'_>| {
        let file = format!("{name}-{version}-0.tar.bz2");
        let package = json!({
            "name": name, "version": version, "build": "0", "build_number": 0, "depends": depends,
            "subdir": platform, "sha256": "0".repeat(64), "md5": "0".repeat(32), "size": 1,
        });
        (file, package)
    };
    let packages: serde_json::Map<String, Value> = packages.iter().map(entry).collect();
    let index = json!({
        "info": {"subdir": platform}, "packages": packages, "packages.conda": {},
        "repodata_version": 1,
    });
    fs::create_dir_all(channel.join(platform)).unwrap();
    fs::write(channel.join(platform).join("repodata.json"), index.to_string()).unwrap();
}

/// Resolves dependencies, the first of which is on line 6, with a channel of these packages for
/// linux-64; returns the message and hint.
async fn refused(
    architecture: Architecture,
    packages: &[Package<'_>],
    dependencies: &[&str],
) -> (String, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let channel = dir.path().join("channel");
    write_platform(&channel, "linux-64", packages);
    write_platform(&channel, "noarch", &[]);
    let lines: String = dependencies.iter().map(|line| format!("- {line}\n")).collect();
    let channel = channel.display();
    let text =
        format!("name: svc\nchannels:\n- file://{channel}\n- nodefaults\ndependencies:\n{lines}");
    let file = CondaFile::parse(&text, &dir.path().join("environment.yml")).unwrap();
    let virtual_packages =
        VirtualPackages { glibc: mlpack_requirements::Glibc(2, 28), architecture, cuda: None };
    let target = &LockTarget::New { virtual_packages, prefix: "/opt/mlpack/envs/svc".to_owned() };
    let (file, directory) = (Some(&file), dir.path());
    let request = ResolveRequest { target, file, directory, add_server: false, preferences: None };
    let settings = Settings::new(dir.path().join("cache"));
    let error: Error = resolve(request, &settings, &Silent).await.unwrap_err();
    (error.to_string(), error.hint().unwrap_or_default())
}

fn assert_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

#[tokio::test]
async fn a_platform_without_packages_is_named() {
    let packages = [("python", "3.11.7", &[][..])];
    let (message, hint) = refused(Architecture::Arm64, &packages, &["python=3.11"]).await;
    assert_all(&message, &["`python`", "linux-aarch64", "file://"]);
    assert_all(&hint, &["linux-aarch64", "`channels:`"]);
}

#[tokio::test]
async fn a_conflict_names_the_lines_and_what_they_require() {
    let packages: [Package<'_>; 4] = [
        ("python", "3.11.7", &[]),
        ("left", "1.0", &["right >=2"]),
        ("right", "1.0", &[]),
        ("right", "2.0", &[]),
    ];
    let lines = ["python=3.11", "left", "right<2"];
    let (message, hint) = refused(Architecture::Amd64, &packages, &lines).await;
    assert_all(&message, &["`left` (line 7)", "`right >=2`", "`right<2` (line 8)"]);
    assert_all(&message, &["lines 7 and 8"]);
    assert!(!hint.is_empty());
}

#[tokio::test]
async fn a_version_that_no_channel_has_is_named_with_those_there_are() {
    let packages: [Package<'_>; 2] = [("python", "3.11.7", &[]), ("left", "1.0", &[])];
    let lines = ["python=3.11", "left=2"];
    let (message, _) = refused(Architecture::Amd64, &packages, &lines).await;
    assert_all(&message, &["`left=2` (line 7)", "1.0"]);
}

#[tokio::test]
async fn a_dependency_that_no_channel_has_is_named() {
    let packages: [Package<'_>; 2] = [("python", "3.11.7", &[]), ("left", "1.0", &["gone"])];
    let (message, hint) = refused(Architecture::Amd64, &packages, &["python=3.11", "left"]).await;
    assert_all(&message, &["`left` (line 7)", "gone"]);
    assert_all(&hint, &["gone"]);
}

#[tokio::test]
async fn a_newer_glibc_than_the_bases_is_reported() {
    let packages: [Package<'_>; 2] =
        [("python", "3.11.7", &[]), ("left", "1.0", &["__glibc >=2.34"])];
    let (message, hint) = refused(Architecture::Amd64, &packages, &["python=3.11", "left"]).await;
    assert_all(&message, &["glibc 2.28", "2.34"]);
    assert_all(&hint, &["base image"]);
}

#[test]
fn a_conda_file_is_loaded_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("env.yml");
    fs::write(&path, "dependencies:\n- python=3.8\n- pip:\n  - numpy\n").unwrap();
    let file = CondaFile::load(&path).unwrap();
    assert_eq!(file.pip_requirements()[0].name(), Some("numpy"));
    let missing = CondaFile::load(&dir.path().join("none.yml")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
}
