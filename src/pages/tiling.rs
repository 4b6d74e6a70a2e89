//! Whether the items of a page fill it.

use crate::error::{Defect, Error, Result};
use crate::format::page::at;
use crate::types::PageNo;

/// Adds up items to see whether they tile the item area.
///
/// The items of a page are packed without gaps, so the sum of `end - start`
/// over all items is the size of the area, and the sums of `end² - start²` and
/// `end³ - start³` telescope likewise. A slot that is missing, or one or two
/// that point to others' items, change at least one of them. It is a check
/// against accidents: enough changes can be made to cancel out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tiling {
    linear: usize,
    square: usize,
    cube: usize,
}

impl Tiling {
    pub(crate) fn add(&mut self, start: usize, size: usize) {
        self.linear = self.linear.wrapping_add(size);
        let sum = start.wrapping_add(start).wrapping_add(size);
        self.square = self.square.wrapping_add(sum.wrapping_mul(size));
        let end = start.wrapping_add(size);
        let squares = sum.wrapping_mul(sum).wrapping_sub(start.wrapping_mul(end));
        self.cube = self.cube.wrapping_add(squares.wrapping_mul(size));
    }

    /// Bytes of all items that were added up.
    pub(crate) fn total(&self) -> u64 {
        u64::try_from(self.linear).unwrap_or(u64::MAX)
    }

    /// Whether the items fill an area from one offset to another.
    #[inline]
    pub(crate) fn fills(&self, area: usize, end: usize) -> bool {
        let power = |x: usize, n: u32| x.wrapping_pow(n);
        let square = power(end, 2).wrapping_sub(power(area, 2));
        let cube = power(end, 3).wrapping_sub(power(area, 3));
        let size = end.saturating_sub(area);
        (self.linear, self.square, self.cube) == (size, square, cube)
    }

    pub(crate) fn check(&self, no: PageNo, area: usize, end: usize) -> Result<()> {
        if self.fills(area, end) {
            return Ok(());
        }
        let defect = Defect::Packing { items: self.linear, area: end.saturating_sub(area) };
        Err(Error::corrupt(no, at::HF_OFFSET, defect))
    }
}
