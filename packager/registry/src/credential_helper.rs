//! Runs Docker's credential helpers, which store logins outside the config file.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::Secret;
use crate::error::{AuthError, Result};

/// Runs `helper store` or `helper erase`. The input is passed by stdin: every user of the machine
/// can see arguments.
pub(crate) fn run(helper: &str, action: &str, input: &Secret, registry: &str) -> Result<()> {
    let failed = |reason: &str| failed(helper, registry, reason);
    let mut child = Command::new(helper)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input reports that by its status.
        let _ = stdin.write_all(input.reveal().as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(&error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(&String::from_utf8_lossy(&output.stderr)).into())
}

/// Returns the error of a helper with the first line of what it printed.
pub(crate) fn failed(helper: &str, registry: &str, reason: &str) -> AuthError {
    AuthError::CredentialHelper {
        helper: helper.to_owned(),
        registry: registry.to_owned(),
        reason: reason.lines().next().unwrap_or("no output").chars().take(200).collect(),
    }
}
