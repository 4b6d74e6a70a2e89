//! What a database is to be.

use super::error::{BuildError, Result};
use super::form::Target;
use crate::method::Method;
use crate::types::PageSize;

/// Whether a key may come more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyDuplicates {
    /// It may not.
    #[default]
    None,
    /// Its values stay as they are put.
    Unsorted,
    /// Its values are sorted, and none comes twice.
    Sorted,
}

impl KeyDuplicates {
    pub(super) fn any(self) -> bool {
        self != KeyDuplicates::None
    }
}

/// How much a HASH is to hold, from which the number of its buckets follows: see [`Size::add`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Size {
    pairs: u64,
    bytes: u64,
}

impl Size {
    /// Counts a pair: the lengths of its key and its value, on pages of this size.
    pub fn add(&mut self, page_size: PageSize, key: usize, value: usize) {
        // What is longer stands on pages of its own.
        let most = page_size.bytes() >> 2;
        let bytes = key.min(most).saturating_add(value.min(most)).saturating_add(6);
        self.pairs = self.pairs.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// How many pairs were counted.
    #[must_use]
    pub fn pairs(self) -> u64 {
        self.pairs
    }

    /// The doublings of a table whose buckets are one page each and three quarters full, or hold as
    /// many keys as was asked for. `least` is how many keys it is to be made for. Neither is believed
    /// where it would make a table many times as large as what is put into it.
    pub(super) fn doublings(self, page_size: PageSize, fill_factor: u32, least: u32) -> u32 {
        let expected = u64::from(least).min(self.pairs.saturating_mul(4).saturating_add(1024));
        let (keys, size) = (self.pairs.max(expected), u64::from(page_size.get()));
        let of_bytes = self.bytes.div_ceil((size >> 2).saturating_mul(3).max(1));
        let buckets = match fill_factor {
            0 if keys > self.pairs => of_bytes.max(keys >> 6),
            0 => of_bytes,
            keys_each => keys.div_ceil(keys_each.into()).min(of_bytes.saturating_mul(64).max(64)),
        };
        buckets.max(2).checked_next_power_of_two().map_or(u32::MAX, u64::trailing_zeros)
    }
}

/// What a database is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Pairs, put in the order of their keys.
    Btree {
        /// Whether a key may come more than once.
        duplicates: KeyDuplicates,
        /// Whether records are counted, so that they can be found by their numbers.
        record_numbers: bool,
        /// How many keys a page must hold at least; 0 for 2.
        min_key: u32,
    },
    /// Records, put in the order of their numbers.
    Recno {
        /// Bytes that all of them have.
        length: Option<u32>,
        /// What fills those up that are shorter.
        pad: u8,
        /// Whether numbers change when a record before is deleted.
        renumber: bool,
    },
    /// Pairs, put in the order of [`place`](super::place).
    Hash {
        /// Whether a key may come more than once.
        duplicates: KeyDuplicates,
        /// How many keys a bucket is to have; 0 for as many as fit its page.
        fill_factor: u32,
        /// How many keys it is to be made for at least.
        elements: u32,
        /// What will be put.
        size: Size,
    },
    /// Records of one length, put in the order of their numbers.
    Queue {
        /// Bytes of a record.
        length: u32,
        /// What fills those up that are shorter.
        pad: u8,
    },
}

impl Shape {
    /// A BTREE without duplicates.
    #[must_use]
    pub fn btree() -> Shape {
        Shape::Btree { duplicates: KeyDuplicates::None, record_numbers: false, min_key: 0 }
    }

    /// The access method.
    #[must_use]
    pub fn method(&self) -> Method {
        match self {
            Shape::Btree { .. } => Method::Btree,
            Shape::Recno { .. } => Method::Recno,
            Shape::Hash { .. } => Method::Hash,
            Shape::Queue { .. } => Method::Queue,
        }
    }

    /// Refuses what a release cannot hold.
    pub(super) fn check(&self, release: Target) -> Result<()> {
        let cannot = |what| Err(BuildError::Cannot { version: release.version(), what });
        match *self {
            Shape::Btree { duplicates, record_numbers: true, .. } if duplicates.any() => {
                Err(BuildError::Excluded("record numbers and duplicates"))
            }
            Shape::Recno { length: Some(0), .. } | Shape::Queue { length: 0, .. } => {
                Err(BuildError::Excluded("records of a fixed length and the length 0"))
            }
            _ if release.version_of(self.method()).is_none() => cannot("a QUEUE"),
            _ => Ok(()),
        }
    }
}
