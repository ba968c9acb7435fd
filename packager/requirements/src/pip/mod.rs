//! The `pip:` list: its lines, the files they lead to, and what they say about indexes.

mod indexes;
mod legacy;
mod line;
mod lines;
mod list;
mod option;
mod reference;
mod requirement;

pub use indexes::{IndexUrl, Indexes};
pub use legacy::{admits_python, repair_requirement, repair_specifiers};
pub use line::{PipLine, PipLineKind};
pub use list::{PipList, Reading, RemoteLists, Wanted};
pub use reference::{Location, Reference};
