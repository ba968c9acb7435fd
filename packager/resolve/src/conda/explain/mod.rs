//! Explains in plain sentences why conda dependencies are unsatisfiable.

pub(crate) mod conflict;
pub(crate) mod exclusion_reasons;
pub(crate) mod report;
pub(crate) mod wording;
