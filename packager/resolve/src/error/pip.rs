//! Errors of resolving pip packages.

use mlpack_requirements::PythonVersion;

/// Pip packages that cannot be resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipError {
    /// A source folder or repository of the list cannot be built here.
    #[error("{place}: `{text}` cannot be built here: {reason}")]
    Unbuildable {
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
    #[error("hash mismatch for {name}: {filename} matches none of the hashes in the pip list")]
    HashMismatch {
        /// The package.
        name: String,
        /// The file that would be used.
        filename: String,
    },
    /// A list with hashes that has none for some packages.
    #[error("the pip list has hashes, but none for {}", names.join(", "))]
    HashesMissing {
        /// The packages, each as `name==version`.
        names: Vec<String>,
    },
    /// A wheel that the list names and that does not load on the image.
    #[error("{wheel} is not compatible with {target}: {reason}")]
    IncompatibleWheel {
        /// The package.
        name: String,
        /// The wheel's file name.
        wheel: String,
        /// What it should load on.
        target: String,
        /// Why it does not.
        reason: String,
    },
    /// No inference server runs on this Python.
    #[error("no inference server supports Python {python}")]
    NoServer {
        /// The base image's Python.
        python: PythonVersion,
    },
    /// No set of packages satisfies the list.
    #[error(
        "the pip list is unsatisfiable for {target}{}\n{}",
        lines_of(conflict),
        shortened(reason)
    )]
    Unsatisfiable {
        /// What it was resolved for.
        target: String,
        /// The fewest lines that conflict: file and line, and what is written there. Empty where
        /// that is not known.
        conflict: Vec<(String, String)>,
        /// uv's sentences, one a line.
        reason: String,
        /// What else could help.
        hint: Option<String>,
    },
    /// A package is not in the index.
    #[error("{}there is no package `{name}` in the index", begin(place))]
    NoSuchPackage {
        /// Its name.
        name: String,
        /// The line that asks for it, if one does.
        place: Option<String>,
    },
    /// A file that the list or an index names cannot be fetched.
    #[error("{}cannot fetch {}: {reason}", begin(place), mlpack_requirements::redact(address))]
    Unfetched {
        /// Where it should be.
        address: String,
        /// What the server or the network answered.
        reason: String,
        /// The line that names it, if one does.
        place: Option<String>,
    },
    /// An index refused the login, or the lack of one.
    #[error("the index {index} refused the request: {status}")]
    IndexRefused {
        /// Its address without secrets.
        index: String,
        /// The HTTP status.
        status: String,
    },
    /// uv failed for another reason.
    #[error("{headline}{}", causes.iter().map(|cause| format!("\n  {cause}")).collect::<String>())]
    Uv {
        /// Its first line.
        headline: String,
        /// The lines below.
        causes: Vec<String>,
        /// Whether uv could not reach the index.
        offline: bool,
        /// File and line that name that index, if the list does.
        named: Option<String>,
    },
    /// uv's lock cannot be read.
    #[error("cannot read the lock that uv wrote: {reason}")]
    Pylock {
        /// What is wrong.
        reason: String,
    },
    /// A locked package has no file that loads on the target.
    #[error("{name} has no file for {target}{}", only(wheels))]
    NoFile {
        /// The package.
        name: String,
        /// What it was resolved for.
        target: String,
        /// The wheels there are.
        wheels: Vec<String>,
    },
    /// The index has no hash, so that the download could not be verified.
    #[error("the index has no SHA-256 for {filename} of {name}")]
    NoHash {
        /// The package.
        name: String,
        /// The file.
        filename: String,
    },
}

/// Modules of the standard library that lists name, without those that are packages of the index too.
const STANDARD: [&str; 34] = [
    "abc",
    "base64",
    "calendar",
    "codecs",
    "collections",
    "contextlib",
    "copy",
    "csv",
    "ctypes",
    "datetime",
    "decimal",
    "functools",
    "gc",
    "getpass",
    "gzip",
    "inspect",
    "io",
    "itertools",
    "json",
    "math",
    "operator",
    "os",
    "pickle",
    "pprint",
    "random",
    "re",
    "shutil",
    "string",
    "struct",
    "subprocess",
    "sys",
    "tempfile",
    "traceback",
    "warnings",
];

fn only(wheels: &[String]) -> String {
    if wheels.is_empty() { String::new() } else { format!(", only {}", wheels.join(", ")) }
}

fn begin(place: &Option<String>) -> String {
    place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default()
}

fn lines_of(conflict: &[(String, String)]) -> String {
    let heading = match conflict {
        [] => return String::new(),
        [_] => "\nthis line cannot be met:",
        [_, _] => "\nthese two lines cannot both be met:",
        _ => "\nthese lines cannot all be met:",
    };
    let lines = conflict.iter().map(|(place, text)| format!("\n  {place}: {text}"));
    heading.chars().chain(lines.collect::<String>().chars()).collect()
}

/// A long proof without its middle: it begins with what is required and ends with the conclusion.
fn shortened(reason: &str) -> String {
    const MOST: usize = 12;
    let lines: Vec<&str> = reason.lines().collect();
    if lines.len() <= MOST {
        return reason.to_owned();
    }
    let (head, tail) = (&lines[..MOST / 2], &lines[lines.len() - MOST / 2..]);
    let left = format!("... {} more steps ...", lines.len() - MOST);
    [head, &[&*left], tail].concat().join("\n")
}

impl PipError {
    /// Returns what the user can do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unbuildable { python, .. } => Some(format!(
                "build a wheel of it yourself and name that, or give a Python {python} of this machine's architecture with --python"
            )),
            Self::HashMismatch { name, .. } => Some(format!(
                "add the hash of a file that loads on the image behind {name}, if you trust it, or pin another version"
            )),
            Self::HashesMissing { .. } => Some(
                "with one hash in the list every package needs one: make the list with `pip-compile --generate-hashes`".to_owned(),
            ),
            Self::IncompatibleWheel { name, .. } => Some(format!(
                "name a wheel of {name} for this image or its source archive, or use another base image"
            )),
            Self::NoServer { python } => Some(format!(
                "use a base image with Python 3.6 or newer instead of {}",
                python.minor_text()
            )),
            Self::Unsatisfiable { hint, .. } => Some(hint.clone().unwrap_or_else(|| {
                "loosen or pin the versions named above so that one set satisfies all".to_owned()
            })),
            Self::IndexRefused { .. } => Some(
                "check the user name and the password in its address, as in `https://USER:${TOKEN}@HOST/simple`; some indexes answer 403 for a package that they do not have"
                    .to_owned(),
            ),
            Self::NoSuchPackage { name, .. } if STANDARD.contains(&&**name) => {
                Some(format!("`{name}` is a part of Python itself: remove the line"))
            }
            Self::NoSuchPackage { .. } => {
                Some("check the spelling in the `pip:` list, or add the index that has it".to_owned())
            }
            Self::Unfetched { .. } => Some(
                "check the address, and whether this machine reaches that server; a file of this machine can be named instead"
                    .to_owned(),
            ),
            Self::Uv { offline: true, named: Some(place), .. } => Some(format!(
                "{place} names this index: check its address, and whether this machine reaches it"
            )),
            Self::Uv { offline: true, .. } => {
                Some("is the package index reachable? set PIP_INDEX_URL for a mirror".to_owned())
            }
            Self::Uv { .. } | Self::Pylock { .. } | Self::NoHash { .. } => None,
            Self::NoFile { .. } => Some(
                "pin a version that has a wheel for this interpreter, or use a newer base image".to_owned(),
            ),
        }
    }
}
