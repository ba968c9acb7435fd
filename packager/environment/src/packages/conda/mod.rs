//! Conda packages: channels, archives and the files in them.

pub(crate) mod archive;
pub(crate) mod channels;
pub(crate) mod closure;
pub(crate) mod condarc;
pub(crate) mod fetch;
pub(crate) mod files;

pub(crate) use closure::closure;
pub(crate) use fetch::fetch;
pub(crate) use files::files;
