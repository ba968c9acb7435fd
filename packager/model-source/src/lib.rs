//! Files of models that are elsewhere: at a URL, in an archive, in a run of MLflow.
//!
//! Tier 2 of mlpack: an address goes in, a file or folder of this machine comes out. What is downloaded goes into a folder
//! that the caller gives and removes; nothing is written anywhere else.

mod archive;
mod download;
mod error;
pub mod mlflow;

pub use archive::{is_archive, unpack};
pub use download::{Downloader, Login, show};
pub use error::{Error, Result};
