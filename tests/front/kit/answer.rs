//! What a command printed, and the same with names for what varies by machine.

use std::process::Output;

use regex::Regex;
use snapbox::{Assert, IntoData};

/// Exit code and both streams.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output as it was.
    pub(crate) stdout: String,
    /// Standard error as it was.
    pub(crate) stderr: String,
    substitutions: Vec<Substitution>,
}

/// A text or pattern of one test's output and its name in goldens.
#[derive(Debug, Clone)]
pub(crate) struct Substitution {
    pattern: Regex,
    name: String,
}

impl Substitution {
    /// Replaces a literal text.
    pub(super) fn literal(text: &str, name: &str) -> Self {
        Self::pattern(&regex::escape(text), &name.replace('$', "$$"))
    }

    /// Replaces a regular expression; `$1` in the name is its first group.
    pub(super) fn pattern(pattern: &str, name: &str) -> Self {
        Self { pattern: Regex::new(pattern).unwrap(), name: name.to_owned() }
    }
}

impl Answer {
    pub(super) fn new(output: &Output, substitutions: Vec<Substitution>) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            substitutions,
        }
    }

    /// Both streams and the exit code, with names for what varies.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if !self.stdout.is_empty() {
            text.push_str(&self.substituted(&self.stdout));
        }
        if !self.stderr.is_empty() {
            text.push_str("--- stderr\n");
            text.push_str(&self.substituted(&self.stderr));
        }
        if self.code != 0 {
            text.push_str(&format!("--- exit code {}\n", self.code));
        }
        text
    }

    /// A text from elsewhere in the same form.
    pub(super) fn made_of(text: &str, substitutions: Vec<Substitution>) -> Self {
        Self { code: 0, stdout: text.to_owned(), stderr: String::new(), substitutions }
    }

    fn substituted(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for one in &self.substitutions {
            text = one.pattern.replace_all(&text, &one.name).into_owned();
        }
        text
    }

    /// Standard output of a command that must have succeeded, without the last line feed.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self.stdout.trim_end()
    }

    /// Standard output of a command that must have succeeded, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.ok()).unwrap()
    }

    /// The digest at the end of a pinned reference, which must be all of standard output.
    #[track_caller]
    pub(crate) fn digest(&self) -> String {
        let line = self.ok();
        let digest = line.rsplit('@').next().unwrap();
        assert!(!line.contains('\n') && digest.starts_with("sha256:"), "{line}");
        digest.to_owned()
    }

    /// Compares [`Self::text`] with a text or a golden file.
    #[track_caller]
    pub(crate) fn is(&self, expected: impl IntoData) {
        eq(&self.text(), expected);
    }
}

/// Compares; `SNAPSHOTS=overwrite` writes what was found in its place.
#[track_caller]
pub(crate) fn eq(found: &str, expected: impl IntoData) {
    Assert::new().action_env("SNAPSHOTS").normalize_paths(false).eq(found, expected);
}
