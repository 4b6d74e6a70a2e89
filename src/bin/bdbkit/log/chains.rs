//! The records of each transaction, linked backward: does every link lead to the
//! record before?

use std::collections::HashMap;

use bdbkit::Lsn;
use bdbkit::log::{Event, Record, TxnId};

/// The last record of each transaction that may go on. Those that abort leave no
/// record of it, and stay until their number is used again.
#[derive(Default)]
pub(crate) struct Chains {
    last: HashMap<TxnId, Lsn>,
    first: Option<Lsn>,
}

impl Chains {
    /// Takes in the next record; tells what is wrong with its links.
    pub(crate) fn next(&mut self, record: &Record<'_>) -> Option<String> {
        let first = *self.first.get_or_insert(record.lsn());
        let wrong = record.txn().and_then(|txn| self.link(txn, record, first));
        match record.event() {
            Event::Commit { .. } | Event::Abort { .. } => {
                record.txn().and_then(|txn| self.last.remove(&txn));
                wrong
            }
            Event::ChildCommit { child, last, .. } => wrong.or(self.child(child, last, first)),
            _ => wrong,
        }
    }

    fn link(&mut self, txn: TxnId, record: &Record<'_>, first: Lsn) -> Option<String> {
        let before = self.last.insert(txn, record.lsn());
        let prev = record.prev_lsn();
        // None: the first record of a transaction. One before the log's first record is
        // in a file that was removed.
        if prev.file == 0 || prev < first {
            return None;
        }
        let what = format!("the previous record of transaction {txn} is said to be at {prev}");
        match before {
            Some(before) if before == prev => None,
            _ if prev >= record.lsn() => Some(format!("{what}, which is not before this one")),
            Some(before) => Some(format!("{what}, but the last one found is at {before}")),
            None => Some(format!("{what}, where none was found")),
        }
    }

    /// A nested transaction ends with a record that leads to its last.
    fn child(&mut self, child: TxnId, said: Lsn, first: Lsn) -> Option<String> {
        let last = self.last.remove(&child);
        if said.file == 0 || said < first || last == Some(said) {
            return None;
        }
        let what = format!("the last record of nested transaction {child} is said to be at {said}");
        Some(match last {
            Some(last) => format!("{what}, but the last one found is at {last}"),
            None => format!("{what}, where none was found"),
        })
    }
}
