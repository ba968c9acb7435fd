//! The packages that a conda file lists, by name.

use mlpack_environment::{CondaFile, PipLineKind, normalize_name};

use super::bounds::Bounds;
use super::tables;

/// Packages of a conda file, conda's and pip's.
pub(super) struct Packages<'a> {
    file: &'a CondaFile,
    listed: Vec<Listed<'a>>,
    /// Whether all packages are known by name; not so with `-r other.txt` or `./a.whl`.
    pub(super) complete: bool,
}

/// One listed package.
#[derive(Debug, Clone)]
pub(super) struct Listed<'a> {
    /// Normalised.
    pub(super) name: String,
    pub(super) extras: &'a [String],
    /// As written.
    pub(super) text: &'a str,
    pub(super) bounds: Bounds,
    pub(super) line: usize,
}

impl Listed<'_> {
    /// The one release that it asks for, where it asks for one: `1.13.1` of `a==1.13.1`.
    pub(super) fn exact(&self) -> Option<&str> {
        let (_, version) = self.text.split_once('=')?;
        let version = version.trim_start_matches('=').trim();
        let version = version.split([';', ' ', '#', ',', '=']).next()?;
        (!version.contains('*') && !self.text.contains(['<', '>', '~', '!'])).then_some(version)
    }
}

impl<'a> Packages<'a> {
    pub(super) fn new(file: &'a CondaFile) -> Self {
        let conda = file.conda_packages().map(|dependency| Listed {
            name: normalize_name(&dependency.spec.name),
            extras: &[],
            text: &dependency.spec.text,
            bounds: Bounds::parse(dependency.spec.version.as_deref().unwrap_or_default()),
            line: dependency.line,
        });
        let mut complete = true;
        let pip = file.pip_requirements().iter().filter_map(|line| match &line.kind {
            PipLineKind::Requirement { name, extras, specifier, url } => Some(Listed {
                name: name.clone(),
                extras,
                text: &line.text,
                // What an address gives is not known from its text.
                bounds: Bounds::parse(if url.is_none() { specifier } else { "" }),
                line: line.line,
            }),
            PipLineKind::Option => {
                complete &= !(line.text.starts_with("-r")
                    || line.text.starts_with("-e")
                    || line.text.starts_with("--r")
                    || line.text.starts_with("--e"));
                None
            }
            PipLineKind::Place => {
                complete = false;
                None
            }
        });
        let listed = conda.chain(pip).collect();
        Self { file, listed, complete }
    }

    /// A package by its normalised name.
    pub(super) fn get(&self, name: &str) -> Option<&Listed<'a>> {
        self.listed.iter().find(|listed| listed.name == name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Listed<'a>> {
        self.listed.iter()
    }

    /// Whether a package is listed, or brought along by one that is.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
            || self
                .listed
                .iter()
                .any(|listed| tables::brought_by(&listed.name).any(|brought| brought == name))
    }

    /// The conda file and a line of it.
    pub(super) fn place(&self, line: usize) -> Option<(std::path::PathBuf, usize)> {
        Some((self.file.path.clone(), line))
    }
}
