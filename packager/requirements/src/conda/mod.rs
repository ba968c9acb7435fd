//! The conda file and the lines in it.

mod file;
mod match_spec;
mod python_spec;

pub use file::{CondaDependency, CondaFile};
pub use match_spec::MatchSpec;
pub use python_spec::{Fit, PythonSpec};
