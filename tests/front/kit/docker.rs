//! The Docker engine of this machine, through its command line.

use std::process::Command;

use super::skip;

/// An engine, and what a test puts into it, which is deleted when the test ends.
pub(crate) struct Docker {
    /// A name for the test's service or image that no other test has.
    pub(crate) name: String,
}

/// The engine, if the `docker` command reaches one.
#[track_caller]
pub(crate) fn docker(test: &str) -> Option<Docker> {
    let answered = Command::new("docker").arg("version").output();
    if !answered.is_ok_and(|output| output.status.success()) {
        skip("no Docker engine");
        return None;
    }
    Some(Docker { name: format!("front-{test}-{}", std::process::id()) })
}

impl Docker {
    /// Runs the `docker` command, which must succeed.
    #[track_caller]
    #[allow(clippy::unused_self, reason = "whoever has an engine may use it")]
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = Command::new("docker").args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        let filter = format!("label=org.mlpack.service={}", self.name);
        let found = Command::new("docker").args(["ps", "-aq", "--filter", &filter]).output();
        let found = found.map(|output| output.stdout).unwrap_or_default();
        let containers = String::from_utf8_lossy(&found).into_owned();
        let all = containers.split_whitespace().chain([&*self.name]);
        let _ = Command::new("docker").args(["rm", "--force"]).args(all).output();
        let _ = Command::new("docker").args(["rmi", "--force", &self.name]).output();
    }
}
