//! Paths of a lock file: from its own folder, with `/` on every machine.

use std::path::{Component, Path, PathBuf};

use url::Url;

/// The absolute folder of a file; the disk is not read. A relative path starts at `current_dir`.
pub fn folder_of(path: &Path, current_dir: &Path) -> PathBuf {
    plain(current_dir.join(path).parent().unwrap_or(Path::new("/")))
}

/// A path as it is written from a folder. Both are absolute.
pub fn from(folder: &Path, path: &Path) -> String {
    let path = plain(path);
    let common = folder
        .components()
        .zip(path.components())
        .take_while(|(left, right)| left == right)
        .count();
    let up = folder.components().skip(common).map(|_| "..".to_owned());
    let down = path.components().skip(common);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// The path that was written so.
pub fn to(folder: &Path, text: &str) -> PathBuf {
    plain(&folder.join(text))
}

/// Whether a path is in a folder or below.
pub fn is_below(folder: &Path, path: &Path) -> bool {
    plain(path).starts_with(folder)
}

/// The file behind a `file://` address.
pub fn local(url: &str) -> Option<PathBuf> {
    let url = Url::parse(url).ok()?;
    if url.scheme() == "file" { url.to_file_path().ok() } else { None }
}

/// Without `.` and `..`, by the letter: links are not followed.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_from_the_folder_and_read_back() {
        let folder = Path::new("/home/me/project");
        for (path, text) in [
            ("/home/me/project/wheels/a.whl", "wheels/a.whl"),
            ("/home/me/channel/noarch/a.conda", "../channel/noarch/a.conda"),
            ("/srv/a.whl", "../../../srv/a.whl"),
            ("/home/me/project", "."),
        ] {
            assert_eq!(from(folder, Path::new(path)), text);
            assert_eq!(to(folder, text), Path::new(path));
        }
        assert_eq!(from(folder, Path::new("/home/me/project/./x/../a.whl")), "a.whl");
        assert!(is_below(folder, Path::new("/home/me/project/a/b")));
        assert!(!is_below(folder, Path::new("/home/me/project/../a")));
    }
}
