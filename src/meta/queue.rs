//! Where the records of a QUEUE are (database-format, annex B).

use std::ops::RangeInclusive;

use crate::types::PageNo;

/// The records of a QUEUE: their numbers, and where they stand.
///
/// Numbers go from 1 to 2^32 - 1, and then on from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    /// The number from which the pages count.
    pub(crate) start: u32,
    /// The first record that is not consumed.
    pub(crate) first: u32,
    /// The number that the next record will have.
    pub(crate) next: u32,
    pub(crate) record_length: u32,
    pub(crate) pad: u8,
    /// Records of a page.
    pub(crate) per_page: u32,
    /// Pages of a file beside the main file; 0 if all are in that.
    pub(crate) extent_pages: u32,
}

impl Queue {
    /// Whether no record was put that was not consumed.
    pub(crate) fn is_empty(&self) -> bool {
        self.first == self.next
    }

    /// The last record that was put.
    pub(crate) fn last(&self) -> u32 {
        match self.next.wrapping_sub(1) {
            0 => u32::MAX,
            last => last,
        }
    }

    /// The numbers of its records in their order: two ranges, if they begin anew. Those before the
    /// one from which pages count have no place.
    pub(crate) fn ranges(&self) -> [Option<RangeInclusive<u32>>; 2] {
        let (first, last) = (self.first, self.last());
        let placed = |first: u32, last: u32| {
            let first = first.max(self.start);
            (first <= last).then_some(first..=last)
        };
        if self.is_empty() {
            [None, None]
        } else if first <= last {
            [placed(first, last), None]
        } else {
            [placed(first, u32::MAX), placed(1, last)]
        }
    }

    /// Whether a record of this number may be there.
    pub(crate) fn contains(&self, record: u32) -> bool {
        self.ranges().iter().flatten().any(|range| range.contains(&record))
    }

    /// The page of a record, and its slot there.
    pub(crate) fn place(&self, record: u32) -> (PageNo, u32) {
        let index = record.saturating_sub(self.start);
        let page = index.checked_div(self.per_page).unwrap_or(0);
        let slot = index.checked_rem(self.per_page).unwrap_or(0);
        (PageNo(page.saturating_add(1)), slot)
    }

    /// The number of the record in a slot of a page, if there can be such.
    pub(crate) fn record(&self, page: PageNo, slot: u32) -> Option<u32> {
        page.0.checked_sub(1)?.checked_mul(self.per_page)?.checked_add(slot)?.checked_add(self.start)
    }

    /// Whether records between the first and the last have their place on a page.
    pub(crate) fn has_numbers(&self, page: PageNo) -> bool {
        self.ranges().iter().flatten().any(|range| {
            let [first, last] = [range.start(), range.end()].map(|record| self.place(*record).0);
            (first..=last).contains(&page)
        })
    }

    /// How many pages of an extent, from its first one on, the records between the first and the
    /// last need.
    pub(crate) fn pages_of(&self, extent: u32) -> u32 {
        let Some(before) = extent.checked_mul(self.extent_pages) else { return 0 };
        let needed = self.ranges().into_iter().flatten().map(|range| {
            let [first, last] = [range.start(), range.end()].map(|record| self.place(*record).0.0);
            let behind = first.saturating_sub(before) > self.extent_pages;
            if behind { 0 } else { last.saturating_sub(before).min(self.extent_pages) }
        });
        needed.max().unwrap_or(0)
    }

    /// The file of a page, of those beside the main file; `None` if there are none.
    pub(crate) fn extent(&self, page: PageNo) -> Option<u32> {
        page.0.checked_sub(1)?.checked_div(self.extent_pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(first: u32, next: u32) -> Queue {
        Queue { start: 1, first, next, record_length: 4, pad: 0, per_page: 10, extent_pages: 2 }
    }

    #[test]
    fn numbers_begin_anew_behind_the_last() {
        assert_eq!(queue(5, 5).ranges(), [None, None]);
        assert_eq!(queue(5, 8).ranges(), [Some(5..=7), None]);
        let wrapped = queue(u32::MAX - 1, 3);
        assert_eq!(wrapped.ranges(), [Some(u32::MAX - 1..=u32::MAX), Some(1..=2)]);
        assert_eq!([1, 2, 3, u32::MAX].map(|record| wrapped.contains(record)), [true, true, false, true]);
        assert_eq!(queue(9, 1).ranges(), [Some(9..=u32::MAX), None]);
        let late = Queue { start: 7, ..queue(9, 8) };
        assert_eq!(late.ranges(), [Some(9..=u32::MAX), Some(7..=7)]);
        assert_eq!(Queue { start: 9, ..late }.ranges(), [Some(9..=u32::MAX), None]);
    }

    #[test]
    fn a_record_has_a_page_and_a_slot() {
        let queue = queue(1, 1);
        for record in [1, 10, 11, 4_000_000_000, u32::MAX] {
            let (page, slot) = queue.place(record);
            assert_eq!(queue.record(page, slot), Some(record));
        }
        assert_eq!(queue.place(11), (PageNo(2), 0));
        assert_eq!([1, 2, 3].map(|page| queue.extent(PageNo(page))), [Some(0), Some(0), Some(1)]);
        assert_eq!(queue.record(PageNo(u32::MAX), 0), None);
    }

    #[test]
    fn an_extent_needs_pages_up_to_its_last_record() {
        let queue = Queue { extent_pages: 4, ..queue(95, 132) };
        // The records are on pages 10 to 14, the extents have those from 1, 5, 9, 13 and 17 on.
        assert_eq!([0, 1, 2, 3, 4, u32::MAX].map(|extent| queue.pages_of(extent)), [0, 0, 4, 2, 0, 0]);
        assert_eq!([9, 10, 14, 15].map(|page| queue.has_numbers(PageNo(page))), [false, true, true, false]);
    }
}
