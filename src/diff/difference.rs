//! A difference.

use std::fmt;
use std::sync::Arc;

use crate::shown::Escaped;
use crate::types::RecordId;

/// Which of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The first one.
    Old,
    /// The second one.
    New,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Old => Side::New,
            Side::New => Side::Old,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Old => "first",
            Side::New => "second",
        })
    }
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// Only one of two files has a database of this name.
    Database {
        /// The name.
        name: Arc<[u8]>,
        /// Which of the files has it.
        side: Side,
    },
    /// A key of which the values differ, or that only one of the databases has.
    Key {
        /// The name of the database, if the files have several.
        database: Option<Arc<[u8]>>,
        /// The key.
        key: DiffKey,
        /// The side that alone has the key; `None` if both have it.
        only: Option<Side>,
        /// Values that only the first one has, or has more often: each as often as that.
        old: Vec<Vec<u8>>,
        /// The same of the second one.
        new: Vec<Vec<u8>>,
    },
}

/// What a value is kept by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiffKey {
    /// A key, in a BTREE or a HASH.
    Key(Vec<u8>),
    /// The number of a record, in a RECNO or a QUEUE.
    Record(u32),
    /// The place of a record, in a HEAP.
    Place(RecordId),
}

impl fmt::Debug for DiffKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiffKey::Key(key) => Escaped(key).fmt(f),
            DiffKey::Record(number) => write!(f, "record {number}"),
            DiffKey::Place(place) => write!(f, "record {place}"),
        }
    }
}
