//! What to resolve, and what comes out.

use std::path::Path;

use mlpack_lock::LockTarget;
use mlpack_lock::LockedEnvironment;
use mlpack_packages::Settings;
use mlpack_requirements::CondaFile;

/// What to resolve.
#[derive(Debug, Clone, Copy)]
pub struct ResolveRequest<'a> {
    /// The interpreter to resolve for: the base image's, or a new one from conda packages.
    pub target: &'a LockTarget,
    /// The conda file with the `pip:` list. Its conda lines count for a new interpreter only, which
    /// cannot be without a file.
    pub file: Option<&'a CondaFile>,
    /// Where relative lines of the list start: an existing folder.
    pub directory: &'a Path,
    /// Whether to add an inference server if the list has none.
    pub add_server: bool,
    /// An earlier lock whose packages are kept where possible.
    pub preferences: Option<&'a LockedEnvironment>,
}

/// A locked environment and the decisions that led to it.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// Exact packages.
    pub environment: LockedEnvironment,
    /// Decisions and warnings, one sentence each.
    pub notes: Vec<String>,
    /// The settings with the indexes and logins that the list names; use these to fetch.
    pub settings: Settings,
}
