//! The whole of a `pip:` list: the files it names read, variables replaced, options followed.

mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{IndexUrl, Indexes, PipLine, Reference};
use crate::{Result, Target, Variables};

use reader::Reader;

/// A list with every file it names read.
#[derive(Debug, Clone, Default)]
pub struct PipList {
    /// Every requirement, those of other files in their place.
    pub lines: Vec<PipLine>,
    /// What goes to the resolver for each of them.
    pub wanted: Vec<Wanted>,
    /// Bounds for what is installed anyway; variables replaced.
    pub constraints: Vec<PipLine>,
    /// The indexes that the list names, to be added to those of the settings.
    pub indexes: Indexes,
    /// Addresses in the list, for the user and password in them.
    pub logins: Vec<IndexUrl>,
    /// Releases before the final ones too.
    pub pre: bool,
    /// Never from a wheel, `:all:` for every package.
    pub no_binary: BTreeSet<String>,
    /// Never from source.
    pub only_binary: BTreeSet<String>,
    /// Whether every package needs a hash in the list.
    pub require_hashes: bool,
    /// SHA-256 of the files that may be taken, by package.
    pub hashes: BTreeMap<String, BTreeSet<String>>,
    /// Files and folders of this machine that the list leads to: other lists, wheels, sources.
    pub files: BTreeSet<PathBuf>,
    /// Addresses of lists that [`Reading::remote`] does not have; their lines are not here.
    pub missing: BTreeSet<String>,
    /// Lines with no effect or a different one, one sentence each.
    pub notes: Vec<String>,
}

/// Where a list is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The lines that it begins with.
    pub pip: &'a [PipLine],
    /// Where relative paths start.
    pub directory: &'a Path,
    /// Environment variables that lines may name.
    pub variables: &'a Variables,
    /// What wheels that are named by place must load on, where that is known.
    pub target: Option<&'a Target>,
    /// Lists that are addresses, fetched before.
    pub remote: &'a RemoteLists,
}

/// Texts of the lists behind `-r https://...`, by address.
pub type RemoteLists = BTreeMap<String, String>;

/// One requirement.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// By name, from the indexes; variables replaced.
    Named(String),
    /// By its place.
    Placed(Box<Reference>, PipLine),
}

impl PipList {
    /// Reads a list and every file that it names.
    ///
    /// # Errors
    /// [`crate::Error::PipLine`] or [`crate::Error::PipRequirement`] for a line that cannot be
    /// followed.
    pub fn read(reading: Reading<'_>) -> Result<Self> {
        Reader::new(reading).read()
    }

    /// Whether the list names further indexes: then pip takes the best release of all of them
    /// instead of those of the first.
    pub fn all_indexes(&self) -> bool {
        !self.indexes.extra.is_empty()
    }

    /// Whether the list itself asks for a package's source.
    pub fn wants_source(&self, name: &str) -> bool {
        let placed = |wanted: &Wanted| match wanted {
            Wanted::Placed(reference, _) => reference.name.as_deref().is_none_or(|own| own == name),
            Wanted::Named(_) => false,
        };
        self.no_binary.contains(name)
            || self.no_binary.contains(":all:")
            || self.wanted.iter().any(placed)
    }
}
