//! Families of releases that lay files out alike (database-format, "Everything that changes
//! between BTREE 6, 7, 8 and 9").

use super::magic::{BTREE_MAGIC, HASH_MAGIC, HEAP_MAGIC, QUEUE_MAGIC};

/// A family of releases. Each access method counts versions of its own; which family wrote a
/// file is what they have in common, and what decides how it is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Generation {
    /// The 1.x series, whose files share nothing with later ones but their magic numbers.
    V1,
    /// Releases 2.x: no page types on metadata, the root is page 1.
    V2,
    /// Release 3.0: page types, several databases in a file.
    V30,
    /// Releases 3.1 to 4.0: the generic header, off-page duplicates in trees.
    V31,
    /// Releases 4.1 and later: checksums and encryption.
    V41,
}

impl Generation {
    /// The family that wrote a metadata page with this magic number and version, where they stand
    /// from releases 2.x on; `None` if no release did.
    pub(crate) fn of(magic: u32, version: u32) -> Option<Generation> {
        Some(match (magic, version) {
            (BTREE_MAGIC, 6) | (HASH_MAGIC, 4 | 5) => Generation::V2,
            (BTREE_MAGIC, 7) | (HASH_MAGIC, 6) | (QUEUE_MAGIC, 1) => Generation::V30,
            (BTREE_MAGIC, 8) | (HASH_MAGIC, 7) | (QUEUE_MAGIC, 2 | 3) => Generation::V31,
            (BTREE_MAGIC, 9) | (HASH_MAGIC, 8 | 9) | (QUEUE_MAGIC, 4) | (HEAP_MAGIC, 1) => Generation::V41,
            _ => return None,
        })
    }

    /// Whether pages can have checksums, and be encrypted: before, the bytes of the metadata
    /// that say so mean nothing.
    pub(crate) fn has_checksums(self) -> bool {
        self >= Generation::V41
    }

    /// Whether off-page duplicates are trees, not chains.
    pub(crate) fn has_duplicate_trees(self) -> bool {
        self >= Generation::V31
    }

    /// Whether the highest page is kept up to date: releases 3.1 and 3.2 left it 0, and 3.5
    /// wrote one too many.
    pub(crate) fn keeps_last_page(self) -> bool {
        self >= Generation::V41
    }

    /// Whether shared keys may stand in the opposite byte order.
    pub(crate) fn may_reverse_shared_keys(self) -> bool {
        self < Generation::V31
    }
}
