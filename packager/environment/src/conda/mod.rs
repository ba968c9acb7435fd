//! Conda packages: the only place that knows the solver and the archives of conda.

mod package;

pub use package::CondaPackage;
pub(crate) use package::StoredConda;
