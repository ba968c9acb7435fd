//! What a test needs of the machine. A test that lacks something prints `skipped:` with the reason
//! and ends; with `MLPACK_TEST_REQUIRE=1` (`.ci/run`) it fails.

use std::env;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

/// Whether everything that a test needs must be here.
pub(crate) fn is_required() -> bool {
    env::var("MLPACK_TEST_REQUIRE").is_ok_and(|value| value == "1")
}

/// Reports that a test cannot run here.
#[track_caller]
pub(crate) fn skip(reason: &str) {
    assert!(!is_required(), "required test cannot run: {reason}");
    println!("skipped: {reason}");
}

/// Whether a program is on `PATH`; reports a skip if not.
#[track_caller]
pub(crate) fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|dir| dir.join(program).is_file());
    if !found {
        skip(&format!("no {program}"));
    }
    found
}

/// Whether the package index can be reached: the one that is set, else PyPI.
#[track_caller]
pub(crate) fn network() -> bool {
    let index = ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"]
        .iter()
        .find_map(|name| env::var(name).ok())
        .unwrap_or_else(|| "https://pypi.org/simple".to_owned());
    let proxied = env::var_os("HTTPS_PROXY").is_some() || env::var_os("https_proxy").is_some();
    let host = index.split("://").nth(1).unwrap_or(&index);
    let host = host.split('/').next().unwrap_or(host).rsplit('@').next().unwrap_or(host);
    let port = if index.starts_with("http://") { 80 } else { 443 };
    let place = if host.contains(':') { host.to_owned() } else { format!("{host}:{port}") };
    let reached = proxied
        || place.to_socket_addrs().is_ok_and(|mut addresses| {
            addresses
                .any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_ok())
        });
    if !reached {
        skip("no network");
    }
    reached
}

/// Whether the tests run as root, who can mount and change users; reports a skip if not.
#[track_caller]
pub(crate) fn is_root() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !root {
        skip("not root");
    }
    root
}
