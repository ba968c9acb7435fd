//! Names of wheels and the platforms that their tags name.

mod compatibility;
mod name;

pub use name::{Rank, WheelName};
