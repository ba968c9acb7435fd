//! The files of an environment, as streams out of wheels and conda archives, for layers.

use mlpack_oci::layer::{Node, Tree};

use crate::Result;
use crate::fetch::Fetched;
use crate::options::InstallOptions;
use crate::prune::Pruned;
use crate::wheel::{Layout, WheelFiles};
use mlpack_lock::LockedEnvironment;

use crate::clobber::Installer;
use crate::installed_package::InstalledPackage;

/// An installed environment. No path is in two of the trees.
#[derive(Debug)]
pub struct Installation {
    /// The environment's interpreter in the image, as `/opt/mlpack/env/bin/python`.
    pub python: String,
    /// Every package: conda's first, then the wheels, each in the order of the lock.
    pub packages: Vec<InstalledPackage>,
    /// What belongs to no package: what makes a folder an environment.
    pub own: Tree,
    /// Files that two packages contain with different bytes, and scripts that are not run, one
    /// sentence each.
    pub notes: Vec<String>,
}

impl Installation {
    /// What was left out of all packages, by rule.
    pub fn pruned(&self) -> Vec<Pruned> {
        let mut all = Vec::new();
        for pruned in self.packages.iter().flat_map(|package| &package.pruned) {
            crate::prune::add(&mut all, *pruned);
        }
        all
    }

    /// All of it as one tree.
    ///
    /// # Errors
    /// [`crate::Error::Layer`], if a path is in two of them.
    pub fn tree(&self) -> Result<Tree> {
        let mut all = Tree::new();
        let trees = self.packages.iter().map(|package| &package.tree).chain([&self.own]);
        for (path, node) in trees.flat_map(Tree::iter) {
            all.insert(path, node.clone())?;
        }
        Ok(all)
    }
}

/// Lists the files of an environment at its prefix. On the base's interpreter it is a virtual environment
/// (PEP 405): packages are its own, what the base has stays visible behind them. With conda packages
/// it is what conda would install there, and wheels go into its `site-packages`.
///
/// Nothing is unpacked: file contents are streams that verify the hashes of RECORD and
/// `paths.json` when the layer is written. The list of files depends on packages, target and
/// prefix only, and on the options.
///
/// # Errors
/// [`mlpack_packages::Error::InvalidWheel`] and [`mlpack_packages::Error::InvalidConda`] for a package that breaks its
/// specification, [`mlpack_packages::Error::PrefixTooLong`], [`crate::Error::Layer`] for a path that cannot
/// be in a layer, [`crate::Error::Compiler`] if bytecode cannot be made.
pub fn install(
    fetched: &Fetched,
    environment: &LockedEnvironment,
    options: &InstallOptions<'_>,
) -> Result<Installation> {
    let prefix = environment.prefix.trim_matches('/');
    let python = environment.target.python;
    let minor = python.minor_text();
    let base = environment.conda.is_empty();
    let absolute = format!("/{prefix}");
    let place = Layout {
        prefix: &absolute,
        python: format!("/{prefix}/bin/python"),
        site: format!("lib/python{minor}/site-packages"),
        headers: match base {
            true => format!("include/site/python{minor}"),
            false => format!("include/python{minor}"),
        },
    };
    let mut installer = Installer::new(&fetched.wheels);
    for stored in &fetched.conda {
        let crate::conda::InstalledConda { files, notes, pruned } =
            crate::conda::install(stored, &absolute, python, options)?;
        installer.notes.extend(notes);
        let package = &stored.package;
        let source = format!("{} {}", package.url, package.sha256);
        installer.add(&package.name, &package.version, source, false, files, pruned)?;
    }
    for wheel in &fetched.wheels {
        let WheelFiles { files, pruned } = place.package(wheel, options)?;
        let source = wheel.sha256.to_string();
        installer.add(&wheel.name, &wheel.version, source, true, files, pruned)?;
    }
    let packages = installer
        .packages
        .into_iter()
        .map(|package| package.finish(prefix, &place.site, &options.key()))
        .collect::<Result<_>>()?;
    let own = own(environment, prefix, &place.site)?;
    Ok(Installation { python: place.python, packages, own, notes: installer.notes })
}

/// What makes a folder an environment.
fn own(environment: &LockedEnvironment, prefix: &str, site: &str) -> Result<Tree> {
    let mut tree = Tree::new();
    let target = &environment.target;
    if environment.conda.is_empty() {
        let config = format!(
            "home = {}\ninclude-system-site-packages = true\nversion = {}\n",
            target.home(),
            target.python,
        );
        tree.add_bytes(&format!("{prefix}/pyvenv.cfg"), config.into_bytes(), false)?;
        let minor = format!("python{}", target.python.minor_text());
        for name in ["python", "python3", &minor] {
            tree.add_symlink(&format!("{prefix}/bin/{name}"), target.interpreter.as_str())?;
        }
    } else {
        // Conda takes a folder for an environment if this file is there.
        tree.add_bytes(&format!("{prefix}/conda-meta/history"), Vec::new(), false)?;
    }
    tree.insert(&format!("{prefix}/{site}"), Node::Directory { open: false })?;
    Ok(tree)
}
