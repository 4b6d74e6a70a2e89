//! Trees of keys or of record numbers.

pub(in crate::access) mod cursor;
pub(in crate::access) mod leaf;
mod node;
pub(in crate::access) mod scan;
pub(in crate::access) mod search;
pub(in crate::access) mod walk;
