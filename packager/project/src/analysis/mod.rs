//! Static analysis of the code and models of a project: Python source and pickles are read and
//! never run.

pub mod model_format;
pub mod pickle;
pub mod python;
