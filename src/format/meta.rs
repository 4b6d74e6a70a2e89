//! Where the fields of metadata pages stand (database-format, "BTREE metadata
//! pages").
//!
//! ```text
//! all versions  0 lsn   8 pgno   12 magic   16 version   20 pagesize
//! 6             24 maxkey  28 minkey  32 free  36 flags  40 re_len  44 re_pad  48 uid
//! 7             25 type  28 free  32 flags  36 uid  56 maxkey  60 minkey  64 re_len  68 re_pad  72 root
//! 8, 9          24 encrypt_alg  25 type  26 metaflags  28 free  32 last_pgno  36 nparts  40 key_count
//!               44 record_count  48 flags  52 uid  72 maxkey  76 minkey  80 re_len  84 re_pad  88 root
//! 9             460 crypto_magic  476 iv  492 chksum
//! ```

/// The version of a file that a change in place has not finished with: "BBDK" in a
/// little-endian file (upgrade, "States of the database file").
pub(crate) const HALF_WRITTEN: u32 = 0x4B44_4242;

/// Shortest metadata page, and the unit in which all of them are read.
pub(crate) const LENGTH: usize = 512;

pub(crate) const BTREE_MAGIC: u32 = 0x0005_3162;
pub(crate) const HASH_MAGIC: u32 = 0x0006_1561;
pub(crate) const QUEUE_MAGIC: u32 = 0x0004_2253;
pub(crate) const HEAP_MAGIC: u32 = 0x0007_4582;
/// Placeholder of an unfinished rename or remove.
pub(crate) const RENAME_MAGIC: u32 = 0x0003_0800;

/// Offsets of fields that all versions share.
pub(crate) mod at {
    pub(crate) const PGNO: usize = 8;
    pub(crate) const MAGIC: usize = 12;
    pub(crate) const VERSION: usize = 16;
    pub(crate) const PAGE_SIZE: usize = 20;
    pub(crate) const ENCRYPTION: usize = 24;
    pub(crate) const TYPE: usize = 25;
    pub(crate) const METAFLAGS: usize = 26;
    /// From version 7 on.
    pub(crate) const FREE: usize = 28;
    /// From version 8 on.
    pub(crate) const LAST_PGNO: usize = 32;
    /// From release 4.8 on; half of an LSN in files of 3.1.
    pub(crate) const NPARTS: usize = 36;
}

/// metaflags of version 9.
pub(crate) const CHECKSUMMED: u8 = 0x01;
pub(crate) const PARTITIONED: u8 = 0x02 | 0x04;
