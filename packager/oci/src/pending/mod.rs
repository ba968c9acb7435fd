//! Files and folders that are being written, and the removal of those whose writer was killed.
//!
//! Each carries a lock while its writer lives. A sweep removes what it can lock.

mod file;
mod folder;
mod owned;

pub(crate) use file::is_pending;
pub use file::{PendingFile, sweep, write_atomically, write_durably, write_new};
pub use folder::{PendingFolder, replace};
pub use owned::remove_unfinished;
