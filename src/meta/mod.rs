//! What the metadata page says: one [`Meta`], whatever the access method and version.

mod flags;
mod hash;
mod heap;
mod identify;
mod kind;
mod listed;
mod page;
mod queue;
mod series1;
mod shape;

pub use flags::Flags;
pub(crate) use hash::Buckets;
pub(crate) use heap::Heap;
pub(crate) use identify::identify;
pub use kind::{DatabaseKind, Extents, FileKind, Region};
#[cfg(feature = "upgrade")]
pub(crate) use listed::readings as listed_readings;
pub(crate) use listed::{is_inner, listed};
pub use page::Meta;
pub(crate) use page::{encrypted, is_database_magic, parse, parse_inner, verify_checksum};
pub(crate) use queue::Queue;
pub(crate) use series1::{Series1, Tree as Series1Tree, objection as series1_objection};
pub(crate) use shape::Shape;
