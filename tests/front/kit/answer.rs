//! What the command said, and in a form that is the same on every machine.

use std::process::Output;
use std::sync::LazyLock;

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
    names: Vec<(String, String)>,
}

/// What differs between machines and runs, with what goldens say instead.
static DIFFERENT: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"sha256:[0-9a-f]{64}", "sha256:[HEX]"),
        (r"\b[0-9a-f]{64}\b", "[HEX]"),
        (r"\b[0-9a-f]{12}\b", "[SHORT]"),
        // The C library and the interpreters of the test bases are those of the machine.
        (r"(?m)^((?:ok|FAILED|-) +glibc +found) \S+", "$1 [GLIBC]"),
        (r"(?m)^(glibc +)\d\.\d+", "$1[GLIBC]"),
        (r"glibc\d\.\d+", "glibc[GLIBC]"),
        (r#"(?m)^glibc = "\d\.\d+""#, r#"glibc = "[GLIBC]""#),
        (r#""value": "\d\.\d+""#, r#""value": "[GLIBC]""#),
        (r"(?m)^(pip|setuptools) +[\d.]+ +pip ", "$1  [VERSION]  pip "),
        (r#""size": \d+"#, r#""size": [SIZE]"#),
        (r"\b(2\.7|3\.6|3\.8|3\.11|3\.13)\.\d+\b", "$1.[PATCH]"),
        (r"\b\d+(\.\d+)? (B|kB|MB|GB)\b", "[SIZE]"),
        (r"\b(localhost|127\.0\.0\.1):\d{4,5}\b", "$1:[PORT]"),
        (r"\b\d{4}-\d\d-\d\dT[\d:]+\.\d+Z", "[TIME]"),
        (r#"(<frozen [^>]+>", line) \d+"#, "$1 [LINE]"),
        // What PyPI has today.
        (r"with \d+ packages", "with [COUNT] packages"),
        // Columns are as wide as what is in them.
        (r"(\S) {2,}", "$1  "),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
    .to_vec()
});

impl Answer {
    pub(super) fn new(output: &Output, names: Vec<(String, String)>) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            names,
        }
    }

    /// Everything it said, made independent of the machine.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if !self.stdout.is_empty() {
            text.push_str(&self.normal(&self.stdout));
        }
        if !self.stderr.is_empty() {
            text.push_str("--- stderr\n");
            text.push_str(&self.normal(&self.stderr));
        }
        if self.code != 0 {
            text.push_str(&format!("--- exit code {}\n", self.code));
        }
        text
    }

    /// A text of another source in the same form.
    pub(super) fn made_of(text: &str, names: Vec<(String, String)>) -> Self {
        Self { code: 0, stdout: text.to_owned(), stderr: String::new(), names }
    }

    fn normal(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, name) in &self.names {
            text = text.replace(found, name);
        }
        for (pattern, name) in &*DIFFERENT {
            text = pattern.replace_all(&text, *name).into_owned();
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

    /// Compares everything it said with a text or a golden file.
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
