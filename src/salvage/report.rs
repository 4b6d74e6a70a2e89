//! What a salvage met.

use super::record::Origin;
use crate::error::Error;

/// Problems that are kept word for word; the rest are counted.
const KEPT: usize = 10_000;

/// What was found, and what was in the way.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Records reached through a tree, or through the buckets of a HASH database.
    pub tree: u64,
    /// Records on pages that nothing leads to.
    pub orphan: u64,
    /// Remains on free pages.
    pub free: u64,
    /// Records marked as deleted.
    pub deleted: u64,
    /// Remains in the unused space of pages.
    pub unused: u64,
    /// Records of which a part is missing; counted above too.
    pub incomplete: u64,
    problems: Vec<Error>,
    problem_count: u64,
}

impl Report {
    /// All records.
    #[must_use]
    pub fn records(&self) -> u64 {
        [self.tree, self.orphan, self.free, self.deleted, self.unused]
            .iter()
            .fold(0, |a, b| a.saturating_add(*b))
    }

    /// What was wrong, page and byte: the first ten thousand of
    /// [`Report::problem_count`].
    #[must_use]
    pub fn problems(&self) -> &[Error] {
        &self.problems
    }

    /// How often something was wrong.
    #[must_use]
    pub fn problem_count(&self) -> u64 {
        self.problem_count
    }

    pub(super) fn problem(&mut self, error: Error) {
        self.problem_count = self.problem_count.saturating_add(1);
        if self.problems.len() < KEPT {
            self.problems.push(error);
        }
    }

    pub(super) fn count(&mut self, origin: Origin, whole: bool) {
        let counter = match origin {
            Origin::Tree => &mut self.tree,
            Origin::Orphan => &mut self.orphan,
            Origin::Free => &mut self.free,
            Origin::Deleted => &mut self.deleted,
            Origin::Unused => &mut self.unused,
        };
        *counter = counter.saturating_add(1);
        self.incomplete = self.incomplete.saturating_add(u64::from(!whole));
    }
}
