//! YAML documents with the position of every value.
//!
//! Tier 0 of mlpack: text in, values out.

pub mod yaml;
