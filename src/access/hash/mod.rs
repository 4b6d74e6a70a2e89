//! HASH databases that a file holds besides others.

pub(in crate::access) mod buckets;
