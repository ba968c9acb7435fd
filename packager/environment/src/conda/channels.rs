//! Channels: from the words of a conda file to addresses, with their secrets kept apart.

use std::path::{Path, PathBuf};

use rattler_conda_types::{Channel, ChannelConfig};
use url::Url;

use crate::settings::{CondaSettings, redacted};
use crate::{CondaFile, Error, Result};

/// The channels of a solve in order of priority.
#[derive(Debug, Clone, Default)]
pub(crate) struct Channels {
    list: Vec<Known>,
    config: Option<ChannelConfig>,
}

/// A channel, and its address as it may be shown.
#[derive(Debug, Clone)]
struct Known {
    channel: Channel,
    shown: Url,
}

impl Channels {
    /// The channels of a file: a name below the alias, an address, or a folder relative to the
    /// file; `defaults` stands for several. Without any it is `defaults` alone, as conda has it.
    ///
    /// # Errors
    /// [`Error::Channel`] for one that is neither.
    pub(crate) fn of(file: &CondaFile, settings: &CondaSettings) -> Result<Self> {
        let folder = file.path.parent().unwrap_or(Path::new("."));
        let config = ChannelConfig {
            channel_alias: settings.alias.clone(),
            root_dir: std::path::absolute(folder).map_err(Error::io("find", folder))?,
        };
        let mut names: Vec<&str> = file.channels.iter().map(String::as_str).collect();
        let forbidden = names.contains(&"nodefaults");
        names.retain(|name| *name != "nodefaults");
        if names.is_empty() && !forbidden {
            names.push("defaults");
        }
        let mut list: Vec<Known> = Vec::new();
        for name in names {
            let several = [name];
            let parts: Vec<&str> = match name {
                "defaults" => settings.defaults.iter().map(String::as_str).collect(),
                _ => several.to_vec(),
            };
            for part in parts {
                let known = known(part, &config)?;
                if list.iter().all(|other| other.channel.base_url != known.channel.base_url) {
                    list.push(known);
                }
            }
        }
        Ok(Self { list, config: Some(config) })
    }

    /// The same, with the channels that package lines name themselves.
    pub(crate) fn with_lines(file: &CondaFile, settings: &CondaSettings) -> Result<Self> {
        let mut channels = Self::of(file, settings)?;
        for dependency in &file.dependencies {
            if let Some(channel) = &dependency.spec.channel {
                channels.add(channel)?;
            }
        }
        Ok(channels)
    }

    /// As the gateway takes them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Channel> {
        self.list.iter().map(|known| known.channel.clone())
    }

    /// How names in `channel::package` are read.
    pub(crate) fn config(&self) -> Option<&ChannelConfig> {
        self.config.as_ref()
    }

    /// Adds the channel that a package line names itself (`channel::package`), behind the others.
    pub(crate) fn add(&mut self, name: &str) -> Result<()> {
        let Some(config) = &self.config else { return Ok(()) };
        // `channel/linux-64::package` names a folder of the channel too.
        let name = name.trim_end_matches("/linux-64").trim_end_matches("/noarch");
        let known = known(name, config)?;
        if self.list.iter().all(|other| other.channel.base_url != known.channel.base_url) {
            self.list.push(known);
        }
        Ok(())
    }

    /// Their addresses without secrets, for messages.
    pub(crate) fn shown(&self) -> Vec<String> {
        self.list.iter().map(|known| known.shown.to_string()).collect()
    }

    /// What the channel of a package's address is called: its name below the alias, else its
    /// address.
    pub(crate) fn called(&self, url: &str) -> String {
        let mut known = self.list.iter();
        match known.find(|known| url.starts_with(known.channel.base_url.as_str())) {
            Some(Known { shown, .. }) => {
                let name = self.config.as_ref().and_then(|of| of.strip_channel_alias(shown));
                name.unwrap_or_else(|| shown.as_str().trim_end_matches('/').to_owned())
            }
            None => hide(url),
        }
    }

    /// An address of one of the channels as it may be shown and kept.
    pub(crate) fn without_secret(&self, url: &str) -> String {
        for known in &self.list {
            if let Some(rest) = url.strip_prefix(known.channel.base_url.as_str()) {
                return format!("{}{rest}", known.shown);
            }
        }
        hide(url)
    }

    /// An address as the channel's server wants it.
    pub(crate) fn with_secret(&self, url: &str) -> String {
        for known in &self.list {
            if let Some(rest) = url.strip_prefix(known.shown.as_str()) {
                return format!("{}{rest}", known.channel.base_url);
            }
        }
        url.to_owned()
    }

    /// A message without the secrets of any channel.
    pub(crate) fn clean(&self, message: &str) -> String {
        let mut clean = message.to_owned();
        for known in &self.list {
            clean = clean.replace(known.channel.base_url.as_str(), known.shown.as_str());
        }
        clean
    }
}

fn known(name: &str, config: &ChannelConfig) -> Result<Known> {
    let bad = |reason: String| Error::Channel { channel: hide(name), reason };
    let channel = Channel::from_str(name, config).map_err(|error| bad(error.to_string()))?;
    let shown: Url = hide(channel.base_url.as_str())
        .parse()
        .map_err(|error: url::ParseError| bad(error.to_string()))?;
    Ok(Known { channel, shown })
}

/// An address without user, password and `/t/TOKEN/` (the way of anaconda.org).
fn hide(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    let path = url.path().to_owned();
    if let Some(rest) = path.strip_prefix("/t/") {
        let rest = rest.split_once('/').map_or("", |(_, rest)| rest);
        url.set_path(&format!("/{rest}"));
    }
    redacted(&url)
}

/// The file behind a `file://` address.
pub(crate) fn local(url: &str) -> Option<PathBuf> {
    let url = Url::parse(url).ok()?;
    if url.scheme() == "file" { url.to_file_path().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(text: &str) -> Result<Channels> {
        let file = CondaFile::parse(text, Path::new("/project/env.yml")).unwrap();
        Channels::of(&file, &CondaSettings::default())
    }

    #[test]
    fn words_become_addresses() {
        let shown = |text: &str| channels(text).unwrap().shown();
        let defaults =
            ["https://repo.anaconda.com/pkgs/main/", "https://repo.anaconda.com/pkgs/r/"];
        assert_eq!(shown("dependencies: []\n"), defaults);
        assert_eq!(
            shown("channels: [conda-forge, defaults, conda-forge]\n"),
            ["https://conda.anaconda.org/conda-forge/", defaults[0], defaults[1]]
        );
        assert_eq!(
            shown("channels: [nodefaults, ./channel, 'https://u:p@c.example/t/tk-1/team']\n"),
            ["file:///project/channel/", "https://c.example/team/"]
        );
        assert_eq!(shown("channels: [nodefaults]\n"), Vec::<String>::new());
    }

    #[test]
    fn secrets_are_lent_and_hidden() {
        let channels = channels("channels: ['https://u:p@c.example/t/tk-1/team']\n").unwrap();
        let secret = "https://u:p@c.example/t/tk-1/team/noarch/a-1-0.conda";
        let shown = "https://c.example/team/noarch/a-1-0.conda";
        assert_eq!(channels.without_secret(secret), shown);
        assert_eq!(channels.with_secret(shown), secret);
        assert_eq!(channels.clean(&format!("no {secret}")), format!("no {shown}"));
    }
}
