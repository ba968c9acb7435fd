//! The whole of a `pip:` list: the files it names read, variables replaced, options followed.

mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::packages::net::client::Client;
use crate::packages::settings::Settings;
use crate::pip_reference::Reference;
use crate::{Error, PipLine, Result, Target};

use reader::Reader;

/// A list as it is meant.
#[derive(Debug, Clone)]
pub(crate) struct PipList {
    /// Every requirement, those of other files in their place.
    pub(crate) lines: Vec<PipLine>,
    /// What goes to the resolver for each of them.
    pub(crate) wanted: Vec<Wanted>,
    /// Bounds for what is installed anyway.
    pub(crate) constraints: Vec<String>,
    /// The settings, with the indexes and logins that the list names.
    pub(crate) settings: Settings,
    /// Whether the list names further indexes: then pip takes the best of all, not of the first.
    pub(crate) all_indexes: bool,
    /// Releases before the final ones too.
    pub(crate) pre: bool,
    /// Never from a wheel, `:all:` for every package.
    pub(crate) no_binary: BTreeSet<String>,
    /// Never from source.
    pub(crate) only_binary: BTreeSet<String>,
    /// Whether every package needs a hash in the list.
    pub(crate) require_hashes: bool,
    /// SHA-256 of the files that may be taken, by package.
    pub(crate) hashes: BTreeMap<String, BTreeSet<String>>,
    /// Files and folders of this machine that the list leads to: other lists, wheels, sources.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Whether a list that is an address was left out.
    pub(crate) left_out: bool,
    /// What has no effect or another one, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// Where a list is read.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// The lines that it begins with.
    pub(crate) pip: &'a [PipLine],
    /// Where relative ones start.
    pub(crate) directory: &'a Path,
    pub(crate) settings: &'a Settings,
    /// What wheels that are named as such have to fit, where that is known.
    pub(crate) target: Option<&'a Target>,
    /// Fetches lists that are addresses; without it they are left out.
    pub(crate) client: Option<&'a Client>,
}

/// One requirement.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// By name, from the indexes; variables replaced.
    Named(String),
    /// By its place.
    Placed(Box<Reference>, PipLine),
}

impl PipList {
    /// Reads a list, and every file that it names.
    ///
    /// # Errors
    /// [`Error::PipLine`] or [`Error::PipRequirement`] for a line that cannot be followed, or the
    /// index's own.
    pub(crate) async fn read(reading: Reading<'_>) -> Result<Self> {
        let list = Self {
            lines: Vec::new(),
            wanted: Vec::new(),
            constraints: Vec::new(),
            settings: reading.settings.clone(),
            all_indexes: false,
            pre: false,
            no_binary: BTreeSet::new(),
            only_binary: BTreeSet::new(),
            require_hashes: false,
            hashes: BTreeMap::new(),
            files: BTreeSet::new(),
            left_out: false,
            notes: Vec::new(),
        };
        Reader::new(list, reading).read().await
    }

    /// Whether the list itself asks for a package's source.
    pub(crate) fn wants_source(&self, name: &str) -> bool {
        let placed = |wanted: &Wanted| match wanted {
            Wanted::Placed(reference, _) => reference.name.as_deref().is_none_or(|own| own == name),
            Wanted::Named(_) => false,
        };
        self.no_binary.contains(name)
            || self.no_binary.contains(":all:")
            || self.wanted.iter().any(placed)
    }
}

/// `env.yml:3`, for sentences.
pub(crate) fn place_of(line: &PipLine) -> String {
    if line.file.as_os_str().is_empty() {
        format!("line {} of the pip list", line.line)
    } else {
        format!("{}:{}", line.file.display(), line.line)
    }
}

pub(crate) fn fault(line: &PipLine, reason: String, remedy: Option<String>) -> Error {
    Error::PipRequirement { place: place_of(line), text: line.text.clone(), reason, remedy }
}
