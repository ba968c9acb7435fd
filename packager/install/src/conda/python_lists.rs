//! Keeps the RECORD of Python packages in a conda package correct when files are omitted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use mlpack_oci::layer::Node;

use crate::Result;
use mlpack_packages::FileEntry;
use mlpack_packages::conda::archive::CondaArchive;
use mlpack_packages::wheel::record;

/// Removes the lines of files that are gone from every RECORD. Returns the paths of the RECORDs that
/// changed; other lines keep their bytes.
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
        let kept = record::without(&text, |listed| gone.contains(&place(site, listed)))
            .map_err(|reason| archive.bad(format!("`{path}`: {reason}")))?;
        if kept.len() < text.len() {
            *file = FileEntry::bytes(kept.into_bytes(), *executable);
            changed.push(path.clone());
        }
    }
    Ok(changed)
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
    fn paths_start_at_site_packages() {
        let site = "lib/python3.11/site-packages";
        assert_eq!(place(site, "a/b.py"), format!("{site}/a/b.py"));
        assert_eq!(place(site, "../../../bin/tool"), "bin/tool");
    }
}
