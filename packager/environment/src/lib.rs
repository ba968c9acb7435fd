//! From a conda file to a locked environment to the files of a layer.
//!
//! The only crate that knows the solvers of conda and pip. The data flow:
//!
//! > [`CondaFile`] (as written) and the image's interpreter or [`VirtualPackages`] go into [`resolve`],
//! > which returns a [`LockedEnvironment`] (exact files with hashes); [`fetch_packages`] downloads those
//! > files into the cache; [`install()`] lists the files of each package as a
//! > [`mlpack_oci::layer::Tree`].
//!
//! Nothing of the image is run and nothing of this machine ends up in it.

mod conda_file;
mod dynamic;
mod elf;
mod error;
mod hint;
mod install;
mod listed;
mod lock;
mod match_spec;
mod packages;
mod pip_line;
mod pip_list;
mod pip_option;
mod pip_reference;
mod python_spec;
mod requirements_file;
mod resolve;
mod source_build;
mod target;
mod wheel_misfit;
mod wheel_name;
mod yaml;

pub use conda_file::{CondaDependency, CondaFile};
pub use error::{Error, Result};
pub use install::bytecode::Bytecode;
pub use install::contents::{Inventory, Modules};
pub use install::fetch::{Fetched, fetch_packages};
pub use install::libraries::{BaseLibraries, MissingLibrary};
pub use install::options::InstallOptions;
pub use install::prune::{Pruned, Rule};
pub use install::{Installation, InstalledPackage, install};
pub use listed::Listed;
pub use lock::compatibility::{Incompatibility, incompatibilities};
pub use lock::conda_package::CondaPackage;
pub use lock::environment::{
    Artifact, ArtifactKind, ArtifactOrigin, BASE_PREFIX, LockedEnvironment, LockedPackage, SERVER,
};
pub use lock::file::{
    Fit as LockFit, InputFile, LOCK_NAME, LockFile, LockInputs, LockTarget, LockedBase,
};
pub use lock::virtual_packages::VirtualPackages;
pub use match_spec::MatchSpec;
pub use packages::settings::{CondaSettings, IndexUrl, Indexes, Settings, Variables};
pub use pip_line::{PipLine, PipLineKind, normalize_name};
pub use python_spec::{Fit, PythonSpec};
pub use resolve::entry::{resolve, settings_of};
pub use resolve::lock_inputs::lock_inputs;
pub use resolve::request::{Resolution, ResolveRequest};
pub use target::{Architecture, PythonVersion, PythonVersionParseError, Target};
