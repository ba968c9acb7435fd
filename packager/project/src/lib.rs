//! The nouns of machine learning, base image facts and requirements, the plan and the assembly of
//! an image.
//!
//! Floor 2 of mlpack. A [`project::Project`] is what the user has; [`base`] tells what the base
//! image offers and holds requirements against it; [`image`] decides everything in a plan, lays
//! the layers and reads any image back.

pub mod base;
pub mod check;
mod error;
pub mod image;
mod pickle;
pub mod project;
pub mod script;

pub use error::{Error, Result};
