//! The target's interpreter, described: what uv would hear if it could run it.
//!
//! uv asks an interpreter for its version, platform and paths before it resolves. The base image's
//! interpreter is never run, and this machine may have none, so a script answers for it. The
//! query is private to uv: with a uv that asks differently the caller falls back to an
//! interpreter of this machine.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use crate::{Error, Result};
use mlpack_packages::cache::store;
use mlpack_packages::cache::store::Store;
use mlpack_requirements::Target;

/// Writes the script and gives its path.
pub(crate) fn describe(target: &Target, store: &Store) -> Result<PathBuf> {
    let answer = answer(target);
    let script = format!("#!/bin/sh\ncat <<'END'\n{answer}\nEND\n");
    let path = store.interpreter(script.as_bytes(), target.python);
    if !store::is_program(&path) {
        let mut file = store::pending(&path)?;
        file.write_all(script.as_bytes()).map_err(Error::io("write", &path))?;
        store::persist_program(file, &path)?;
    }
    Ok(path)
}

/// uv's interpreter document (version 0.13) for a target.
fn answer(target: &Target) -> serde_json::Value {
    let python = target.python;
    let minor = python.minor_text();
    let prefix = target.home().strip_suffix("/bin").unwrap_or("/usr");
    let machine = target.architecture.machine();
    let library = format!("{prefix}/lib/python{minor}");
    let packages = format!("{library}/site-packages");
    let relative = format!("lib/python{minor}/site-packages");
    json!({
        "result": "success",
        "markers": {
            "implementation_name": "cpython",
            "implementation_version": python.to_string(),
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": python.to_string(),
            "python_version": minor,
            "sys_platform": "linux",
        },
        "sys_base_prefix": prefix,
        "sys_base_exec_prefix": prefix,
        "sys_prefix": prefix,
        "sys_base_executable": target.interpreter,
        "sys_executable": target.interpreter,
        "sys_path": [packages],
        "site_packages": [packages],
        "stdlib": library,
        "extension_suffixes": [".so"],
        "standalone": false,
        "scheme": {
            "platlib": packages,
            "purelib": packages,
            "include": format!("{prefix}/include/python{minor}"),
            "scripts": format!("{prefix}/bin"),
            "data": prefix,
        },
        "virtualenv": {
            "purelib": relative,
            "platlib": relative,
            "include": format!("include/site/python{minor}"),
            "scripts": "bin",
            "data": "",
        },
        "os": { "name": "manylinux", "major": target.glibc.0, "minor": target.glibc.1 },
        "arch": machine,
        "cpu_info": { "detected": { "kind": "flags", "flags": "" } },
        "manylinux_compatible": true,
        "gil_disabled": false,
        "debug_enabled": false,
        "pointer_size": "64",
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use mlpack_requirements::{Architecture, Glibc, PythonVersion};

    #[test]
    fn the_script_answers_for_the_target_wherever_it_is_run() {
        let target = Target {
            python: PythonVersion::new(3, 6, 15),
            glibc: Glibc(2, 23),
            architecture: Architecture::Arm64,
            interpreter: "/opt/miniconda/bin/python3.6".to_owned(),
        };
        let cache = tempfile::tempdir().unwrap();
        let path = describe(&target, &Store::new(cache.path())).unwrap();
        let output = Command::new(path).args(["-I", "-c", "import sys"]).output().unwrap();
        let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed, answer(&target));
        assert_eq!(printed["sys_prefix"], "/opt/miniconda");
        assert_eq!(printed["os"], json!({ "name": "manylinux", "major": 2, "minor": 23 }));
    }
}
