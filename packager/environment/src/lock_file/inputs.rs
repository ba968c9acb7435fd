//! What a lock file was made from: the lines and files that decide it, as they are written in the
//! project and so the same on every machine.

use std::collections::BTreeSet;
use std::path::Path;

use mlpack_oci::Digest;
use mlpack_requirements::pip::{PipList, Reading, RemoteLists};
use mlpack_requirements::{CondaFile, redact};

use super::{LockTarget, relative};
use crate::settings::DEFAULT_INDEX;
use crate::source_tree::SourceTree;
use crate::{Error, Result, Settings, store};

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
    /// [`Error::Io`] for a file that the list names and that cannot be read, and those of the list.
    pub async fn of(
        file: Option<&CondaFile>,
        directory: &Path,
        lock_target: LockTarget<'_>,
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
        if matches!(lock_target, LockTarget::New { .. }) {
            let lines = file.dependencies.iter().map(|dependency| &dependency.spec.text);
            inputs.conda = lines.map(|line| shown_channel(line)).collect();
            inputs.channels = file.channels.iter().map(|channel| shown_channel(channel)).collect();
        }
        inputs.pip = file.pip.iter().map(|line| line.text.clone()).collect();
        // The lock holds what a list on the network said; that it changed is not this project's.
        let remote = RemoteLists::new();
        let reading = Reading {
            pip: &file.pip,
            directory: &directory,
            variables: &settings.variables,
            target: None,
            remote: &remote,
        };
        let files = PipList::read(reading)?.files;
        inputs.files = files
            .iter()
            .map(|path| input_file(path, &folder))
            .collect::<Result<BTreeSet<_>>>()?
            .into_iter()
            .collect();
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

/// A file by its content, named from the lock file's folder.
fn input_file(path: &Path, folder: &Path) -> Result<InputFile> {
    let sha256 = match path.is_dir() {
        true => SourceTree::read(path)?.digest()?,
        false => store::digest_file(path)?,
    };
    Ok(InputFile { path: relative::from(folder, path), sha256 })
}

/// A channel, or a package line that names one, without user, password and anaconda.org's token.
fn shown_channel(text: &str) -> String {
    let text = redact(text);
    let token = text.split_once("://").and_then(|(scheme, rest)| {
        let (host, after) = rest.split_once("/t/").filter(|(host, _)| !host.contains('/'))?;
        let path = after.split_once('/').map_or("", |(_, path)| path);
        Some(format!("{scheme}://{host}/{path}"))
    });
    token.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VirtualPackages;

    #[test]
    fn passwords_and_tokens_stay_out() {
        for (text, safe) in [
            ("python=3.8", "python=3.8"),
            ("https://c.example/t/tk-1/team", "https://c.example/team"),
            ("https://c.example/team/t/noarch", "https://c.example/team/t/noarch"),
            ("https://u:p@c.example/t/tk-1/team::numpy=1", "https://c.example/team::numpy=1"),
        ] {
            assert_eq!(shown_channel(text), safe);
        }
    }

    #[tokio::test]
    async fn files_of_the_list_are_inputs_by_content() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("more")).unwrap();
        for (name, text) in [
            ("more/list.txt", "a==1\n-c bounds.txt\n"),
            ("more/bounds.txt", "b<2\n"),
            ("a-1-py3-none-any.whl", "wheel"),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let path = dir.path().join("env.yml");
        let text = "channels: [c]\ndependencies:\n- python=3.8 # why\n- pip:\n  - --requirement more/list.txt\n  - ./a-1-py3-none-any.whl\n  - -r https://u:p@h.example/list.txt\n";
        let file = CondaFile::parse(text, &path).unwrap();
        let virtual_packages = VirtualPackages {
            glibc: (2, 31),
            architecture: mlpack_requirements::Architecture::Amd64,
            cuda: None,
        };
        let lock_target = LockTarget::New { virtual_packages: &virtual_packages, prefix: "/e" };
        let settings = Settings::new("/cache");
        let lock = dir.path().join("lock/mlpack.lock");
        let inputs =
            LockInputs::of(Some(&file), dir.path(), lock_target, &settings, &lock).await.unwrap();
        let file = |path: &str, text: &str| InputFile {
            path: path.to_owned(),
            sha256: Digest::of(text.as_bytes()),
        };
        assert_eq!(
            inputs,
            LockInputs {
                conda: vec!["python=3.8".to_owned()],
                channels: vec!["c".to_owned()],
                pip: [
                    "--requirement more/list.txt",
                    "./a-1-py3-none-any.whl",
                    "-r https://h.example/list.txt"
                ]
                .map(str::to_owned)
                .to_vec(),
                files: vec![
                    file("../a-1-py3-none-any.whl", "wheel"),
                    file("../more/bounds.txt", "b<2\n"),
                    file("../more/list.txt", "a==1\n-c bounds.txt\n"),
                ],
                exclude_newer: None,
                indexes: vec!["https://pypi.org/simple".to_owned()],
            }
        );
    }
}
