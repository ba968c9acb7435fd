//! Following a list, line by line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pep440_rs::VersionSpecifiers;
use url::Url;

use super::{PipList, Reading, Wanted};
use crate::pip::line::{PipLine, PipLineKind, split_options, without_empty_marker};
use crate::pip::lines::logical_lines;
use crate::pip::option::{self, PipOption};
use crate::pip::{IndexUrl, Location, Reference};
use crate::{Error, Result, WheelName, normalize_name, percent_decode, redact};

/// A list that is being read.
pub(super) struct Reader<'a> {
    list: PipList,
    reading: Reading<'a>,
    /// Files that are being read, the outermost first.
    open: Vec<String>,
    /// Files that were read, and whether as constraints: another time they say nothing new.
    read: BTreeSet<(String, bool)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(reading: Reading<'a>) -> Self {
        Self { list: PipList::default(), reading, open: Vec::new(), read: BTreeSet::new() }
    }

    /// Follows every line.
    pub(super) fn read(mut self) -> Result<PipList> {
        for line in self.reading.pip {
            self.line(line.clone(), false)?;
        }
        Ok(self.list)
    }

    fn line(&mut self, line: PipLine, constraint: bool) -> Result<()> {
        let text = self.reading.variables.expand(line.secret()).map_err(|name| {
            let reason = format!("the environment variable {name} is not set");
            line.error(reason, Some(format!("set {name} in the environment of this command")))
        })?;
        if line.kind == PipLineKind::Option {
            for option in option::read(&text).map_err(|reason| line.error(reason, None))? {
                self.option(option, &line, constraint)?;
            }
            return Ok(());
        }
        self.requirement(&text, line, constraint)
    }

    fn requirement(&mut self, text: &str, line: PipLine, constraint: bool) -> Result<()> {
        let (bare, options) = split_options(text);
        let bare = without_empty_marker(bare);
        let options = option::read(options).map_err(|reason| line.error(reason, None))?;
        let mut hashes: BTreeSet<String> = options
            .into_iter()
            .filter_map(|option| match option {
                PipOption::Hash(hex) => Some(hex),
                _ => None,
            })
            .collect();
        let placed = !matches!(&line.kind, PipLineKind::Requirement { url: None, .. });
        if !placed {
            let name = line.name().unwrap_or_default().to_owned();
            self.hold(&name, hashes, constraint);
            if constraint {
                self.list.constraints.push(line.with_text(bare));
            } else {
                self.list.wanted.push(Wanted::Named(bare.to_owned()));
                self.list.lines.push(line);
            }
            return Ok(());
        }
        let beside = beside(&line, self.reading.directory);
        let reference = Reference::parse(bare, self.reading.directory, &beside)
            .map_err(|reason| line.error(reason, None))?;
        if constraint {
            let hint = "constrain it by version, or list it as a requirement".to_owned();
            return Err(line.error(
                "a constraint cannot say where a package comes from".to_owned(),
                Some(hint),
            ));
        }
        self.check_wheel(&reference, &line)?;
        match &reference.location {
            Location::Url(url) => self.list.logins.extend(url.as_str().parse()),
            Location::File(path) | Location::Folder(path) => {
                self.list.files.insert(path.clone());
            }
            Location::Git { .. } => {}
        }
        hashes.extend(reference.sha256.clone());
        if let Some(name) = &reference.name {
            self.hold(name, hashes, false);
        } else if !hashes.is_empty() {
            let hint = "write it as `NAME @ PLACE`".to_owned();
            return Err(line.error("a hash needs the package's name".to_owned(), Some(hint)));
        }
        let mut named = line.clone();
        if let (PipLineKind::Place, Some(name)) = (&line.kind, &reference.name) {
            named.kind = PipLineKind::Requirement {
                name: name.clone(),
                extras: Vec::new(),
                specifier: VersionSpecifiers::empty(),
                url: Some(line.text.clone()),
            };
        }
        self.list.lines.push(named);
        self.list.wanted.push(Wanted::Placed(Box::new(reference), line));
        Ok(())
    }

    /// Checks that a wheel named by its file is compatible with the target.
    fn check_wheel(&self, reference: &Reference, line: &PipLine) -> Result<()> {
        let filename = reference.filename().filter(|name| name.ends_with(".whl"));
        let Some(filename) = filename else { return Ok(()) };
        let Some(wheel) = WheelName::parse(&filename) else {
            return Err(line.error(format!("`{filename}` is not a valid wheel name"), None));
        };
        let Some(target) = self.reading.target else { return Ok(()) };
        let Some(reason) = wheel.incompatibility(target) else { return Ok(()) };
        let hint = format!(
            "name a wheel of {} for {}, or its source archive",
            wheel.name,
            target.describe()
        );
        Err(line.error(format!("incompatible wheel: {reason}"), Some(hint)))
    }

    fn hold(&mut self, name: &str, hashes: BTreeSet<String>, constraint: bool) {
        if hashes.is_empty() {
            return;
        }
        // One hash asks for all of them (pip, "Secure installs").
        self.list.require_hashes |= !constraint;
        self.list.hashes.entry(name.to_owned()).or_default().extend(hashes);
    }

    fn option(&mut self, option: PipOption, line: &PipLine, constraint: bool) -> Result<()> {
        match option {
            PipOption::Requirements(place) => self.file(&place, line, false)?,
            PipOption::Constraints(place) => self.file(&place, line, true)?,
            PipOption::Editable(place) => {
                let line = PipLine::parse(&place, line.line)
                    .map_err(|reason| line.error(reason, None))?
                    .of(&line.file)
                    .into_place();
                self.list.notes.push(format!(
                    "{}: `{}` is installed as a regular package: an image has no editable installs",
                    line.place(),
                    line.text
                ));
                let before = self.list.wanted.len();
                self.requirement(&place, line, constraint)?;
                for wanted in &mut self.list.wanted[before..] {
                    if let Wanted::Placed(reference, _) = wanted {
                        reference.editable = true;
                    }
                }
            }
            PipOption::Index(url) => {
                self.list.indexes.index = Some(self.index(&url, line)?);
            }
            PipOption::ExtraIndex(url) => {
                let index = self.index(&url, line)?;
                self.list.indexes.extra.push(index);
            }
            PipOption::FindLinks(place) => {
                let links = self.links(&place, line)?;
                self.list.indexes.find_links.push(links);
            }
            PipOption::NoIndex => self.list.indexes.no_index = true,
            PipOption::NoBinary(names) => choose(&mut self.list.no_binary, &names),
            PipOption::OnlyBinary(names) => choose(&mut self.list.only_binary, &names),
            PipOption::Pre => self.list.pre = true,
            PipOption::RequireHashes => self.list.require_hashes = true,
            // Wheels are preferred anyway, and a hash never comes here.
            PipOption::PreferBinary | PipOption::Hash(_) => {}
            PipOption::TrustedHost(host) => self.list.notes.push(format!(
                "{}: `--trusted-host {host}` has no effect: certificates are always checked",
                line.place()
            )),
            PipOption::WithoutEffect(option) => {
                self.list.notes.push(format!("{}: `{option}` has no effect here", line.place()));
            }
        }
        Ok(())
    }

    fn index(&self, url: &str, line: &PipLine) -> Result<IndexUrl> {
        url.parse().map_err(|error| {
            let hint = Some("write it as https://HOST/simple".to_owned());
            line.error(format!("`{}` is not an address: {error}", redact(url)), hint)
        })
    }

    /// A page, or the absolute path of a folder.
    fn links(&mut self, place: &str, line: &PipLine) -> Result<String> {
        if place.starts_with("http://") || place.starts_with("https://") {
            let login = self.index(place, line)?;
            self.list.logins.push(login);
            return Ok(place.to_owned());
        }
        let path = match Url::parse(place) {
            Ok(url) if url.scheme() == "file" => url.to_file_path().unwrap_or_default(),
            _ => PathBuf::from(place),
        };
        let places =
            [beside(line, self.reading.directory).join(&path), self.reading.directory.join(&path)];
        let found = places
            .iter()
            .find(|place| place.exists())
            .ok_or_else(|| line.error(format!("no such folder `{}`", path.display()), None))?;
        Ok(found.display().to_string())
    }

    /// Reads another file of requirements or constraints.
    fn file(&mut self, place: &str, line: &PipLine, constraint: bool) -> Result<()> {
        let remote = ["http://", "https://"].iter().any(|begin| place.starts_with(begin));
        let path = match place.strip_prefix("file:") {
            Some(path) => {
                let path = path.strip_prefix("//localhost").unwrap_or(path);
                let path = path.strip_prefix("//").unwrap_or(path);
                beside(line, self.reading.directory).join(percent_decode(path))
            }
            None if remote => PathBuf::from(place),
            None => beside(line, self.reading.directory).join(place).components().collect(),
        };
        // One name for one file, so that a cycle is found however the file is named.
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let key = real.display().to_string();
        if self.open.contains(&key) || path == line.file {
            let reason = format!("{} includes itself through this line", redact(place));
            return Err(line.error(reason, Some("remove the line".to_owned())));
        }
        if self.read.contains(&(key.clone(), constraint)) {
            return Ok(());
        }
        let text = if remote {
            let Some(text) = self.reading.remote.get(place) else {
                self.list.missing.insert(place.to_owned());
                return Ok(());
            };
            text.clone()
        } else {
            let text = mlpack_documents::read_text(&path).map_err(|error| {
                line.error(format!("cannot read {}: {error}", path.display()), None)
            })?;
            self.list.files.insert(path.clone());
            text
        };
        let named = if remote { PathBuf::from(redact(place)) } else { path };
        self.open.push(key);
        for (number, text) in logical_lines(&text) {
            let read = PipLine::parse(&text, number).map_err(|reason| Error::PipLine {
                place: format!("{}:{number}", named.display()),
                text: redact(&text),
                reason,
                mended: PipLine::mended(&text),
            })?;
            self.line(read.of(&named), constraint)?;
        }
        self.open.pop();
        self.read.insert((real.display().to_string(), constraint));
        Ok(())
    }
}

/// Adds names; `:none:` removes those given before, as in pip.
fn choose(names: &mut BTreeSet<String>, said: &[String]) {
    for name in said {
        match &**name {
            ":none:" => names.clear(),
            ":all:" => drop(names.insert(name.clone())),
            name => drop(names.insert(normalize_name(name))),
        }
    }
}

/// Returns the folder of the file that a line is from.
fn beside(line: &PipLine, directory: &Path) -> PathBuf {
    match line.file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => directory.join(dir),
        _ => directory.to_owned(),
    }
}
