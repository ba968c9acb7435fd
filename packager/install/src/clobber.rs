//! Paths that two packages contain: one of them keeps the path, and a note reports different bytes.

use std::collections::{BTreeMap, HashMap};

use mlpack_oci::Digest;
use mlpack_oci::layer::Tree;

use crate::Result;
use crate::installed_package::InstalledPackage;
use crate::order::Order;
use crate::prune::Pruned;
use mlpack_packages::FileEntry;
use mlpack_packages::wheel::archive::StoredWheel;

/// The packages so far, and which of them has which path.
pub(crate) struct Installer<'a> {
    wheels: &'a [StoredWheel],
    /// Of the wheels, read when it first matters.
    order: Option<Order>,
    pub(crate) packages: Vec<Package<'a>>,
    owners: HashMap<String, usize>,
    pub(crate) notes: Vec<String>,
}

/// A package whose files may still give way.
pub(crate) struct Package<'a> {
    name: &'a str,
    version: &'a str,
    source: String,
    is_wheel: bool,
    files: BTreeMap<String, FileEntry>,
    /// Paths that another package has.
    left_out: Vec<String>,
    pruned: Vec<Pruned>,
}

impl<'a> Installer<'a> {
    pub(crate) fn new(wheels: &'a [StoredWheel]) -> Self {
        let (packages, owners, notes) = Default::default();
        Self { wheels, order: None, packages, owners, notes }
    }

    /// Adds a package; of a path that two have, one keeps it.
    pub(crate) fn add(
        &mut self,
        name: &'a str,
        version: &'a str,
        source: String,
        is_wheel: bool,
        mut files: BTreeMap<String, FileEntry>,
        pruned: Vec<Pruned>,
    ) -> Result<()> {
        let number = self.packages.len();
        let mut left_out = Vec::new();
        for (path, file) in &files {
            if file.node.is_directory() {
                continue;
            }
            if let Some(owner) = self.owners.get(path).map(|owner| &mut self.packages[*owner]) {
                let same = owner.files.get(path).is_some_and(|other| other.same(file));
                // The last one wins, and all packages of conda are installed before the wheels.
                let stays = same
                    || owner.is_wheel && {
                        let order = match self.order.take() {
                            Some(order) => order,
                            None => Order::of(self.wheels)?,
                        };
                        self.order.insert(order).is_later(owner.name, name)
                    };
                // The source of the bytecode has been reported already.
                if !same && !path.ends_with(".pyc") {
                    self.notes.push(format!(
                        "{} and {name} both have `{path}`, with different bytes; the one of {} is kept",
                        owner.name,
                        if stays { owner.name } else { name },
                    ));
                }
                if stays {
                    left_out.push(path.clone());
                    continue;
                }
                owner.files.remove(path);
                owner.left_out.push(path.clone());
            }
            self.owners.insert(path.clone(), number);
        }
        for path in &left_out {
            files.remove(path);
        }
        self.packages.push(Package { name, version, source, is_wheel, files, left_out, pruned });
        Ok(())
    }
}

impl Package<'_> {
    /// As it will be in a layer.
    pub(crate) fn finish(
        self,
        prefix: &str,
        site: &str,
        options: &str,
    ) -> Result<InstalledPackage> {
        let Self { name, version, source, files, mut left_out, pruned, .. } = self;
        left_out.sort_unstable();
        // What of the interpreter shows in the files is the name of its folder.
        let key = format!("{source}\n{prefix}\n{site}\n{options}{}", left_out.join("\n"));
        let mut tree = Tree::new();
        for (path, file) in files {
            tree.insert(&format!("{prefix}/{path}"), file.node)?;
        }
        let (name, version) = (name.to_owned(), version.to_owned());
        Ok(InstalledPackage { name, version, tree, key: Digest::of(key.as_bytes()), pruned })
    }
}
