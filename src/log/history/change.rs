//! A change of a pair, as far as a log shows it.

use std::borrow::Cow;

use crate::types::{Lsn, PageNo};

/// One change of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairChange<'a> {
    /// The record.
    pub lsn: Lsn,
    /// What was done.
    pub kind: ChangeKind,
    /// The key of the pair. RECNO databases and QUEUEs have record numbers, which only
    /// the latter's logs tell.
    pub key: Known<'a>,
    /// The value before, of a pair that was there.
    pub old: Option<Known<'a>>,
    /// The value afterwards, of a pair that is there.
    pub new: Option<Known<'a>>,
    /// The page.
    pub page: PageNo,
    /// The slot of the value on the page.
    pub index: u32,
    /// The database, by the place of its binding.
    pub(super) database: usize,
    /// The transaction, by its place among all.
    pub(super) txn: Option<usize>,
}

/// What was done to a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It was added.
    Put,
    /// Its value was replaced.
    Replace,
    /// It was deleted.
    Delete,
}

/// A key or a value, as far as the log shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Known<'a> {
    /// The bytes.
    Bytes(Cow<'a, [u8]>),
    /// Only its middle.
    Part {
        /// How many bytes stand before.
        prefix: u32,
        /// The middle.
        middle: &'a [u8],
        /// How many bytes stand behind.
        suffix: u32,
    },
    /// An item in an overflow chain whose pages are not in the log.
    Chain {
        /// First page of the chain.
        page: PageNo,
        /// Length of the item in bytes.
        len: u32,
    },
    /// A record number.
    Record(u32),
    /// The log does not show it.
    Unknown,
}

impl Known<'_> {
    /// The bytes, if all are known.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        if let Known::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}
