//! Everything that can go wrong with an environment, each with the operands that explain it.

use std::io;
use std::path::{Path, PathBuf};

use mlpack_oci::Digest;
use mlpack_requirements::PythonVersion;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of reading, resolving, fetching and laying an environment. The message is the fact;
/// [`Error::hint`] is the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A source folder or repository of the list cannot be made a wheel here.
    #[error("{place}: `{text}` cannot be built here: {reason}")]
    PipBuild {
        /// File and line.
        place: String,
        /// As written, without passwords.
        text: String,
        /// Why not, with the last lines of the build where there was one.
        reason: String,
        /// The Python that would build it, as `3.6`.
        python: String,
    },
    /// A file that the list does not allow.
    #[error("{filename} of {name} has none of the hashes that the pip list gives")]
    OtherHash {
        /// The package.
        name: String,
        /// The file that would be taken.
        filename: String,
    },
    /// A list with hashes that has none for some packages.
    #[error("the pip list has hashes, but none for {}", names.join(", "))]
    HashesMissing {
        /// The packages, each as `name==version`.
        names: Vec<String>,
    },
    /// A wheel that does not load on the image.
    #[error("{wheel} of {name} does not load on {target}: {reason}")]
    WheelMisfit {
        /// The package.
        name: String,
        /// The wheel's file name.
        wheel: String,
        /// What it should load on.
        target: String,
        /// Why it does not.
        reason: String,
    },
    /// A repository that cannot be read.
    #[error("cannot read the repository {url}: {reason}")]
    Repository {
        /// Without user and password.
        url: String,
        /// What git said, or that there is none.
        reason: String,
    },
    /// A source folder that cannot be taken as it is.
    #[error("cannot take the sources in {}: {reason}", path.display())]
    Sources {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A channel that cannot be read.
    #[error("the channel {channel} cannot be used: {reason}")]
    Channel {
        /// Its address without secrets.
        channel: String,
        /// Why.
        reason: String,
    },
    /// No channel has a package.
    #[error("no channel has a conda package `{name}` for {platform}; asked: {}", channels.join(", "))]
    NoSuchCondaPackage {
        /// Its name.
        name: String,
        /// `linux-64`
        platform: String,
        /// Addresses without secrets.
        channels: Vec<String>,
    },
    /// A file of conda's own configuration is not as conda wants it.
    #[error("{}:{line}: {reason}", path.display())]
    Condarc {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Which key, and what is wrong with it.
        reason: String,
    },
    /// No set of conda packages fits together.
    #[error("the conda packages do not fit together for {virtual_packages}:\n{reason}")]
    CondaUnsolvable {
        /// Platform and C library of the base.
        virtual_packages: String,
        /// Sentences from the solver's conflict.
        reason: String,
        /// What may be done.
        hint: String,
    },
    /// A conda archive that breaks the format.
    #[error("{archive} is not a sound conda package: {reason}")]
    CondaArchive {
        /// Its file name.
        archive: String,
        /// What is wrong.
        reason: String,
    },
    /// A binary has no room for the environment's place.
    #[error("`{file}` of {archive} has room for a prefix of {longest} characters, `{prefix}` has {}", prefix.len())]
    PrefixTooLong {
        /// The archive.
        archive: String,
        /// The file in it.
        file: String,
        /// Where the environment lies.
        prefix: String,
        /// Length of the placeholder.
        longest: usize,
    },
    /// A conda file whose packages have no interpreter.
    #[error("the conda packages bring no CPython: {reason}")]
    NoCondaPython {
        /// What was found.
        reason: String,
    },
    /// A cutoff that cannot be parsed.
    #[error("invalid date or timestamp `{found}`: {reason}")]
    Cutoff {
        /// As given.
        found: String,
        /// Why.
        reason: String,
    },
    /// A new interpreter without a conda file.
    #[error("a new interpreter requires a conda file")]
    NoCondaFile,
    /// No inference server runs on this Python.
    #[error("no inference server supports Python {python}")]
    NoServer {
        /// The base image's Python.
        python: PythonVersion,
    },
    /// The uv executable is not here and could not be fetched.
    #[error("the resolver uv is not at hand: {reason}")]
    UvMissing {
        /// Why not.
        reason: String,
    },
    /// A uv executable that was named does not run.
    #[error("{} is not a uv that can be used: {reason}", path.display())]
    UvBroken {
        /// As given.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The pip list cannot be met; `reason` is the resolver's own.
    #[error("the pip list cannot be met for {target}\n{reason}")]
    Unresolvable {
        /// What it was resolved for.
        target: String,
        /// The resolver's sentences, one a line.
        reason: String,
        /// The resolver's own hint.
        hint: Option<String>,
    },
    /// A package is not in the index.
    #[error("there is no package `{name}` in the index")]
    NoSuchPackage {
        /// Its name.
        name: String,
    },
    /// The resolver failed for another reason.
    #[error("{headline}{}", causes.iter().map(|cause| format!("\n  {cause}")).collect::<String>())]
    Resolver {
        /// Its first line.
        headline: String,
        /// The lines below.
        causes: Vec<String>,
    },
    /// The resolver's lock is not one.
    #[error("the resolver's lock cannot be read: {reason}")]
    Lock {
        /// What is wrong.
        reason: String,
    },
    /// A lock file that cannot be read.
    #[error("{}:{line}: {reason}", path.display())]
    LockForm {
        /// The lock file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong, with the key.
        reason: String,
    },
    /// A lock file of another version of the form.
    #[error("{} has format {found}, this mlpack reads {known}", path.display())]
    LockFormat {
        /// The lock file.
        path: PathBuf,
        /// As it says.
        found: u32,
        /// The one that is known.
        known: u32,
    },
    /// A lock file that must be there is not.
    #[error("there is no {}", path.display())]
    NoLock {
        /// Where it should be.
        path: PathBuf,
    },
    /// A lock file does not fit what is asked for, although it must.
    #[error("{} does not fit: {}", path.display(), differences.join("; "))]
    LockStale {
        /// The lock file.
        path: PathBuf,
        /// Half a sentence each.
        differences: Vec<String>,
    },
    /// A package that shall be renewed is not locked.
    #[error("{} has no package `{name}`", path.display())]
    NotLocked {
        /// The lock file.
        path: PathBuf,
        /// As given.
        name: String,
        /// The package most like it.
        nearest: Option<String>,
    },
    /// A locked package has no file that loads on the target.
    #[error("{name} has no file for {target}{}", only(wheels))]
    NoArtifact {
        /// The package.
        name: String,
        /// What it was resolved for.
        target: String,
        /// The wheels there are.
        wheels: Vec<String>,
    },
    /// The index tells no hash, so that the download could not be verified.
    #[error("the index gives no SHA-256 for {filename} of {name}")]
    NoHash {
        /// The package.
        name: String,
        /// The file.
        filename: String,
    },
    /// A package is only there as source and cannot be made a wheel here.
    #[error("{name} {version} has no wheel for {target} and cannot be built here: {reason}")]
    SourceOnly {
        /// The package.
        name: String,
        /// Its version.
        version: String,
        /// What it is for.
        target: String,
        /// Why not, with the last lines of the build where there was one.
        reason: String,
        /// The Python that would build it, as `3.6`.
        python: String,
    },
    /// No interpreter of this machine makes the image's bytecode.
    #[error("there is no Python {} on this machine to make bytecode with", python.minor_text())]
    NoCompiler {
        /// The image's interpreter.
        python: PythonVersion,
    },
    /// An interpreter of this machine fails to compile.
    #[error("{} cannot compile: {reason}", python.display())]
    Compiler {
        /// The interpreter.
        python: PathBuf,
        /// Why.
        reason: String,
    },
    /// A server could not be asked.
    #[error("cannot fetch {url}: {reason}")]
    Fetch {
        /// Without user and password.
        url: String,
        /// Status or the connection's reason.
        reason: String,
    },
    /// A downloaded or local file is not the one that was locked.
    #[error("{filename} should be {expected} but its bytes are {found}")]
    HashMismatch {
        /// The file.
        filename: String,
        /// From the lock.
        expected: Digest,
        /// From the bytes.
        found: Digest,
    },
    /// A wheel is not as the specification wants it.
    #[error("{wheel} is not a good wheel: {reason}")]
    Wheel {
        /// Its file name.
        wheel: String,
        /// What is wrong.
        reason: String,
    },
    /// A file of a wheel differs from what the wheel's own RECORD says.
    #[error("`{file}` in {wheel} does not match the wheel's RECORD")]
    RecordMismatch {
        /// The wheel's file name.
        wheel: String,
        /// The file inside.
        file: String,
    },
    /// A conda file or pip list that cannot be read.
    #[error(transparent)]
    Requirements(#[from] mlpack_requirements::Error),
    /// The files do not fit into a layer.
    #[error(transparent)]
    Layer(#[from] mlpack_oci::Error),
}

fn only(wheels: &[String]) -> String {
    if wheels.is_empty() { String::new() } else { format!(", only {}", wheels.join(", ")) }
}

impl Error {
    /// Wraps an I/O error with what was tried on which path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
