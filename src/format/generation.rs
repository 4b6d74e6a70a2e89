//! Families of releases that lay files out alike (database-format, "Everything that changes
//! between BTREE 6, 7, 8 and 9"; other-releases, "Who writes what").

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
    /// Releases 4.1 to 5.3: checksums and encryption. 6.0.19 and 6.0.20 wrote the same versions, with
    /// values in external files.
    V41,
    /// Releases 6.0.30 to 18.1: values in external files.
    V60,
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
            (BTREE_MAGIC | HASH_MAGIC, 10) | (HEAP_MAGIC, 2) => Generation::V60,
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

    /// Whether the bodies of the pages of a HEAP are in the order of the file: before, they are in that
    /// of the machine that wrote them.
    pub(crate) fn has_one_order(self) -> bool {
        self >= Generation::V60
    }

    /// Whether values can be in external files.
    pub(crate) fn has_externals(self) -> bool {
        self >= Generation::V41
    }

    /// Whether the keys that a HASH counts tell of those that are missing: programs that lock, as package
    /// managers, do not keep the number.
    pub(crate) fn counts_keys(self) -> bool {
        self < Generation::V60
    }

    /// Whether items that stand for external files have the form that they kept.
    pub(crate) fn has_late_externals(self) -> bool {
        self >= Generation::V60
    }

    /// Whether the data of a database may be in files of other folders, and its own file without it.
    pub(crate) fn has_slices(self) -> bool {
        self >= Generation::V60
    }

    /// Whether shared keys may stand in the opposite byte order.
    pub(crate) fn may_reverse_shared_keys(self) -> bool {
        self < Generation::V31
    }
}
