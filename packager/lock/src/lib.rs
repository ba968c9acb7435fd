//! The lock: exact packages with hashes, and `mlpack.lock`, the file that keeps them.
//!
//! Nothing is fetched or resolved here. [`LockedEnvironment`] is what resolving returns and what
//! installing takes; [`LockFile`] is the same with the inputs it was made from.

mod compatibility;
mod conda_package;
mod environment;
mod error;
mod file;
mod virtual_packages;

pub use compatibility::{Incompatibility, incompatibilities};
pub use conda_package::CondaPackage;
pub use environment::{
    Artifact, ArtifactKind, ArtifactOrigin, BASE_PREFIX, LockedEnvironment, LockedPackage, SERVER,
    Server,
};
pub use error::{Error, Result};
pub use file::{
    InputFile, LOCK_NAME, LockFile, LockFit, LockInputs, LockPlaces, LockTarget, LockedBase,
    relative,
};
pub use virtual_packages::VirtualPackages;
