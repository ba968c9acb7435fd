//! What takes the most space in an image.

use std::collections::BTreeMap;

use mlpack_oci::rootfs::{Kind, RootFs};
use serde::Serialize;

/// The largest things in an image, in bytes, largest first.
#[derive(Debug, Clone, Serialize)]
pub struct Sizes {
    /// Folders and modules directly in a `site-packages` or `dist-packages`.
    pub packages: Vec<(String, u64)>,
    /// Directories down to three names deep, with all that is below them.
    pub directories: Vec<(String, u64)>,
}

/// Adds up sizes; each list has at most `most` entries.
pub fn sizes(root: &RootFs, most: usize) -> Sizes {
    let (mut packages, mut directories) = (BTreeMap::new(), BTreeMap::new());
    for (path, found) in root.below("") {
        let Kind::File(size) = found.entry.kind else { continue };
        for (end, _) in path.match_indices('/').take(3) {
            *directories.entry(format!("/{}", &path[..end])).or_insert(0) += size;
        }
        for place in ["/site-packages/", "/dist-packages/"] {
            if let Some((_, inside)) = path.split_once(place) {
                let name = inside.split('/').next().unwrap_or(inside);
                *packages.entry(name.to_owned()).or_insert(0) += size;
            }
        }
    }
    let largest = |sums: BTreeMap<String, u64>| {
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        sums.truncate(most);
        sums
    };
    Sizes { packages: largest(packages), directories: largest(directories) }
}
