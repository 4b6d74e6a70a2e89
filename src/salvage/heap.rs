//! The records of a HEAP: by page and slot, with the pieces that no record leads to
//! (database-format, annex C).

use std::collections::BTreeSet;

use super::flat::{Claim, Found};
use super::geometry::Geometry;
use super::note::{Note, Notes};
use super::owner::Owner;
use super::place::{Origin, Place, Provenance};
use super::record::{Bytes, Key, Recovered};
use super::report::Report;
use crate::error::{Defect, Error};
use crate::format::heap::{Item, NEXT_PAGE_AT, TOTAL_AT, Table, body_order};
use crate::format::meta::Field;
use crate::format::page::{PageKind, at};
use crate::order::Endianness;
use crate::types::{PageNo, RecordId};

/// A HEAP as a salvage sees it.
#[derive(Debug)]
pub(super) struct Heap<'s> {
    bytes: &'s [u8],
    geometry: Geometry,
    body: Endianness,
    pages: u32,
}

pub(super) fn of<'s>(
    bytes: &'s [u8],
    claim: Option<Claim<'s>>,
    geometry: Geometry,
    owner: Owner,
) -> (Heap<'s>, Owner) {
    let size = geometry.page_size().bytes();
    let all = bytes.chunks_exact(size).skip(1);
    let body = body_order(all, geometry.overhead(), geometry.endianness()).unwrap_or(geometry.endianness());
    let pages = u32::try_from(bytes.len().div_ceil(size)).unwrap_or(u32::MAX);
    let region = claim.and_then(|claim| claim.number(Field::RegionSize));
    (Heap { bytes, geometry, body, pages }, owner.with_heap(region))
}

impl<'s> Heap<'s> {
    fn raw(&self, no: PageNo) -> Option<&'s [u8]> {
        let size = self.geometry.page_size().bytes();
        let rest = self.bytes.get(no.index().checked_mul(size)?..)?;
        Some(rest.get(..size).unwrap_or(rest)).filter(|page| !page.is_empty())
    }

    /// The table of a page, if it is one of records: by its type, or by what stands on it.
    fn table(&self, no: PageNo) -> Option<Table<'s>> {
        let raw = self.raw(no).filter(|_| no != PageNo::META)?;
        let table = Table::of(raw, self.geometry.overhead(), self.geometry.endianness(), self.body)?;
        let kind = raw.get(at::TYPE).copied().and_then(PageKind::from_byte);
        let is_one = kind == Some(PageKind::Heap) || (table.entries > 0 && table.is_likely());
        Some(table).filter(|_| is_one)
    }

    /// The used slots of a page, each with its item: as many as lead to one.
    fn items(&self, table: Table<'s>) -> Vec<(u16, usize, Item<'s>)> {
        let mut taken = BTreeSet::new();
        let area = if table.area > table.page_len() { 0 } else { table.area };
        let lowest = area.max(self.geometry.overhead());
        // The slots end where the items begin.
        let room = lowest.saturating_sub(self.geometry.overhead()) / 2;
        let slots = table.used().filter(|(slot, _)| usize::from(*slot) < room);
        let good = slots.filter(|(_, offset)| offset & 3 == 0 && *offset >= lowest);
        let items = good.filter_map(|(slot, offset)| Some((slot, offset, table.item(offset)?)));
        items.filter(|(_, offset, _)| taken.insert(*offset)).collect()
    }

    fn provenance(&self, no: PageNo, slot: u16, offset: usize, origin: Origin) -> Provenance {
        let says = self.raw(no).and_then(|page| self.geometry.endianness().u32_at(page, at::PGNO));
        let start = u64::from(no.0).saturating_mul(self.geometry.page_size().get().into());
        Provenance {
            page: no,
            says: says.map(PageNo).filter(|says| *says != no),
            offset: start.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX)),
            place: Place::Slot(slot),
            origin,
        }
    }
}

/// A walk over the records, and then over the pieces that none led to.
#[derive(Debug)]
pub(super) struct Walk<'s> {
    heap: &'s Heap<'s>,
    no: u32,
    page: Option<(PageNo, Notes, std::vec::IntoIter<(u16, usize, Item<'s>)>)>,
    /// Pieces that records led to.
    led_to: BTreeSet<RecordId>,
    /// Whether the records were all given, and pieces are looked for.
    orphans: bool,
}

impl<'s> Walk<'s> {
    pub(super) fn new(heap: &'s Heap<'s>) -> Self {
        Walk { heap, no: 1, page: None, led_to: BTreeSet::new(), orphans: false }
    }

    pub(super) fn next(&mut self, report: &mut Report) -> Option<Found<'s>> {
        loop {
            let Some((no, notes, items)) = &mut self.page else {
                if self.no >= self.heap.pages {
                    if std::mem::replace(&mut self.orphans, true) {
                        return None;
                    }
                    self.no = 1;
                    continue;
                }
                let no = PageNo(self.no);
                self.no = self.no.saturating_add(1);
                self.open(no, report);
                continue;
            };
            let (no, notes) = (*no, *notes);
            let Some((slot, offset, item)) = items.next() else {
                self.page = None;
                continue;
            };
            let id = RecordId { page: no, slot };
            match (self.orphans, item.starts()) {
                (false, true) => return Some(self.record(id, offset, item, notes, report)),
                (true, false) if !self.led_to.contains(&id) => {
                    return Some(self.orphan(id, offset, item, notes, report));
                }
                _ => {}
            }
        }
    }

    fn open(&mut self, no: PageNo, report: &mut Report) {
        let Some(table) = self.heap.table(no) else { return };
        let (mut notes, raw) = (Notes::default(), self.heap.raw(no).unwrap_or(&[]));
        // What is wrong with the page is said once.
        let mut found = |note, error| {
            notes.add(note);
            if !self.orphans {
                report.problem(error);
            }
        };
        let size = self.heap.geometry.page_size().bytes();
        if raw.len() < size {
            let len = u64::try_from(raw.len()).unwrap_or(u64::MAX);
            found(Note::Cut, Error::field(no, 0, "length", len, "a whole page"));
        }
        let says = self.heap.geometry.endianness().u32_at(raw, at::PGNO).unwrap_or(0);
        if says != no.0 {
            found(Note::PageNumber, Error::corrupt(no, at::PGNO, Defect::PageNumber { found: says }));
        }
        let type_byte = raw.get(at::TYPE).copied().unwrap_or(0);
        if PageKind::from_byte(type_byte) != Some(PageKind::Heap) {
            let defect = Defect::PageType { found: type_byte, expected: "heap" };
            found(Note::Header, Error::corrupt(no, at::TYPE, defect));
        }
        if let Err(error) = self.heap.geometry.codec().check(raw, no) {
            found(Note::Checksum, error);
        }
        let items = self.heap.items(table);
        if items.len() != usize::from(table.entries) {
            let why = "another number of slots leads to records";
            let defect = Defect::Entries { found: table.entries, why };
            found(Note::Header, Error::corrupt(no, at::ENTRIES, defect));
        }
        self.page = Some((no, notes, items.into_iter()));
    }

    /// A record, whole or put together.
    fn record(
        &mut self,
        id: RecordId,
        offset: usize,
        item: Item<'s>,
        mut notes: Notes,
        report: &mut Report,
    ) -> Found<'s> {
        if !item.has_known_flags() {
            report.problem(Error::field(
                id.page,
                offset,
                "flags of a record",
                item.flags,
                "those of a record",
            ));
            notes.add(Note::Header);
        }
        let value = if item.is_piece() {
            let (pieces, sum) = self.follow(id, offset, item, report);
            let total = u64::from(item.total);
            if sum != total {
                let defect = Defect::SplitLength { found: sum, expected: item.total };
                report.problem(Error::corrupt(id.page, offset.saturating_add(TOTAL_AT), defect));
            }
            if sum < total {
                Recovered::Part { bytes: Bytes::many(pieces), expected: item.total }
            } else {
                if sum > total {
                    notes.add(Note::ChainLength);
                }
                Recovered::Whole(Bytes::many(pieces))
            }
        } else {
            Recovered::Whole(Bytes::one(item.bytes))
        };
        let head = if item.is_piece() { offset } else { offset.saturating_add(item.head) };
        let provenance = self.heap.provenance(id.page, id.slot, head, Origin::Tree);
        Found { key: Key::Record(None), value, provenance, notes }
    }

    /// Pieces without the one with which their record began.
    fn orphan(
        &mut self,
        id: RecordId,
        offset: usize,
        item: Item<'s>,
        notes: Notes,
        report: &mut Report,
    ) -> Found<'s> {
        self.led_to.insert(id);
        report.problem(Error::corrupt(id.page, offset, Defect::Unreachable { entries: 1 }));
        let (pieces, sum) = self.follow(id, offset, item, report);
        let expected = u32::try_from(sum).unwrap_or(u32::MAX);
        let provenance = self.heap.provenance(id.page, id.slot, offset, Origin::Orphan);
        Found {
            key: Key::Record(None),
            value: Recovered::Part { bytes: Bytes::many(pieces), expected },
            provenance,
            notes,
        }
    }

    /// The bytes of a piece and of those behind it, each of which belongs to one record.
    fn follow(
        &mut self,
        id: RecordId,
        offset: usize,
        first: Item<'s>,
        report: &mut Report,
    ) -> (Vec<&'s [u8]>, u64) {
        let (mut here, mut at, mut item) = (id, offset, first);
        let (mut pieces, mut sum) = (Vec::new(), 0u64);
        loop {
            pieces.push(item.bytes);
            sum = sum.saturating_add(u64::try_from(item.bytes.len()).unwrap_or(u64::MAX));
            if item.ends() {
                return (pieces, sum);
            }
            let next = RecordId { page: PageNo(item.next.0), slot: item.next.1 };
            let table = self.heap.table(next.page);
            let place = table.and_then(|table| table.offset(next.slot)).filter(|&place| place != 0);
            let found = place.and_then(|place| Some((place, table?.item(place)?)));
            let found = found.filter(|(_, item)| item.is_piece() && !item.starts());
            let Some((place, behind)) = found.filter(|_| self.led_to.insert(next)) else {
                let (field, expected) = ("page of the next piece", "that of a piece of this record alone");
                let at = at.saturating_add(NEXT_PAGE_AT);
                report.problem(Error::field(here.page, at, field, next.page.0, expected));
                return (pieces, sum);
            };
            (here, at, item) = (next, place, behind);
        }
    }
}
