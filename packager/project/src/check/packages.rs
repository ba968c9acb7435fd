//! The packages that a conda file lists, including those of the files that it references.

use std::path::PathBuf;

use mlpack_requirements::{CondaFile, PipLine, PipLineKind, normalize_name};

use super::bounds::Bounds;

/// Packages of a conda file, conda's and pip's.
#[derive(Debug)]
pub(super) struct Packages {
    listed: Vec<ListedPackage>,
    /// Whether all packages are known by name, which is not so with `-r https://...` or `./a.whl`.
    pub(super) complete: bool,
}

/// One listed package.
#[derive(Debug, Clone)]
pub(super) struct ListedPackage {
    /// Normalised.
    pub(super) name: String,
    /// As written.
    pub(super) text: String,
    pub(super) bounds: Bounds,
    /// Whether it is conda's.
    pub(super) conda: bool,
    file: PathBuf,
    line: usize,
}

impl ListedPackage {
    /// Returns the file and line it is listed in.
    pub(super) fn place(&self) -> Option<(PathBuf, usize)> {
        Some((self.file.clone(), self.line))
    }
}

impl Packages {
    pub(super) fn new(file: &CondaFile, pip: &mlpack_requirements::Listed) -> Self {
        let conda = file.conda_packages().map(|dependency| ListedPackage {
            name: normalize_name(&dependency.spec.name),
            text: dependency.spec.text.clone(),
            bounds: Bounds::parse(dependency.spec.version.as_deref().unwrap_or_default()),
            conda: true,
            file: file.path.clone(),
            line: dependency.line,
        });
        let named = |line: &PipLine| matches!(line.kind, PipLineKind::Requirement { .. });
        let complete = pip.complete && pip.requirements.iter().all(named);
        let bound = |name: &str| {
            pip.constraints
                .iter()
                .filter(|line| line.name() == Some(name))
                .filter_map(PipLine::specifier)
                .filter(|specifier| !specifier.is_empty())
                .map(|specifier| format!(",{specifier}"))
                .collect::<String>()
        };
        let pip = pip.requirements.iter().filter_map(|line| match &line.kind {
            PipLineKind::Requirement { name, specifier, url, .. } => {
                // What an address gives is not known from its text.
                let specifier = if url.is_none() { specifier.to_string() } else { String::new() };
                let bounds = specifier + &bound(name);
                Some(ListedPackage {
                    name: name.clone(),
                    text: line.text.clone(),
                    bounds: Bounds::parse(bounds.trim_start_matches(',')),
                    conda: false,
                    file: line.file.clone(),
                    line: line.line,
                })
            }
            _ => None,
        });
        Self { listed: conda.chain(pip).collect(), complete }
    }

    /// Returns a package by its normalised name.
    pub(super) fn get(&self, name: &str) -> Option<&ListedPackage> {
        self.listed.iter().find(|listed| listed.name == name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ListedPackage> {
        self.listed.iter()
    }
}
