//! What every strategy is given and what it returns.

use crate::Result;
use crate::exclude_newer;
use crate::pip::compile::{CompileRequest, Compiler};
use crate::pip::preferences;
use crate::pip::pylock::Pylock;
use crate::pip::server::ServerChoice;
use mlpack_lock::LockedEnvironment;
use mlpack_packages::net::client::Client;

/// A list to resolve.
pub(crate) struct PipRequest<'a> {
    /// Runs uv for the target.
    pub(crate) compiler: &'a Compiler<'a>,
    /// Reads the pages of the index.
    pub(crate) client: &'a Client,
    /// The list's own requirements; source folders and repositories are wheels by now.
    pub(crate) requirements: &'a [String],
    /// The server that is added.
    pub(crate) server: &'a ServerChoice,
    /// An earlier lock whose packages are kept where possible.
    pub(crate) preferences: Option<&'a LockedEnvironment>,
}

/// What a strategy found.
pub(crate) struct Resolved {
    /// The resolver's lock.
    pub(crate) pylock: Pylock,
    /// Decisions and warnings, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl PipRequest<'_> {
    /// The list without the server, from which each strategy derives its runs.
    ///
    /// # Errors
    /// [`crate::Error::Cutoff`]
    pub(crate) fn list_alone(&self) -> Result<CompileRequest> {
        let list = self.compiler.list;
        let cutoff = self.compiler.settings.exclude_newer.as_deref();
        Ok(CompileRequest {
            requirements: self.requirements.to_vec(),
            constraints: list.constraints.iter().map(|line| line.secret().to_owned()).collect(),
            overrides: Vec::new(),
            preferences: self.preferences.map(preferences::pylock),
            wheels_only: Default::default(),
            cutoff: cutoff.map(exclude_newer::parse).transpose()?,
            use_host_python: false,
        })
    }

    /// The list with the server that is added.
    ///
    /// # Errors
    /// [`crate::Error::Cutoff`]
    pub(crate) fn list_with_server(&self) -> Result<CompileRequest> {
        let added = self.server.added.iter();
        let requirements = self.requirements.iter().chain(added).cloned().collect();
        Ok(CompileRequest { requirements, ..self.list_alone()? })
    }
}
