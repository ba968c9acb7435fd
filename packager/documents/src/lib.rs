//! YAML and JSON documents with the position of every value.
//!
//! Tier 0 of mlpack: text in, values out. [`Document::parse`] gives a tree of [`Node`]s, [`Fields`]
//! reads a mapping key by key. Unknown keys, duplicates and values of the wrong type are errors
//! that name file, line, column and key.
//!
//! [`Templates`] goes the other way: values in, documents out.
//!
//! Scalars keep the text as it was written, so that `3.10` is not the number 3.1; whether one is a
//! boolean or a number is decided by the reader that asks for it.

mod document;
mod error;
mod fields;
mod ignored;
mod json;
pub mod limits;
mod nearest;
mod node;
mod scalar;
mod templates;
mod text;
mod yaml;

pub use document::{Document, Format};
pub use error::{Error, Place, Result};
pub use fields::{Fields, Located};
pub use ignored::Ignored;
pub use nearest::nearest;
pub use node::{Entry, Node, Position, Value};
pub use scalar::Scalar;
pub use templates::{TemplateError, Templates};
pub use text::{decode, read_text};
pub use yaml::refuse_tabs;
