//! What an installed conda package has besides the files of its archive.

pub(crate) mod meta;
pub(crate) mod python_lists;
pub(crate) mod scripts;
