//! Conda packages: channels, archives and the files in them.

pub mod archive;
pub mod channels;
pub mod closure;
pub mod condarc;
pub mod fetch;
pub mod files;
pub mod logins;

pub use closure::closure;
pub use fetch::fetch;
pub use files::files;
