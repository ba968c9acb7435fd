//! RECORD of the Python packages that a conda package holds, true also where files are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use mlpack_oci::layer::Node;

use crate::Result;
use mlpack_packages::FileEntry;
use mlpack_packages::conda::archive::CondaArchive;

/// Takes the lines of what is not there any more out of every RECORD; gives the paths of those
/// that changed. Other lines stay as they are.
pub(crate) fn without(
    gone: &BTreeSet<String>,
    archive: &CondaArchive,
    files: &mut BTreeMap<String, FileEntry>,
) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    for (path, file) in files {
        let Some(info) = path.strip_suffix("/RECORD").filter(|info| info.ends_with(".dist-info"))
        else {
            continue;
        };
        let Node::File { executable, content, .. } = &file.node else { continue };
        let mut text = String::new();
        content
            .open()
            .and_then(|mut reader| reader.read_to_string(&mut text))
            .map_err(|error| archive.bad(format!("`{path}`: {error}")))?;
        let site = info.rsplit_once('/').map_or("", |(site, _)| site);
        let kept: String = text
            .split_inclusive('\n')
            .filter(|line| !gone.contains(&place(site, named(line))))
            .collect();
        if kept.len() < text.len() {
            *file = FileEntry::bytes(kept.into_bytes(), *executable);
            changed.push(path.clone());
        }
    }
    Ok(changed)
}

/// The path of a line; one with a comma is in quotes.
fn named(line: &str) -> &str {
    match line.strip_prefix('"') {
        Some(rest) => rest.split("\",").next().unwrap_or(rest),
        None => line.split(',').next().unwrap_or(line),
    }
}

/// A path of a RECORD, which starts at site-packages, below the prefix.
fn place(site: &str, path: &str) -> String {
    let mut parts: Vec<&str> = site.split('/').collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_places_below_the_prefix() {
        let site = "lib/python3.11/site-packages";
        assert_eq!(place(site, named("a/b.py,sha256=x,1\n")), format!("{site}/a/b.py"));
        assert_eq!(place(site, named("../../../bin/tool,,\n")), "bin/tool");
        assert_eq!(place(site, named("\"a/b,c.py\",sha256=x,1\n")), format!("{site}/a/b,c.py"));
    }
}
