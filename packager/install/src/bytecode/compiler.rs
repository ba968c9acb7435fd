//! One run of an interpreter of this machine that compiles sources.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use mlpack_oci::layer::Node;

use super::pack::Packing;
use super::{marshal, place};
use crate::{Error, Result};
use mlpack_packages::FileEntry;
use mlpack_requirements::PythonVersion;
use mlpack_source_build::host_python::HostPython;

const SCRIPT: &str = include_str!("compile.py");
/// Nothing of this machine's settings or packages takes part.
const ALONE: [&str; 4] = ["-I", "-S", "-B", "-Wignore"];
/// Bytecode is smaller, in bytes.
const LARGEST: u32 = 256 << 20;

/// How to compile.
#[derive(Debug, Clone)]
pub(super) struct BytecodeCompiler {
    pub(super) python: PathBuf,
    /// The number that bytecode begins with.
    pub(super) magic: [u8; 4],
    /// Of the interpreter's version.
    pub(super) minor: u32,
    /// Of the sources in the layer, in seconds.
    pub(super) mtime: u64,
}

/// The magic number of an interpreter.
pub(super) async fn magic(python: &HostPython) -> Option<[u8; 4]> {
    const QUESTION: &str =
        "import importlib.util, sys; sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER)";
    let output = tokio::process::Command::new(&python.path)
        .args(ALONE)
        .args(["-c", QUESTION])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    output.stdout.try_into().ok()
}

impl BytecodeCompiler {
    /// Whether its bytecode can do without the source's time (PEP 552).
    pub(super) fn has_hash(&self) -> bool {
        self.minor >= 7
    }

    /// Compiles sources, by path below the prefix, into a pack.
    pub(super) fn compile(
        &self,
        sources: &[(&str, &FileEntry)],
        prefix: &str,
        packing: &Packing,
    ) -> Result<()> {
        let failed = |reason: String| Error::Compiler { python: self.python.clone(), reason };
        let mut child = Command::new(&self.python)
            .args(ALONE)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let done = self.converse(&mut child, sources, prefix, packing);
        // It ends by itself when nothing more comes; after a failure it may be in the middle.
        if done.is_err() {
            let _ = child.kill();
        }
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        match done {
            Err(Error::Compiler { reason, .. }) => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                let last = stderr.lines().rfind(|line| !line.trim().is_empty());
                Err(failed(last.map_or(reason, str::to_owned)))
            }
            other => other,
        }
    }

    fn converse(
        &self,
        child: &mut Child,
        sources: &[(&str, &FileEntry)],
        prefix: &str,
        packing: &Packing,
    ) -> Result<()> {
        let failed = |reason: String| Error::Compiler { python: self.python.clone(), reason };
        let (Some(mut to), Some(mut from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no streams".to_owned()));
        };
        let prefix = prefix.trim_end_matches('/');
        for (path, file) in sources {
            let Node::File { content, size, .. } = &file.node else { continue };
            let mut source = Vec::new();
            content
                .open()
                .and_then(|mut reader| reader.read_to_end(&mut source))
                .map_err(Error::io("read", std::path::Path::new(path)))?;
            // An answer comes after each question, so neither side waits for the other.
            let answer = ask(&mut to, &mut from, &format!("{prefix}/{path}"), &source)
                .map_err(|error| failed(error.to_string()))?;
            let python = PythonVersion::new(3, self.minor, 0);
            let Some((hash, code)) = answer.split_at_checked(8) else { continue };
            let Some(place) = place(path, python) else { continue };
            // What cannot be read would not be the same bytes next time.
            let Some(code) = marshal::normalise(code, self.minor) else { continue };
            let mut bytes = self.magic.to_vec();
            if self.has_hash() {
                // A hash that is not to be checked.
                bytes.extend(1_u32.to_le_bytes());
                bytes.extend(hash);
            } else {
                // Both are kept as their lower 32 bits.
                bytes.extend(&self.mtime.to_le_bytes()[..4]);
                bytes.extend(&size.to_le_bytes()[..4]);
            }
            bytes.extend(code);
            packing.add(&place, &bytes)?;
        }
        Ok(())
    }
}

fn ask(
    to: &mut impl Write,
    from: &mut impl Read,
    name: &str,
    source: &[u8],
) -> io::Result<Vec<u8>> {
    let length = u32::try_from(name.len()).map_err(io::Error::other)?;
    let mut question = length.to_le_bytes().to_vec();
    question.extend((source.len() as u64).to_le_bytes());
    question.extend(name.as_bytes());
    question.extend(source);
    to.write_all(&question)?;
    to.flush()?;
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LARGEST {
        return Err(io::Error::other("its answer is larger than any bytecode"));
    }
    let mut answer = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    from.read_exact(&mut answer)?;
    Ok(answer)
}
