//! A revision of a git repository, checked out by the git of this machine.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

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
        let plain = self.plain();
        if plain != *self.url {
            // Not as arguments: every user of the machine can see those.
            let base = |url: &Url| {
                let mut url = url.clone();
                url.set_path("/");
                url
            };
            command
                .env("GIT_CONFIG_COUNT", "1")
                .env("GIT_CONFIG_KEY_0", format!("url.{}.insteadOf", base(self.url)))
                .env("GIT_CONFIG_VALUE_0", base(&plain).as_str());
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
