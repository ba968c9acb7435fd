//! The files of a batch, and the folders that its container must see.

use std::collections::BTreeSet;
use std::fs;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use super::error::BatchError;

/// The most folders that are mounted.
const MAX_FOLDERS: usize = 64;

/// Folders of an image that no folder of this machine may cover.
const OF_THE_IMAGE: [&str; 12] = [
    "/bin",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/models",
    "/opt/mlpack",
    "/proc",
    "/sbin",
    "/sys",
    "/usr",
    "/var/azureml-app",
];

const EXPECTED: &str =
    "name a folder, a pattern in quotes as in 'data/*.json', or a file with one path a line";

/// What a batch reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inputs {
    /// Absolute paths, sorted, or in the order of the list.
    pub(super) files: Vec<String>,
    /// Folders that contain them all, and what links among them lead to.
    pub(super) folders: BTreeSet<PathBuf>,
}

impl Inputs {
    /// Finds the files that a text names. `output` is not among them.
    ///
    /// # Errors
    /// [`BatchError::Input`]
    pub(super) fn find(text: &str, cwd: &Path, output: &Path) -> Result<Self, BatchError> {
        let path = cwd.join(text);
        let found = if path.is_dir() {
            let mut found = Vec::new();
            walk(&absolute(&path)?, output, &mut found)?;
            found.sort();
            found
        } else if path.is_file() {
            listed(&path, cwd)?
        } else if text.contains(['*', '?', '[']) {
            matching(&path)?
        } else {
            return Err(BatchError::input(
                format!("there is no file or folder `{text}`"),
                EXPECTED,
            ));
        };
        if found.is_empty() {
            return Err(BatchError::input(format!("`{text}` names no files"), EXPECTED));
        }
        Self::of(&found)
    }

    fn of(paths: &[PathBuf]) -> Result<Self, BatchError> {
        let (mut files, mut folders) = (Vec::new(), BTreeSet::new());
        for path in paths {
            let text = path.to_str().filter(|text| !text.contains(['\n', '\r']));
            let unusual = || {
                let message = format!("the name of {} is not one line of UTF-8", path.display());
                BatchError::input(message, "rename it")
            };
            files.push(text.ok_or_else(unusual)?.to_owned());
            let target = absolute(path)?;
            folders.extend(
                [path, &target].into_iter().filter_map(|path| path.parent()).map(PathBuf::from),
            );
        }
        let folders = outermost(&folders);
        for folder in &folders {
            check(folder)?;
        }
        if folders.len() > MAX_FOLDERS {
            let message = format!(
                "the files are in {} folders, and {MAX_FOLDERS} can be given to a container",
                folders.len()
            );
            return Err(BatchError::input(message, "move or link them below one folder"));
        }
        Ok(Self { files, folders })
    }
}

/// Refuses a folder that would cover files of the image: it has the same path in the container.
///
/// # Errors
/// [`BatchError::Input`]
pub(super) fn check(folder: &Path) -> Result<(), BatchError> {
    let covers = |own: &&&str| Path::new(own).starts_with(folder) || folder.starts_with(own);
    match OF_THE_IMAGE.iter().find(covers) {
        None => Ok(()),
        Some(own) => {
            let message = format!("{} has the same path as {own} of the image", folder.display());
            Err(BatchError::input(
                message,
                "move the files to another folder, as below /home or /data",
            ))
        }
    }
}

/// Returns those folders that are not inside another one.
fn outermost(folders: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let inside = |folder: &&PathBuf| {
        folders.iter().any(|other| *folder != other && folder.starts_with(other))
    };
    folders.iter().filter(|folder| !inside(folder)).cloned().collect()
}

fn walk(folder: &Path, output: &Path, found: &mut Vec<PathBuf>) -> Result<(), BatchError> {
    let failed = |error: std::io::Error| cannot_read(folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") || path == output {
            continue;
        }
        // Of a link: what it leads to. A folder is not followed, which may lead back here.
        let is_link = entry.file_type().map_err(failed)?.is_symlink();
        match fs::metadata(&path).map_err(|error| cannot_read(&path, &error))? {
            found_there if found_there.is_file() => found.push(path),
            found_there if found_there.is_dir() && !is_link => walk(&path, output, found)?,
            _ => {}
        }
    }
    Ok(())
}

/// Reads a list of paths, which are relative to the current directory.
fn listed(list: &Path, cwd: &Path) -> Result<Vec<PathBuf>, BatchError> {
    let failed = |error: std::io::Error| cannot_read(list, &error);
    let mut found = Vec::new();
    let lines = std::io::BufReader::new(fs::File::open(list).map_err(failed)?).lines();
    for (number, line) in lines.enumerate() {
        let line = line.map_err(failed)?;
        if line.trim().is_empty() {
            continue;
        }
        let path = cwd.join(&line);
        if !path.is_file() {
            let message = format!("{}:{}: there is no file {line}", list.display(), number + 1);
            return Err(BatchError::input(
                message,
                "paths of a list are relative to the current directory; `--lines FILE` processes the lines themselves",
            ));
        }
        found.push(in_its_folder(&path)?);
    }
    Ok(found)
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, BatchError> {
    let text = pattern.to_string_lossy();
    let options =
        glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let paths = glob::glob_with(&text, options).map_err(|error| {
        BatchError::input(format!("{text} is no pattern: {}", error.msg), EXPECTED)
    })?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|error| cannot_read(error.path(), error.error()))?;
        if path.is_file() {
            found.push(in_its_folder(&path)?);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the path of a file without links in the path of its folder.
fn in_its_folder(path: &Path) -> Result<PathBuf, BatchError> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok(absolute(folder)?.join(name)),
        _ => absolute(path),
    }
}

/// Returns a path without links in it.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, BatchError> {
    fs::canonicalize(path).map_err(|error| cannot_read(path, &error))
}

fn cannot_read(path: &Path, error: &std::io::Error) -> BatchError {
    BatchError::input(format!("cannot read {}: {error}", path.display()), EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_patterns_and_lists_name_files() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        for file in
            ["data/b.json", "data/a.json", "data/sub/c.json", "data/.hidden", "out/old", "else/d"]
        {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "1").unwrap();
        }
        std::os::unix::fs::symlink("../else/d", root.join("data/link")).unwrap();
        fs::write(root.join("list.txt"), "else/d\n\ndata/a.json\n").unwrap();
        let of = |text: &str| {
            let found = Inputs::find(text, &root, &root.join("out"))?;
            let short = |path: &str| path.strip_prefix(root.to_str().unwrap()).unwrap().to_owned();
            let folders = found.folders.iter().map(|folder| short(folder.to_str().unwrap()));
            Ok::<_, BatchError>((
                found.files.iter().map(|file| short(file)).collect::<Vec<_>>(),
                folders.collect::<Vec<_>>(),
            ))
        };
        let (files, folders) = of("data").unwrap();
        assert_eq!(files, ["/data/a.json", "/data/b.json", "/data/link", "/data/sub/c.json"]);
        assert_eq!(folders, ["/data", "/else"]);
        let (files, folders) = of("data/*.json").unwrap();
        assert_eq!((files.len(), folders), (2, vec!["/data".to_owned()]));
        assert_eq!(of("list.txt").unwrap().0, ["/else/d", "/data/a.json"]);
        // The results of an earlier batch are not its inputs.
        assert!(!of(".").unwrap().0.contains(&"/out/old".to_owned()));
        let message = |text: &str| of(text).unwrap_err().to_string();
        assert_eq!(message("nothing"), "there is no file or folder `nothing`");
        assert_eq!(message("*.none"), "`*.none` names no files");
        fs::write(root.join("list.txt"), "data/a.json\nmissing\n").unwrap();
        assert_eq!(
            message("list.txt"),
            format!("{}:2: there is no file missing", root.join("list.txt").display())
        );
    }

    #[test]
    fn folders_of_the_image_are_not_covered() {
        for bad in ["/", "/usr/share", "/var", "/opt/mlpack", "/proc/1"] {
            assert!(check(Path::new(bad)).is_err(), "{bad}");
        }
        for good in ["/home/me/data", "/var/lib/data", "/opt/data", "/tmp/x"] {
            assert!(check(Path::new(good)).is_ok(), "{good}");
        }
    }
}
