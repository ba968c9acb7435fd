//! Package indexes and the logins in their addresses.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use crate::redact_url;

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

/// An index's address; user and password are kept but never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexUrl(Url);

impl IndexUrl {
    /// The address with its secrets, for the ones it is meant for.
    pub fn secret(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the address has a user.
    pub fn has_login(&self) -> bool {
        !self.0.username().is_empty()
    }

    /// Puts user and password onto an address of the same server.
    pub fn lend_credentials(&self, url: &mut Url) {
        let same = (self.0.scheme(), self.0.host_str(), self.0.port_or_known_default())
            == (url.scheme(), url.host_str(), url.port_or_known_default());
        if same && url.username().is_empty() && !self.0.username().is_empty() {
            // An address that has a host takes both; others have no credentials to lend.
            let _ = url.set_username(self.0.username());
            let _ = url.set_password(self.0.password());
        }
    }
}

impl FromStr for IndexUrl {
    type Err = url::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Url::parse(text).map(Self)
    }
}

impl fmt::Display for IndexUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_url(&self.0))
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
