//! What an environment is asked to contain: conda files, pip lists, and the platform they are for.
//!
//! Tier 1 of mlpack. Parsing only: files of the project are read, nothing is written, fetched or
//! run. A [`CondaFile`] holds the conda lines and the first lines of the `pip:` list;
//! [`pip::PipList`] follows that list through every file it names. Lists behind `-r https://...`
//! are reported in [`pip::PipList::missing`]; the caller fetches them and reads again.

mod comment;
pub mod conda;
mod error;
mod listed;
mod package_name;
mod percent;
pub mod pip;
pub mod platform;
mod redact;
mod variables;
pub mod wheel;

pub use conda::{CondaDependency, CondaFile, Fit, MatchSpec, PythonSpec};
pub use error::{Error, Result};
pub use listed::Listed;
pub use package_name::normalize_name;
pub use percent::percent_decode;
pub use pip::{IndexUrl, Indexes, PipLine, PipLineKind};
pub use platform::{
    Architecture, Glibc, GlibcParseError, PythonVersion, PythonVersionParseError, Target,
};
pub use redact::{redact, redact_url};
pub use variables::Variables;
pub use wheel::WheelName;
