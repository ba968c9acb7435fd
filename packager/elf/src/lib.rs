//! Reads what a 64-bit little-endian ELF file requires of the dynamic loader and the C library.
//!
//! Tier 0 of mlpack: bytes in, values out. Nothing is run, as `ldd` would.

mod dynamic;
mod file;
mod glibc;
mod source;

pub use dynamic::Dynamic;
pub use file::{Elf, Machine};
pub use glibc::needed_glibc;
pub use source::Open;
