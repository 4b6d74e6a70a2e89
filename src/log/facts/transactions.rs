//! The transactions of a log, and what became of them (log-format, "Opcodes";
//! recovery, "Aborted transactions in the log").

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::log::dir::LogDir;
use crate::log::record::event::Event;
use crate::log::record::{Record, RecordNote, TxnId};
use crate::types::Lsn;

/// Record types from this number on are changes of pages and files.
const CHANGES: u32 = 20;

/// The transactions of a log, in the order of their first records.
///
/// Numbers of transactions are used again; an entry here is one transaction, not one
/// number.
#[derive(Clone, Debug, Default)]
pub struct Transactions<'a> {
    list: Vec<Transaction<'a>>,
    /// The transactions of each number, in their order.
    by_id: HashMap<TxnId, Vec<usize>>,
    /// The outermost transaction of each.
    outermost: Vec<usize>,
}

/// A transaction: what the log shows of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transaction<'a> {
    /// Its number.
    pub id: TxnId,
    /// Its first record that is there.
    pub first: Lsn,
    /// Its last record.
    pub last: Lsn,
    /// How many records it has, without those of nested transactions.
    pub records: u64,
    /// Whether the first record of the transaction is there: not if the log begins in
    /// the middle of it.
    pub whole: bool,
    /// How it ended.
    pub outcome: TransactionOutcome<'a>,
}

/// How a transaction ended, as far as its own records tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionOutcome<'a> {
    /// It committed.
    Committed {
        /// The record that says so.
        at: Lsn,
        /// When, in seconds since 1970; releases before 3.1 do not record it.
        time: Option<i64>,
    },
    /// A nested transaction: it committed to its parent, whose fate it shares.
    Nested {
        /// The record that says so.
        at: Lsn,
        /// The number of the parent.
        parent: TxnId,
        /// The parent among the [transactions](Transactions::get), if it has records.
        index: Option<usize>,
    },
    /// It was prepared; what was decided then is not in the log.
    Prepared {
        /// The record that says so.
        at: Lsn,
        /// The global id given by the application.
        id: &'a [u8],
    },
    /// It aborted: a record of that is there if it was prepared before, else a later
    /// checkpoint says that it had ended.
    Aborted {
        /// The record that says so.
        at: Lsn,
        /// When, if it was prepared.
        time: Option<i64>,
    },
    /// The log does not tell: it aborted, or was open where the log ends.
    Open,
    /// Records are missing behind its last one: it may have committed there.
    Unknown,
}

/// What became of the changes of a transaction, its parents considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// They count, since the commit of the outermost transaction.
    Committed {
        /// The record of that commit.
        at: Lsn,
        /// When, in seconds since 1970, if it is recorded.
        time: Option<i64>,
    },
    /// They were prepared, and somebody else has to decide.
    Prepared,
    /// They were undone.
    Aborted,
    /// They were undone, or are to be undone by recovery.
    Uncommitted,
    /// Records are missing that may tell.
    Unknown,
}

/// The transactions of a log that is being read.
#[derive(Default)]
pub(crate) struct Reading<'a> {
    found: Transactions<'a>,
    /// The LSNs of checkpoints, and what they say.
    checkpoints: Vec<(Lsn, Lsn)>,
    gaps: Vec<Lsn>,
    last: Lsn,
}

impl<'a> Reading<'a> {
    /// The next record, and what it means; none where one is missing.
    pub(crate) fn next(&mut self, record: Option<(&Record<'a>, Event<'a>)>) {
        let Some((record, event)) = record else {
            self.gaps.push(self.last);
            return;
        };
        self.last = record.lsn();
        if let Event::Checkpoint { lsn, .. } = event {
            self.checkpoints.push((record.lsn(), lsn));
        }
        if let Some(id) = record.txn() {
            self.found.take(id, record, event);
        }
    }

    /// There are no more.
    pub(crate) fn end(mut self) -> Transactions<'a> {
        self.found.find_parents(&self.checkpoints, &self.gaps);
        self.found.infer_aborts(&self.checkpoints, &self.gaps);
        self.found
    }
}

impl LogDir {
    /// The transactions, and what became of them. Damaged records are left out;
    /// [`LogDir::records`] names them.
    #[must_use]
    pub fn transactions(&self) -> Transactions<'_> {
        let mut transactions = Reading::default();
        for record in self.records() {
            // The types below are those of transactions and files, in every version.
            transactions.next(
                record.as_ref().ok().map(|record| {
                    (record, if record.kind() < CHANGES { record.event() } else { Event::Other })
                }),
            );
        }
        transactions.end()
    }
}

impl<'a> Transactions<'a> {
    /// How many transactions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The transactions, in the order of their first records.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Transaction<'a>> + DoubleEndedIterator {
        self.list.iter()
    }

    /// A transaction by its place in that order.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Transaction<'a>> {
        self.list.get(index)
    }

    /// The place of the transaction with a number to which the record at an LSN
    /// belongs.
    #[must_use]
    pub fn index_of(&self, id: TxnId, lsn: Lsn) -> Option<usize> {
        let places = self.by_id.get(&id)?;
        let after = places.partition_point(|&place| self.list.get(place).is_some_and(|txn| txn.first <= lsn));
        after.checked_sub(1).and_then(|before| places.get(before)).copied()
    }

    /// What became of the changes of a transaction.
    #[must_use]
    pub fn fate(&self, index: usize) -> Fate {
        match self.list.get(self.outermost(index)).map(|txn| txn.outcome) {
            Some(TransactionOutcome::Committed { at, time }) => Fate::Committed { at, time },
            Some(TransactionOutcome::Prepared { .. }) => Fate::Prepared,
            Some(TransactionOutcome::Aborted { .. }) => Fate::Aborted,
            Some(TransactionOutcome::Unknown) => Fate::Unknown,
            Some(TransactionOutcome::Open | TransactionOutcome::Nested { .. }) | None => Fate::Uncommitted,
        }
    }

    /// The outermost transaction to which a nested one committed, step by step; or the
    /// transaction itself.
    pub(crate) fn outermost(&self, index: usize) -> usize {
        self.outermost.get(index).copied().unwrap_or(index)
    }

    fn take(&mut self, id: TxnId, record: &Record<'a>, event: Event<'a>) {
        let (lsn, prev) = (record.lsn(), record.prev_lsn());
        let current = self.by_id.get(&id).and_then(|places| places.last()).copied();
        let continues = prev.file != 0;
        let joins = current.filter(|&at| continues && self.list.get(at).is_some_and(|txn| txn.last == prev));
        if continues && joins.is_none() {
            // Records of applications need not have a transaction where others have it.
            if record.note() == Some(RecordNote::Application) {
                return;
            }
            let cut = current
                .and_then(|at| self.list.get_mut(at))
                .filter(|txn| txn.outcome == TransactionOutcome::Open);
            cut.into_iter().for_each(|txn| txn.outcome = TransactionOutcome::Unknown);
        }
        let index = joins.unwrap_or_else(|| {
            self.list.push(Transaction {
                id,
                first: lsn,
                last: lsn,
                records: 0,
                whole: !continues,
                outcome: TransactionOutcome::Open,
            });
            let new = self.list.len().saturating_sub(1);
            self.by_id.entry(id).or_default().push(new);
            new
        });
        if let Some(txn) = self.list.get_mut(index) {
            txn.last = lsn;
            txn.records = txn.records.saturating_add(1);
            match event {
                Event::Commit { time } => txn.outcome = TransactionOutcome::Committed { at: lsn, time },
                Event::Abort { time } => txn.outcome = TransactionOutcome::Aborted { at: lsn, time },
                Event::Prepare { id } => txn.outcome = TransactionOutcome::Prepared { at: lsn, id },
                _ => {}
            }
        }
        if let Event::ChildCommit { child, parent, last } = event {
            let child = self.index_of(child, last).and_then(|child| self.list.get_mut(child));
            if let Some(child) = child.filter(|child| child.last == last) {
                child.outcome = TransactionOutcome::Nested { at: lsn, parent, index: None };
            }
        }
    }

    /// Finds the parents of nested transactions: the first one of that number that still
    /// has a record behind the commit of the child. Numbers begin anew after a checkpoint
    /// at which no transaction was active: before release 3.2 the parent need not have
    /// a record before that.
    fn find_parents(&mut self, checkpoints: &[(Lsn, Lsn)], gaps: &[Lsn]) {
        let restarts: Vec<Lsn> =
            checkpoints.iter().filter(|(at, ended)| at == ended).map(|(at, _)| *at).collect();
        for child in 0..self.list.len() {
            let Some(TransactionOutcome::Nested { at, parent, .. }) =
                self.list.get(child).map(|txn| txn.outcome)
            else {
                continue;
            };
            let places = self.by_id.get(&parent).map_or(&[][..], |places| places);
            let place =
                places.partition_point(|&place| self.list.get(place).is_some_and(|txn| txn.last < at));
            let restart = restarts.get(restarts.partition_point(|restart| *restart < at));
            let same = |place: &usize| {
                let first = self.list.get(*place).map(|txn| txn.first);
                *place != child && restart.is_none_or(|restart| first < Some(*restart))
            };
            let index = places.get(place).copied().filter(same);
            // What a gap hides may be the end of another transaction of that number.
            let hidden = index.and_then(|index| self.list.get(index)).is_none_or(|parent| parent.first > at)
                && gaps.last().is_some_and(|gap| *gap >= at);
            if let Some(txn) = self.list.get_mut(child) {
                txn.outcome = match hidden {
                    true => TransactionOutcome::Unknown,
                    false => TransactionOutcome::Nested { at, parent, index },
                };
            }
        }
        // A parent has a record behind the last one of its child.
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_by_key(|&index| self.list.get(index).map(|txn| Reverse(txn.last)));
        self.outermost = (0..self.list.len()).collect();
        for index in order {
            let parent = match self.list.get(index).map(|txn| txn.outcome) {
                Some(TransactionOutcome::Nested { index: Some(parent), .. }) => self.outermost(parent),
                _ => index,
            };
            self.outermost.iter_mut().skip(index).take(1).for_each(|outermost| *outermost = parent);
        }
    }

    /// A checkpoint says before which LSN every transaction had ended: one without an
    /// end of its own had aborted then, unless records are missing before that.
    /// `checkpoints` are their LSNs, and what they say.
    fn infer_aborts(&mut self, checkpoints: &[(Lsn, Lsn)], gaps: &[Lsn]) {
        // What had ended at one checkpoint had ended at all later ones.
        let running = checkpoints.iter().scan(Lsn::default(), |most, &(at, ended)| {
            *most = ended.max(*most);
            Some((at, *most))
        });
        let checkpoints: Vec<(Lsn, Lsn)> = running.collect();
        for txn in self.list.iter_mut().filter(|txn| txn.outcome == TransactionOutcome::Open) {
            let later = checkpoints.partition_point(|&(at, ended)| at <= txn.last || ended <= txn.first);
            let ended = checkpoints.get(later).map(|(at, _)| *at);
            let gap = gaps.get(gaps.partition_point(|gap| *gap < txn.last));
            if gap.is_some_and(|gap| ended.is_none_or(|ended| *gap < ended)) {
                txn.outcome = TransactionOutcome::Unknown;
            } else if let Some(at) = ended {
                txn.outcome = TransactionOutcome::Aborted { at, time: None };
            }
        }
    }
}
