//! Which workspace of models.

use std::path::PathBuf;

use clap::Args;
use mlpack_workflow::Session;

/// The workspace of models.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WorkspaceArgs {
    // Not clap's `env`: a variable that is set would appear in every usage line.
    /// Workspace of models: a folder or REGISTRY/PREFIX [env: MLPACK_WORKSPACE] [default: the nearest .mlpack upwards]
    #[arg(long, value_name = "PLACE")]
    workspace: Option<String>,
    /// Folder to search from, as `az ml` has it
    #[arg(long, value_name = "DIR", hide = true)]
    path: Option<PathBuf>,
}

impl WorkspaceArgs {
    /// Adds the flag to what the environment says.
    pub(crate) fn add_to(&self, session: Session) -> Session {
        let workspace = self.workspace.clone().or(session.workspace);
        let workspace_folder = match &self.path {
            Some(path) => session.cwd.join(path),
            None => session.workspace_folder,
        };
        Session { workspace, workspace_folder, ..session }
    }
}
