//! What runs the entry script.

use std::fmt;

/// What runs the entry script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// Plain Python.
    Python,
    /// Python with Spark.
    SparkPy,
    /// Python without data packages; never documented, but accepted by Azure ML (2019).
    PythonSlim,
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "python",
            Self::SparkPy => "spark-py",
            Self::PythonSlim => "python-slim",
        })
    }
}
