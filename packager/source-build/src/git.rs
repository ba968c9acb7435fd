//! A revision of a git repository, checked out by the git of this machine.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use tokio::process::Command;
use url::Url;

use crate::programs::find_program;
use crate::{Error, Result};
use mlpack_requirements::redact_url;

/// Git variables that would lead it to another repository or make it ask.
const SCRUBBED_ENV_VARS: [&str; 5] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"];

/// A repository with the password that reads it.
pub(crate) struct Repository<'a> {
    pub(crate) url: &'a Url,
    pub(crate) search_path: Option<&'a OsString>,
}

impl Repository<'_> {
    /// The address as it goes into a lock: without a password. The user of ssh is no secret.
    pub(crate) fn plain(&self) -> Url {
        let mut plain = self.url.clone();
        let _ = plain.set_password(None);
        if matches!(plain.scheme(), "http" | "https") {
            // The user may be a token.
            let _ = plain.set_username("");
        }
        plain
    }

    /// Checks a revision out into a new folder and gives its commit.
    pub(crate) async fn check_out(&self, revision: Option<&str>, to: &Path) -> Result<String> {
        let git = self.program()?;
        let plain = self.plain();
        let target = to.as_os_str();
        // Not shallow: some build tools read the version from tags.
        let clone: [&OsStr; 8] = [
            "-c".as_ref(),
            "core.autocrlf=false".as_ref(),
            "clone".as_ref(),
            "--quiet".as_ref(),
            "--no-checkout".as_ref(),
            "--".as_ref(),
            plain.as_str().as_ref(),
            target,
        ];
        self.run(&git, &clone).await?;
        let within = |arguments: &[&str]| -> Vec<OsString> {
            let begin = [
                OsString::from("-C"),
                target.to_owned(),
                "-c".into(),
                "core.autocrlf=false".into(),
            ];
            begin.into_iter().chain(arguments.iter().map(OsString::from)).collect()
        };
        let revision = revision.unwrap_or("HEAD");
        let mut commit =
            Err(Error::Repository { url: redact_url(self.url), reason: String::new() });
        for name in [format!("refs/remotes/origin/{revision}"), revision.to_owned()] {
            let peeled = format!("{name}^{{commit}}");
            commit = self
                .run(
                    &git,
                    &within(&["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled]),
                )
                .await;
            if commit.is_ok() {
                break;
            }
        }
        let commit = commit.map_err(|_| Error::Repository {
            url: redact_url(self.url),
            reason: format!("it has no branch, tag or commit `{revision}`"),
        })?;
        let commit = commit.lines().last().unwrap_or_default().trim().to_owned();
        self.run(&git, &within(&["checkout", "--quiet", "--detach", &commit])).await?;
        let modules = ["submodule", "--quiet", "update", "--init", "--recursive"];
        self.run(&git, &within(&modules)).await?;
        Ok(commit)
    }

    /// Returns the header that logs in to the server, if the address of an HTTP server has a user.
    fn authorization(&self) -> Option<String> {
        let is_http = matches!(self.url.scheme(), "http" | "https");
        let (user, password) = (self.url.username(), self.url.password().unwrap_or_default());
        if !is_http || (user.is_empty() && password.is_empty()) {
            return None;
        }
        let login: Vec<u8> =
            percent_decode_str(user).chain(*b":").chain(percent_decode_str(password)).collect();
        Some(format!("Authorization: Basic {}", STANDARD.encode(login)))
    }

    fn program(&self) -> Result<PathBuf> {
        let missing = || Error::GitMissing { url: redact_url(self.url) };
        find_program(self.search_path, "git").ok_or_else(missing)
    }

    async fn run<A: AsRef<OsStr>>(&self, git: &Path, arguments: &[A]) -> Result<String> {
        let bad = |reason: String| Error::Repository { url: redact_url(self.url), reason };
        let mut command = Command::new(git);
        for name in SCRUBBED_ENV_VARS {
            command.env_remove(name);
        }
        command.args(arguments).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        if let Some(header) = self.authorization() {
            let mut server = self.plain();
            server.set_path("/");
            // Every user of the machine can see arguments, and git gives an address to its helper as one.
            command
                .env("GIT_CONFIG_COUNT", "1")
                .env("GIT_CONFIG_KEY_0", format!("http.{server}.extraHeader"))
                .env("GIT_CONFIG_VALUE_0", header);
        }
        let output = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| bad(error.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let reason = stderr
            .lines()
            .find_map(|line| line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")))
            .unwrap_or(stderr.trim());
        Err(bad(mlpack_requirements::redact(reason)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn passwords_and_tokens_are_not_kept() {
        let table = [
            ("https://token@h.example/a.git", "https://h.example/a.git"),
            ("https://me:secret@h.example/a.git", "https://h.example/a.git"),
            ("ssh://git@h.example/a.git", "ssh://git@h.example/a.git"),
            ("ssh://git:secret@h.example/a.git", "ssh://git@h.example/a.git"),
        ];
        for (text, plain) in table {
            let repository = Repository { url: &text.parse().unwrap(), search_path: None };
            assert_eq!(repository.plain().as_str(), plain);
        }
    }

    #[test]
    fn a_login_is_decoded() {
        let header = |text: &str| {
            Repository { url: &text.parse().unwrap(), search_path: None }.authorization()
        };
        let basic = |login: &str| Some(format!("Authorization: Basic {}", STANDARD.encode(login)));
        assert_eq!(header("https://me:p%40ss@h.example/a.git"), basic("me:p@ss"));
        assert_eq!(header("https://token@h.example/a.git"), basic("token:"));
        for none in ["https://h.example/a.git", "ssh://git:secret@h.example/a.git"] {
            assert_eq!(header(none), None);
        }
    }

    /// Every argument of every process of this machine.
    fn arguments() -> String {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let read = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
        let all: Vec<u8> = processes.filter_map(read).flatten().collect();
        String::from_utf8_lossy(&all).into_owned()
    }

    #[tokio::test]
    #[allow(clippy::disallowed_methods, reason = "the git of this machine is used")]
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    async fn a_password_is_sent_and_is_no_argument() {
        let search_path = std::env::var_os("PATH").unwrap();
        if find_program(Some(&search_path), "git").is_none() {
            assert!(std::env::var_os("MLPACK_TEST_REQUIRE").is_none(), "no git");
            println!("skipped: no git");
            return;
        }
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://me:s3cr%65t@{}/team/a.git", server.local_addr().unwrap());
        let answered = std::thread::spawn(move || {
            let mut stream = server.accept().unwrap().0;
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let lines = lines.by_ref().map(Result::unwrap).take_while(|line| !line.is_empty());
            let headers: Vec<String> = lines.collect();
            // git and its helper are running now.
            let seen = arguments();
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
            (headers, seen)
        });
        let url = url.parse().unwrap();
        let repository = Repository { url: &url, search_path: Some(&search_path) };
        let dir = tempfile::tempdir().unwrap();
        let error = repository.check_out(None, &dir.path().join("a")).await.unwrap_err();
        let (headers, seen) = answered.join().unwrap();
        let expected = format!("Authorization: Basic {}", STANDARD.encode("me:s3cret"));
        assert!(headers.contains(&expected), "{headers:?}");
        assert!(seen.contains("git-remote-http") && seen.contains("/team/a.git"));
        for secret in ["s3cret", "s3cr%65t", &expected] {
            assert!(!seen.contains(secret) && !error.to_string().contains(secret), "{error}");
        }
    }

    #[tokio::test]
    async fn without_git_the_repository_is_named() {
        let url = "https://me:secret@h.example/a.git".parse().unwrap();
        let repository = Repository { url: &url, search_path: None };
        let error = repository.check_out(None, Path::new("/none")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read the repository https://h.example/a.git: git is not on the search path"
        );
        assert_eq!(
            error.hint().unwrap(),
            "install git, or name an archive of the repository, as https://github.com/TEAM/NAME/archive/TAG.zip"
        );
    }
}
