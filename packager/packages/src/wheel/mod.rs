//! Wheels: reading, their RECORD, and wheels of metadata alone.

pub mod archive;
pub mod record;
pub mod stub;
