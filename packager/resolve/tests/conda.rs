//! Conda packages for an architecture that is not this machine's, from the channel of
//! `fixtures/channel.py`.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#![allow(clippy::disallowed_methods, reason = "a test reads whether a skip is a failure")]

use std::path::Path;

use mlpack_lock::{LockTarget, VirtualPackages};
use mlpack_oci::Silent;
use mlpack_packages::Settings;
use mlpack_requirements::{Architecture, CondaFile};
use mlpack_resolve::Result;
use mlpack_resolve::{Resolution, ResolveRequest, resolve};

/// Resolves a list for a base of an architecture, from a channel that has nothing for others than
/// this machine; none if there is no channel.
async fn resolved(architecture: Architecture, lines: &str) -> Option<Result<Resolution>> {
    // Whoever speaks to channels needs a provider of TLS; the command installs the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let channel = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/built/channel/extra");
    if !channel.join("noarch/repodata.json").is_file() {
        assert!(std::env::var_os("MLPACK_TEST_REQUIRE").is_none(), "no conda channel");
        println!("skipped: no conda channel; python3 fixtures/channel.py fixtures/built/channel");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "name: svc\nchannels:\n- file://{}\n- nodefaults\ndependencies:\n{lines}",
        channel.canonicalize().unwrap().display()
    );
    let file = CondaFile::parse(&text, &dir.path().join("environment.yml")).unwrap();
    let virtual_packages = VirtualPackages { glibc: (2, 28), architecture, cuda: None };
    let target =
        LockTarget::New { virtual_packages: &virtual_packages, prefix: "/opt/mlpack/envs/svc" };
    let file = Some(&file);
    let directory = dir.path();
    let request = ResolveRequest { target, file, directory, add_server: false, preferences: None };
    Some(resolve(request, &Settings::new(dir.path().join("cache")), &Silent).await)
}

#[tokio::test]
async fn a_platform_that_the_channel_has_no_python_for() {
    let Some(resolved) = resolved(Architecture::Arm64, "- python=3.11\n").await else { return };
    let error = resolved.unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with(
            "no channel has a conda package `python` for linux-aarch64; searched: file://"
        ),
        "{message}"
    );
    assert_eq!(
        error.hint().unwrap(),
        "add a channel that has packages for linux-aarch64 below `channels:`, or use a base image of another architecture"
    );
}
