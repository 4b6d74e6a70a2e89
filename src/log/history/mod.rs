//! Who changed what, from the logs alone.

mod budget;
mod chains;
mod hash;
mod image;
mod page;
mod replay;
mod slots;

use std::borrow::Cow;

use super::dir::LogDir;
use super::error::LogError;
use super::files::{Binding, Files};
use super::transactions::{Fate, Transaction, Transactions};
use crate::types::{Lsn, PageNo};

/// A question about the past of a database, answered from the logs alone: what was
/// put, replaced and deleted, in the order of the log.
///
/// ```
/// use bdbkit::log::{ChangeKind, Fate, LogDir};
///
/// let log = LogDir::open("testdata/env-log3-le-crashed")?;
/// let history = log.history().database("p.db").key_prefix("inbox").read();
/// for change in history.changes() {
///     if let Fate::Committed { at, .. } = history.fate(change) {
///         println!("{} {:?} {:?}, committed at {at}", change.lsn, change.kind, change.key);
///     }
/// }
/// assert!(history.changes().any(|change| change.kind == ChangeKind::Delete));
/// # Ok::<(), bdbkit::log::LogError>(())
/// ```
///
/// A log records changes of pages, not of pairs: an item in slot 7, not its key. The
/// key is found by following what the slots of each page hold, from the records that
/// put it there and from the page images in splits. Where a log begins in the life of
/// a database, some keys and values cannot be known; they say so.
#[derive(Clone, Debug)]
pub struct HistoryQuery<'a> {
    log: &'a LogDir,
    database: Option<Vec<u8>>,
    prefix: Vec<u8>,
    past_end: bool,
    memory: Option<u64>,
}

impl<'a> HistoryQuery<'a> {
    pub(super) fn new(log: &'a LogDir) -> HistoryQuery<'a> {
        HistoryQuery { log, database: None, prefix: Vec::new(), past_end: false, memory: None }
    }

    /// Only changes of this database, by a name as [`Files::named`] takes it.
    #[must_use]
    pub fn database(mut self, name: impl Into<Vec<u8>>) -> HistoryQuery<'a> {
        self.database = Some(name.into());
        self
    }

    /// Only changes whose key begins like this. Changes whose key is not known are left
    /// out and [counted](History::unknown_keys).
    #[must_use]
    pub fn key_prefix(mut self, prefix: impl Into<Vec<u8>>) -> HistoryQuery<'a> {
        self.prefix = prefix.into();
        self
    }

    /// Also records behind the end of the log.
    #[must_use]
    pub fn past_end(mut self) -> HistoryQuery<'a> {
        self.past_end = true;
        self
    }

    /// How many bytes of memory may be taken for keys and values that must be put together of
    /// several records, and for what a single record does to many pairs: by default 64 MiB, and
    /// four times the size of the log. Where it is spent, a history goes on without: what is
    /// left unknown or out then is an [error](History::errors) that names the first record.
    ///
    /// All else that a history takes is in proportion to the log.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> HistoryQuery<'a> {
        self.memory = Some(bytes);
        self
    }

    /// Reads the log, three times: for the databases, the transactions, and the changes.
    #[must_use]
    pub fn read(self) -> History<'a> {
        let records = || {
            let records = self.log.records();
            if self.past_end { records.past_end() } else { records }
        };
        let files = Files::of(records());
        let transactions = Transactions::of(records());
        let wanted = match &self.database {
            Some(name) => files.matching(name),
            None => vec![true; files.bindings().len()],
        };
        let budget = budget::Budget::new(self.memory, self.log.size());
        let mut replay = replay::Replay::new(&files, &transactions, &wanted, budget);
        let mut errors = Vec::new();
        for record in records() {
            match record {
                Ok(record) => replay.take(&record),
                Err(error) => {
                    replay.gap();
                    errors.push(error);
                }
            }
        }
        if let Some((lsn, limit)) = replay.budget.spent() {
            errors.push(LogError::Memory { lsn, limit });
        }
        let mut changes = replay.changes();
        let mut unknown_keys = 0u64;
        changes.retain(|change| match &change.key {
            Content::Bytes(key) => key.starts_with(&self.prefix),
            _ => {
                unknown_keys = unknown_keys.saturating_add(1);
                self.prefix.is_empty()
            }
        });
        History { changes, unknown_keys, databases: wanted, files, transactions, errors }
    }
}

/// The changes of a database, in the order of the log.
#[derive(Debug)]
pub struct History<'a> {
    changes: Vec<Change<'a>>,
    unknown_keys: u64,
    databases: Vec<bool>,
    files: Files<'a>,
    transactions: Transactions<'a>,
    errors: Vec<LogError>,
}

impl<'a> History<'a> {
    /// The changes, in the order of the log.
    pub fn changes(&self) -> impl ExactSizeIterator<Item = &Change<'a>> {
        self.changes.iter()
    }

    /// How many changes have a key that the log does not show.
    #[must_use]
    pub fn unknown_keys(&self) -> u64 {
        self.unknown_keys
    }

    /// The damage and gaps that were met, and where [memory](HistoryQuery::memory) did not
    /// suffice: the history has holes there.
    #[must_use]
    pub fn errors(&self) -> &[LogError] {
        &self.errors
    }

    #[cfg(feature = "upgrade")]
    pub(crate) fn into_errors(self) -> Vec<LogError> {
        self.errors
    }

    /// The databases that were asked for; none if the log does not know the name.
    pub fn databases(&self) -> impl Iterator<Item = &Binding<'a>> {
        self.files.bindings().zip(&self.databases).filter(|(_, wanted)| **wanted).map(|(binding, _)| binding)
    }

    /// All databases and transactions that the log speaks of.
    #[must_use]
    pub fn files(&self) -> &Files<'a> {
        &self.files
    }

    /// The transactions of the log.
    #[must_use]
    pub fn transactions(&self) -> &Transactions<'a> {
        &self.transactions
    }

    /// The transaction of a change.
    #[must_use]
    pub fn transaction(&self, change: &Change<'_>) -> Option<&Transaction<'a>> {
        change.txn.and_then(|index| self.transactions.get(index))
    }

    /// What became of a change. Those outside transactions count at once.
    #[must_use]
    pub fn fate(&self, change: &Change<'_>) -> Fate {
        let outside = Fate::Committed { at: change.lsn, time: None };
        change.txn.map_or(outside, |index| self.transactions.fate(index))
    }

    /// The database of a change.
    #[must_use]
    pub fn database(&self, change: &Change<'_>) -> Option<&Binding<'a>> {
        self.files.place(change.database)
    }
}

/// One change of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change<'a> {
    /// The record.
    pub lsn: Lsn,
    /// What was done.
    pub kind: ChangeKind,
    /// The key of the pair. RECNO databases and QUEUEs have record numbers, which only
    /// the latter's logs tell.
    pub key: Content<'a>,
    /// The value before, of a pair that was there.
    pub old: Option<Content<'a>>,
    /// The value afterwards, of a pair that is there.
    pub new: Option<Content<'a>>,
    /// The page.
    pub page: PageNo,
    /// The slot of the value on the page.
    pub index: u32,
    database: usize,
    txn: Option<usize>,
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
pub enum Content<'a> {
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

impl Content<'_> {
    /// The bytes, if all are known.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        if let Content::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}
