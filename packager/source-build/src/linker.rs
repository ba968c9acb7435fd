//! How an interpreter has extensions linked, without what belongs to this machine.
//!
//! An interpreter built for a separate folder, as those of conda and pyenv are, has that folder
//! in the words it gives the linker (`-Wl,-rpath,/home/me/py/lib`). They would end up in every
//! extension, where they mean nothing inside an image and differ from machine to machine; so would
//! debug information, which names the folder of the build.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::Result;
use crate::host_python::HostPython;
use mlpack_packages::wheel::archive::WheelFile;

/// Variables with which setuptools and its like take other words, as `sysconfig` calls them too.
const LINKERS: [&str; 2] = ["LDSHARED", "LDCXXSHARED"];
/// Words that are nothing without the one behind them.
const BEFORE: [&str; 5] = ["-B", "-L", "-Xlinker", "-Wl,-rpath", "-Wl,-rpath-link"];

/// How an interpreter links extensions.
#[derive(Debug)]
pub(crate) struct Linker {
    /// Its folder, if it has a separate one.
    prefix: Option<String>,
    /// To be set for a build.
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Linker {
    /// Asks an interpreter; it keeps its defaults for what it does not report.
    pub(crate) async fn of(python: &HostPython) -> Self {
        let question = format!(
            "import sys, sysconfig; print(sys.base_prefix, *(sysconfig.get_config_var(name) or '' for name in {LINKERS:?}), sep='\\n')"
        );
        let output = Command::new(&python.path)
            .args(["-I", "-S", "-c", &question])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        let stdout = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&stdout);
        let mut lines = text.lines();
        let prefix = lines
            .next()
            .filter(|prefix| !matches!(*prefix, "" | "/" | "/usr" | "/usr/local"))
            .map(str::to_owned);
        let variables = LINKERS
            .into_iter()
            .zip(lines)
            .filter(|(_, words)| !words.trim().is_empty())
            .map(|(name, words)| (name, without(words, prefix.as_deref())))
            .collect();
        Self { prefix, variables }
    }

    /// Files of a wheel that name the folder of the interpreter all the same.
    ///
    /// # Errors
    /// [`mlpack_packages::Error::InvalidWheel`]
    pub(crate) fn traces(&self, wheel: &Path) -> Result<Vec<String>> {
        let Some(prefix) = self.prefix.as_deref().map(str::as_bytes) else {
            return Ok(Vec::new());
        };
        let wheel = WheelFile::open(wheel)?;
        let mut found = Vec::new();
        for path in wheel.members().keys() {
            if wheel.bytes(path)?.windows(prefix.len()).any(|window| window == prefix) {
                found.push(path.clone());
            }
        }
        Ok(found)
    }
}

/// The words without those that name a folder, and without debug information in what they link.
fn without(words: &str, prefix: Option<&str>) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for word in words.split_whitespace() {
        if prefix.is_some_and(|prefix| word.contains(prefix)) {
            if kept.last().is_some_and(|last| BEFORE.contains(last)) {
                kept.pop();
            }
        } else {
            kept.push(word);
        }
    }
    kept.push("-Wl,--strip-debug");
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_interpreters_own_folder_are_left_out() {
        let conda = "gcc -pthread -B /p/env/compiler_compat -shared -Wl,-rpath,/p/env/lib -Wl,-rpath-link,/p/env/lib -L/p/env/lib -Wl,--as-needed";
        assert_eq!(
            without(conda, Some("/p/env")),
            "gcc -pthread -shared -Wl,--as-needed -Wl,--strip-debug"
        );
        assert_eq!(
            without("gcc -shared -Wl,-rpath -Wl,/p/env/lib -L /p/env/lib", Some("/p/env")),
            "gcc -shared -Wl,--strip-debug"
        );
        assert_eq!(
            without("gcc -shared -L/usr/lib", None),
            "gcc -shared -L/usr/lib -Wl,--strip-debug"
        );
    }
}
