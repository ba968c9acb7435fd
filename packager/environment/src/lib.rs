//! From a conda file to a locked environment to the files of a layer.
//!
//! Floor 1 of mlpack. The only room that knows the solvers of conda and pip. One environment goes
//! one way:
//!
//! > [`mlpack_requirements::CondaFile`] (as written) and [`mlpack_requirements::Target`] (the image's interpreter) go into [`resolve`], or with
//! > the [`VirtualPackages`] that the image offers into [`resolve_new`], which brings an interpreter of its
//! > own; either gives a [`LockedEnvironment`] (exact files with hashes); [`fetch_packages`] has those
//! > files in the cache; [`lay`] lists the files of each package as a
//! > [`mlpack_oci::layer::Tree`].
//!
//! Nothing of the image is run and nothing of this machine ends up in it.

mod build_tools;
mod bytecode;
mod compile;
mod conda;
mod contents;
mod error;
mod fetch;
mod git;
mod hashes;
mod held;
mod hint;
mod host;
mod index;
mod install;
mod install_options;
mod interpreter;
mod interpreters;
mod libraries;
mod linker;
mod lock;
mod lock_file;
mod misfit;
mod moment;
mod new_environment;
mod placed;
mod planned;
mod pylock;
mod record;
mod resolve;
mod scripts;
mod sdist;
mod server;
mod settings;
mod slim;
mod source_tree;
mod sources;
mod staged;
mod stand_in;
mod staying;
mod store;
#[cfg(test)]
mod test_wheels;
mod uv;
mod wheel;
mod wheel_files;
mod wheels;
mod worlds;

pub use bytecode::Bytecode;
pub use conda::{CondaPackage, VirtualPackages};
pub use contents::{Inventory, Modules};
pub use error::{Error, Result};
pub use install::{Installation, InstalledPackage, install};
pub use install_options::InstallOptions;
pub use libraries::{BaseLibraries, MissingLibrary};
pub use lock::{
    Artifact, ArtifactKind, ArtifactOrigin, BASE_PREFIX, LockedEnvironment, LockedPackage,
};
pub use lock_file::{
    Fit as LockFit, InputFile, LOCK_NAME, LockFile, LockInputs, LockTarget, LockedBase,
};
pub use misfit::{Incompatibility, incompatibilities};
pub use new_environment::{NewEnvironment, resolve_new};
pub use resolve::{Resolution, ResolveRequest, resolve, settings_of};
pub use server::{SERVER, ServerChoice, choose_server, flask_trap};
pub use settings::{CondaSettings, Settings};
pub use slim::{Pruned, Rule};
pub use wheels::{Fetched, fetch_packages};
