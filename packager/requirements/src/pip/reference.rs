//! A line that names the place of its package: an address, a file, a folder, a repository.

use std::path::{Path, PathBuf};

use url::Url;

use super::line::{ARCHIVES, split_direct, split_options};
use super::option;
use crate::{WheelName, normalize_name, percent_decode, redact};

/// Prefixes of repositories that are not git.
const OTHER_REPOSITORIES: [&str; 3] = ["hg+", "svn+", "bzr+"];

/// A package by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Normalised, where the line or the file name has it.
    pub name: Option<String>,
    /// As in `[a,b]`, without the brackets; empty for none.
    pub extras: String,
    /// The part after the semicolon.
    pub marker: Option<String>,
    /// Where it is.
    pub location: Location,
    /// Folder of the project in an archive or repository.
    pub subdirectory: Option<String>,
    /// SHA-256 of the file as `#sha256=` has it.
    pub sha256: Option<String>,
    /// Whether the line begins with `-e`.
    pub editable: bool,
}

/// Where a package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A wheel or source archive on a server, with its passwords.
    Url(Url),
    /// A wheel or source archive on this machine.
    File(PathBuf),
    /// A source folder on this machine.
    Folder(PathBuf),
    /// A git repository.
    Git {
        /// Without `git+`, with its passwords.
        url: Url,
        /// A branch, tag or commit; without one, the repository's default branch.
        revision: Option<String>,
    },
}

impl Reference {
    /// Reads a line without the options behind it. Relative paths start at `directory`, as pip has
    /// it, or at the folder of the file that names them, where there is nothing at the first.
    pub fn parse(text: &str, directory: &Path, beside: &Path) -> Result<Self, String> {
        let (text, _) = split_options(text);
        let (named, place) = match split_direct(text) {
            Some((named, place)) => (Some(named), place),
            None => (None, text),
        };
        let (place, marker) = split_marker(place);
        let (place, fragment) = place.split_once('#').unwrap_or((place, ""));
        let (place, mut extras) = split_extras(place);
        let mut name = None;
        if let Some(named) = named {
            let (bare, inside) = split_extras(named);
            (name, extras) = (Some(normalize_name(bare)), inside);
        }
        let mut reference = Self {
            name,
            extras: extras.to_owned(),
            marker: marker.map(str::to_owned),
            location: location(place, directory, beside)?,
            subdirectory: None,
            sha256: None,
            editable: false,
        };
        for (key, value) in url::form_urlencoded::parse(fragment.as_bytes()) {
            match &*key {
                "egg" => reference.read_egg(&value),
                "subdirectory" => reference.subdirectory = Some(inside(&value)?),
                "sha256" => {
                    reference.sha256 = Some(option::hash(&format!("sha256:{value}"))?);
                }
                _ => {}
            }
        }
        if reference.name.is_none() {
            reference.name =
                reference.filename().and_then(|file| Some(WheelName::parse(&file)?.name));
        }
        Ok(reference)
    }

    /// The name of the wheel or archive.
    pub fn filename(&self) -> Option<String> {
        match &self.location {
            Location::Url(url) => {
                let last = url.path_segments()?.next_back()?;
                Some(percent_decode(last))
            }
            Location::File(path) => {
                path.file_name().map(|name| name.to_string_lossy().into_owned())
            }
            Location::Folder(_) | Location::Git { .. } => None,
        }
    }

    /// Reads `egg=name[extras]`, the old way to give a name.
    fn read_egg(&mut self, egg: &str) {
        let (name, extras) = split_extras(egg);
        if self.name.is_none() && !name.is_empty() {
            self.name = Some(normalize_name(name));
        }
        if self.extras.is_empty() {
            extras.clone_into(&mut self.extras);
        }
    }

    /// Returns the line for the resolver, with `place` in place of the written location.
    pub fn requirement(&self, place: &Url) -> String {
        let mut place = place.clone();
        if let Some(subdirectory) = &self.subdirectory {
            place.set_fragment(Some(&format!("subdirectory={subdirectory}")));
        }
        let extras =
            if self.extras.is_empty() { String::new() } else { format!("[{}]", self.extras) };
        let marker = self.marker.as_ref().map_or_else(String::new, |marker| format!(" ; {marker}"));
        match &self.name {
            Some(name) => format!("{name}{extras} @ {place}{marker}"),
            None => format!("{place}{extras}{marker}"),
        }
    }
}

/// A place and the marker behind the semicolon that is not part of it.
fn split_marker(text: &str) -> (&str, Option<&str>) {
    let mark = text.find(" ;").or_else(|| text.find("; ")).or_else(|| {
        // An address may contain a semicolon.
        if text.contains("://") { None } else { text.find(';') }
    });
    let Some(mark) = mark else { return (text.trim(), None) };
    let marker = text[mark..].trim_start_matches([' ', ';']).trim();
    (text[..mark].trim(), (!marker.is_empty()).then_some(marker))
}

/// `place[a,b]` as `place` and `a,b`.
fn split_extras(text: &str) -> (&str, &str) {
    match text.strip_suffix(']').and_then(|text| text.rsplit_once('[')) {
        Some((place, extras)) => (place.trim(), extras.trim()),
        None => (text, ""),
    }
}

/// A path that stays inside.
fn inside(path: &str) -> Result<String, String> {
    let out = path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..");
    if out { Err(format!("`subdirectory={path}` leaves the project")) } else { Ok(path.to_owned()) }
}

fn location(text: &str, directory: &Path, beside: &Path) -> Result<Location, String> {
    if let Some(other) = OTHER_REPOSITORIES.iter().find(|other| text.starts_with(**other)) {
        return Err(format!("only git repositories can be read, not `{other}`"));
    }
    let address = |text: &str| {
        Url::parse(text).map_err(|error| format!("`{}` is not an address: {error}", redact(text)))
    };
    if let Some(repository) = text.strip_prefix("git+") {
        if !repository.contains("://") {
            return Err("write the repository as git+https://HOST/PATH or git+ssh://git@HOST/PATH"
                .to_owned());
        }
        return git(address(repository)?);
    }
    let path = match text.strip_prefix("file:") {
        Some(rest) if !rest.starts_with("//") => PathBuf::from(rest),
        Some(_) => address(text)?
            .to_file_path()
            .map_err(|()| format!("`{text}` is not a path on this machine"))?,
        None if text.contains("://") => {
            let url = address(text)?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(format!("cannot fetch a package by `{}:`", url.scheme()));
            }
            return Ok(Location::Url(url));
        }
        None if text.starts_with('~') => {
            return Err("`~` is not expanded: write the whole path".to_owned());
        }
        None => PathBuf::from(text),
    };
    let first = directory.join(&path);
    let found = if first.exists() { first } else { beside.join(&path) };
    // Without `./` in the middle, so that a lock reads well.
    let found: PathBuf = found.components().collect();
    if found.is_dir() {
        let project = ["pyproject.toml", "setup.py"].iter().any(|name| found.join(name).is_file());
        return if project {
            Ok(Location::Folder(found))
        } else {
            Err("the folder has neither a pyproject.toml nor a setup.py".to_owned())
        };
    }
    if !found.is_file() {
        return Err("no such file or folder".to_owned());
    }
    if !ARCHIVES.iter().any(|end| text.ends_with(end)) {
        return Err("it is neither a wheel, nor a source archive, nor a source folder".to_owned());
    }
    Ok(Location::File(found))
}

/// The repository and the revision behind its path.
fn git(mut url: Url) -> Result<Location, String> {
    if !matches!(url.scheme(), "https" | "http" | "ssh" | "git" | "file") {
        return Err(format!("cannot read a repository by `git+{}:`", url.scheme()));
    }
    let path = url.path().to_owned();
    let mut revision = None;
    if let Some((path, after)) = path.rsplit_once('@') {
        if after.is_empty() || after.starts_with('-') {
            return Err(format!("`{after}` is not a branch, tag or commit"));
        }
        revision = Some(percent_decode(after));
        url.set_path(path);
    }
    Ok(Location::Git { url, revision })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn reference(name: Option<&str>, location: Location) -> Reference {
        Reference {
            name: name.map(str::to_owned),
            extras: String::new(),
            marker: None,
            location,
            subdirectory: None,
            sha256: None,
            editable: false,
        }
    }

    #[test]
    fn every_kind_of_place_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("my pkg")).unwrap();
        fs::write(root.join("my pkg/setup.py"), "").unwrap();
        fs::create_dir_all(root.join("lists/wheels")).unwrap();
        fs::write(root.join("lists/wheels/A_b-1-py3-none-any.whl"), "").unwrap();
        fs::write(root.join("c-1.tar.gz"), "").unwrap();
        let git = |revision: Option<&str>| Location::Git {
            url: url("https://me:secret@h.example/team/d.git"),
            revision: revision.map(str::to_owned),
        };
        let folder = Location::Folder(root.join("my pkg"));
        let table = [
            ("./my pkg", reference(None, folder.clone())),
            (
                "file:my pkg[x, y] ; python_version < '3.8'",
                Reference {
                    extras: "x, y".to_owned(),
                    marker: Some("python_version < '3.8'".to_owned()),
                    ..reference(None, folder)
                },
            ),
            (
                "wheels/A_b-1-py3-none-any.whl",
                reference(
                    Some("a-b"),
                    Location::File(root.join("lists/wheels/A_b-1-py3-none-any.whl")),
                ),
            ),
            ("./c-1.tar.gz", reference(None, Location::File(root.join("c-1.tar.gz")))),
            (
                "git+https://me:secret@h.example/team/d.git@v1#egg=D[e]&subdirectory=py",
                Reference {
                    extras: "e".to_owned(),
                    subdirectory: Some("py".to_owned()),
                    ..reference(Some("d"), git(Some("v1")))
                },
            ),
            ("d @ git+https://me:secret@h.example/team/d.git", reference(Some("d"), git(None))),
            (
                "https://h.example/e-1.zip#egg=e",
                reference(Some("e"), Location::Url(url("https://h.example/e-1.zip"))),
            ),
            (
                "f[g] @ https://h.example/f%2B1.whl#sha256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                Reference {
                    extras: "g".to_owned(),
                    sha256: Some("0123456789abcdef".repeat(4)),
                    ..reference(Some("f"), Location::Url(url("https://h.example/f%2B1.whl")))
                },
            ),
        ];
        for (text, expected) in table {
            let found = Reference::parse(text, root, &root.join("lists"));
            assert_eq!(found, Ok(expected), "{text}");
        }
    }

    #[test]
    fn invalid_places_say_why() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("empty")).unwrap();
        fs::write(dir.path().join("notes.txt"), "").unwrap();
        let table = [
            ("./none", "no such file or folder"),
            ("./empty", "the folder has neither a pyproject.toml nor a setup.py"),
            ("./notes.txt", "it is neither a wheel, nor a source archive, nor a source folder"),
            ("~/a", "`~` is not expanded: write the whole path"),
            ("hg+https://h.example/a", "only git repositories can be read, not `hg+`"),
            ("ftp://h.example/a.whl", "cannot fetch a package by `ftp:`"),
            (
                "git+git@h.example:a/b",
                "write the repository as git+https://HOST/PATH or git+ssh://git@HOST/PATH",
            ),
            ("git+https://h.example/a@", "`` is not a branch, tag or commit"),
            ("git+https://h.example/a#subdirectory=../b", "`subdirectory=../b` leaves the project"),
            ("https://h.example/a.whl#sha256=0", "a sha256 hash has 64 hexadecimal digits"),
        ];
        for (text, message) in table {
            let found = Reference::parse(text, dir.path(), dir.path());
            assert_eq!(found, Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_resolver_is_given_an_address() {
        let place = url("file:///wheels/d-1-py3-none-any.whl");
        let text = "d[e] @ https://h.example/d.zip#subdirectory=py ; python_version > '3'";
        let reference = Reference::parse(text, Path::new("/"), Path::new("/")).unwrap();
        assert_eq!(
            reference.requirement(&place),
            "d[e] @ file:///wheels/d-1-py3-none-any.whl#subdirectory=py ; python_version > '3'"
        );
    }
}
