//! What became of the records of each transaction.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::apply::Way;
use super::report::RecoveredTransaction;
use crate::log::TxnId;
use crate::types::Lsn;

/// Counts, transaction by transaction.
#[derive(Default)]
pub(super) struct Tally {
    counts: HashMap<TxnId, RecoveredTransaction>,
    /// Those of the transaction that was met last, apart: records of one often stand together.
    latest: Option<RecoveredTransaction>,
}

impl Tally {
    /// Counts a record by which so many pages were changed.
    pub(super) fn count(&mut self, txn: TxnId, lsn: Lsn, way: Way, pages: u64) {
        let one = u64::from(pages == 0);
        let (redone, undone) = match way {
            Way::Redo => (pages, 0),
            Way::Undo => (0, pages),
        };
        let committed = way == Way::Redo;
        let counts =
            RecoveredTransaction { txn, first: lsn, last: lsn, committed, redone, undone, settled: one };
        match &mut self.latest {
            Some(latest) if latest.txn == txn => latest.add(counts),
            latest => {
                if let Some(before) = latest.replace(counts) {
                    self.add(before);
                }
            }
        }
    }

    fn add(&mut self, counts: RecoveredTransaction) {
        match self.counts.entry(counts.txn) {
            Entry::Occupied(mut known) => known.get_mut().add(counts),
            Entry::Vacant(place) => drop(place.insert(counts)),
        }
    }

    /// Adds what another counted.
    pub(super) fn merge(&mut self, other: Tally) {
        other.counts.into_values().chain(other.latest).for_each(|counts| self.add(counts));
    }

    /// All counts, in the order in which the transactions began.
    pub(super) fn finish(mut self) -> Vec<RecoveredTransaction> {
        if let Some(latest) = self.latest.take() {
            self.add(latest);
        }
        let mut all: Vec<_> = self.counts.into_values().collect();
        all.sort_by_key(|counts| counts.first);
        all
    }
}

impl RecoveredTransaction {
    fn add(&mut self, other: RecoveredTransaction) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.committed |= other.committed;
        self.redone = self.redone.saturating_add(other.redone);
        self.undone = self.undone.saturating_add(other.undone);
        self.settled = self.settled.saturating_add(other.settled);
    }
}
