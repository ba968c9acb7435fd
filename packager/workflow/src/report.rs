//! What a run reports while it works, and what it asks.

use std::io;

use mlpack_project::base::Verdict;
use mlpack_project::check::Finding;

/// Receives findings and warnings as they come up, and answers questions. The caller decides how
/// they look; [`mlpack_oci::Progress`] receives the rest.
pub trait Reporter: Send + Sync {
    /// Reports what a check found.
    fn finding(&self, finding: &Finding);

    /// Reports how a base image compares with a policy that refuses it.
    fn verdicts(&self, image: &str, verdicts: &[Verdict]);

    /// Reports what the user should know although the run continues.
    fn warning(&self, text: &str);

    /// Returns the registry password that goes with the user name of [`Registries`].
    ///
    /// # Errors
    /// If it cannot be read.
    ///
    /// [`Registries`]: crate::Registries
    fn password(&self) -> io::Result<String>;
}

/// Returns a count with its noun: `1 package`, `2 packages`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
