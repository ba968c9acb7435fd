//! Registered models: found, used in images, registered, downloaded and deleted.

mod argument;
mod delete;
mod download;
mod find;
mod image_place;
mod register;
mod source;

pub use argument::ModelArgument;
pub use delete::delete;
pub use download::download;
pub(crate) use download::materialize;
pub(crate) use find::resolve;
pub use find::{create, open, open_or_create};
pub use image_place::{image_place, new_image_place};
pub use register::{RegisterRequest, pairs, register};
pub use source::ModelSource;
