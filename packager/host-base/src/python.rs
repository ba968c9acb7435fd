//! Querying a Python interpreter of this machine.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, Builder};

use serde::Deserialize;

use crate::{Error, Result};

/// The longest answer that is read, in bytes; a real one has a few hundred.
const ANSWER: u64 = 64 << 10;

/// Runs in any CPython 3. Modules that many systems omit are imported one by one.
const QUERY: &str = r#"
import json, os, platform, sys
real = os.path.realpath
dynload = [p for p in sys.path if os.path.basename(p) == "lib-dynload"]
missing = []
for name in ("bz2", "ctypes", "decimal", "hashlib", "lzma", "sqlite3", "ssl", "zlib"):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
print(json.dumps({
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "executable": real(getattr(sys, "_base_executable", None) or sys.executable),
    "base_prefix": real(sys.base_prefix),
    "stdlib": real(os.path.dirname(os.__file__)),
    "platform_library": getattr(sys, "platlibdir", "lib"),
    "dynload": real(dynload[-1]) if dynload else None,
    "missing": missing,
}))
"#;

/// A CPython installation of this machine. Its paths are absolute and without symlinks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PythonInstallation {
    #[serde(rename = "executable")]
    interpreter: PathBuf,
    version: String,
    base_prefix: PathBuf,
    stdlib: PathBuf,
    platform_library: String,
    dynload: Option<PathBuf>,
    missing: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    implementation: String,
    #[serde(flatten)]
    python: PythonInstallation,
}

impl PythonInstallation {
    /// Runs `python` once, isolated from the user's settings and packages (`-I -S`). For a symlink, a
    /// virtual environment or a shim, returns the installation behind it.
    ///
    /// # Errors
    /// [`Error::Query`], [`Error::Answer`] or [`Error::Implementation`].
    pub fn query(python: &Path) -> Result<Self> {
        let failed = |reason: String| Error::Query { python: python.to_owned(), reason };
        let mut child = Command::new(python)
            .args(["-I", "-S", "-c", QUERY])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let read = answer(&mut child);
        if read.is_err() {
            // It may still be writing, which would block the wait below.
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| failed(error.to_string()))?;
        let (stdout, stderr) = read.map_err(|error| failed(error.to_string()))?;
        if !status.success() {
            let said = String::from_utf8_lossy(&stderr);
            let line = reason(&said).map(|line| format!(": {line}")).unwrap_or_default();
            return Err(failed(format!("{status}{line}")));
        }
        Self::parse(python, &stdout)
    }

    fn parse(python: &Path, answer: &[u8]) -> Result<Self> {
        let bad = |reason: String| Error::Answer { python: python.to_owned(), reason };
        let Answer { implementation: found, python: answer } =
            serde_json::from_slice(answer).map_err(|error| bad(error.to_string()))?;
        if found != "CPython" {
            return Err(Error::Implementation { python: python.to_owned(), found });
        }
        for path in [&answer.interpreter, &answer.base_prefix, &answer.stdlib] {
            if !path.is_absolute() {
                return Err(bad(format!("`{}` is not an absolute path", path.display())));
            }
        }
        if !matches!(answer.platform_library.as_str(), "lib" | "lib64" | "lib32") {
            return Err(bad(format!("its library folder is `{}`", answer.platform_library)));
        }
        Ok(answer)
    }

    /// The path of the executable.
    pub fn interpreter(&self) -> &Path {
        &self.interpreter
    }

    /// Full version, as in `3.11.7`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The folder it is installed under, as in `/usr`.
    pub fn base_prefix(&self) -> &Path {
        &self.base_prefix
    }

    /// Its standard library, as in `/usr/lib/python3.11`.
    pub fn stdlib(&self) -> &Path {
        &self.stdlib
    }

    /// `lib`, or `lib64` on systems that keep the standard library there.
    pub(crate) fn platform_library(&self) -> &str {
        &self.platform_library
    }

    /// The folder of the compiled standard library modules, if it is separate.
    pub fn dynload(&self) -> Option<&Path> {
        self.dynload.as_deref()
    }

    /// Common standard library modules that this Python cannot import.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }
}

/// Returns the line of an error text with the reason: the first, or the last of a traceback.
fn reason(said: &str) -> Option<&str> {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    if first.starts_with("Traceback") { lines.next_back() } else { Some(first) }
}

/// Reads both outputs up to a limit; neither can block the other.
fn answer(child: &mut Child) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let said = Builder::new().spawn_scoped(scope, move || {
            let mut bytes = Vec::new();
            if let Some(mut stderr) = stderr {
                (&mut stderr).take(ANSWER).read_to_end(&mut bytes)?;
                io::copy(&mut stderr, &mut io::sink())?;
            }
            Ok::<_, io::Error>(bytes)
        })?;
        let mut bytes = Vec::new();
        let read = stdout.map_or(Ok(0), |out| out.take(ANSWER + 1).read_to_end(&mut bytes));
        if read.is_err() || bytes.len() as u64 > ANSWER {
            let _ = child.kill();
        }
        let said = said.join().map_err(|_| io::Error::other("its stderr could not be read"))??;
        read?;
        if bytes.len() as u64 > ANSWER {
            return Err(io::Error::other(format!("its output has more than {ANSWER} bytes")));
        }
        Ok((bytes, said))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn script(dir: &Path, text: &str) -> PathBuf {
        let path = dir.join("python");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn refused(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let error = PythonInstallation::query(&script(dir.path(), text)).unwrap_err();
        assert!(error.hint().unwrap().contains("CPython"));
        error.to_string().replace(&dir.path().display().to_string(), "DIR")
    }

    #[test]
    fn an_answer_is_parsed() {
        let dir = tempfile::tempdir().unwrap();
        let python = script(
            dir.path(),
            r#"echo '{"implementation":"CPython","version":"3.11.2","executable":"/usr/bin/python3.11","base_prefix":"/usr","stdlib":"/usr/lib/python3.11","platform_library":"lib","dynload":null,"missing":["sqlite3"]}'"#,
        );
        assert_eq!(
            PythonInstallation::query(&python).unwrap(),
            PythonInstallation {
                interpreter: "/usr/bin/python3.11".into(),
                version: "3.11.2".to_owned(),
                base_prefix: "/usr".into(),
                stdlib: "/usr/lib/python3.11".into(),
                platform_library: "lib".to_owned(),
                dynload: None,
                missing: vec!["sqlite3".to_owned()],
            }
        );
    }

    #[test]
    fn other_programs_are_refused() {
        assert_eq!(
            refused("echo 'Unknown option: -I' >&2; exit 2"),
            "cannot run DIR/python: exit status: 2: Unknown option: -I"
        );
        assert_eq!(refused("yes"), "cannot run DIR/python: its output has more than 65536 bytes");
        assert_eq!(
            refused("echo hello"),
            "unexpected output of DIR/python: expected value at line 1 column 1"
        );
        assert_eq!(
            refused(
                r#"echo '{"implementation":"PyPy","version":"3.10","executable":"/p","base_prefix":"/","stdlib":"/l","platform_library":"lib","dynload":null,"missing":[]}'"#
            ),
            "DIR/python is PyPy, not CPython"
        );
        let error = PythonInstallation::query(Path::new("/no/such/python")).unwrap_err();
        assert!(error.to_string().starts_with("cannot run /no/such/python: "), "{error}");
    }
}
