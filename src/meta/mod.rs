//! What the metadata page says: one [`Meta`], whatever the access method and version.

mod flags;
mod hash;
mod identify;
mod kind;
mod listed;
mod page;
mod shape;

pub use flags::Flags;
pub(crate) use hash::Buckets;
pub(crate) use identify::identify;
pub use kind::{DatabaseKind, Extents, FileKind, Region};
#[cfg(feature = "upgrade")]
pub(crate) use listed::readings as listed_readings;
pub(crate) use listed::{is_inner, listed};
pub use page::Meta;
pub(crate) use page::{is_database_magic, parse, parse_inner, verify_checksum};
pub(crate) use shape::Shape;
