//! Solves conda package lines and explains conflicts.

pub(crate) mod explain;
pub(crate) mod solve;
