//! Servers of `fixtures/` that print their address and read what fails from a file.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::repository;

/// A server, ended with the test.
pub(crate) struct FixtureServer {
    child: Child,
    _output: BufReader<ChildStdout>,
    behaviour: PathBuf,
    /// As in `http://127.0.0.1:41234`.
    pub(crate) address: String,
}

impl Drop for FixtureServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl FixtureServer {
    /// Starts a script of `fixtures/` with a folder for its files and further arguments.
    pub(crate) fn start(script: &str, folder: &Path, more: &[PathBuf]) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mut command = Command::new("python3");
        command.arg(repository().join("fixtures").join(script)).arg(folder).args(more);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        output.read_line(&mut address).unwrap();
        let address = address.trim_end().to_owned();
        Self { child, _output: output, behaviour: folder.join("behaviour.json"), address }
    }

    /// Says what fails from now on, as the script describes it.
    pub(crate) fn behave(&self, how: &Value) {
        let new = self.behaviour.with_extension("new");
        std::fs::write(&new, how.to_string()).unwrap();
        std::fs::rename(new, &self.behaviour).unwrap();
    }
}
