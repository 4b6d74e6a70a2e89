//! What a salvage met.

use super::place::Origin;
use crate::error::{Defect, Error};
use crate::types::PageNo;

/// Problems that are kept word for word; the rest are counted.
const KEPT: usize = 10_000;

/// What was found, and what was in the way.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SalvageReport {
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
    /// Records without a key that have one in their database; counted above too.
    pub keyless: u64,
    /// Records of which it is not known which part is the key; counted above too.
    pub undecided: u64,
    problems: Vec<Error>,
    problem_count: u64,
    /// Number of the first page that is there.
    first: u32,
}

impl SalvageReport {
    /// For a file whose first page has this number.
    pub(super) fn new(first: PageNo) -> SalvageReport {
        SalvageReport { first: first.0, ..SalvageReport::default() }
    }

    /// All records.
    #[must_use]
    pub fn records(&self) -> u64 {
        [self.tree, self.orphan, self.free, self.deleted, self.unused]
            .iter()
            .fold(0, |a, b| a.saturating_add(*b))
    }

    /// What was wrong, page and byte: the first ten thousand of
    /// [`SalvageReport::problem_count`].
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
            let error = self.placed(error);
            self.problems.push(error);
        }
    }

    /// An error with the page's place in the file for its number: another one if the first pages
    /// are missing.
    fn placed(&self, error: Error) -> Error {
        let place = |page: PageNo| PageNo(page.0.saturating_sub(self.first));
        match error {
            error if self.first == 0 => error,
            Error::Corrupt { page, offset, defect } => {
                let defect = match defect {
                    Defect::BeyondEnd { what, target, .. } if target < self.first => {
                        Defect::CutOff { what, target, first: self.first }
                    }
                    Defect::BeyondEnd { what, target, pages } => {
                        Defect::BeyondEnd { what, target, pages: place(PageNo(pages)).0 }
                    }
                    Defect::Unwritten { page, offset } => Defect::Unwritten { page: place(page), offset },
                    other => other,
                };
                Error::Corrupt { page: place(page), offset, defect }
            }
            Error::Checksum { page, offset, stored, computed } => {
                Error::Checksum { page: place(page), offset, stored, computed }
            }
            other => other,
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
