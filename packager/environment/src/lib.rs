//! From a conda file to a locked environment to the files of a layer.
//!
//! The only crate that knows the solvers of conda and pip. The data flow:
//!
//! > [`mlpack_requirements::CondaFile`] (as written) and the image's interpreter or [`VirtualPackages`] go into [`resolve`],
//! > which returns a [`LockedEnvironment`] (exact files with hashes); [`fetch_packages`] downloads those
//! > files into the cache; [`install()`] lists the files of each package as a
//! > [`mlpack_oci::layer::Tree`].
//!
//! Nothing of the image is run and nothing of this machine ends up in it.

mod error;
mod hint;
mod install;
mod lock;
mod packages;
mod resolve;
mod source_build;

pub use error::{Error, Result};
pub use install::bytecode::Bytecode;
pub use install::contents::{Inventory, Modules};
pub use install::fetch::{Fetched, fetch_packages};
pub use install::libraries::{BaseLibraries, MissingLibrary};
pub use install::options::InstallOptions;
pub use install::prune::{Pruned, Rule};
pub use install::{Installation, InstalledPackage, install};
pub use lock::compatibility::{Incompatibility, incompatibilities};
pub use lock::conda_package::CondaPackage;
pub use lock::environment::{
    Artifact, ArtifactKind, ArtifactOrigin, BASE_PREFIX, LockedEnvironment, LockedPackage, SERVER,
};
pub use lock::file::{
    Fit as LockFit, InputFile, LOCK_NAME, LockFile, LockInputs, LockTarget, LockedBase,
};
pub use lock::virtual_packages::VirtualPackages;
pub use packages::settings::{CondaSettings, Settings};
pub use resolve::entry::{resolve, settings_of};
pub use resolve::lock_inputs::lock_inputs;
pub use resolve::request::{Resolution, ResolveRequest};
