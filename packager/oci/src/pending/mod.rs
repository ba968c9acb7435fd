//! Files and folders that are being written, and the removal of those whose writer was killed.
//!
//! Each carries a lock while its writer lives. A sweep removes what it can lock.

mod file;
mod folder;
mod owned;

pub use file::{PendingFile, rewrite, sweep, write_atomically, write_durably, write_new};
pub(crate) use file::{is_pending, sync_file, sync_folder};
pub use folder::{PendingFolder, replace};
pub use owned::remove_unfinished;
