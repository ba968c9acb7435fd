//! Bytecode for the layers, so that a service need not compile what it imports each time it starts:
//! its files cannot be written to.
//!
//! It is compiled by an interpreter of this machine of the same minor version, which is never part
//! of an image, and kept for each package. From Python 3.7 on a file has a mark that it must not
//! be checked against its source (PEP 552, "unchecked hash"); older ones are checked against the
//! time that all files of a layer have.

mod compiler;
mod marshal;
mod pack;

use std::collections::{BTreeMap, BTreeSet};

use mlpack_oci::{Digest, in_parallel};

use crate::{Error, Result};
use compiler::BytecodeCompiler;
use mlpack_packages::FileEntry;
use mlpack_packages::Settings;
use mlpack_packages::cache::store::Store;
use mlpack_requirements::PythonVersion;
use mlpack_source_build::host_python;
use mlpack_source_build::host_python::HostPython;

/// Of the bytes that are made; part of the cache key.
const VERSION: u32 = 1;
/// Python files that are compiled are smaller than this, in bytes.
const LARGEST: u64 = 16 << 20;
/// Files that are worth a separate process.
const SHARE: usize = 40;

/// What makes bytecode for one interpreter of an image.
#[derive(Debug, Clone)]
pub struct Bytecode {
    python: HostPython,
    compiler: BytecodeCompiler,
    store: Store,
    threads: usize,
}

impl Bytecode {
    /// Finds an interpreter of this machine for the image's. `mtime` is the time that files of the
    /// layers have, in seconds; `threads` is how many processes may compile at once.
    ///
    /// # Errors
    /// [`Error::NoCompiler`] if there is none of the same minor version.
    pub async fn find(
        python: PythonVersion,
        mtime: u64,
        threads: usize,
        settings: &Settings,
    ) -> Result<Self> {
        let none = || Error::NoCompiler { python };
        let host = host_python::first(settings, python).await.ok_or_else(none)?;
        let magic = compiler::magic(&host).await.ok_or_else(none)?;
        let compiler =
            BytecodeCompiler { python: host.path.clone(), magic, minor: python.minor, mtime };
        let store = Store::new(&settings.cache);
        Ok(Self { python: host, compiler, store, threads: threads.max(1) })
    }

    /// What of it shows in the bytes, for keys of layers. Two patch releases of one minor version
    /// may compile differently.
    pub fn key(&self) -> String {
        let time = if self.compiler.has_hash() { 0 } else { self.compiler.mtime };
        let magic = u32::from_le_bytes(self.compiler.magic);
        format!("bytecode {VERSION} {} {magic:08x} {time}", self.python.version)
    }

    /// Adds bytecode to the files of a package, by path below the prefix, and returns the new
    /// paths. Sources that this Python cannot compile are left as they are, as pip does.
    ///
    /// # Errors
    /// Those of the interpreter, of the package's files and of the cache.
    pub(crate) fn add(
        &self,
        package: &Digest,
        prefix: &str,
        files: &mut BTreeMap<String, FileEntry>,
    ) -> Result<BTreeSet<String>> {
        let sources: Vec<(&str, &FileEntry)> = files
            .iter()
            .filter(|(path, file)| is_source(path) && file.size() <= LARGEST)
            .map(|(path, file)| (path.as_str(), file))
            .collect();
        if sources.is_empty() {
            return Ok(BTreeSet::new());
        }
        // Which of a package's sources there are is a matter of options.
        let list: Vec<&str> = sources.iter().map(|(path, _)| *path).collect();
        let key = format!("{}\n{prefix}\n{}", self.key(), list.join("\n"));
        let path = self.store.bytecode(package, &Digest::of(key.as_bytes()));
        let compiled = match pack::open(&path) {
            Some(compiled) => compiled,
            None => {
                let packing = pack::Packing::new(&path)?;
                let workers = self.threads.min(sources.len().div_ceil(SHARE));
                in_parallel(workers, workers, |worker| {
                    let own: Vec<_> =
                        sources.iter().copied().skip(worker).step_by(workers).collect();
                    self.compiler.compile(&own, prefix, &packing)
                })?;
                packing.finish()?;
                let broken = || Error::Compiler {
                    python: self.python.path.clone(),
                    reason: format!("{} cannot be read back", path.display()),
                };
                pack::open(&path).ok_or_else(broken)?
            }
        };
        let added = compiled.keys().cloned().collect();
        files.extend(compiled);
        Ok(added)
    }
}

/// Modules of packages and of Python's own library; scripts are never imported.
fn is_source(path: &str) -> bool {
    path.ends_with(".py")
        && !path.contains("/__pycache__/")
        && path
            .strip_prefix("lib/python")
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(version, _)| version.starts_with(|c: char| c.is_ascii_digit()))
}

/// Where Python looks for the bytecode of a source (PEP 3147).
fn place(source: &str, python: PythonVersion) -> Option<String> {
    let (dir, name) = source.rsplit_once('/')?;
    let stem = name.strip_suffix(".py")?;
    Some(format!("{dir}/__pycache__/{stem}.cpython-{}.pyc", python.nodot()))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Read as _;
    use std::path::PathBuf;

    use mlpack_oci::layer::Node;

    use super::*;

    const SITE: &str = "lib/python3.8/site-packages";

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// The search path, and behind it the interpreters that pyenv keeps, where it does.
    #[allow(clippy::disallowed_methods, reason = "a test finds out what this machine has")]
    fn search_path() -> std::ffi::OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
        if let Some(root) = std::env::var_os("PYENV_ROOT")
            && let Ok(versions) = std::fs::read_dir(PathBuf::from(root).join("versions"))
        {
            dirs.extend(versions.map(|entry| entry.unwrap().path().join("bin")));
        }
        std::env::join_paths(dirs).unwrap()
    }

    /// Python of this machine by minor version; a test that needs one is skipped without it.
    pub(crate) fn find(minor: u32, cache: &std::path::Path) -> Option<Bytecode> {
        let mut settings = Settings::new(cache);
        settings.search_path = Some(search_path());
        let wanted = PythonVersion::new(3, minor, 0);
        let found = runtime().block_on(Bytecode::find(wanted, 315_532_801, 2, &settings));
        match found {
            Ok(found) => Some(found),
            Err(Error::NoCompiler { .. }) => {
                #[allow(clippy::disallowed_methods, reason = "as every test that may be skipped")]
                let required = std::env::var_os("MLPACK_TEST_REQUIRE").is_some();
                assert!(!required, "no Python 3.{minor} here");
                eprintln!("skipped: no Python 3.{minor} here");
                None
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn sources(minor: u32) -> BTreeMap<String, FileEntry> {
        let texts = [
            ("b.py", "def f(x):\n    return x in {None, 'a', 'b', 3, (1, None), ...}\n"),
            (
                "a/__init__.py",
                "import os, sys\nNAMES = ('os', 'path', 'os', 1.5, 10**30, b'x', 2j)\nclass C:\n    def name(self, *, os=None):\n        return [os for path in NAMES if (lambda: path)()]\n",
            ),
            ("a/old.py", "print 'two'\n"),
            ("a/data.txt", "x"),
        ];
        let place = |path: &str| format!("lib/python3.{minor}/site-packages/{path}");
        texts
            .iter()
            .map(|(path, text)| (place(path), FileEntry::bytes(text.as_bytes().to_vec(), false)))
            .collect()
    }

    fn bytes(file: &FileEntry) -> Vec<u8> {
        let Node::File { content, .. } = &file.node else { panic!() };
        let mut bytes = Vec::new();
        content.open().unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_same_bytes_in_any_process_and_order() {
        for minor in [6, 8, 10, 11, 12, 13] {
            let home = tempfile::tempdir().unwrap();
            let Some(found) = find(minor, home.path()) else { continue };
            let mut all = sources(minor);
            all.extend(library(&found, minor));
            // Other files come before each in one process than in two.
            let compiled = |threads: usize| {
                let cache = tempfile::tempdir().unwrap();
                let store = Store::new(cache.path());
                let bytecode = Bytecode { store, threads, ..found.clone() };
                let mut files = all.clone();
                let new = bytecode.add(&Digest::of(b"demo"), "/env", &mut files).unwrap();
                new.into_iter().map(|path| (path.clone(), files[&path].digest)).collect::<Vec<_>>()
            };
            let first = compiled(1);
            let site = format!("lib/python3.{minor}/site-packages");
            let own: Vec<&str> = first
                .iter()
                .filter_map(|(path, _)| path.strip_prefix(&format!("{site}/")))
                .collect();
            assert_eq!(
                own,
                [
                    format!("__pycache__/b.cpython-3{minor}.pyc"),
                    format!("a/__pycache__/__init__.cpython-3{minor}.pyc"),
                ]
            );
            assert!(first.len() > 90, "{}", first.len());
            for threads in [1, 3] {
                assert!(compiled(threads) == first, "3.{minor}, {threads} processes");
            }
        }
    }

    /// Sources of an interpreter's own library, as much as is quick.
    fn library(bytecode: &Bytecode, minor: u32) -> Vec<(String, FileEntry)> {
        let output = std::process::Command::new(&bytecode.python.path)
            .args(["-c", "import os; print(os.__file__)"])
            .output()
            .unwrap();
        let file = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        let mut paths: Vec<PathBuf> = std::fs::read_dir(file.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
            .collect();
        paths.sort();
        paths.truncate(100);
        let planned = |path: PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let bytes = FileEntry::bytes(std::fs::read(&path).unwrap(), false);
            (format!("lib/python3.{minor}/{name}"), bytes)
        };
        paths.into_iter().map(planned).collect()
    }

    #[test]
    fn python_takes_it_and_kept_bytecode_needs_no_python() {
        for minor in [6, 8, 11, 13] {
            let cache = tempfile::tempdir().unwrap();
            let Some(mut bytecode) = find(minor, cache.path()) else { continue };
            let mut files = sources(minor);
            let prefix = cache.path().join("env");
            let shown = prefix.to_str().unwrap();
            bytecode.add(&Digest::of(b"demo"), shown, &mut files).unwrap();
            for (path, file) in &files {
                let path = prefix.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, bytes(file)).unwrap();
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(315_532_801);
                std::fs::File::open(&path).unwrap().set_modified(time).unwrap();
            }
            let site = prefix.join(format!("lib/python3.{minor}/site-packages"));
            let output = std::process::Command::new(&bytecode.python.path)
                .args([
                    "-v",
                    "-S",
                    "-c",
                    "import a, b; print(b.f(3), a.C().name(os=4), a.__file__)",
                ])
                .env("PYTHONPATH", &site)
                .output()
                .unwrap();
            let log = String::from_utf8_lossy(&output.stderr);
            let file = site.join("a/__init__.py");
            assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                format!("True {:?} {}\n", [4; 7], file.display()),
                "{log}"
            );
            assert!(log.contains("code object from"), "3.{minor}: {log}");
            assert!(!log.contains("wrote"), "3.{minor}: {log}");

            bytecode.compiler.python = PathBuf::from("/nowhere");
            let mut again = sources(minor);
            bytecode.add(&Digest::of(b"demo"), shown, &mut again).unwrap();
            assert_eq!(again.len(), files.len());
            let error =
                bytecode.add(&Digest::of(b"other"), shown, &mut sources(minor)).unwrap_err();
            assert!(error.to_string().starts_with("/nowhere cannot compile: "), "{error}");
        }
    }

    #[test]
    fn what_is_compiled_and_where_it_lies() {
        assert!(is_source(&format!("{SITE}/a/b.py")));
        assert!(is_source("lib/python3.8/json/decoder.py"));
        for no in ["bin/a.py", "share/a.py", "lib/pythonic/a.py", "lib/python3.8/a.pyi"] {
            assert!(!is_source(no), "{no}");
        }
        let python = PythonVersion::new(3, 11, 7);
        assert_eq!(
            place("lib/python3.11/a.b.py", python).as_deref(),
            Some("lib/python3.11/__pycache__/a.b.cpython-311.pyc")
        );
    }
}
