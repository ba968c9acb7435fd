//! Python packages from the package index, installed once for all tests.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::lock::{lock, shared};
use super::{has, network, skip, uv};

/// Returns the Python of an environment with these packages; `None` without a package index or a Python that they run on.
#[track_caller]
pub(crate) fn python_with(name: &str, packages: &[&str]) -> Option<PathBuf> {
    if !network() || !has("python3") {
        return None;
    }
    let uv = uv()?;
    let _lock = lock(name);
    let dir = shared().join(name);
    let python = dir.join("bin/python");
    let complete = dir.join("complete");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&complete).ok().as_ref() != Some(&wanted) {
        let run = |arguments: &[&str]| {
            let output = Command::new(&uv).args(arguments).stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            output.status.success().then_some(()).ok_or(said)
        };
        let (dir, interpreter) = (dir.to_string_lossy(), python.to_string_lossy());
        let install = [&["pip", "install", "--quiet", "--python", &interpreter], packages].concat();
        let made = run(&["venv", "--quiet", "--clear", "--python", "python3", &dir])
            .and_then(|()| run(&install));
        if let Err(reason) = made {
            skip(&format!("{} cannot be installed: {reason}", packages.join(", ")));
            return None;
        }
        std::fs::write(&complete, wanted).unwrap();
    }
    Some(python)
}
