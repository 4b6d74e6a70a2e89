//! Changes of pages that wait until many are together: those of one file are made in their order, those of
//! different files side by side.

use std::sync::{Mutex, PoisonError};

use super::ahead::Seen;
use super::apply::{Change, Way};
use super::release::Release;
use super::side_by_side;
use super::tally::Tally;
use super::target::{Head, Target};
use super::world::Index;
use crate::format::meta::Field;
use crate::log::Files;
use crate::log::schema::Name;
use crate::meta::Flags;
use crate::order::Endianness;
use crate::types::Lsn;

/// So many changes are together at most.
const MOST: usize = 1 << 16;
/// So far before its turn memory is asked for a record, and for its page.
const FAR: usize = 12;
const NEAR: usize = 4;
/// Fewer are made faster than a thread starts.
const FEW: usize = 1 << 10;

/// A change of pages.
#[derive(Clone, Copy)]
struct Wait<'l> {
    seen: Seen<'l>,
    /// What its number of a database stands for.
    place: usize,
    way: Way,
    /// Its place among all that wait.
    turn: usize,
}

/// Changes of pages that wait.
#[derive(Default)]
pub(super) struct Waiting<'l> {
    /// Of each file, in their order.
    of_files: Vec<Vec<Wait<'l>>>,
    count: usize,
}

/// By which rules changes are made.
#[derive(Clone, Copy)]
pub(super) struct Rules<'f, 'l> {
    pub(super) files: &'f Files<'l>,
    /// The family of releases that wrote the last file of the log.
    pub(super) release: Release,
    pub(super) strict: bool,
}

/// What became of the changes of a file.
#[derive(Default)]
pub(super) struct Made {
    pub(super) redone: u64,
    pub(super) undone: u64,
    /// Records of which the pages told that nothing was to be done.
    pub(super) settled: u64,
    /// Records behind the one at which the file stopped, and that one.
    pub(super) left: u64,
    /// The first and the last record of which pages were changed.
    pub(super) first: Option<Lsn>,
    pub(super) last: Option<Lsn>,
    /// The record at which the file stopped.
    pub(super) stopped_at: Option<Lsn>,
    /// The same by transaction.
    pub(super) tally: Tally,
    /// What was noticed, each with the turn of its change.
    pub(super) notes: Vec<(usize, String)>,
}

impl<'l> Waiting<'l> {
    /// A change waits. Says whether enough do.
    pub(super) fn add(&mut self, index: Index, seen: Seen<'l>, place: usize, way: Way) -> bool {
        if self.of_files.len() <= index {
            self.of_files.resize_with(index.saturating_add(1), Vec::new);
        }
        if let Some(of_file) = self.of_files.get_mut(index) {
            of_file.push(Wait { seen, place, way, turn: self.count });
        }
        self.count = self.count.saturating_add(1);
        self.count >= MOST
    }

    /// Makes all changes that wait; gives what became of those of each file.
    pub(super) fn make(&mut self, targets: &mut [Target], rules: Rules<'_, 'l>) -> Vec<(Index, Made)> {
        if std::mem::take(&mut self.count) == 0 {
            return Vec::new();
        }
        let count = self.of_files.iter().map(Vec::len).fold(0, usize::saturating_add);
        let waiting = self.of_files.iter_mut().zip(targets).enumerate();
        let mut jobs: Vec<_> = waiting.filter(|(_, (waiting, _))| !waiting.is_empty()).collect();
        // The longest begins first.
        jobs.sort_by_key(|(_, (waiting, _))| waiting.len());
        let parts = if count < FEW { 1 } else { jobs.len() };
        let (jobs, made) = (Mutex::new(jobs), Mutex::new(Vec::new()));
        side_by_side::run(parts, || {
            loop {
                let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some((index, (waiting, target))) = job else { break };
                let mut of_it = Made::default();
                for (at, change) in waiting.iter().enumerate() {
                    let next = |behind| waiting.get(at.saturating_add(behind));
                    next(FAR).iter().for_each(|change| change.seen.expect());
                    let page = next(NEAR).and_then(|change| change.seen.record().ok());
                    let page = page.and_then(|record| record.presumed_number(Name::pgno).ok().flatten());
                    page.iter().for_each(|no| target.expect(*no));
                    of_it.make(target, change, rules);
                }
                waiting.clear();
                made.lock().unwrap_or_else(PoisonError::into_inner).push((index, of_it));
            }
        });
        made.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Made {
    fn make<'l>(&mut self, file: &mut Target, change: &Wait<'l>, rules: Rules<'_, 'l>) {
        let Wait { seen, place, way, turn } = change;
        let Some(binding) = rules.files.place(*place) else { return };
        if file.stopped.is_some() {
            self.left = self.left.saturating_add(1);
            return;
        }
        let Some(head) = file.head else { return };
        let Ok(record) = seen.record() else { return };
        let Ok(decoded) = record.decode() else { return };
        let release = Release::of(record.version()).unwrap_or(rules.release);
        let numbers = record.endianness();
        let machine = rules.files.machine().unwrap_or(numbers);
        let (items, images) = match release {
            release if release < Release::R47 => (numbers, numbers),
            Release::R47 | Release::R48 => (machine, Endianness::Little),
            _ => (head.order, head.order),
        };
        // Nobody else asks.
        let counts = release == Release::R2
            && file
                .look(0, rules.release, |page| flags(&page.bytes, &head))
                .is_some_and(|flags| flags.recno() || flags.record_numbers());
        let mut change = Change {
            record: &decoded,
            way: *way,
            release,
            strict: rules.strict,
            file,
            meta: binding.meta,
            method: binding.access_method().unwrap_or(head.method),
            counts,
            items,
            images,
            machine,
            notes: Vec::new(),
            applied: 0,
        };
        let done = change.run();
        let (notes, applied) = (std::mem::take(&mut change.notes), change.applied);
        let lsn = record.lsn();
        match way {
            Way::Redo => self.redone = self.redone.saturating_add(applied),
            Way::Undo => self.undone = self.undone.saturating_add(applied),
        }
        if applied > 0 {
            self.first = Some(self.first.map_or(lsn, |first| first.min(lsn)));
            self.last = self.last.max(Some(lsn));
        } else if done.is_ok() {
            self.settled = self.settled.saturating_add(1);
        }
        if let Some(txn) = record.txn().filter(|_| done.is_ok()) {
            self.tally.count(txn, lsn, *way, applied);
        }
        self.notes.extend(notes.into_iter().map(|note| (*turn, note)));
        if let Err(fault) = done {
            self.left = self.left.saturating_add(1);
            self.stopped_at.get_or_insert(lsn);
            file.stopped.get_or_insert(format!("record {lsn} ({}): {fault}", record.name()));
        }
    }
}

fn flags(page: &[u8], head: &Head) -> Flags {
    Flags::new(head.layout.number(page, Field::Flags, head.order).unwrap_or(0))
}
