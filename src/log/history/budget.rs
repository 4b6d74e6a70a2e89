//! How much a history may put together in memory.

use crate::types::Lsn;

/// Bytes that may be put together besides those of the log itself, whatever its size.
const FLOOR: u64 = 64 << 20;
/// And for each byte of the log.
const PER_BYTE: u64 = 4;

/// Memory for what is put together of several records. What a single record shows costs
/// nothing: it stays in the log.
pub(super) struct Budget {
    limit: u64,
    left: u64,
    /// The record at hand.
    at: Lsn,
    /// The first record for which there was not enough.
    spent: Option<Lsn>,
}

impl Budget {
    /// As much as was asked for, or what a log of this size may cost.
    pub(super) fn new(asked: Option<u64>, log: u64) -> Budget {
        let limit = asked.unwrap_or(log.saturating_mul(PER_BYTE).saturating_add(FLOOR));
        Budget { limit, left: limit, at: Lsn::default(), spent: None }
    }

    pub(super) fn come_to(&mut self, record: Lsn) {
        self.at = record;
    }

    /// Takes bytes, if there are as many.
    pub(super) fn afford(&mut self, bytes: usize) -> bool {
        let left = u64::try_from(bytes).ok().and_then(|bytes| self.left.checked_sub(bytes));
        match left {
            Some(left) => self.left = left,
            None => self.spent = self.spent.or(Some(self.at)),
        }
        left.is_some()
    }

    /// The first record for which there was not enough, and how much there was.
    pub(super) fn spent(&self) -> Option<(Lsn, u64)> {
        self.spent.map(|at| (at, self.limit))
    }
}
