//! Conda packages: the only place that knows the solver and the archives of conda.
//!
//! One way: words of a file become [`Channels`], [`solve`] gives exact packages, [`fetch`] has their
//! archives, [`files`] lists what each puts into an environment, and [`installed`] what of it pip
//! shall take as there.

mod archive;
mod channels;
mod closure;
mod condarc;
mod conflict;
mod fetch;
mod files;
mod grounds;
mod installed;
mod meta;
mod package;
mod python_lists;
mod scripts;
mod sentences;
mod solve;
mod wording;

pub(crate) use archive::{CondaArchive, Entry};
pub(crate) use channels::{Channels, local};
pub(crate) use closure::closure;
pub(crate) use fetch::fetch;
pub(crate) use files::{CondaFiles, files};
pub(crate) use installed::{InstalledPackage, installed, stand_ins};
pub use package::CondaPackage;
pub(crate) use package::StoredConda;
pub use solve::VirtualPackages;
pub(crate) use solve::solve;
