//! HEAP: its regions, the tables of its pages, the pieces of its records (database-format,
//! annex C).

use super::finding::Rule;
use super::page::Context;
use crate::error::file_bytes;
use crate::format::external::Holder;
use crate::format::heap::{
    HIGH_AT, Item, NEXT_PAGE_AT, NEXT_SLOT_AT, SIZE_AT, TOTAL_AT, Table, fullness, highest,
};
use crate::format::meta::Field;
use crate::format::page::{Page, PageKind, at};
use crate::meta::Heap;
use crate::order::with_order;
use crate::types::{PageNo, RecordId};

/// Pieces that stand on a page, and how often records lead to one of them: without those with
/// which a record begins.
type Pieces = (u32, u32);

impl<'c> Context<'c, '_> {
    /// Checks a HEAP.
    pub(super) fn heap(&self, heap: &Heap) {
        self.regions(heap);
        let count = self.pages.count();
        let mut pieces: Vec<Pieces> = vec![(0, 0); PageNo(count).index()];
        // No file has room for more.
        let mut left = file_bytes(count, self.pages.size()) / 16;
        for no in (1..count).map(PageNo) {
            if self.report.sink.full() {
                return;
            }
            if heap.is_region(no) {
                self.region_page(no);
            } else if let Some(table) = self.heap_page(heap, no) {
                self.heap_items(no, table, &mut pieces, &mut left);
            }
        }
        for (no, (there, led_to)) in (0..).map(PageNo).zip(pieces) {
            if there != led_to {
                let text = format!("{there} pieces stand here, records lead to {led_to} of them");
                self.report.error(Rule::Split, no, at::ENTRIES, text);
            }
        }
    }

    fn regions(&self, heap: &Heap) {
        let error =
            |field, text: String| self.report.error(Rule::Region, PageNo::META, self.meta.at(field), text);
        if heap.region_size == 0 {
            return error(Field::RegionSize, "a region of 0 pages".into());
        }
        let pages = u64::from(self.pages.count().saturating_sub(1));
        let regions = pages.div_ceil(u64::from(heap.region_size).saturating_add(1));
        if u64::from(heap.regions) != regions {
            let text = format!("{} regions, but the pages of the file make up {regions}", heap.regions);
            error(Field::Nregions, text);
        }
        if !heap.is_region(PageNo(heap.current)) || heap.current >= self.pages.count().max(2) {
            let text =
                format!("the current region is said to begin on page {}, where none does", heap.current);
            error(Field::CurRegion, text);
        }
    }

    fn region_page(&self, no: PageNo) {
        with_order!(self.pages.order(), O => {
            let Some(page) = self.pages.raw(no).and_then(Page::<O>::new) else { return };
            if page.is_hole() {
                self.report.sink.page();
                let text = "the page with which a region begins is empty: zeroed, or never written";
                self.report.error(Rule::Region, no, at::TYPE, text);
            } else if self.look::<O>(no, page) {
                self.is::<O>(no, page, PageKind::HeapRegion, 0);
            }
        });
    }

    /// How full a page is, by its region.
    fn fullness(&self, heap: &Heap, no: PageNo) -> Option<u8> {
        let (region, index) = heap.region(no)?;
        fullness(self.pages.raw(region)?, self.pages.overhead(), index)
    }

    /// Whether a page was made: its region names it, or one behind it, as the highest.
    fn is_made(&self, heap: &Heap, no: PageNo) -> bool {
        let region = heap.region(no).and_then(|(region, _)| self.pages.raw(region));
        region.and_then(|region| highest(region, self.pages.order())).is_some_and(|highest| highest >= no.0)
    }

    /// The table of a page of records, if it can be read.
    fn heap_page(&self, heap: &Heap, no: PageNo) -> Option<Table<'c>> {
        let (pages, report) = (self.pages, &self.report);
        let raw = pages.raw(no)?;
        let is_good = with_order!(pages.order(), O => {
            let page = Page::<O>::new(raw)?;
            if page.is_hole() {
                report.sink.page();
                if self.fullness(heap, no).is_some_and(|bits| bits > 0) {
                    let text = "the page is empty: zeroed, or never written; its region says that it is in use";
                    report.error(Rule::PageType, no, at::TYPE, text);
                } else if self.is_made(heap, no) {
                    // Recovery zeroes the pages of a transaction that did not commit.
                    let text = "the page was made and is empty: zeroed, or given back by a recovery";
                    report.warning(Rule::PageType, no, at::TYPE, text);
                }
                return None;
            }
            self.look::<O>(no, page) && self.is::<O>(no, page, PageKind::Heap, 0)
        });
        if !is_good {
            return None;
        }
        let table = Table::of(raw, pages.overhead(), pages.order(), pages.body_order())?;
        let used = table.used().count();
        if !table.fits() {
            let text = format!("{} slots do not fit the page", table.slots());
            report.error(Rule::HeapTable, no, HIGH_AT, text);
            return None;
        }
        if used != usize::from(table.entries) {
            let text = format!("{} entries, but {used} slots are used", table.entries);
            report.error(Rule::HeapTable, no, at::ENTRIES, text);
        }
        Some(table)
    }

    /// Checks the items of a page, and the records that begin with them.
    fn heap_items(&self, no: PageNo, table: Table<'c>, pieces: &mut [Pieces], left: &mut u64) {
        let report = &self.report;
        let mut items = Vec::new();
        for (slot, offset) in table.used() {
            if !table.may_start(offset) {
                let text = format!("slot {slot} points to {offset}, where no record can begin");
                report.error(Rule::HeapTable, no, table.slot_at(slot), text);
                continue;
            }
            let Some(item) = table.item(offset) else {
                let size = table.size(offset).unwrap_or(0);
                let text =
                    format!("a record of {size} bytes in slot {slot} reaches past the end of the page");
                report.error(Rule::HeapOverlap, no, offset.saturating_add(SIZE_AT), text);
                continue;
            };
            items.push((offset, item.space(), slot));
            if !item.has_known_flags() {
                let text = format!("flags {:#04x} of the record in slot {slot}", item.flags);
                report.error(Rule::HeapFlag, no, offset, text);
            }
            if let Some(external) = item.external() {
                self.external(no, offset, external, Holder::Heap);
            }
            if item.is_piece() && item.starts() {
                self.follow(RecordId { page: no, slot }, offset, item, pieces, left);
            } else if item.is_piece() {
                if let Some((there, _)) = pieces.get_mut(no.index()) {
                    *there = there.saturating_add(1);
                }
            }
        }
        items.sort_unstable();
        let ends = items.iter().skip(1).map(|&(next, ..)| next).chain([table.page_len()]);
        for (&(offset, space, slot), next) in items.iter().zip(ends) {
            let end = offset.saturating_add(space);
            if end > next {
                let text = format!("the record in slot {slot} ends at {end}, but another begins at {next}");
                report.error(Rule::HeapOverlap, no, offset.saturating_add(SIZE_AT), text);
            }
        }
        let lowest = table.used().map(|(_, offset)| offset).min().unwrap_or(table.page_len());
        if table.area != lowest {
            let text = format!("the item area starts at {}, but the lowest item at {lowest}", table.area);
            report.error(Rule::ItemArea, no, at::HF_OFFSET, text);
        }
        self.room(no, table, items.iter().fold(0, |sum, (_, space, _)| sum.saturating_add(*space)));
    }

    /// A page with little room is not among the emptiest of its region. What a region says of
    /// others may be old.
    fn room(&self, no: PageNo, table: Table<'_>, used: usize) {
        let Some((region, _)) = self.meta.heap().and_then(|heap| heap.region(no)) else { return };
        let bits = self.meta.heap().and_then(|heap| self.fullness(heap, no));
        if bits == Some(0) && used > table.page_len() / 2 {
            let text = format!("page {no} is said to be nearly empty, but {used} bytes on it are in use");
            self.report.warning(Rule::Region, region, self.pages.overhead(), text);
        }
    }

    /// Follows the pieces of a record from its first.
    fn follow(&self, id: RecordId, offset: usize, first: Item<'c>, pieces: &mut [Pieces], left: &mut u64) {
        let error =
            |page: PageNo, offset: usize, text: String| self.report.error(Rule::Split, page, offset, text);
        let (mut here, mut at, mut item) = (id, offset, first);
        let mut sum = 0u64;
        loop {
            sum = sum.saturating_add(u64::try_from(item.bytes.len()).unwrap_or(u64::MAX));
            if item.ends() || sum > u64::from(first.total) {
                break;
            }
            let Some(rest) = left.checked_sub(1) else {
                return error(
                    here.page,
                    at,
                    "the pieces of records lead to one another again and again".into(),
                );
            };
            *left = rest;
            let (page, slot) = (PageNo(item.next.0), item.next.1);
            let table = self.table(page);
            if let (Some(_), Some((_, led_to))) = (table, pieces.get_mut(page.index())) {
                *led_to = led_to.saturating_add(1);
            }
            let Some(table) = table else {
                let text = format!("the next piece is said to be on page {page}, which has none");
                return error(here.page, at.saturating_add(NEXT_PAGE_AT), text);
            };
            let place = table.offset(slot).filter(|&offset| table.may_start(offset));
            let found = place.and_then(|place| Some((place, table.item(place)?)));
            let Some((place, next)) = found.filter(|(_, next)| next.is_piece() && !next.starts()) else {
                let text =
                    format!("the next piece is said to be in slot {slot} of page {page}, where none is");
                return error(here.page, at.saturating_add(NEXT_SLOT_AT), text);
            };
            if next.bytes.is_empty() && !next.ends() {
                let text = format!("the piece in slot {slot} has no bytes, and is not the last");
                return error(page, place.saturating_add(SIZE_AT), text);
            }
            (here, at, item) = (RecordId { page, slot }, place, next);
        }
        if sum != u64::from(first.total) {
            let text = format!("the record is said to have {} bytes, its pieces have {sum}", first.total);
            error(id.page, offset.saturating_add(TOTAL_AT), text);
        }
    }

    /// The table of a page to which a piece leads: what is wrong with that is said elsewhere.
    fn table(&self, no: PageNo) -> Option<Table<'c>> {
        let raw = self.pages.raw(no).filter(|_| no != PageNo::META)?;
        let is_heap = raw.get(at::TYPE).copied().and_then(PageKind::from_byte) == Some(PageKind::Heap);
        let table = Table::of(raw, self.pages.overhead(), self.pages.order(), self.pages.body_order());
        table.filter(|_| is_heap)
    }
}
