//! The front door of images, embedded: the static binary `mlpack-serve` for each architecture that this build had the
//! tools for, and the files of the builtin worker.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Returns the binary for an architecture as OCI names it (`amd64`, `arm64`), if this build has it.
#[must_use]
pub fn binary_for(architecture: &str) -> Option<&'static [u8]> {
    match architecture {
        "amd64" => AMD64,
        "arm64" => ARM64,
        _ => None,
    }
}

/// Returns the binary for the architecture of this program, if this build has it.
#[must_use]
pub fn binary() -> Option<&'static [u8]> {
    binary_for(if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" })
}

/// Returns the worker's files: names relative to its folder, sorted, with their content.
#[must_use]
pub fn worker_files() -> &'static [(&'static str, &'static [u8])] {
    WORKER_FILES
}
