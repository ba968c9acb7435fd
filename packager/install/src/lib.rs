//! Turns a lock into file trees: wheels, conda packages, bytecode, pruning.
//!
//! > [`fetch_packages`] downloads and builds the packages of a lock into the cache; [`install()`]
//! > lists the files of each as a [`mlpack_oci::layer::Tree`].
//!
//! Nothing of the image is run and nothing of this machine ends up in it.

mod bytecode;
mod clobber;
mod conda;
mod contents;
mod error;
mod fetch;
mod installation;
mod installed_package;
mod libraries;
mod options;
mod order;
mod prune;
mod scripts;
#[cfg(test)]
mod test_wheels;
#[cfg(test)]
mod tests;
mod wheel;

pub use bytecode::Bytecode;
pub use contents::{Inventory, Modules};
pub use error::{Error, Result};
pub use fetch::{Fetched, fetch_packages};
pub use installation::{Installation, install};
pub use installed_package::InstalledPackage;
pub use libraries::{BaseLibraries, MissingLibrary};
pub use options::InstallOptions;
pub use prune::{Pruned, Rule};
