//! Who changed what, from the logs alone.

mod budget;
mod chains;
pub(super) mod change;
mod changes;
mod hash;
mod image;
mod items;
mod middle;
mod page;
mod pages;
mod replay;
mod slots;

use self::budget::Budget;
use self::change::{Known, PairChange};
use self::replay::Replay;
use super::dir::LogDir;
use super::error::LogError;
use super::facts::Facts;
use super::facts::bindings::Binding;
use super::facts::files::Files;
use super::facts::transactions::{Fate, Transaction, Transactions};
use super::file::tail::Tail;

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
    known: Option<Facts<'a>>,
}

impl LogDir {
    /// Asks what was put, replaced and deleted.
    #[must_use]
    pub fn history(&self) -> HistoryQuery<'_> {
        HistoryQuery {
            log: self,
            database: None,
            prefix: Vec::new(),
            past_end: false,
            memory: None,
            known: None,
        }
    }
}

impl<'a> HistoryQuery<'a> {
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

    /// What the log tells, found before: then it is read once.
    #[cfg(feature = "mboxlist")]
    pub(crate) fn known(mut self, facts: Facts<'a>) -> HistoryQuery<'a> {
        self.known = Some(facts);
        self
    }

    /// Reads the log, twice: for the databases and transactions, and for the changes.
    #[must_use]
    pub fn read(self) -> History<'a> {
        let records = || {
            let records = self.log.records();
            if self.past_end { records.past_end() } else { records }
        };
        let facts = self.known.unwrap_or_else(|| Facts::of(records()));
        let wanted = match &self.database {
            Some(name) => facts.files.matching(name),
            None => vec![true; facts.files.bindings().len()],
        };
        let budget = Budget::new(self.memory, self.log.size());
        let mut replay = Replay::new(&facts, &wanted, budget);
        let mut errors = Vec::new();
        let mut records = records();
        for record in &mut records {
            match record {
                Ok(record) => replay.take(&record),
                Err(error) => {
                    replay.gap();
                    errors.push(error);
                }
            }
        }
        if let Some((lsn, limit)) = replay.spent() {
            errors.push(LogError::Memory { lsn, limit });
        }
        let mut changes = replay.changes();
        let mut unknown_keys = 0u64;
        changes.retain(|change| match &change.key {
            Known::Bytes(key) => key.starts_with(&self.prefix),
            _ => {
                unknown_keys = unknown_keys.saturating_add(1);
                self.prefix.is_empty()
            }
        });
        History { changes, unknown_keys, databases: wanted, facts, errors, tail: records.tail() }
    }
}

/// The changes of a database, in the order of the log.
#[derive(Debug)]
pub struct History<'a> {
    changes: Vec<PairChange<'a>>,
    unknown_keys: u64,
    databases: Vec<bool>,
    facts: Facts<'a>,
    errors: Vec<LogError>,
    tail: Option<Tail>,
}

impl<'a> History<'a> {
    /// The changes, in the order of the log.
    pub fn changes(&self) -> impl ExactSizeIterator<Item = &PairChange<'a>> {
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

    #[cfg(feature = "mboxlist")]
    pub(crate) fn into_errors(self) -> Vec<LogError> {
        self.errors
    }

    /// Where the log ends and why, as [`DirRecords::tail`](super::DirRecords::tail) tells it.
    #[must_use]
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// The databases that were asked for; none if the log does not know the name.
    pub fn databases(&self) -> impl Iterator<Item = &Binding<'a>> {
        self.facts
            .files
            .bindings()
            .zip(&self.databases)
            .filter(|(_, wanted)| **wanted)
            .map(|(binding, _)| binding)
    }

    /// All databases and transactions that the log speaks of.
    #[must_use]
    pub fn files(&self) -> &Files<'a> {
        &self.facts.files
    }

    /// The transactions of the log.
    #[must_use]
    pub fn transactions(&self) -> &Transactions<'a> {
        &self.facts.transactions
    }

    /// The transaction of a change.
    #[must_use]
    pub fn transaction(&self, change: &PairChange<'_>) -> Option<&Transaction<'a>> {
        change.txn.and_then(|index| self.facts.transactions.get(index))
    }

    /// What became of a change. Those outside transactions count at once.
    #[must_use]
    pub fn fate(&self, change: &PairChange<'_>) -> Fate {
        let outside = Fate::Committed { at: change.lsn, time: None };
        change.txn.map_or(outside, |index| self.facts.transactions.fate(index))
    }

    /// The database of a change.
    #[must_use]
    pub fn database(&self, change: &PairChange<'_>) -> Option<&Binding<'a>> {
        self.facts.files.place(change.database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::effort;

    #[test]
    fn a_history_reads_the_log_twice() {
        for folder in ["env-log3-le-crashed", "env-log8-be-mix", "env-log11-be-span", "env-log14-be-files"] {
            let log = LogDir::open(format!("testdata/{folder}")).unwrap();
            let (once, _) = effort::of(|| log.records().count());
            let (all, history) = effort::of(|| log.history().read());
            assert!(history.changes().len() > 0);
            assert_eq!(all, once * 2, "{folder}");
            let mut records = log.records();
            records.by_ref().for_each(drop);
            assert_eq!(history.tail(), records.tail(), "{folder}");
        }
    }
}
