//! What the outside world decides: caches, executables, indexes. The caller reads the environment.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

pub use crate::requirements_file::Variables;

/// The index asked when none is set.
pub(crate) const DEFAULT_INDEX: &str = "https://pypi.org/simple";

/// Settings of resolving and fetching.
#[derive(Debug, Clone)]
pub struct Settings {
    /// mlpack's cache directory; made if it is not there.
    pub cache: PathBuf,
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
}

/// Where packages come from. What is set here is given to uv; index variables that uv reads itself
/// (`UV_INDEX`, `UV_EXTRA_INDEX_URL`, certificates, proxies) reach it through the environment.
#[derive(Debug, Clone, Default)]
pub struct Indexes {
    /// The index (PEP 503), as in `PIP_INDEX_URL`; the Python Package Index if not set.
    pub index: Option<IndexUrl>,
    /// More of them, as in `PIP_EXTRA_INDEX_URL`.
    pub extra: Vec<IndexUrl>,
    /// Folders or pages with wheels, as in `PIP_FIND_LINKS`.
    pub find_links: Vec<String>,
    /// Ask no index at all, only `find_links`.
    pub no_index: bool,
}

impl Indexes {
    /// The folders among `find_links`; relative ones start at `directory`.
    pub fn folders(&self, directory: &Path) -> Vec<PathBuf> {
        let folder = |place: &String| match Url::parse(place) {
            Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
            Ok(_) => None,
            Err(_) => Some(directory.join(place)),
        };
        self.find_links.iter().filter_map(folder).collect()
    }
}

/// How the channels of a conda file are found. What is set here stands in place of what the files
/// say.
#[derive(Debug, Clone, Default)]
pub struct CondaSettings {
    /// What stands before a channel's name, conda's `channel_alias`.
    pub alias: Option<Url>,
    /// What `defaults` stands for, conda's `default_channels`.
    pub defaults: Option<Vec<String>>,
    /// The channels of a file that names none, conda's `channels`.
    pub channels: Option<Vec<String>>,
    /// Conda's configuration files, and folders of such, in conda's order: what a later one says
    /// counts more. Those that are not there are passed by.
    pub files: Vec<PathBuf>,
}

impl CondaSettings {
    /// As conda comes: anaconda.org.
    pub(crate) fn default_alias() -> Url {
        #[allow(clippy::unwrap_used, reason = "a constant that a test reads")]
        let alias = "https://conda.anaconda.org".parse().unwrap();
        alias
    }

    /// As conda comes: Anaconda's own packages.
    pub(crate) fn default_channels() -> Vec<String> {
        ["main", "r"].map(|name| format!("https://repo.anaconda.com/pkgs/{name}")).to_vec()
    }
}

/// An index's address; user and password are kept but never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexUrl(Url);

impl IndexUrl {
    /// The address with its secrets, for the ones it is meant for.
    pub(crate) fn secret(&self) -> &str {
        self.0.as_str()
    }

    /// Puts user and password onto an address of the same server.
    pub(crate) fn lend_credentials(&self, url: &mut Url) {
        let same = (self.0.scheme(), self.0.host_str(), self.0.port_or_known_default())
            == (url.scheme(), url.host_str(), url.port_or_known_default());
        if same && url.username().is_empty() && !self.0.username().is_empty() {
            // An address that has a host takes both; others have no credentials to lend.
            let _ = url.set_username(self.0.username());
            let _ = url.set_password(self.0.password());
        }
    }
}

/// An address as it may be shown: without user and password.
pub(crate) fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.into()
}

impl FromStr for IndexUrl {
    type Err = url::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Url::parse(text).map(Self)
    }
}

impl fmt::Display for IndexUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for IndexUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_lent_but_never_shown() {
        let index: IndexUrl = "https://me:secret@i.example/simple".parse().unwrap();
        assert_eq!(
            format!("{index} {index:?}"),
            "https://i.example/simple https://i.example/simple"
        );
        let mut same = Url::parse("https://i.example/files/a.whl").unwrap();
        index.lend_credentials(&mut same);
        assert_eq!(same.as_str(), "https://me:secret@i.example/files/a.whl");
        let mut other = Url::parse("https://o.example/a.whl").unwrap();
        index.lend_credentials(&mut other);
        assert_eq!(other.as_str(), "https://o.example/a.whl");
    }
}
