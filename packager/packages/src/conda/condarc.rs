//! Conda's own configuration: the addresses of channels and the meaning of their names.
//!
//! Source: conda documentation, "Using the .condarc conda configuration file" and "Settings". Of
//! lists and mappings the files' entries join, those of later files first; of single values the
//! last file's counts. A value from an environment variable replaces those of all files.

mod file;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mlpack_documents::{Document, Format, refuse_tabs};
use url::Url;

use self::file::{File, files_at};
use crate::settings::CondaSettings;
use crate::{Error, Result};
use mlpack_requirements::Variables;

/// The meaning of channel names, from variables, files and conda's defaults.
#[derive(Debug, Clone)]
pub struct Condarc {
    alias: Option<Url>,
    defaults: Vec<String>,
    channels: Vec<String>,
    /// Where a channel is, by name.
    custom: BTreeMap<String, String>,
    /// Names for several channels.
    multi: BTreeMap<String, Vec<String>>,
    /// Addresses that the alias replaces.
    migrated: Vec<String>,
    /// The last file that had a key.
    files: BTreeMap<&'static str, PathBuf>,
}

/// The meaning of a name.
#[derive(Debug, PartialEq, Eq)]
pub struct Meaning<'a> {
    /// Names below the alias and addresses.
    pub words: Vec<String>,
    /// The key and the file that decided it, if one did.
    pub by: Option<(&'static str, &'a Path)>,
}

impl Condarc {
    /// Reads the files that are there, in the order of the settings.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Requirements`] and [`Error::Condarc`] for one that cannot be read.
    pub fn read(settings: &CondaSettings, variables: &Variables) -> Result<Self> {
        let mut read = Self {
            alias: None,
            defaults: Vec::new(),
            channels: Vec::new(),
            custom: BTreeMap::new(),
            multi: BTreeMap::new(),
            migrated: Vec::new(),
            files: BTreeMap::new(),
        };
        for place in &settings.files {
            for path in files_at(place)? {
                read.file(&path, variables)?;
            }
        }
        if let Some(alias) = &settings.alias {
            read.alias = Some(alias.clone());
            read.files.remove("channel_alias");
        }
        for (given, list, key) in [
            (&settings.defaults, &mut read.defaults, "default_channels"),
            (&settings.channels, &mut read.channels, "channels"),
        ] {
            if let Some(given) = given {
                list.clone_from(given);
                read.files.remove(key);
            }
        }
        if read.defaults.is_empty() && !read.files.contains_key("default_channels") {
            read.defaults = CondaSettings::default_channels();
        }
        Ok(read)
    }

    /// The address before a channel's name.
    pub fn alias(&self) -> Url {
        let mut alias = self.alias.clone().unwrap_or_else(CondaSettings::default_alias);
        // Conda adds names behind a slash; joined without one they would replace the last part.
        if !alias.path().ends_with('/') {
            alias.set_path(&format!("{}/", alias.path()));
        }
        alias
    }

    /// The channels of a file that names none.
    pub fn channels(&self) -> Meaning<'_> {
        match self.channels.is_empty() {
            true => Meaning { words: vec!["defaults".to_owned()], by: None },
            false => self.decided("channels", self.channels.clone()),
        }
    }

    /// Returns the meaning of a channel's name.
    pub fn meaning(&self, word: &str) -> Meaning<'_> {
        if let Some(several) = self.multi.get(word) {
            return self.decided("custom_multichannels", several.clone());
        }
        if word == "defaults" {
            return self.decided("default_channels", self.defaults.clone());
        }
        self.place(word)
    }

    /// Where one channel is.
    pub fn place(&self, word: &str) -> Meaning<'_> {
        let name = match self.migrated.iter().find_map(|old| below(word, old)) {
            Some(name) => name,
            None if word.contains("://") || word.starts_with(['/', '.', '~']) => {
                return Meaning { words: vec![word.to_owned()], by: None };
            }
            None => word,
        };
        // The longest counts: `team/testing` before `team`.
        let mut known = self.custom.iter().rev();
        if let Some((_, location)) =
            known.find(|(known, _)| below(name, known).is_some() || name == *known)
        {
            let address = format!("{}/{name}", location.trim_end_matches('/'));
            return self.decided("custom_channels", vec![address]);
        }
        if name != word {
            return self.decided("migrated_channel_aliases", vec![name.to_owned()]);
        }
        self.decided("channel_alias", vec![word.to_owned()])
    }

    fn decided(&self, key: &'static str, words: Vec<String>) -> Meaning<'_> {
        Meaning { words, by: self.files.get(key).map(|file| (key, file.as_path())) }
    }

    fn file(&mut self, path: &Path, variables: &Variables) -> Result<()> {
        let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
        let document = refuse_tabs(path, &text)
            .and_then(|()| Document::parse(path, &text, Format::Yaml))
            .map_err(mlpack_requirements::Error::from)?;
        let file = File { path, variables };
        for (key, node) in file.entries(&document.root, "the file")? {
            let key = match key {
                "channel_alias" => {
                    self.alias = Some(file.address(node, "channel_alias")?.1);
                    "channel_alias"
                }
                "default_channels" => {
                    before(&mut self.defaults, file.list(node, "default_channels")?);
                    "default_channels"
                }
                "channels" | "channel" => {
                    before(&mut self.channels, file.list(node, "channels")?);
                    "channels"
                }
                "migrated_channel_aliases" => {
                    before(&mut self.migrated, file.list(node, "migrated_channel_aliases")?);
                    "migrated_channel_aliases"
                }
                "custom_channels" => {
                    for (name, node) in file.entries(node, "custom_channels")? {
                        let (location, _) = file.address(node, "custom_channels")?;
                        self.custom.insert(name.trim_matches('/').to_owned(), location);
                    }
                    "custom_channels"
                }
                "custom_multichannels" => {
                    for (name, node) in file.entries(node, "custom_multichannels")? {
                        let list = file.list(node, "custom_multichannels")?;
                        before(self.multi.entry(name.to_owned()).or_default(), list);
                    }
                    "custom_multichannels"
                }
                // Most of conda's keys do not affect where packages come from.
                _ => continue,
            };
            self.files.insert(key, path.to_owned());
        }
        Ok(())
    }
}

/// Lists are joined, the later one first.
fn before(list: &mut Vec<String>, mut first: Vec<String>) {
    first.append(list);
    *list = first;
}

/// What follows a name or an address and a slash.
fn below<'w>(word: &'w str, above: &str) -> Option<&'w str> {
    let rest = word.strip_prefix(above.trim_end_matches('/'))?.strip_prefix('/')?;
    Some(rest.trim_end_matches('/')).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Condarc> {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = CondaSettings::default();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            settings.files.push(dir.path().join(name.split('/').next().unwrap()));
        }
        let variables = [("TOKEN".to_owned(), "tk-1".to_owned())].into_iter().collect();
        Condarc::read(&settings, &variables).map_err(|error| match error {
            Error::Condarc { line, reason, .. } => {
                Error::Condarc { path: "condarc".into(), line, reason }
            }
            other => other,
        })
    }

    fn words(read: &Condarc, word: &str) -> Vec<String> {
        read.meaning(word).words
    }

    #[test]
    fn later_files_stand_in_front() {
        let read = read(&[
            (
                "first",
                "channel_alias: https://one.example\ndefault_channels: [https://a.example/x]\n",
            ),
            ("second.d/b.yml", "channel_alias: https://two.example\nauto_update_conda: [1]\n"),
            ("third", "default_channels:\n  - https://b.example/t/${TOKEN}/y\nchannels: forge\n"),
        ])
        .unwrap();
        assert_eq!(read.alias().as_str(), "https://two.example/");
        assert_eq!(words(&read, "defaults"), ["https://b.example/t/tk-1/y", "https://a.example/x"]);
        assert_eq!(read.channels().words, ["forge"]);
        let (key, file) = read.meaning("forge").by.unwrap();
        assert_eq!((key, file.file_name().unwrap()), ("channel_alias", OsStr::new("b.yml")));
    }

    #[test]
    fn names_stand_for_places() {
        let read = read(&[(
            "condarc",
            "custom_channels:\n  team: https://c.example/base/\n  team/testing: file:///mirror\n\
             custom_multichannels:\n  all: [team, other]\n\
             migrated_channel_aliases: [https://old.example/conda]\n",
        )])
        .unwrap();
        assert_eq!(words(&read, "team"), ["https://c.example/base/team"]);
        assert_eq!(words(&read, "team/dev"), ["https://c.example/base/team/dev"]);
        assert_eq!(words(&read, "team/testing"), ["file:///mirror/team/testing"]);
        assert_eq!(words(&read, "teamwork"), ["teamwork"]);
        assert_eq!(words(&read, "all"), ["team", "other"]);
        assert_eq!(words(&read, "https://old.example/conda/forge/"), ["forge"]);
        assert_eq!(words(&read, "https://old.example/conda/team"), ["https://c.example/base/team"]);
        assert_eq!(words(&read, "https://else.example/team"), ["https://else.example/team"]);
        assert_eq!(read.meaning("other").by, None);
    }

    #[test]
    fn a_wrong_type_is_told_by_line() {
        for (text, expected) in [
            ("a: 1\nchannel_alias: [x]\n", "condarc:2: `channel_alias` must be text, found a list"),
            (
                "channel_alias: forge\n",
                "condarc:1: `channel_alias` is not an address such as https://HOST/PATH",
            ),
            ("channels:\n  a: b\n", "condarc:2: `channels` is a mapping, not a list"),
            ("custom_channels: x\n", "condarc:1: `custom_channels` is text, not a mapping"),
            (
                "channels:\n  - ${NO_SUCH}\n",
                "condarc:2: `channels` names ${NO_SUCH}, which is not set",
            ),
            ("- x\n", "condarc:1: `the file` is a list, not a mapping"),
        ] {
            assert_eq!(read(&[("condarc", text)]).unwrap_err().to_string(), expected);
        }
        assert!(read(&[("condarc", "# nothing\n")]).is_ok());
    }
}
