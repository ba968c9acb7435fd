//! What unit tests resolve for.

use mlpack_requirements::{Architecture, Glibc, PythonVersion, Target};

/// A Python of 2016.
pub(crate) fn target() -> Target {
    Target {
        python: PythonVersion::new(3, 6, 15),
        glibc: Glibc(2, 23),
        architecture: Architecture::Amd64,
        interpreter: "/opt/miniconda/bin/python3.6".to_owned(),
    }
}
