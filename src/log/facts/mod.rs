//! What a log tells as a whole: its databases, its transactions, and where recovery would begin.
//!
//! All of it is found in one pass, and needed to understand single records.

pub(super) mod bindings;
mod duplicates;
pub(crate) mod files;
pub(super) mod names;
pub(crate) mod resolved;
pub(crate) mod start;
pub(crate) mod transactions;

use self::files::Files;
use self::start::Start;
use self::transactions::Transactions;
use super::error::LogError;
use super::record::Record;
use super::record::event::Event;
use crate::types::Lsn;

/// The facts of a log.
#[derive(Clone, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) files: Files<'a>,
    pub(crate) transactions: Transactions<'a>,
    /// Where recovery begins; or the damage behind the last checkpoint that keeps one from
    /// knowing it.
    #[cfg_attr(not(feature = "mboxlist"), allow(dead_code))] // surveys need it
    pub(crate) start: Result<Lsn, LogError>,
}

/// The facts of a log that is being read.
#[derive(Default)]
pub(crate) struct Reading<'a> {
    files: files::Reading<'a>,
    transactions: transactions::Reading<'a>,
    start: Start,
}

impl<'a> Reading<'a> {
    /// The next record, or what is wrong in its place; gives what the record means.
    pub(crate) fn next(&mut self, record: &Result<Record<'a>, LogError>) -> Option<Event<'a>> {
        let event = record.as_ref().ok().map(Record::event);
        let known = record.as_ref().ok().zip(event);
        self.files.next(known);
        self.transactions.next(known);
        self.start.next(record, event.as_ref());
        event
    }

    /// There are no more.
    pub(crate) fn end(self) -> Facts<'a> {
        Facts { files: self.files.end(), transactions: self.transactions.end(), start: self.start.end() }
    }
}

impl<'a> Facts<'a> {
    /// The facts of a log with these records.
    pub(super) fn of(records: impl Iterator<Item = Result<Record<'a>, LogError>>) -> Facts<'a> {
        let mut reading = Reading::default();
        for record in records {
            reading.next(&record);
        }
        reading.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogDir;

    #[test]
    fn facts_are_what_each_tells_alone() {
        let mut met = 0;
        for folder in std::fs::read_dir("testdata").unwrap() {
            let Ok(log) = LogDir::open(folder.unwrap().path()) else { continue };
            let (facts, files, transactions) = (Facts::of(log.records()), log.files(), log.transactions());
            assert!(facts.files.bindings().eq(files.bindings()));
            assert!(facts.files.renames().eq(files.renames()));
            let outcomes = |found: &Transactions<'_>| format!("{:?}", found.iter().collect::<Vec<_>>());
            assert_eq!(outcomes(&facts.transactions), outcomes(&transactions));
            met += 1;
        }
        assert!(met > 15, "{met} logs");
    }
}
