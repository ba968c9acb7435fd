//! Docker's credential helpers.

use std::process::Command;

use mlpack_registry::{CredentialStore, Credentials};

use crate::kit::basic;

/// What the child process does, with a helper on its PATH.
#[test]
#[ignore = "run by the test below, in a separate process"]
#[allow(clippy::disallowed_methods, reason = "how the parent passes the folder")]
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
    // A helper for one registry; the others are not affected.
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
        "credential helper `docker-credential-mlpacktest` failed for locked.example: the store is locked"
    );
}

/// A helper that stores one entry in a file and logs its arguments.
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
fn a_credential_helper_stores_the_secret() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let helper = dir.path().join("docker-credential-mlpacktest");
    std::fs::write(&helper, HELPER).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "credential_helper::log_in_find_log_out", "--ignored", "--nocapture"])
        .env("MLPACK_TEST_STATE", dir.path())
        .env("PATH", format!("{}:{path}", dir.path().display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let arguments = std::fs::read_to_string(dir.path().join("arguments")).unwrap();
    assert_eq!(arguments, "get\nstore\nget\nerase\nget\nstore\nget\nerase\nget\n");
}
