//! Wheels: reading, their RECORD, and wheels of metadata alone.

pub(crate) mod archive;
pub(crate) mod record;
pub(crate) mod stub;
