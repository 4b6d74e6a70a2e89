//! Trees of keys or of record numbers.

pub(super) mod chunk;
pub(super) mod cursor;
mod get;
pub(in crate::access) mod leaf;
pub(in crate::access) mod node;
pub(super) mod rows;
mod search;
pub(super) mod separators;
mod signs;
pub(super) mod tree;
pub(super) mod walk;
