//! The records of a HEAP: by page and slot, with the pieces that no record leads to
//! (database-format, annex C).

use std::collections::{BTreeMap, BTreeSet};

use super::external::External;
use super::flat::{Claim, Found};
use super::geometry::Geometry;
use super::note::{Note, Notes};
use super::owner::Owner;
use super::place::{Origin, Place, Provenance};
use super::record::{Bytes, Key, Recovered};
use super::report::SalvageReport;
use super::work::Work;
use crate::bits::Bits;
use crate::error::{Defect, Error};
use crate::format::external::Holder;
use crate::format::heap::{self, Item, NEXT_PAGE_AT, TOTAL_AT, Table};
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
    /// Pages of records.
    holding: Bits,
    /// Items that were found where no slot leads, by the slot that should.
    repaired: BTreeMap<RecordId, usize>,
    /// Pieces that begin no record and that no other leads to, by the bytes from there on; `None`,
    /// where there are several.
    heads: BTreeMap<u64, Option<RecordId>>,
}

/// An item, and the slot that leads to it.
#[derive(Clone, Copy, Debug)]
struct Standing<'s> {
    slot: u16,
    offset: usize,
    item: Item<'s>,
    notes: Notes,
}

/// The items that fill the space between others.
fn gaps<'s>(table: Table<'s>, lowest: usize, items: &[Standing<'s>]) -> Vec<(usize, Item<'s>)> {
    let mut taken: Vec<(usize, usize)> =
        items.iter().map(|one| (one.offset, one.offset.saturating_add(one.item.space()))).collect();
    taken.sort_unstable();
    taken.push((table.page_len(), table.page_len()));
    let (mut at, mut found) = (lowest, Vec::new());
    for (start, end) in taken {
        while at < start {
            let item = table.item(at).filter(|item| item.has_known_flags() || item.flags == 0);
            let Some(item) = item.filter(|item| at.saturating_add(item.space()) <= start) else { break };
            found.push((at, item));
            at = at.saturating_add(item.space());
        }
        at = at.max(end);
    }
    found
}

/// Notes items that reach into others.
fn mark_overlaps(items: &mut [Standing<'_>]) {
    let mut starts: Vec<usize> = items.iter().map(|one| one.offset).collect();
    starts.sort_unstable();
    for one in items {
        let next = starts.get(starts.partition_point(|start| *start <= one.offset));
        if next.is_some_and(|next| one.offset.saturating_add(one.item.space()) > *next) {
            one.notes.add(Note::Overlap);
        }
    }
}

pub(super) fn of<'s>(
    bytes: &'s [u8],
    claim: Option<Claim<'s>>,
    geometry: Geometry,
    owner: Owner,
) -> (Heap<'s>, Owner) {
    let size = geometry.page_size().bytes();
    let head = geometry.endianness();
    let pages = bytes.chunks_exact(size).skip(1);
    let one_order = claim.is_some_and(|claim| claim.layout.generation().has_one_order());
    let vote = |page| heap::body(page, geometry.overhead(), head);
    let body = if one_order { None } else { heap::most(pages.filter_map(vote)) }.unwrap_or(head);
    let pages = u32::try_from(bytes.len().div_ceil(size)).unwrap_or(u32::MAX);
    let region = claim.and_then(|claim| claim.number(Field::RegionSize));
    let mut heap = Heap {
        bytes,
        geometry,
        body,
        pages,
        holding: Bits::new(PageNo::META, 0),
        repaired: BTreeMap::new(),
        heads: BTreeMap::new(),
    };
    heap.survey();
    (heap, owner.with_heap(region))
}

impl<'s> Heap<'s> {
    fn raw(&self, no: PageNo) -> Option<&'s [u8]> {
        let size = self.geometry.page_size().bytes();
        let rest = self.bytes.get(no.index().checked_mul(size)?..)?;
        Some(rest.get(..size).unwrap_or(rest)).filter(|page| !page.is_empty())
    }

    /// The table of a page, if it is one of records.
    fn table(&self, no: PageNo) -> Option<Table<'s>> {
        if self.holding.has(no) { self.any_table(no) } else { None }
    }

    fn any_table(&self, no: PageNo) -> Option<Table<'s>> {
        let raw = self.raw(no)?;
        Table::of(raw, self.geometry.overhead(), self.geometry.endianness(), self.body)
    }

    /// Whether a page is one of records: by its type, or by what stands on it.
    fn holds(&self, no: PageNo) -> bool {
        let kind = self.raw(no).and_then(|raw| PageKind::from_byte(*raw.get(at::TYPE)?));
        let is_likely = |table: Table<'_>| table.entries > 0 && table.is_likely();
        kind == Some(PageKind::Heap) || self.any_table(no).is_some_and(is_likely)
    }

    /// The items of a page, by the slots that lead to them; and items where no slot leads, each
    /// with a slot that leads nowhere, as far as the page has as many.
    fn items(&self, table: Table<'s>) -> Vec<Standing<'s>> {
        let area = if table.area > table.page_len() { 0 } else { table.area };
        let lowest = area.max(self.geometry.overhead());
        // The slots end where the items begin.
        let room = lowest.saturating_sub(self.geometry.overhead()) / 2;
        let slots = PageNo(table.slots()).index().min(room);
        let (mut taken, mut items, mut lost) = (BTreeSet::new(), Vec::new(), Vec::new());
        // Items that overlap give no more than the page has.
        let mut left = table.page_len();
        for slot in (0..slots).filter_map(|slot| u16::try_from(slot).ok()) {
            let offset = table.offset(slot).filter(|offset| offset & 3 == 0 && *offset >= lowest);
            let found = offset.and_then(|offset| Some((offset, table.item(offset)?)));
            let found = found.filter(|(offset, item)| match left.checked_sub(item.bytes.len()) {
                Some(rest) if taken.insert(*offset) => {
                    left = rest;
                    true
                }
                _ => false,
            });
            match found {
                Some((offset, item)) => items.push(Standing { slot, offset, item, notes: Notes::default() }),
                None => lost.push(slot),
            }
        }
        if items.len() < usize::from(table.entries) {
            let missing = usize::from(table.entries).saturating_sub(items.len());
            let found = gaps(table, lowest, &items);
            for ((offset, item), slot) in found.into_iter().zip(lost).take(missing) {
                let mut notes = Notes::default();
                notes.add(Note::Slot);
                items.push(Standing { slot, offset, item, notes });
            }
            items.sort_by_key(|standing| standing.slot);
        }
        mark_overlaps(&mut items);
        items
    }

    /// The item to which a place leads.
    fn item_at(&self, id: RecordId) -> Option<(usize, Item<'s>)> {
        let table = self.table(id.page)?;
        let offset = match self.repaired.get(&id) {
            Some(offset) => *offset,
            None => table.offset(id.slot).filter(|&offset| offset != 0)?,
        };
        Some((offset, table.item(offset)?))
    }

    /// Looks at all pages once: which slots were damaged, and which pieces no other leads to.
    fn survey(&mut self) {
        let mut holding = Bits::new(PageNo::META, self.pages);
        let (mut led_to, mut pieces) = (BTreeSet::new(), Vec::new());
        for no in (1..self.pages).map(PageNo).filter(|no| self.holds(*no)) {
            holding.mark(no);
        }
        self.holding = holding;
        for no in (1..self.pages).map(PageNo) {
            let Some(table) = self.table(no) else { continue };
            for Standing { slot, offset, item, notes } in self.items(table) {
                let id = RecordId { page: no, slot };
                if notes.has(Note::Slot) {
                    self.repaired.insert(id, offset);
                }
                if !item.starts() {
                    pieces.push(id);
                }
                if !item.ends() {
                    led_to.insert(RecordId { page: PageNo(item.next.0), slot: item.next.1 });
                }
            }
        }
        pieces.retain(|id| !led_to.contains(id));
        let mut seen = BTreeSet::new();
        for id in pieces {
            let bytes = self.bytes_behind(id, &mut seen);
            self.heads.entry(bytes).and_modify(|only| *only = None).or_insert(Some(id));
        }
    }

    /// The bytes of a piece and of those behind it.
    fn bytes_behind(&self, first: RecordId, seen: &mut BTreeSet<RecordId>) -> u64 {
        let (mut sum, mut next) = (0u64, Some(first));
        while let Some(id) = next.filter(|id| seen.insert(*id)) {
            let Some((_, item)) = self.item_at(id) else { break };
            sum = sum.saturating_add(u64::try_from(item.bytes.len()).unwrap_or(u64::MAX));
            next = (!item.ends()).then_some(RecordId { page: PageNo(item.next.0), slot: item.next.1 });
        }
        sum
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
    page: Option<(PageNo, Notes, std::vec::IntoIter<Standing<'s>>)>,
    /// Pieces that records led to.
    led_to: BTreeSet<RecordId>,
    /// Whether the records were all given, and pieces are looked for.
    orphans: bool,
}

impl<'s> Walk<'s> {
    pub(super) fn new(heap: &'s Heap<'s>) -> Self {
        Walk { heap, no: 1, page: None, led_to: BTreeSet::new(), orphans: false }
    }

    pub(super) fn next(&mut self, work: &mut Work<'_>) -> Option<Found<'s>> {
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
                self.open(no, &mut work.report);
                continue;
            };
            let (no, of_page) = (*no, *notes);
            let Some(found) = items.next() else {
                self.page = None;
                continue;
            };
            let found = Standing { notes: found.notes.with(of_page), ..found };
            let id = RecordId { page: no, slot: found.slot };
            match (self.orphans, found.item.starts()) {
                (false, true) => return Some(self.record(id, found, work)),
                (true, false) if !self.led_to.contains(&id) => {
                    return Some(self.orphan(id, found, &mut work.report));
                }
                _ => {}
            }
        }
    }

    fn open(&mut self, no: PageNo, report: &mut SalvageReport) {
        let Some(table) = self.heap.table(no) else { return };
        let (mut notes, raw) = (Notes::default(), self.heap.raw(no).unwrap_or(&[]));
        let checked = self.heap.geometry.codec().check(raw, no);
        if let Err(Error::Authentication { .. }) = checked {
            // Named when all pages were opened.
            notes.add(Note::Checksum);
        }
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
        if let Err(error @ Error::Checksum { .. }) = checked {
            found(Note::Checksum, error);
        }
        let items = self.heap.items(table);
        let led_to = items.iter().filter(|one| !one.notes.has(Note::Slot)).count();
        if led_to != usize::from(table.entries) || !table.fits() {
            let why = "another number of slots leads to records";
            let defect = Defect::Entries { found: table.entries, why };
            found(Note::Header, Error::corrupt(no, at::ENTRIES, defect));
        }
        self.page = Some((no, notes, items.into_iter()));
    }

    /// A record, whole or put together.
    fn record(&mut self, id: RecordId, found: Standing<'s>, work: &mut Work<'_>) -> Found<'s> {
        let report = &mut work.report;
        let Standing { offset, item, mut notes, .. } = found;
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
            let total = u64::from(item.total);
            let (pieces, sum) = self.follow(id, found, Some(total), &mut notes, report);
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
        } else if let Some(whole) = item.external() {
            let at = u16::try_from(offset).unwrap_or(0);
            let external = External { item: whole, holder: Holder::Heap, at };
            let (externals, order) = (work.file.externals, self.heap.body);
            work.given.value(externals, id.page, external, order, &mut notes, report)
        } else {
            Recovered::Whole(Bytes::one(item.bytes))
        };
        let whole = item.is_piece() || item.external().is_some();
        let head = if whole { offset } else { offset.saturating_add(item.head) };
        let provenance = self.heap.provenance(id.page, id.slot, head, Origin::Tree);
        Found { key: Key::Record(None), value, provenance, notes }
    }

    /// Pieces without the one with which their record began.
    fn orphan(&mut self, id: RecordId, found: Standing<'s>, report: &mut SalvageReport) -> Found<'s> {
        let Standing { offset, mut notes, .. } = found;
        self.led_to.insert(id);
        report.problem(Error::corrupt(id.page, offset, Defect::Unreachable { entries: 1 }));
        let (pieces, sum) = self.follow(id, found, None, &mut notes, report);
        let expected = u32::try_from(sum).unwrap_or(u32::MAX);
        let provenance = self.heap.provenance(id.page, id.slot, offset, Origin::Orphan);
        Found {
            key: Key::Record(None),
            value: Recovered::Part { bytes: Bytes::many(pieces), expected },
            provenance,
            notes,
        }
    }

    /// The bytes of a piece and of those behind it, each of which belongs to one record. `total` is
    /// the length of the record, by its first piece.
    fn follow(
        &mut self,
        id: RecordId,
        first: Standing<'s>,
        total: Option<u64>,
        notes: &mut Notes,
        report: &mut SalvageReport,
    ) -> (Vec<&'s [u8]>, u64) {
        let (mut here, mut at, mut item) = (id, first.offset, first.item);
        let (mut pieces, mut sum) = (Vec::new(), 0u64);
        loop {
            pieces.push(item.bytes);
            sum = sum.saturating_add(u64::try_from(item.bytes.len()).unwrap_or(u64::MAX));
            if item.ends() {
                return (pieces, sum);
            }
            let mut next = RecordId { page: PageNo(item.next.0), slot: item.next.1 };
            let is_piece = |(_, item): &(usize, Item<'s>)| item.is_piece() && !item.starts();
            let mut found = self.heap.item_at(next).filter(is_piece).filter(|_| self.led_to.insert(next));
            if found.is_none() {
                let (field, expected) = ("page of the next piece", "that of a piece of this record alone");
                let at = at.saturating_add(NEXT_PAGE_AT);
                report.problem(Error::field(here.page, at, field, next.page.0, expected));
                if let Some(head) = self.lost(total.and_then(|total| total.checked_sub(sum))) {
                    notes.add(Note::Joined);
                    next = head;
                    found = self.heap.item_at(head).filter(|_| self.led_to.insert(head));
                }
            }
            let Some((place, behind)) = found else { return (pieces, sum) };
            (here, at, item) = (next, place, behind);
        }
    }

    /// The only piece that nothing leads to and that has, with those behind it, as many bytes as
    /// are missing.
    fn lost(&self, missing: Option<u64>) -> Option<RecordId> {
        let missing = missing.filter(|&missing| missing > 0)?;
        self.heap.heads.get(&missing).copied().flatten().filter(|id| !self.led_to.contains(id))
    }
}
