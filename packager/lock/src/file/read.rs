//! Parses the text of a lock file; every error has its line.

use std::ops::Range;
use std::path::Path;

use super::form::{Form, Version};
use super::{FORMAT, InputFile, LockFile, LockInputs, LockedBase, Places};
use crate::environment::{LockedEnvironment, Server};
use crate::{Error, Result};
use mlpack_requirements::Target;

pub(crate) fn read(text: &str, path: &Path, places: Places<'_>) -> Result<LockFile> {
    let fault = |span: Option<Range<usize>>, reason: String| {
        let before = text.get(..span.map_or(0, |span| span.start)).unwrap_or_default();
        Error::Invalid { path: path.to_owned(), line: before.matches('\n').count() + 1, reason }
    };
    if let Some(at) = ["<<<<<<< ", ">>>>>>> "].iter().find_map(|mark| conflict(text, mark)) {
        return Err(fault(Some(at..at), "the file has merge conflict markers".to_owned()));
    }
    let toml = |error: toml::de::Error| {
        let message = error.message();
        let key = error.span().and_then(|span| key_at(text, span.start));
        // A message about a key that is not there names it itself.
        let reason = match key.filter(|key| !message.contains(&format!("`{key}`"))) {
            Some(key) => format!("`{key}`: {message}"),
            None => message.to_owned(),
        };
        fault(error.span(), reason)
    };
    let version: Version = toml::from_str(text).map_err(toml)?;
    if *version.format.get_ref() != FORMAT {
        let found = *version.format.get_ref();
        return Err(Error::UnknownFormat { path: path.to_owned(), found, known: FORMAT });
    }
    let form: Form = toml::from_str(text).map_err(toml)?;
    let mut conda = Vec::new();
    for block in form.conda {
        let span = block.span();
        let package = block.into_inner().package(places);
        conda.push(package.map_err(|reason| fault(Some(span.clone()), reason))?);
        unique(&conda, |package| &package.name).map_err(|reason| fault(Some(span), reason))?;
    }
    let mut packages = Vec::new();
    for block in form.pip {
        let span = block.span();
        let package = block.into_inner().package(places);
        packages.push(package.map_err(|reason| fault(Some(span.clone()), reason))?);
        unique(&packages, |package| &package.name).map_err(|reason| fault(Some(span), reason))?;
    }
    let target = Target {
        python: form.target.python,
        glibc: form.target.glibc,
        architecture: form.target.architecture,
        interpreter: form.target.interpreter,
    };
    let inputs = form.inputs;
    let lock = LockFile {
        inputs: LockInputs {
            server: inputs.server.unwrap_or(Server::Azmlinfsrv),
            conda: inputs.conda,
            channels: inputs.channels,
            pip: inputs.pip,
            files: inputs
                .files
                .into_iter()
                .map(|file| InputFile { path: file.path, sha256: file.sha256.0 })
                .collect(),
            exclude_newer: inputs.exclude_newer,
            indexes: inputs.indexes,
        },
        base: LockedBase { reference: form.base.reference, digest: form.base.digest },
        cuda: form.target.cuda,
        environment: LockedEnvironment { target, prefix: form.target.prefix, conda, packages },
    };
    // Two branches merged by hand leave such things.
    let (written, found) = (form.server, lock.server());
    if written.as_ref().map(toml::Spanned::get_ref) != found.as_ref() {
        let reason = match found {
            Some(found) => format!("`server`: the packages have {found}"),
            None => "`server`: the packages have none".to_owned(),
        };
        return Err(fault(written.map(|written| written.span()), reason));
    }
    let python = lock.environment.conda.iter().find(|package| package.name == "python");
    let other = python.filter(|found| found.version != lock.environment.target.python.to_string());
    if let Some(found) = other {
        let at = text.find("\n[target]").map(|at| at + 1..at + 1);
        return Err(fault(at, format!("`python`: the packages have {}", found.version)));
    }
    Ok(lock)
}

/// Checks that packages are sorted by name, each once.
fn unique<T>(packages: &[T], name: impl Fn(&T) -> &String) -> Result<(), String> {
    match packages {
        [.., before, last] if name(before) == name(last) => {
            Err(format!("{} is there twice", name(last)))
        }
        [.., before, last] if name(before) > name(last) => {
            Err(format!("{} must come before {}", name(last), name(before)))
        }
        _ => Ok(()),
    }
}

/// Where a line begins with a mark.
fn conflict(text: &str, mark: &str) -> Option<usize> {
    if text.starts_with(mark) { Some(0) } else { text.find(&format!("\n{mark}")).map(|at| at + 1) }
}

/// The key of the line that a place is on.
fn key_at(text: &str, at: usize) -> Option<&str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].lines().next()?;
    let key = line.split_once('=')?.0.trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!key.is_empty() && key.chars().all(legal)).then_some(key)
}
