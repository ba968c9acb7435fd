//! Debian's `docker-registry` on a free loopback port, in a separate folder.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Authority, Signer, TokenServer};

pub(crate) struct Registry {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    _dir: TempDir,
}

/// `user:secret` for htpasswd, by bcrypt, the only form the registry reads.
const HTPASSWD: &str = "user:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

impl Registry {
    /// Anybody may do anything.
    pub(crate) fn open() -> Self {
        Self::start(tempfile::tempdir().unwrap(), "", "")
    }

    /// TLS by `authority`; user `user`, password `secret`.
    pub(crate) fn htpasswd(authority: &Authority) -> Self {
        Self::with_tls(authority, 4000)
    }

    /// The same with a certificate that is good until the end of a year.
    pub(crate) fn with_tls(authority: &Authority, year: i32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display();
        let (certificate, key) = authority.server(year);
        fs::write(dir.path().join("cert.pem"), certificate).unwrap();
        fs::write(dir.path().join("key.pem"), key).unwrap();
        fs::write(dir.path().join("htpasswd"), HTPASSWD).unwrap();
        let tls = format!("  tls: {{certificate: {path}/cert.pem, key: {path}/key.pem}}\n");
        let auth = format!("auth: {{htpasswd: {{realm: test, path: {path}/htpasswd}}}}\n");
        Self::start(dir, &tls, &auth)
    }

    /// Tokens of `server`, signed by `signer`.
    pub(crate) fn token(server: &TokenServer, signer: &Signer) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("signer.pem"), signer.pem()).unwrap();
        let auth = format!(
            "auth: {{token: {{realm: '{}', service: test, issuer: test, rootcertbundle: {}/signer.pem}}}}\n",
            server.realm(),
            dir.path().display()
        );
        Self::start(dir, "", &auth)
    }

    fn start(dir: TempDir, http: &str, auth: &str) -> Self {
        let path = dir.path().display();
        let config = format!(
            "version: 0.1\nlog: {{level: info}}\n\
             storage: {{filesystem: {{rootdirectory: {path}/data}}, delete: {{enabled: true}}}}\n\
             {auth}http:\n  addr: 127.0.0.1:0\n{http}"
        );
        fs::write(dir.path().join("config.yml"), config).unwrap();
        let log = dir.path().join("log");
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(dir.path().join("config.yml"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut registry = Self { child, host: String::new(), _dir: dir };
        let started = Instant::now();
        loop {
            let text = fs::read_to_string(&log).unwrap();
            if let Some(port) = port(&text) {
                registry.host = format!("127.0.0.1:{port}");
                return registry;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "no registry: {text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Puts a manifest as it is, even one that the client never writes.
    pub(crate) fn put_manifest(&self, repository: &str, tag: &str, kind: &str, text: &str) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let head = format!(
            "PUT /v2/{repository}/manifests/{tag} HTTP/1.0\r\nHost: {}\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{text}",
            self.host,
            text.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 201 "), "{answer}");
    }
}

/// The port in `listening on 127.0.0.1:PORT`, once the line is whole.
fn port(log: &str) -> Option<u16> {
    let rest = log.split("listening on 127.0.0.1:").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    rest[digits.len()..].chars().next()?;
    digits.parse().ok()
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
