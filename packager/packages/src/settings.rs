//! Settings: caches, executables, indexes. The caller reads the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use mlpack_requirements::pip::PipList;
use mlpack_requirements::{IndexUrl, Indexes, Variables};
use url::Url;

/// The index asked when none is set.
pub const DEFAULT_INDEX: &str = "https://pypi.org/simple";

/// Settings of resolving and fetching.
#[derive(Debug, Clone)]
pub struct Settings {
    /// mlpack's cache directory, absolute; created if it is missing.
    pub cache: PathBuf,
    /// Where relative paths start; absolute.
    pub current_dir: PathBuf,
    /// The uv executable to use, from `$MLPACK_UV`.
    pub uv: Option<PathBuf>,
    /// The value of `$PATH`, where uv and interpreters are looked for.
    pub search_path: Option<OsString>,
    /// Interpreters of this machine given by name, tried before those on the search path; they
    /// build source distributions and are never part of an image.
    pub interpreters: Vec<PathBuf>,
    /// Where packages come from.
    pub indexes: Indexes,
    /// Addresses whose user and password are lent to others of the same server.
    pub logins: Vec<IndexUrl>,
    /// Environment variables that a pip list may name, as in `https://${TOKEN}@host/simple`.
    pub variables: Variables,
    /// Where conda packages come from.
    pub conda: CondaSettings,
    /// Only what was uploaded before this moment (RFC 3339 or a date), for the world of that day.
    pub exclude_newer: Option<String>,
}

impl Settings {
    /// Settings with a cache directory and nothing else: the default index, uv fetched.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            cache: cache.into(),
            current_dir: PathBuf::from("/"),
            uv: None,
            search_path: None,
            interpreters: Vec::new(),
            indexes: Indexes::default(),
            logins: Vec::new(),
            variables: Variables::default(),
            conda: CondaSettings::default(),
            exclude_newer: None,
        }
    }

    /// A path of the settings or of the command line, absolute. The disk is not read.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.current_dir.join(path).components().collect()
    }

    /// The same settings with the indexes and logins that a list names.
    pub fn with_list(&self, list: &PipList) -> Self {
        let mut settings = self.clone();
        let Indexes { index, extra, find_links, no_index } = list.indexes.clone();
        settings.indexes.index = index.or(settings.indexes.index);
        settings.indexes.extra.extend(extra);
        settings.indexes.find_links.extend(find_links);
        settings.indexes.no_index |= no_index;
        settings.logins.extend(list.logins.iter().cloned());
        settings
    }
}

/// How the channels of a conda file are found. A value here replaces that of the
/// files.
#[derive(Debug, Clone, Default)]
pub struct CondaSettings {
    /// The address before a channel's name, conda's `channel_alias`.
    pub alias: Option<Url>,
    /// The channels that `defaults` means, conda's `default_channels`.
    pub defaults: Option<Vec<String>>,
    /// The channels of a file that names none, conda's `channels`.
    pub channels: Option<Vec<String>>,
    /// Conda's configuration files and folders of them, in conda's order: later ones take precedence.
    /// Missing ones are ignored.
    pub files: Vec<PathBuf>,
}

impl CondaSettings {
    /// As conda comes: anaconda.org.
    pub fn default_alias() -> Url {
        #[allow(clippy::unwrap_used, reason = "a constant that a test reads")]
        let alias = "https://conda.anaconda.org".parse().unwrap();
        alias
    }

    /// As conda comes: Anaconda's own packages.
    pub fn default_channels() -> Vec<String> {
        ["main", "r"].map(|name| format!("https://repo.anaconda.com/pkgs/{name}")).to_vec()
    }
}
