//! Base images that run, of `fixtures/bases.py`, and what runs those of another architecture.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::lock::lock;
use super::{repository, skip};

/// `oci:DIR` of a base image made of this machine's C library and interpreter, built where it is
/// missing; `None`, with the reason printed, if the machine lacks that interpreter.
#[track_caller]
pub(crate) fn runnable_base(name: &str) -> Option<String> {
    let dir = repository().join("fixtures/built/bases");
    let found = dir.join(name);
    let _lock = lock("runnable-bases");
    if !found.join("index.json").is_file() {
        let script = repository().join("fixtures/bases.py");
        let made = Command::new("python3").arg(script).arg(&dir).args(["--only", name]).output();
        if !found.join("index.json").is_file() {
            let said = match made {
                Ok(output) => [output.stderr, output.stdout]
                    .map(|text| String::from_utf8_lossy(&text).trim().to_owned())
                    .concat(),
                Err(error) => format!("python3: {error}"),
            };
            skip(&format!("no base image {name}: {}", said.lines().last().unwrap_or_default()));
            return None;
        }
    }
    Some(format!("oci:{}", found.display()))
}

/// The emulator of aarch64 programs: the machine's, else the one of `fixtures/emulator.py`; `None`,
/// with the reason printed, if it cannot be fetched.
#[track_caller]
pub(crate) fn emulator() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut programs = env::split_paths(&path).map(|dir| dir.join("qemu-aarch64-static"));
    if let Some(found) = programs.find(|program| program.is_file()) {
        return Some(found);
    }
    let _lock = lock("emulator");
    let script = repository().join("fixtures/emulator.py");
    let output = Command::new("python3").arg(script).output().unwrap();
    if !output.status.success() {
        skip(String::from_utf8_lossy(&output.stderr).trim());
        return None;
    }
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
