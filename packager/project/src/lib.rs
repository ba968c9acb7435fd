//! The project and its image: what the user has, the facts and requirements of the base image, the
//! checks, the plan and the assembly of an image.
//!
//! A [`project::Project`] is what the user has; [`base`] reads the facts of a base image and judges
//! them by a policy; [`check`] finds what would fail; [`image`] decides everything in a plan,
//! writes the layers and reads any image back.

pub mod analysis;
pub mod base;
pub mod check;
mod error;
pub mod image;
pub mod project;

pub use error::{Error, Result};
