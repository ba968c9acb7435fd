//! Batches: each file of a folder, or each line of a file, goes through `run()` of an image, in the Docker engine of this
//! machine. The front door does the work (packager/serve/README.md, "Batch"); this gives it files and a place, and waits.

mod container;
mod error;
mod inputs;
mod list;

use std::collections::BTreeMap;
use std::path::PathBuf;

use mlpack_oci::Location;
use serde::{Deserialize, Serialize};

pub use container::{Batch, start};
pub use error::BatchError;

/// What is processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchInput {
    /// A folder, a pattern, or a file with one path a line: each file is an item.
    Files(String),
    /// A file of which each line is an item.
    Lines(PathBuf),
}

/// A batch to run.
#[derive(Debug, Clone)]
pub struct BatchRequest {
    /// The image.
    pub image: Location,
    /// What is processed.
    pub input: BatchInput,
    /// The folder of results.
    pub output: PathBuf,
    /// Items in one group.
    pub mini_batch_size: u64,
    /// Processes that run the script.
    pub workers: u32,
    /// How many items may fail; any number if it is negative.
    pub error_threshold: i64,
    /// Variables of the script. Values may be secrets and are not printed.
    pub environment: BTreeMap<String, String>,
}

/// What a batch did, as it wrote it to `summary.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchSummary {
    /// Items that were processed.
    pub items: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// How long the last run took, in seconds.
    pub seconds: f64,
    /// The file of results.
    pub output: PathBuf,
}
