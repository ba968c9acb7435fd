//! Channels: from the names in a conda file to addresses, with their secrets kept apart.

use std::path::Path;

use rattler_conda_types::{Channel, ChannelConfig};
use url::Url;

use crate::conda::condarc::{Condarc, Meaning};
use crate::settings::Settings;
use crate::{Error, Result};
use mlpack_requirements::CondaFile;
use mlpack_requirements::redact_url;

/// The channels of a solve in order of priority.
#[derive(Debug, Clone, Default)]
pub struct Channels {
    list: Vec<KnownChannel>,
    known: Option<ChannelNames>,
    notes: Vec<String>,
    /// Whether the conda file names none.
    implied: bool,
}

/// How names are read.
#[derive(Debug, Clone)]
struct ChannelNames {
    config: ChannelConfig,
    condarc: Condarc,
}

/// A channel by its address as it may be shown and kept, and the address as its server takes it.
#[derive(Debug, Clone)]
struct KnownChannel {
    channel: Channel,
    secret: Url,
}

impl KnownChannel {
    fn shown(&self) -> &str {
        self.channel.base_url.as_str()
    }
}

impl Channels {
    /// The channels of a file: a name, an address, or a folder relative to the file; `defaults` and
    /// names in conda's configuration may mean several. A file without any has those of
    /// the configuration, and without these it is `defaults` alone, as conda has it.
    ///
    /// # Errors
    /// [`Error::Channel`] for one that is neither, and those of reading the configuration.
    pub fn of(file: &CondaFile, settings: &Settings) -> Result<Self> {
        let folder = file.path.parent().unwrap_or(Path::new("."));
        let condarc = Condarc::read(&settings.conda, &settings.variables)?;
        let config =
            ChannelConfig { channel_alias: condarc.alias(), root_dir: settings.absolute(folder) };
        let mut names: Vec<String> = file.channels.clone();
        let forbidden = names.iter().any(|name| name == "nodefaults");
        names.retain(|name| name != "nodefaults");
        let mut channels = Self::default();
        if names.is_empty() && !forbidden {
            let meaning = condarc.channels();
            channels.note(&meaning, "the channels, since the conda file has none");
            names = meaning.words;
            channels.implied = true;
        }
        let known = ChannelNames { config, condarc };
        for name in names {
            for channel in channels.read(&name, &known)? {
                channels.push(channel);
            }
        }
        channels.known = Some(known);
        Ok(channels)
    }

    /// The same, with the channels that package lines name themselves.
    pub fn with_lines(file: &CondaFile, settings: &Settings) -> Result<Self> {
        let mut channels = Self::of(file, settings)?;
        for dependency in &file.dependencies {
            if let Some(name) = &dependency.spec.channel {
                channels.named(name)?;
            }
        }
        Ok(channels)
    }

    /// Whether the conda file names none, so that conda's own are asked.
    pub fn are_implied(&self) -> bool {
        self.implied
    }

    /// Which keys of conda's configuration were used, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The channel that a package line names (`channel::package`); it has the lowest priority.
    pub fn named(&mut self, name: &str) -> Result<Option<Channel>> {
        let Some(known) = self.known.clone() else { return Ok(None) };
        let mut read = self.read(name, &known)?;
        let (Some(channel), true) = (read.pop(), read.is_empty()) else {
            return Err(Error::Channel {
                channel: hide(name),
                reason: "the name means several channels, and a package line takes one".to_owned(),
            });
        };
        self.push(channel.clone());
        Ok(Some(channel.channel))
    }

    fn read(&mut self, name: &str, known: &ChannelNames) -> Result<Vec<KnownChannel>> {
        let meaning = known.condarc.meaning(name);
        let several = matches!(meaning.by, Some(("default_channels" | "custom_multichannels", _)));
        let what = if several { "what" } else { "where" };
        self.note(&meaning, &format!("{what} the channel {} is", hide(name)));
        let mut channels = Vec::new();
        for word in meaning.words {
            let place = known.condarc.place(&word);
            self.note(&place, &format!("where the channel {} is", hide(&word)));
            for word in &place.words {
                channels.push(channel(word, &known.config)?);
            }
        }
        Ok(channels)
    }

    fn note(&mut self, meaning: &Meaning<'_>, what: &str) {
        if let Some((key, file)) = meaning.by {
            let note = format!("{}: `{key}` sets {what}", file.display());
            // One channel is enough to know that the file counts.
            let known = format!("{}: `{key}` ", file.display());
            if self.notes.iter().all(|note| !note.starts_with(&known)) {
                self.notes.push(note);
            }
        }
    }

    fn push(&mut self, known: KnownChannel) {
        let same = |other: &&mut KnownChannel| other.channel.base_url == known.channel.base_url;
        match self.list.iter_mut().find(same) {
            // A login counts wherever the channel is named with it.
            Some(other) if other.secret.as_str() == other.shown() => other.secret = known.secret,
            Some(_) => {}
            None => self.list.push(known),
        }
    }

    /// As the gateway takes them, without secrets.
    pub fn iter(&self) -> impl Iterator<Item = Channel> {
        self.list.iter().map(|known| known.channel.clone())
    }

    /// Their addresses without secrets, for messages.
    pub fn shown(&self) -> Vec<String> {
        self.list.iter().map(|known| known.shown().to_owned()).collect()
    }

    /// The channel whose address is in a message, as it may be shown.
    pub fn named_in(&self, message: &str) -> Option<String> {
        let is_in = |known: &&KnownChannel| {
            message.contains(known.shown()) || message.contains(known.secret.as_str())
        };
        self.list.iter().find(is_in).map(|known| known.shown().to_owned())
    }

    /// What the channel of a package's address is called: its name below the alias, else its
    /// address.
    pub fn called(&self, url: &str) -> String {
        let mut known = self.list.iter();
        match known.find(|known| url.starts_with(known.shown())) {
            Some(found) => {
                let url = found.channel.base_url.url();
                let name = self.known.as_ref().and_then(|of| of.config.strip_channel_alias(url));
                name.unwrap_or_else(|| found.shown().trim_end_matches('/').to_owned())
            }
            None => hide(url),
        }
    }

    /// An address of one of the channels as it may be shown and kept.
    pub fn without_secret(&self, url: &str) -> String {
        for known in &self.list {
            if let Some(rest) = url.strip_prefix(known.secret.as_str()) {
                return format!("{}{rest}", known.shown());
            }
        }
        hide(url)
    }

    /// An address as the channel's server takes it.
    pub fn with_secret(&self, url: &str) -> String {
        for known in &self.list {
            if let Some(rest) = url.strip_prefix(known.shown()) {
                return format!("{}{rest}", known.secret);
            }
        }
        url.to_owned()
    }

    /// A message without the secrets of any channel.
    pub fn clean(&self, message: &str) -> String {
        let mut clean = message.to_owned();
        for known in &self.list {
            clean = clean.replace(known.secret.as_str(), known.shown());
        }
        clean
    }
}

fn channel(name: &str, config: &ChannelConfig) -> Result<KnownChannel> {
    let bad = |reason: String| Error::Channel { channel: hide(name), reason };
    let mut channel = Channel::from_str(name, config).map_err(|error| bad(error.to_string()))?;
    let secret = Url::from(channel.base_url);
    let shown: Url =
        hide(secret.as_str()).parse().map_err(|error: url::ParseError| bad(error.to_string()))?;
    channel.base_url = shown.into();
    Ok(KnownChannel { channel, secret })
}

/// An address without user, password and `/t/TOKEN/` (the way of anaconda.org).
fn hide(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    let path = url.path().to_owned();
    if let Some(rest) = path.strip_prefix("/t/") {
        let rest = rest.split_once('/').map_or("", |(_, rest)| rest);
        url.set_path(&format!("/{rest}"));
    }
    redact_url(&url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(text: &str) -> Result<Channels> {
        let file = CondaFile::parse(text, Path::new("/project/env.yml")).unwrap();
        Channels::of(&file, &Settings::new("/nowhere"))
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
    fn configuration_is_followed_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let rc = dir.path().join(".condarc");
        let text = "channel_alias: https://m.example/t/tk-1/\ncustom_channels:\n  team: file:///m\n\
                    default_channels: [https://m.example/main, team]\nchannels: [forge]\n";
        std::fs::write(&rc, text).unwrap();
        let mut settings = Settings::new("/nowhere");
        settings.conda.files.push(rc.clone());
        let of = |text: &str, settings: &Settings| {
            let file = CondaFile::parse(text, Path::new("/project/env.yml")).unwrap();
            let channels = Channels::with_lines(&file, settings).unwrap();
            let place = format!("{}: ", rc.display());
            let notes = channels.notes().iter().map(|note| note.replace(&place, ""));
            (channels.shown(), notes.collect::<Vec<_>>())
        };
        let (shown, notes) = of("dependencies: []\n", &settings);
        assert_eq!(shown, ["https://m.example/forge/"]);
        assert_eq!(
            notes,
            [
                "`channels` sets the channels, since the conda file has none",
                "`channel_alias` sets where the channel forge is",
            ]
        );
        let (shown, notes) = of("channels: [defaults]\n", &settings);
        assert_eq!(shown, ["https://m.example/main/", "file:///m/team/"]);
        assert_eq!(notes.len(), 2, "{notes:?}");
        let (shown, _) = of("channels: [nodefaults]\ndependencies: ['team::a']\n", &settings);
        assert_eq!(shown, ["file:///m/team/"]);
        // A variable replaces the value of the file.
        settings.conda.channels = Some(vec!["https://v.example/c".to_owned()]);
        assert_eq!(of("{}\n", &settings), (vec!["https://v.example/c/".to_owned()], Vec::new()));
    }

    #[test]
    fn a_line_takes_one_channel() {
        let text = "dependencies: ['defaults::numpy']\n";
        let file = CondaFile::parse(text, Path::new("/project/env.yml")).unwrap();
        let error = Channels::with_lines(&file, &Settings::new("/nowhere")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot use channel defaults: the name means several channels, and a package line takes one"
        );
    }

    #[test]
    fn secrets_are_lent_and_hidden() {
        let channels = channels("channels: ['https://u:p@c.example/t/tk-1/team']\n").unwrap();
        let secret = "https://u:p@c.example/t/tk-1/team/noarch/a-1-0.conda";
        let shown = "https://c.example/team/noarch/a-1-0.conda";
        assert_eq!(channels.without_secret(secret), shown);
        assert_eq!(channels.with_secret(shown), secret);
        assert_eq!(channels.clean(&format!("no {secret}")), format!("no {shown}"));
        let twice = "channels: ['https://c.example/team', 'https://u:p@c.example/t/tk-1/team']\n";
        let twice = self::channels(twice).unwrap();
        assert_eq!((twice.shown().len(), twice.with_secret(shown)), (1, secret.to_owned()));
    }
}
