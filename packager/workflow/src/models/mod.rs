//! Registered models: found, used in images, registered, downloaded and deleted.

mod argument;
mod download;
mod find;
mod register;

pub use argument::ModelArgument;
pub use download::download;
pub(crate) use download::materialize;
pub(crate) use find::resolve;
pub use find::{create, open, open_or_create};
pub use register::{RegisterRequest, pairs, register};
