//! Records of a HEAP: their pages, and the pieces of those that no page could hold
//! (database-format, annex C).

use std::borrow::Cow;

use super::place::Origin;
use super::space::Pages;
use crate::error::{Defect, Error, Result, file_bytes};
use crate::format::heap::{Item, NEXT_PAGE_AT, NEXT_SLOT_AT, SIZE_AT, TOTAL_AT, Table, fullness};
use crate::format::page::{Page, PageKind, at};
use crate::order::with_order;
use crate::types::{PageNo, RecordId};

/// A page of records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeapPage<'a> {
    pub(crate) no: PageNo,
    pub(crate) table: Table<'a>,
}

/// An item of a page, and its offset there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) offset: usize,
    pub(crate) item: Item<'a>,
}

impl<'a> HeapPage<'a> {
    /// The page of this number, to which `from` leads; `None`, if it holds no records: a region
    /// page, or one that was never written.
    pub(crate) fn open(pages: &'a Pages<'a>, no: PageNo, from: Origin) -> Result<Option<HeapPage<'a>>> {
        let raw = pages.raw(no).ok_or_else(|| pages.beyond_end(no, from))?;
        let holds = pages.check_once(no, || check(pages, no, raw, from))?;
        let is_region = || pages.meta().heap().is_some_and(|heap| heap.is_region(no));
        if holds == Some(false) || is_region() || is_hole(pages, raw) {
            return Ok(None);
        }
        let table = Table::of(raw, pages.overhead(), pages.order(), pages.body_order());
        Ok(table.map(|table| HeapPage { no, table }))
    }

    /// The item of a slot; `None` if the slot is free, or there is none such.
    pub(crate) fn item(&self, slot: u16) -> Result<Option<Placed<'a>>> {
        let Some(offset) = self.table.offset(slot).filter(|&offset| offset != 0) else { return Ok(None) };
        let (no, table) = (self.no, self.table);
        if !table.may_start(offset) {
            let (found, lowest) = (u16::try_from(offset).unwrap_or(u16::MAX), table.area.max(table.end()));
            let end = self.table.page_len();
            let defect = Defect::ItemOffset { slot, found, lowest, end };
            return Err(Error::corrupt(no, table.slot_at(slot), defect));
        }
        let Some(item) = table.item(offset) else {
            let len = u32::from(table.size(offset).unwrap_or(0));
            let defect = Defect::ItemLength { slot, len, end: table.page_len() };
            return Err(Error::corrupt(no, offset.saturating_add(SIZE_AT), defect));
        };
        if !item.has_known_flags() {
            let expected = "flags of a piece on pieces only, that of an external file alone";
            return Err(Error::field(no, offset, "flags of a record", item.flags, expected));
        }
        Ok(Some(Placed { offset, item }))
    }
}

fn is_hole(pages: &Pages<'_>, raw: &[u8]) -> bool {
    with_order!(pages.order(), O => Page::<O>::new(raw).is_some_and(|page| page.is_hole()))
}

/// Checks a page to which `from` leads; says whether it holds records.
fn check(pages: &Pages<'_>, no: PageNo, raw: &[u8], from: Origin) -> Result<bool> {
    let is_region = pages.meta().heap().is_some_and(|heap| heap.is_region(no));
    if is_hole(pages, raw) {
        if !is_region && !has_records(pages, no) {
            return Ok(false);
        }
        let defect = Defect::Unwritten { page: from.page, offset: from.offset };
        return Err(Error::corrupt(no, at::TYPE, defect));
    }
    let found = with_order!(pages.order(), O => pages.page::<O>(no, from)?.type_byte());
    let kind = if is_region { PageKind::HeapRegion } else { PageKind::Heap };
    if PageKind::from_byte(found) != Some(kind) {
        return Err(Error::corrupt(no, at::TYPE, Defect::PageType { found, expected: kind.name() }));
    }
    let table = Table::of(raw, pages.overhead(), pages.order(), pages.body_order());
    let Some(table) = table.filter(|_| !is_region) else { return Ok(false) };
    let wrong = |why| Err(Error::corrupt(no, at::ENTRIES, Defect::Entries { found: table.entries, why }));
    if !table.fits() {
        return wrong("the slots do not fit the page");
    }
    let mut items: Vec<(usize, usize)> =
        table.used().map(|(_, offset)| (offset, table.item(offset).map_or(0, |item| item.space()))).collect();
    if items.len() != usize::from(table.entries) {
        return wrong("another number of slots is used");
    }
    items.sort_unstable();
    if items.first().map_or(table.page_len(), |(lowest, _)| *lowest) != table.area {
        return wrong("the item area does not begin with the lowest of them");
    }
    let next = items.iter().skip(1).map(|(offset, _)| *offset);
    for ((offset, space), next) in items.iter().zip(next) {
        let end = offset.saturating_add(*space);
        if end > next {
            let found = u64::try_from(end).unwrap_or(u64::MAX);
            return Err(Error::field(
                no,
                *offset,
                "end of a record",
                found,
                "not behind the start of another",
            ));
        }
    }
    Ok(true)
}

/// Whether the region says that a page has records. That it is not the highest that was made means
/// nothing: what a transaction that did not commit had made is zeroed, and stays below it.
fn has_records(pages: &Pages<'_>, no: PageNo) -> bool {
    let region = pages.meta().heap().and_then(|heap| heap.region(no));
    let says =
        region.and_then(|(region, index)| Some(fullness(pages.raw(region)?, pages.overhead(), index)? > 0));
    says.unwrap_or(false)
}

/// A record in pieces, as its first piece states it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    pub(crate) first: RecordId,
    /// Where the first piece stands.
    pub(crate) offset: u32,
    pub(crate) len: u32,
}

impl Split {
    /// All bytes in memory, if the limits allow it.
    pub(crate) fn assemble<'a>(self, pages: &Pages<'_>) -> Result<Cow<'a, [u8]>> {
        let limit = pages.limits().max_item;
        if self.len > limit {
            return Err(Error::LimitExceeded { page: self.first.page, len: self.len, limit });
        }
        let (mut bytes, mut step) = (Vec::new(), Step::first(self));
        while let Some((piece, next)) = step.piece(pages, self)? {
            bytes.extend_from_slice(piece);
            step = next;
        }
        Ok(Cow::Owned(bytes))
    }
}

/// A piece that comes next, who leads to it, and the bytes that are still to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// `None` behind the last piece.
    pub(crate) next: Option<RecordId>,
    from: Origin,
    left: u32,
}

impl Step {
    pub(crate) fn first(split: Split) -> Step {
        let offset = PageNo(split.offset).index();
        let from = Origin { page: split.first.page, offset, what: "piece on page" };
        Step { next: Some(split.first), from, left: split.len }
    }

    /// The next piece and what follows it; `None` at the proper end.
    pub(crate) fn piece<'a>(self, pages: &'a Pages<'a>, split: Split) -> Result<Option<(&'a [u8], Step)>> {
        let file = file_bytes(pages.count(), pages.size());
        let total_at = PageNo(split.offset).index().saturating_add(TOTAL_AT);
        let of_total = |defect| Err(Error::corrupt(split.first.page, total_at, defect));
        if u64::from(split.len) > file {
            return of_total(Defect::LengthBeyondFile { found: split.len, file });
        }
        let wrong_length = |found: u32| {
            let found = u64::from(split.len.saturating_sub(self.left)).saturating_add(found.into());
            of_total(Defect::SplitLength { found, expected: split.len })
        };
        let Some(id) = self.next else {
            return if self.left == 0 { Ok(None) } else { wrong_length(0) };
        };
        let leads_nowhere = |slot: bool| {
            let (offset, field, found) = match slot {
                true => (
                    self.from.offset.saturating_add(NEXT_SLOT_AT - NEXT_PAGE_AT),
                    "slot of the next piece",
                    u32::from(id.slot),
                ),
                false => (self.from.offset, "page of the next piece", id.page.0),
            };
            Err(Error::field(self.from.page, offset, field, found, "that of a piece"))
        };
        // What is wrong with a page is said once, for the page.
        if id.page == PageNo::META || pages.is_wrong(id.page) {
            return leads_nowhere(false);
        }
        let Some(page) = HeapPage::open(pages, id.page, self.from)? else { return leads_nowhere(false) };
        let Some(Placed { offset, item }) = page.item(id.slot)? else { return leads_nowhere(true) };
        if !item.is_piece() || item.starts() != (id == split.first) {
            return leads_nowhere(true);
        }
        let len = u32::try_from(item.bytes.len()).unwrap_or(u32::MAX);
        let Some(left) = self.left.checked_sub(len) else { return wrong_length(len) };
        // Pieces without bytes would make a loop that no length ends.
        if len == 0 && !item.ends() {
            let at = offset.saturating_add(SIZE_AT);
            return Err(Error::field(id.page, at, "size of a piece", 0u32, "some bytes"));
        }
        let (page, slot) = item.next;
        let next = (!item.ends()).then_some(RecordId { page: PageNo(page), slot });
        let at = offset.saturating_add(NEXT_PAGE_AT);
        let from = Origin { page: id.page, offset: at, what: "page of the next piece" };
        Ok(Some((item.bytes, Step { next, from, left })))
    }
}
