//! The changes of pairs, as they are told and become known.

use std::borrow::Cow;
use std::collections::HashSet;

use super::budget::Budget;
use super::change::{ChangeKind, Known, PairChange};
use crate::log::facts::resolved::Resolved;
use crate::types::PageNo;

/// The changes of some databases, in the order of the log.
pub(super) struct Changes<'a, 'q> {
    /// Whether each database is asked for.
    wanted: &'q [bool],
    list: Vec<PairChange<'a>>,
    /// Changes that turned out to be moves.
    moves: HashSet<usize>,
    pub(super) budget: Budget,
}

impl<'a, 'q> Changes<'a, 'q> {
    pub(super) fn new(wanted: &'q [bool], budget: Budget) -> Changes<'a, 'q> {
        Changes { wanted, list: Vec::new(), moves: HashSet::new(), budget }
    }

    /// Those that are no moves.
    pub(super) fn kept(self) -> Vec<PairChange<'a>> {
        let moves = &self.moves;
        let kept = self.list.into_iter().enumerate().filter(|(index, _)| !moves.contains(index));
        kept.map(|(_, change)| change).collect()
    }

    /// Tells a change, if it is one of a database that is asked for; gives its place.
    #[allow(clippy::too_many_arguments)] // the fields of a change
    pub(super) fn emit(
        &mut self,
        step: &Resolved<'_, '_>,
        kind: ChangeKind,
        page: PageNo,
        index: u32,
        key: Known<'a>,
        old: Option<Known<'a>>,
        new: Option<Known<'a>>,
    ) -> Option<usize> {
        if self.wanted.get(step.database) != Some(&true) {
            return None;
        }
        let Resolved { lsn, txn, database, .. } = *step;
        self.list.push(PairChange { lsn, kind, key, old, new, page, index, database, txn });
        self.list.len().checked_sub(1)
    }

    /// The value that a change put.
    pub(super) fn new_value(&self, change: usize) -> Option<&Known<'a>> {
        self.list.get(change).and_then(|change| change.new.as_ref())
    }

    /// A change put what had only moved.
    pub(super) fn is_move(&mut self, change: usize) {
        self.moves.insert(change);
    }

    /// Another value took the place of the one that a change deleted.
    pub(super) fn is_replaced(&mut self, deletion: usize, value: Known<'a>) {
        if let Some(change) = self.list.get_mut(deletion) {
            (change.kind, change.new) = (ChangeKind::Replace, Some(value));
        }
    }

    pub(super) fn learn_key(&mut self, change: Option<usize>, key: &Known<'a>) {
        let Some(change) = change.and_then(|change| self.list.get_mut(change)) else { return };
        if change.key == Known::Unknown {
            change.key = copied(key, &mut self.budget);
        }
    }

    pub(super) fn learn_value(&mut self, change: Option<usize>, old: &Known<'a>) {
        let Some(change) = change.and_then(|change| self.list.get_mut(change)) else { return };
        if !matches!(change.old, Some(Known::Bytes(_))) {
            change.old = Some(copied(old, &mut self.budget));
        }
    }

    pub(super) fn copy(&mut self, content: &Known<'a>) -> Known<'a> {
        copied(content, &mut self.budget)
    }
}

/// A copy, if the bytes of it stand in the log or may be put together once more.
fn copied<'a>(content: &Known<'a>, budget: &mut Budget) -> Known<'a> {
    match content {
        Known::Bytes(Cow::Owned(bytes)) if !budget.afford(bytes.len()) => Known::Unknown,
        content => content.clone(),
    }
}
