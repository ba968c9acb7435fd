//! The base image: its facts, read from its layers, and the policies it has to meet.

mod capture_rules;
mod catalogue;
mod conda;
mod fact;
mod facts;
mod index_cache;
mod interpreters;
mod loadable;
mod policy;
mod requirement;

pub use catalogue::{Catalogue, KnownImage};
pub use conda::Conda;
pub use fact::{Evidence, Fact};
pub use facts::{BaseFacts, FactLine, Os};
pub use index_cache::IndexCache;
pub use interpreters::Interpreter;
pub use loadable::{modules, shared_libraries};
pub use policy::{Policy, Verdict};
pub use requirement::{Stage, Status};
