//! An entry of a store: its bytes, and where they are from.

use super::kind::Kind;
use crate::log::{Fate, Known, PairChange, TxnId};
use crate::salvage::{Confidence, Notes, Provenance};

/// An entry of a store: a key and a value, which stay bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed<'a> {
    /// The name of the database file: in its folder, or as the log has it.
    pub file: &'a [u8],
    /// What the database is for, by the name of its file.
    pub kind: Kind,
    /// The database in a file with several.
    pub database: Option<&'a [u8]>,
    /// The key, or the number of the record.
    pub key: Known<'a>,
    /// The value: for a change in the log the one afterwards, for a deletion the one before.
    pub value: Known<'a>,
    /// Where it was found.
    pub origin: EntryOrigin<'a>,
}

/// Where an entry was found.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum EntryOrigin<'a> {
    /// In a database that could be read without an error.
    Live,
    /// In a damaged database: not marked as deleted.
    Salvaged(Found),
    /// In a database: marked as deleted, on a free page, or in unused space.
    Deleted(Found),
    /// In the logs.
    Log {
        /// The change.
        change: &'a PairChange<'a>,
        /// Its transaction.
        txn: Option<TxnId>,
        /// What became of it.
        fate: Fate,
    },
}

/// Where in a file an entry was found, and how far it can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Page and slot, and what led there.
    pub provenance: Provenance,
    /// How far to trust it.
    pub confidence: Confidence,
    /// What was wrong on the way.
    pub notes: Notes,
    /// Whether the same key and value are live: then this is an old copy of them.
    pub is_copy: bool,
}
