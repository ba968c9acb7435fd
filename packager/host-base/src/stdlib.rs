//! Which files of a standard library go into the image.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::{Error, Result};

/// Folders that no service needs, by name: tests, compiled copies, tools with a screen, installers
/// with wheels inside, and what was installed afterwards.
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
/// Files of this machine's own set-up, and the marker that hands the folder to a package manager.
const FILES: [&str; 3] = ["sitecustomize.py", "usercustomize.py", "EXTERNALLY-MANAGED"];
const ENDINGS: [&str; 5] = [".pyc", ".pyo", ".a", ".exe", ".orig"];
/// Beginnings of compiled modules that only tests and tkinter load.
const MODULES: [&str; 6] =
    ["_test", "_ctypes_test", "_tkinter", "xxlimited", "xxsubtype", "_xxtestfuzz"];

/// One file: where it is and its path below the standard library, with `/` between names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) inside: String,
    pub(crate) source: PathBuf,
}

/// The files of `stdlib` that a service needs, sorted. Symlinks to files are followed: some
/// systems build the whole folder of them.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn files(stdlib: &Path) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    let walk = WalkDir::new(stdlib).sort_by_file_name().into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        // The tools for building extensions: a static library and a makefile.
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
        // A name that is no UTF-8 is no module.
        let Some(inside) = inside else { continue };
        found.push(Entry { inside: inside.to_owned(), source: entry.path().to_owned() });
    }
    Ok(found)
}

/// Whether it is a compiled module.
pub(crate) fn is_module(name: &str) -> bool {
    name.ends_with(".so")
}

/// Whether the file records how Python was built, with the folders of the machine in it.
pub(crate) fn is_record(inside: &str) -> bool {
    inside == "build-details.json"
        || (inside.starts_with("_sysconfigdata") && inside.ends_with(".py"))
        || (inside.starts_with("_sysconfig_vars") && inside.ends_with(".json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_service_needs_stays_behind() {
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
    fn records_of_the_build_are_known_by_name() {
        assert!(is_record("_sysconfigdata__linux_x86_64-linux-gnu.py"));
        assert!(is_record("_sysconfig_vars__linux_x86_64-linux-gnu.json"));
        assert!(!is_record("sysconfig.py"));
    }
}
