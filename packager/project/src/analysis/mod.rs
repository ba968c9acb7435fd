//! Static analysis of the code and models of a project: Python source and pickles are read and
//! never run.

pub(crate) mod model_format;
pub(crate) mod pickle;
pub mod python;
