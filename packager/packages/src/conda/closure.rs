//! What a package needs to run, among those of an environment.

use std::collections::BTreeSet;

use crate::Result;
use crate::conda::archive::StoredConda;
use crate::conda::files::index_of;

/// A package and everything that it depends on, in the order of `packages`; nothing if it is not
/// among them. Names decide alone: the solver has seen to the versions.
///
/// # Errors
/// [`crate::Error::InvalidConda`]
pub fn closure<'a>(packages: &'a [StoredConda], name: &str) -> Result<Vec<&'a StoredConda>> {
    let mut wanted = BTreeSet::from([name.to_owned()]);
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        let Some(stored) = packages.iter().find(|stored| stored.package.name == name) else {
            // Virtual packages such as `__glibc` are the system's.
            continue;
        };
        for line in index_of(stored)?.depends {
            let name = line.split_whitespace().next().unwrap_or_default();
            let name = name.rsplit("::").next().unwrap_or_default().to_lowercase();
            if wanted.insert(name.clone()) {
                open.push(name);
            }
        }
    }
    Ok(packages.iter().filter(|stored| wanted.contains(&stored.package.name)).collect())
}
