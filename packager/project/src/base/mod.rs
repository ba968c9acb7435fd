//! The base image: what it offers, told from its layers, and whether that is what a policy demands.

mod catalogue;
mod facts;
mod index_cache;
mod interest;
mod interpreters;
mod offers;
mod policy;

pub use catalogue::{Catalogue, KnownImage};
pub use facts::{BaseFacts, Conda, Evidence, Fact, FactLine, Os};
pub use index_cache::IndexCache;
pub use interpreters::Interpreter;
pub use offers::{modules, shared_libraries};
pub use policy::{Policy, Status, Verdict};
