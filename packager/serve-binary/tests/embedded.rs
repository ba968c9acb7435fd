//! The embedded binary runs in an empty root, and the worker is complete.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![allow(clippy::disallowed_methods, reason = "a test reads whether it may be skipped")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use mlpack_serve_binary::{binary, worker_files};

/// Largest binary that is accepted.
const MAX_SIZE: usize = 5 << 20;

#[test]
fn the_binary_runs_in_an_empty_root() {
    let Some(binary) = binary() else {
        let required = std::env::var("MLPACK_TEST_REQUIRE").is_ok_and(|value| value == "1");
        assert!(!required, "this build has no static binary");
        println!("skipped: this build has no static binary");
        return;
    };
    assert!(binary.len() < MAX_SIZE, "{} bytes", binary.len());
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("mlpack-serve");
    std::fs::write(&path, binary).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let folder = root.path().to_str().unwrap();
    // The first needs root, the second user namespaces.
    let attempts: [&[&str]; 3] = [
        &["chroot", folder, "/mlpack-serve", "--version"],
        &["unshare", "-r", "chroot", folder, "/mlpack-serve", "--version"],
        &[path.to_str().unwrap(), "--version"],
    ];
    let output = attempts.iter().find_map(|arguments| {
        let output = Command::new(arguments[0]).args(&arguments[1..]).output().ok()?;
        output.status.success().then_some(output.stdout)
    });
    let expected = format!("mlpack-serve {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.unwrap()).unwrap(), expected);
}

#[test]
fn the_worker_is_complete() {
    let names: Vec<&str> = worker_files().iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted());
    for name in ["__main__.py", "_mlpack_worker/__init__.py", "_mlpack_worker/loop.py"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(
        worker_files().iter().all(|(_, content)| !content.is_empty() && content.ends_with(b"\n"))
    );
}
