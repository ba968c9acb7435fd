//! Package archives and the cache that holds them: fetching, wheels, conda archives.

pub(crate) mod cache;
pub(crate) mod conda;
pub(crate) mod entries;
pub(crate) mod net;
pub(crate) mod settings;
#[cfg(test)]
pub(crate) mod test_wheels;
pub(crate) mod wheel;
