//! The inputs that decide a lock: the lines and files of a project as they are written there, and so
//! the same on every machine.

use std::collections::BTreeSet;
use std::path::Path;

use crate::Result;
use mlpack_lock::relative;
use mlpack_lock::{InputFile, LockInputs, LockTarget, Server};
use mlpack_packages::cache::store;
use mlpack_packages::{DEFAULT_INDEX, Settings};
use mlpack_requirements::CondaFile;
use mlpack_requirements::pip::{PipList, Reading, RemoteLists};
use mlpack_requirements::redact;
use mlpack_source_build::source_tree::SourceTree;

/// The inputs of a project, for a lock file at `lock`. Relative lines of the list start at
/// `directory`.
///
/// # Errors
/// [`crate::Error::Packages`] for a file that the list names and that cannot be read, and those of the list.
pub fn lock_inputs(
    file: Option<&CondaFile>,
    directory: &Path,
    lock_target: &LockTarget,
    settings: &Settings,
    lock: &Path,
    server: Server,
) -> Result<LockInputs> {
    let folder = relative::folder_of(lock, &settings.current_dir);
    let directory = settings.absolute(directory);
    let mut inputs = LockInputs {
        server,
        exclude_newer: settings.exclude_newer.clone(),
        indexes: indexes(settings),
        ..LockInputs::default()
    };
    let Some(file) = file else { return Ok(inputs) };
    if matches!(lock_target, LockTarget::New { .. }) {
        let lines = file.dependencies.iter().map(|dependency| &dependency.spec.text);
        inputs.conda = lines.map(|line| shown_channel(line)).collect();
        inputs.channels = file.channels.iter().map(|channel| shown_channel(channel)).collect();
    }
    inputs.pip = file.pip.iter().map(|line| line.text.clone()).collect();
    // Lists that are addresses are not inputs: the lock has their contents.
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
    use mlpack_oci::Digest;

    use super::*;
    use mlpack_lock::VirtualPackages;

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

    #[test]
    fn files_of_the_list_are_inputs_by_content() {
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
            glibc: mlpack_requirements::Glibc(2, 31),
            architecture: mlpack_requirements::Architecture::Amd64,
            cuda: None,
        };
        let lock_target = LockTarget::New { virtual_packages, prefix: "/e".to_owned() };
        let settings = Settings::new("/cache");
        let lock = dir.path().join("lock/mlpack.lock");
        let inputs =
            lock_inputs(Some(&file), dir.path(), &lock_target, &settings, &lock, Server::Builtin)
                .unwrap();
        let file = |path: &str, text: &str| InputFile {
            path: path.to_owned(),
            sha256: Digest::of(text.as_bytes()),
        };
        assert_eq!(
            inputs,
            LockInputs {
                server: Server::Builtin,
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
