//! Magic numbers of metadata pages (database-format, "Magic numbers").

pub(crate) const BTREE_MAGIC: u32 = 0x0005_3162;
pub(crate) const HASH_MAGIC: u32 = 0x0006_1561;
pub(crate) const QUEUE_MAGIC: u32 = 0x0004_2253;
pub(crate) const HEAP_MAGIC: u32 = 0x0007_4582;
/// Placeholder of an unfinished rename or remove.
pub(crate) const RENAME_MAGIC: u32 = 0x0003_0800;
