//! Files of the 1.x series (other-releases, "The 1.x series"). They share nothing with later
//! ones but their magic numbers, which stand at the start of the file.

pub(crate) mod hash;
pub(crate) mod tree;

/// Where magic number and version stand, whatever the access method.
pub(crate) const MAGIC: usize = 0;
pub(crate) const VERSION: usize = 4;
