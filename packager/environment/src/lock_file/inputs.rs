//! What a lock file was made from: the lines and files that decide it, as they are written in the
//! project and so the same on every machine.

use std::collections::BTreeSet;
use std::path::Path;

use mlpack_oci::Digest;
use url::Url;

use super::{Footing, relative};
use crate::settings::{DEFAULT_INDEX, redacted};
use crate::source_tree::SourceTree;
use crate::{CondaFile, Error, PipLine, PipLineKind, Result, Settings, store};

/// Inputs of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockInputs {
    /// Conda lines in the order written; none where the base's interpreter is kept, since they have
    /// no part in it.
    pub conda: Vec<String>,
    /// Channels in the order written, under the same condition.
    pub channels: Vec<String>,
    /// The `pip:` list in the order written.
    pub pip: Vec<String>,
    /// Files that the list names: other lists, wheels, sources.
    pub files: Vec<InputFile>,
    /// The day whose packages were asked for.
    pub exclude_newer: Option<String>,
    /// Indexes without user and password, the main one first. They say where files were found, not
    /// what was asked for.
    pub indexes: Vec<String>,
}

/// A file by content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// From the lock file's folder.
    pub path: String,
    /// Of its bytes.
    pub sha256: Digest,
}

impl LockInputs {
    /// The inputs of a project, for a lock file at `lock`. Relative lines of the list start at
    /// `directory`.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that the list names and that cannot be read.
    pub fn of(
        file: Option<&CondaFile>,
        directory: &Path,
        footing: Footing<'_>,
        settings: &Settings,
        lock: &Path,
    ) -> Result<Self> {
        let folder = relative::folder_of(lock)?;
        let directory = std::path::absolute(directory).map_err(Error::io("find", directory))?;
        let mut inputs = Self {
            exclude_newer: settings.exclude_newer.clone(),
            indexes: indexes(settings),
            ..Self::default()
        };
        let Some(file) = file else { return Ok(inputs) };
        if matches!(footing, Footing::New { .. }) {
            let lines = file.dependencies.iter().map(|dependency| &dependency.spec.text);
            inputs.conda = lines.map(|line| shown(without_comment(line))).collect();
            inputs.channels = file.channels.iter().map(|channel| shown(channel)).collect();
        }
        inputs.pip = file.pip.iter().map(|line| shown(&line.text)).collect();
        let mut files = BTreeSet::new();
        for line in &file.pip {
            add_files(line, &directory, &folder, &mut files)?;
        }
        inputs.files = files.into_iter().collect();
        Ok(inputs)
    }
}

fn indexes(settings: &Settings) -> Vec<String> {
    let indexes = &settings.indexes;
    if indexes.no_index {
        return Vec::new();
    }
    let main = indexes.index.as_ref().map_or(DEFAULT_INDEX.to_owned(), ToString::to_string);
    std::iter::once(main).chain(indexes.extra.iter().map(ToString::to_string)).collect()
}

/// The files that a line leads to; files of files too.
fn add_files(
    line: &PipLine,
    directory: &Path,
    folder: &Path,
    files: &mut BTreeSet<InputFile>,
) -> Result<()> {
    let (place, is_list) = match (&line.kind, list_of(&line.text)) {
        (PipLineKind::Option, Some(list)) => (list, true),
        (PipLineKind::Requirement { url: Some(url), .. }, _) => (url.as_str(), false),
        (PipLineKind::Place, _) => (line.text.as_str(), false),
        _ => return Ok(()),
    };
    let Some(path) = local(place, directory).filter(|path| path.exists()) else { return Ok(()) };
    let sha256 = match path.is_dir() {
        true => SourceTree::read(&path)?.digest()?,
        false => store::digest_file(&path)?,
    };
    let new = files.insert(InputFile { path: relative::from(folder, &path), sha256 });
    if !is_list || !new {
        return Ok(());
    }
    let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    let below = path.parent().unwrap_or(directory);
    for text in text.lines() {
        // What is no line of a list is for the resolver to say.
        if let Ok(line) = PipLine::parse(text.trim_end_matches('\\'), 0) {
            add_files(&line, below, folder, files)?;
        }
    }
    Ok(())
}

/// The file of `-r FILE` and `-c FILE`.
fn list_of(line: &str) -> Option<&str> {
    let options = ["--requirement", "--constraint", "-r", "-c"];
    let rest = options.iter().find_map(|option| line.strip_prefix(option))?;
    Some(rest.trim_start_matches(['=', ' ', '\t']).trim())
}

/// A path, or the one behind a `file:` address.
fn local(place: &str, directory: &Path) -> Option<std::path::PathBuf> {
    let place = place.split([';', '#', '[']).next().unwrap_or(place).trim();
    match Url::parse(place) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
        Ok(_) => None,
        Err(_) => Some(directory.join(place.strip_prefix("file:").unwrap_or(place))),
    }
}

fn without_comment(line: &str) -> &str {
    line.split(" #").next().unwrap_or(line).trim()
}

/// A text without the user and password of addresses in it, and without anaconda.org's tokens.
fn shown(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let start = word.find("://").map_or(0, |at| {
            word[..at]
                .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+')
                .map_or(0, |at| at + 1)
        });
        let (before, address) = word.split_at(start);
        match Url::parse(address) {
            Ok(url) if address.contains("://") && url.has_host() => {
                let bare = url.username().is_empty() && url.password().is_none();
                match (bare, url.path().strip_prefix("/t/")) {
                    (true, None) => word.to_owned(),
                    (_, None) => format!("{before}{}", redacted(&url)),
                    (_, Some(rest)) => {
                        let mut url = url.clone();
                        url.set_path(rest.split_once('/').map_or("", |(_, rest)| rest));
                        format!("{before}{}", redacted(&url))
                    }
                }
            }
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ground;

    #[test]
    fn passwords_and_tokens_stay_out() {
        for (text, safe) in [
            ("core==1.0", "core==1.0"),
            (
                "--extra-index-url https://me:pw@i.example/simple",
                "--extra-index-url https://i.example/simple",
            ),
            ("--index-url=https://me:pw@i.example/simple", "--index-url=https://i.example/simple"),
            ("a @ git+https://tok@h.example/a.git@v1", "a @ git+https://h.example/a.git@v1"),
            ("https://c.example/t/tk-1/team", "https://c.example/team"),
            ("https://h.example/a.whl", "https://h.example/a.whl"),
            ("https://u:p@c.example/t/tk-1/team::numpy=1", "https://c.example/team::numpy=1"),
        ] {
            assert_eq!(shown(text), safe);
        }
    }

    #[test]
    fn files_of_the_list_are_inputs_by_content() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("more")).unwrap();
        for (name, text) in [
            ("more/list.txt", "a==1\n-c bounds.txt\n-r list.txt\n"),
            ("more/bounds.txt", "b<2\n"),
            ("a-1-py3-none-any.whl", "wheel"),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let path = dir.path().join("env.yml");
        let text = "channels: [c]\ndependencies:\n- python=3.8 # why\n- pip:\n  - --requirement more/list.txt\n  - ./a-1-py3-none-any.whl\n  - ./gone\n";
        let file = CondaFile::parse(text, &path).unwrap();
        let ground =
            Ground { glibc: (2, 31), architecture: crate::Architecture::Amd64, cuda: None };
        let footing = Footing::New { ground: &ground, prefix: "/e" };
        let settings = Settings::new("/cache");
        let lock = dir.path().join("lock/mlpack.lock");
        let inputs = LockInputs::of(Some(&file), dir.path(), footing, &settings, &lock).unwrap();
        let file = |path: &str, text: &str| InputFile {
            path: path.to_owned(),
            sha256: Digest::of(text.as_bytes()),
        };
        assert_eq!(
            inputs,
            LockInputs {
                conda: vec!["python=3.8".to_owned()],
                channels: vec!["c".to_owned()],
                pip: ["--requirement more/list.txt", "./a-1-py3-none-any.whl", "./gone"]
                    .map(str::to_owned)
                    .to_vec(),
                files: vec![
                    file("../a-1-py3-none-any.whl", "wheel"),
                    file("../more/bounds.txt", "b<2\n"),
                    file("../more/list.txt", "a==1\n-c bounds.txt\n-r list.txt\n"),
                ],
                exclude_newer: None,
                indexes: vec!["https://pypi.org/simple".to_owned()],
            }
        );
    }
}
