//! What lies around: credential helpers, proxies, names.

use std::process::Command;
use std::time::{Duration, Instant};

use mlpack_oci::{Reference, Silent};
use mlpack_registry::{CredentialStore, Credentials, Error, RetryPolicy};

use crate::kit::{Action, Proxy, Registry, basic, client, has, image, settings};

/// What the child process does, with a helper on its PATH.
#[test]
#[ignore = "run by the test below, in a process of its own"]
#[allow(clippy::disallowed_methods, reason = "how the parent speaks to it")]
fn log_in_find_log_out() {
    let Ok(dir) = std::env::var("MLPACK_TEST_STATE") else { return };
    let file = std::path::Path::new(&dir).join("config.json");
    std::fs::write(&file, r#"{"credsStore":"mlpacktest"}"#).unwrap();
    let store = CredentialStore::default().with_file(&file);
    assert_eq!(store.find("a.example", "x").unwrap(), Credentials::Anonymous);
    CredentialStore::login(&file, "a.example", &basic("me", "hush")).unwrap();
    assert_eq!(store.find("a.example", "x").unwrap(), basic("me", "hush"));
    assert!(!std::fs::read_to_string(&file).unwrap().contains("hush"));
    assert!(CredentialStore::logout(&file, "a.example").unwrap());
    assert_eq!(store.find("a.example", "x").unwrap(), Credentials::Anonymous);
    // A helper for one registry alone; the others stay as they are.
    std::fs::write(&file, r#"{"credHelpers":{"b.example":"mlpacktest"}}"#).unwrap();
    CredentialStore::login(&file, "b.example", &basic("you", "hush")).unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains("hush"));
    assert_eq!(store.find("b.example", "x").unwrap(), basic("you", "hush"));
    assert_eq!(store.find("a.example", "x").unwrap(), Credentials::Anonymous);
    assert!(CredentialStore::logout(&file, "b.example").unwrap());
    std::fs::write(&file, r#"{"credsStore":"mlpacktest"}"#).unwrap();
    let locked = store.find("locked.example", "x").unwrap_err().to_string();
    assert_eq!(
        locked,
        "the credential helper `docker-credential-mlpacktest` failed for locked.example: the store is locked"
    );
}

/// A helper that keeps one entry in a file and writes down its arguments.
const HELPER: &str = r#"#!/bin/sh
dir="$(dirname "$0")"
echo "$@" >> "$dir/arguments"
case "$1" in
store) cat > "$dir/entry" ;;
erase) rm -f "$dir/entry" ;;
get)
    if [ "$(cat)" = locked.example ]; then echo "the store is locked" >&2; exit 1; fi
    if [ ! -e "$dir/entry" ]; then
        echo "credentials not found in native keychain"; exit 1
    fi
    cat "$dir/entry" ;;
esac
"#;

#[cfg(unix)]
#[test]
#[allow(clippy::disallowed_methods, reason = "the child needs the helper on its PATH")]
fn a_credential_helper_keeps_the_secret() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let helper = dir.path().join("docker-credential-mlpacktest");
    std::fs::write(&helper, HELPER).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "surroundings::log_in_find_log_out", "--ignored", "--nocapture"])
        .env("MLPACK_TEST_STATE", dir.path())
        .env("PATH", format!("{}:{path}", dir.path().display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let arguments = std::fs::read_to_string(dir.path().join("arguments")).unwrap();
    assert_eq!(arguments, "get\nstore\nget\nerase\nget\nstore\nget\nerase\nget\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_carries_what_is_not_excepted() {
    if !has("docker-registry") {
        return;
    }
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host, false, |_| Action::Pass).await;
    let dir = tempfile::tempdir().unwrap();
    // A name that exists nowhere: only the proxy can reach it.
    let host = "registry.invalid:5000";
    let target: Reference = format!("{host}/a:v1").parse().unwrap();
    let mut settings = settings(dir.path());
    settings.insecure_registries.push(host.to_owned());
    settings.proxies.http = Some(format!("http://{}", proxy.host));
    client(settings.clone()).push(&image(700, &[5_000_000]), &target, &[], &Silent).await.unwrap();
    assert!(proxy.blob_bytes() > 5_000_000);

    settings.proxies.no_proxy = Some(".invalid".to_owned());
    let error = client(settings).resolve(&target).await.unwrap_err();
    assert!(matches!(error, Error::NameUnknown { .. }), "{error:?}");
    let named = format!("the name of {host} cannot be resolved: ");
    let reason = error.to_string().strip_prefix(&named).unwrap().to_owned();
    assert!(!reason.contains(':'), "more than the root cause: {reason}");
    assert_eq!(
        error.hint().unwrap(),
        "check the spelling of `registry.invalid` and the network, or set HTTPS_PROXY"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    drop(listener);
    let target: Reference = format!("{host}/a:v1").parse().unwrap();
    // With the waits that users get.
    let mut settings = settings(dir.path());
    settings.retry = RetryPolicy::default();
    let started = Instant::now();
    let error = client(settings).resolve(&target).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("the connection to {host} failed: Connection refused"));
}

/// A registry that has answered and is gone is being restarted: it gets the long patience.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_vanishes_is_waited_for() {
    if !has("docker-registry") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open();
    let target: Reference = format!("{}/a:v1", registry.host).parse().unwrap();
    let client = client(settings(dir.path()));
    client.push(&image(710, &[100]), &target, &[], &Silent).await.unwrap();
    let host = registry.host.clone();
    drop(registry);
    let error = client.resolve(&target).await.unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("the connection to {host} failed: Connection refused"));
}
