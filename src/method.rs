//! The access methods.

use std::fmt;

/// The access method of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Sorted pairs of key and value.
    Btree,
    /// Records under their numbers, in a tree.
    Recno,
    /// Pairs in no order.
    Hash,
    /// Records of one length under their numbers.
    Queue,
    /// Records where there is room for them.
    Heap,
}

impl Method {
    /// The name as `db_dump` writes it: `btree`, `recno`, `hash`, `queue` or `heap`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::Btree => "btree",
            Method::Recno => "recno",
            Method::Hash => "hash",
            Method::Queue => "queue",
            Method::Heap => "heap",
        }
    }

    /// The oldest version of releases 2.x and later.
    pub(crate) fn oldest_version(self) -> u32 {
        match self {
            Method::Btree | Method::Recno => 6,
            Method::Hash => 4,
            Method::Queue | Method::Heap => 1,
        }
    }

    /// The version of release 18.1.
    pub(crate) fn newest_version(self) -> u32 {
        match self {
            Method::Btree | Method::Recno | Method::Hash => 10,
            Method::Queue => 4,
            Method::Heap => 2,
        }
    }
}

/// In capitals, as the documentation of Berkeley DB writes it.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Method::Btree => "BTREE",
            Method::Recno => "RECNO",
            Method::Hash => "HASH",
            Method::Queue => "QUEUE",
            Method::Heap => "HEAP",
        })
    }
}

/// A feature of a database that may not be supported where others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// Pages are encrypted.
    Encrypted,
    /// Pairs are in several files.
    Partitioned,
    /// Pairs are in files of the same name in other folders (`__db.slice000` and so on).
    Sliced,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Feature::Encrypted => "encrypted",
            Feature::Partitioned => "partitioned",
            Feature::Sliced => "sliced (its data is in the folders __db.slice000 and so on)",
        })
    }
}
