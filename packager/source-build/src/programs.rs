//! Programs on the search path.

use std::ffi::OsStr;
use std::path::PathBuf;

use mlpack_packages::cache::store::is_program;

/// The folders of a search path such as `$PATH`, in its order.
pub(crate) fn folders<S: AsRef<OsStr> + ?Sized>(search_path: Option<&S>) -> Vec<PathBuf> {
    search_path.into_iter().flat_map(std::env::split_paths).collect()
}

/// Every program of a name, the first on the search path first.
pub fn find_programs<S: AsRef<OsStr> + ?Sized>(
    search_path: Option<&S>,
    name: &str,
) -> impl Iterator<Item = PathBuf> {
    folders(search_path).into_iter().map(move |dir| dir.join(name)).filter(|path| is_program(path))
}

/// The program that a shell would run for a name.
pub fn find_program<S: AsRef<OsStr> + ?Sized>(
    search_path: Option<&S>,
    name: &str,
) -> Option<PathBuf> {
    find_programs(search_path, name).next()
}
