//! The regions of a HEAP (database-format, annex C).

use crate::types::PageNo;

/// How the pages of a HEAP are divided into regions: each begins with a page that says how full
/// those behind it are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heap {
    /// The region where records are put.
    pub(crate) current: u32,
    pub(crate) regions: u32,
    /// The most bytes that the file may have; 0 for no limit.
    pub(crate) most: u64,
    /// Pages of a region behind its first.
    pub(crate) region_size: u32,
}

impl Heap {
    /// The region page of a page, and which one behind it that is; `None` for a region page.
    pub(crate) fn region(&self, page: PageNo) -> Option<(PageNo, u32)> {
        let index = page.0.checked_sub(1)?;
        let in_region = index.checked_rem(self.region_size.checked_add(1)?)?;
        let region = PageNo(page.0.checked_sub(in_region)?);
        in_region.checked_sub(1).map(|index| (region, index))
    }

    /// Whether a page is one with which a region begins.
    pub(crate) fn is_region(&self, page: PageNo) -> bool {
        page != PageNo::META && self.region(page).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_begins_with_its_page() {
        let heap = Heap { current: 1, regions: 2, most: 0, region_size: 5 };
        let regions: Vec<u32> = (0..14).filter(|page| heap.is_region(PageNo(*page))).collect();
        assert_eq!(regions, [1, 7, 13]);
        assert_eq!(heap.region(PageNo(6)), Some((PageNo(1), 4)));
        assert_eq!(heap.region(PageNo(8)), Some((PageNo(7), 0)));
        let all = Heap { region_size: u32::MAX, ..heap };
        assert_eq!(all.region(PageNo(2)), None);
    }
}
