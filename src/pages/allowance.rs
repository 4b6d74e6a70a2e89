//! How much a page may give of its bytes more than once.

use crate::error::Defect;

/// What the pairs of one page give, and what they may: its own bytes, and some of them
/// again (see [`Limits::max_repeats`]).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowance {
    given: u64,
    most: u64,
    repeats: u64,
}

/// How much less the key of off-page duplicates weighs that is given with each of them. A
/// page of duplicates holds up to four times as many as may stand beside their key.
const DUPLICATE_WEIGHT: u32 = 16;

impl Allowance {
    /// Nothing.
    pub(crate) const NONE: Allowance = Allowance { given: 0, most: 0, repeats: 0 };

    /// So many bytes, `repeats` of them again.
    pub(super) fn new(most: u64, repeats: u64) -> Allowance {
        Allowance { given: 0, most, repeats }
    }

    /// That of the chunks on a page of so many bytes.
    pub(super) fn unpacked(page: u32, repeats: u32) -> Allowance {
        let times = u64::from(repeats).saturating_mul(DUPLICATE_WEIGHT.into()).saturating_add(1);
        Allowance { given: 0, most: times.saturating_mul(page.into()), repeats: times }
    }

    /// Adds that of a chunk in a chain.
    pub(crate) fn add_chain(&mut self, len: u32) {
        self.most = self.most.saturating_add(self.repeats.saturating_mul(len.into()));
    }

    /// Counts bytes that a record of a chunk gives.
    ///
    /// # Errors
    ///
    /// [`Defect::Unpacked`] if there were too many before it or are with it.
    pub(crate) fn give_unpacked(&mut self, bytes: u64) -> Result<(), Defect> {
        self.given = self.given.saturating_add(bytes);
        if self.covers(self.given) { Ok(()) } else { Err(Defect::Unpacked { limit: self.most }) }
    }

    /// Whether all that a page gives stays within it.
    pub(crate) fn covers(&self, bytes: u64) -> bool {
        bytes <= self.most
    }

    /// Counts bytes that a pair gives, if they are allowed; whether they are.
    #[inline(always)]
    pub(crate) fn may_give(&mut self, bytes: usize) -> bool {
        let given = self.given.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let allowed = self.covers(given);
        if allowed {
            self.given = given;
        }
        allowed
    }

    /// Counts bytes that a pair gives.
    ///
    /// # Errors
    ///
    /// [`Defect::Repeats`] if there were too many before it or are with it.
    pub(crate) fn give(&mut self, bytes: u64) -> Result<(), Defect> {
        self.given = self.given.saturating_add(bytes);
        if self.covers(self.given) { Ok(()) } else { Err(Defect::Repeats { limit: self.repeats }) }
    }

    /// As [`Allowance::give`], of a duplicate off the page and the key that is given with it.
    pub(crate) fn give_duplicate(&mut self, key: u32, value: u64) -> Result<(), Defect> {
        self.give(value.saturating_add(u64::from(key.div_ceil(DUPLICATE_WEIGHT))))
    }
}
