//! Debian's `docker-registry` on a free port of the loopback, in a separate folder.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::has;

/// `user` with the password `secret`, by bcrypt, the only form the registry reads.
const HTPASSWD: &str = "user:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

/// A registry that runs until it is dropped.
pub(crate) struct Registry {
    child: Child,
    /// `127.0.0.1:PORT`
    pub(crate) host: String,
    dir: TempDir,
}

/// A registry for everybody, or with `login` one for `user` with the password `secret`.
#[track_caller]
pub(crate) fn registry(login: bool) -> Option<Registry> {
    if !has("docker-registry") {
        return None;
    }
    let dir = tempfile::Builder::new().prefix("mlpack-registry-").tempdir().unwrap();
    let path = dir.path().display();
    fs::write(dir.path().join("htpasswd"), HTPASSWD).unwrap();
    let auth = if login {
        format!("auth: {{htpasswd: {{realm: test, path: {path}/htpasswd}}}}\n")
    } else {
        String::new()
    };
    let config = format!(
        "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {path}/data}}}}\n\
         {auth}http: {{addr: '127.0.0.1:0'}}\n"
    );
    let file = dir.path().join("config.yml");
    fs::write(&file, config).unwrap();
    let child = Command::new("docker-registry")
        .arg("serve")
        .arg(file)
        .stdout(Stdio::null())
        .stderr(File::create(dir.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    // From here on it is stopped whatever happens.
    let mut registry = Registry { child, host: String::new(), dir };
    let started = Instant::now();
    loop {
        if let Some(port) = port(&registry.log()) {
            registry.host = format!("127.0.0.1:{port}");
            return Some(registry);
        }
        assert!(started.elapsed() < Duration::from_secs(30), "no registry: {}", registry.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The port in `listening on 127.0.0.1:PORT`, once the number is whole.
fn port(log: &str) -> Option<u16> {
    let rest = log.split("listening on 127.0.0.1:").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    rest[digits.len()..].chars().next()?;
    digits.parse().ok()
}

impl Registry {
    /// Where it keeps a blob.
    pub(crate) fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = self.dir.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    /// Where it keeps what a repository contains.
    pub(crate) fn repository(&self, name: &str) -> PathBuf {
        self.dir.path().join("data/docker/registry/v2/repositories").join(name)
    }

    /// What it was asked, a line per request.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// What was logged since `before`, once the registry has written it down.
    pub(crate) fn since(&self, before: usize) -> String {
        std::thread::sleep(Duration::from_millis(200));
        self.log()[before..].to_owned()
    }
}

/// Bytes of blobs the registry gave away, by its own count.
pub(crate) fn served(log: &str) -> u64 {
    log.lines()
        .filter(|line| line.contains("http.request.method=GET") && line.contains("/blobs/"))
        .filter_map(|line| {
            let rest = line.split("http.response.written=").nth(1)?;
            rest.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum()
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
