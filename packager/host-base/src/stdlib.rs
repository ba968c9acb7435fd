//! Selects the files of a standard library for the image.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::{Error, Result};

/// Folders that no service needs: tests, bytecode caches, graphical tools, installers with bundled
/// wheels, and packages that were installed later.
const FOLDERS: [&str; 11] = [
    "__pycache__",
    "test",
    "tests",
    "idle_test",
    "idlelib",
    "turtledemo",
    "tkinter",
    "ensurepip",
    "site-packages",
    "dist-packages",
    "lib-tk",
];
/// Configuration of this machine, and the marker of a folder that a package manager owns.
const FILES: [&str; 3] = ["sitecustomize.py", "usercustomize.py", "EXTERNALLY-MANAGED"];
const ENDINGS: [&str; 5] = [".pyc", ".pyo", ".a", ".exe", ".orig"];
/// Prefixes of compiled modules that only tests and tkinter load.
const MODULES: [&str; 6] =
    ["_test", "_ctypes_test", "_tkinter", "xxlimited", "xxsubtype", "_xxtestfuzz"];

/// One file: its path on this machine and below the standard library, with `/` between names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) inside: String,
    pub(crate) source: PathBuf,
}

/// Returns the files of `stdlib` that a service needs, sorted. Follows symlinks to files: on some
/// systems the whole folder consists of them.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn files(stdlib: &Path) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    let walk = WalkDir::new(stdlib).sort_by_file_name().into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        // For building extensions: a static library and a makefile.
        let building = entry.depth() == 1 && name.starts_with("config-");
        entry.depth() == 0
            || entry.file_type().is_file()
            || !(building || FOLDERS.contains(&&*name))
    });
    for entry in walk {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(stdlib).to_owned();
            Error::io("read", &path)(error.into())
        })?;
        let name = entry.file_name().to_string_lossy();
        if FILES.contains(&&*name)
            || ENDINGS.iter().any(|ending| name.ends_with(ending))
            || (is_module(&name) && MODULES.iter().any(|start| name.starts_with(start)))
            || !entry.path().is_file()
        {
            continue;
        }
        let inside = entry.path().strip_prefix(stdlib).ok().and_then(Path::to_str);
        // A name that is not UTF-8 is not a module.
        let Some(inside) = inside else { continue };
        found.push(Entry { inside: inside.to_owned(), source: entry.path().to_owned() });
    }
    Ok(found)
}

/// Returns whether it is a compiled module.
pub(crate) fn is_module(name: &str) -> bool {
    name.ends_with(".so")
}

/// Returns whether the file records how Python was built, with folders of the machine.
pub(crate) fn is_record(inside: &str) -> bool {
    inside == "build-details.json"
        || (inside.starts_with("_sysconfigdata") && inside.ends_with(".py"))
        || (inside.starts_with("_sysconfig_vars") && inside.ends_with(".json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_no_service_needs_are_excluded() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "os.py",
            "__pycache__/os.cpython-311.pyc",
            "test/test_os.py",
            "unittest/case.py",
            "unittest/test/x.py",
            "site-packages/numpy/__init__.py",
            "config-3.11-x86_64-linux-gnu/Makefile",
            "configparser.py",
            "EXTERNALLY-MANAGED",
            "lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
            "lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so",
            "_testhelper.py",
        ] {
            std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(path), "").unwrap();
        }
        std::os::unix::fs::symlink("os.py", dir.path().join("alias.py")).unwrap();
        std::os::unix::fs::symlink("/no/such", dir.path().join("sitecustomize.py")).unwrap();
        std::os::unix::fs::symlink("unittest", dir.path().join("again")).unwrap();
        let found = files(dir.path()).unwrap();
        assert_eq!(
            found.iter().map(|entry| entry.inside.as_str()).collect::<Vec<_>>(),
            [
                "_testhelper.py",
                "alias.py",
                "configparser.py",
                "lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
                "os.py",
                "unittest/case.py",
            ]
        );
    }

    #[test]
    fn build_records_are_recognised_by_name() {
        assert!(is_record("_sysconfigdata__linux_x86_64-linux-gnu.py"));
        assert!(is_record("_sysconfig_vars__linux_x86_64-linux-gnu.json"));
        assert!(!is_record("sysconfig.py"));
    }
}
