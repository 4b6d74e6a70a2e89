//! The leaves of a BTREE 3 or a RECNO: those of the tree in its order, then all others.

use std::collections::BTreeSet;

use super::{Chains, Gathered, Pages, beyond, small};
use crate::bits::Bits;
use crate::error::{Defect, Error};
use crate::format::series1::tree::{
    self as format, Kind, LEAF_HEAD, Page, Pair, RECORD_HEAD, ROOT, at, reference,
};
use crate::salvage::flat::Found;
use crate::salvage::note::{Note, Notes};
use crate::salvage::place::{Origin, Place};
use crate::salvage::record::{Bytes, Key, Recovered};
use crate::salvage::report::SalvageReport;
use crate::types::PageNo;

/// A walk over the records.
#[derive(Debug)]
pub(in crate::salvage) struct Walk<'s> {
    file: Pages<'s>,
    recno: bool,
    deleted: bool,
    /// Leaves that are still to come, with what led to each, and the number of its first record.
    leaves: std::vec::IntoIter<(PageNo, Origin, Option<u32>)>,
    leaf: Option<Leaf<'s>>,
    chains: Chains,
    /// Whether the leaves were looked for.
    started: bool,
    free: Option<PageNo>,
}

/// A leaf, and the items of it that are still to come.
#[derive(Debug)]
struct Leaf<'s> {
    no: PageNo,
    page: Page<'s>,
    notes: Notes,
    items: std::vec::IntoIter<(Place, usize, Origin, Option<u32>)>,
    /// Bytes that its items may still give: those that overlap give no more than the page has.
    left: usize,
}

impl<'s> Walk<'s> {
    pub(super) fn new(file: Pages<'s>, recno: bool, free: Option<PageNo>, deleted: bool) -> Self {
        let chains = Chains::new(&file);
        Walk {
            file,
            recno,
            deleted,
            leaves: Vec::new().into_iter(),
            leaf: None,
            chains,
            started: false,
            free,
        }
    }

    pub(super) fn next(&mut self, report: &mut SalvageReport) -> Option<Found<'s>> {
        if !std::mem::replace(&mut self.started, true) {
            self.leaves = self.all_leaves(report).into_iter();
        }
        loop {
            if let Some(leaf) = &mut self.leaf {
                let Some((place, start, origin, number)) = leaf.items.next() else {
                    self.leaf = None;
                    continue;
                };
                let (no, page, notes) = (leaf.no, leaf.page, leaf.notes);
                let Some(left) = leaf.left.checked_sub(page.space(start).unwrap_or(0)) else { continue };
                leaf.left = left;
                if let Some(found) = self.item(no, &page, (place, start, origin, number), notes, report) {
                    return Some(found);
                }
                continue;
            }
            let (no, origin, first) = self.leaves.next()?;
            self.leaf = self.open(no, origin, first, report);
        }
    }

    fn page(&self, no: PageNo) -> Option<Page<'s>> {
        Page::new(self.file.raw(no)?, self.file.geometry.endianness())
    }

    fn is_leaf(&self, page: &Page<'_>) -> bool {
        page.kind() == Some(if self.recno { Kind::RecnoLeaf } else { Kind::Leaf })
    }

    /// The leaves of the tree, then those that nothing leads to, by page; what is on the free list,
    /// if deleted records are wanted.
    fn all_leaves(&self, report: &mut SalvageReport) -> Vec<(PageNo, Origin, Option<u32>)> {
        let mut seen = self.file.none();
        let mut leaves = self.tree(&mut seen, report);
        let mut free = self.file.none();
        let mut next = self.free;
        while let Some(no) = next.filter(|no| !seen.has(*no) && free.mark(*no)) {
            next = self.page(no).and_then(|page| PageNo::link(page.next()));
        }
        for no in self.file.numbers().map(PageNo).filter(|no| !seen.has(*no)) {
            let Some(page) = self.page(no).filter(|page| self.is_leaf(page)) else { continue };
            if !page.has_index() && page.pgno() != no.0 {
                continue;
            }
            let is_free = free.has(no);
            if !is_free || self.deleted {
                leaves.push((no, if is_free { Origin::Free } else { Origin::Orphan }, None));
            }
        }
        leaves
    }

    /// The leaves below the root, in their order.
    fn tree(&self, seen: &mut Bits, report: &mut SalvageReport) -> Vec<(PageNo, Origin, Option<u32>)> {
        let mut leaves = Vec::new();
        let mut records = Some(0u32);
        // Each page with the place that leads to it.
        let mut todo = vec![(PageNo(ROOT), PageNo::META, 0usize, 0u32)];
        while let Some((no, from, offset, counted)) = todo.pop() {
            let Some(page) = self.page(no) else {
                report.problem(beyond(&self.file, no, from, offset, "child page"));
                records = records.and_then(|records| records.checked_add(counted));
                continue;
            };
            if seen.has(no) {
                report.problem(Error::corrupt(from, offset, Defect::ReachedTwice { target: no.0 }));
                continue;
            }
            if self.is_leaf(&page) {
                seen.mark(no);
                leaves.push((no, Origin::Tree, records));
                let slots = u32::try_from(page.slots()).unwrap_or(u32::MAX);
                records = records.and_then(|records| records.checked_add(slots));
                continue;
            }
            let internal = if self.recno { Kind::RecnoInternal } else { Kind::Internal };
            if page.kind() != Some(internal) {
                let found = u8::try_from(page.flags() & 0x1f).unwrap_or(0);
                let defect = Defect::PageType { found, expected: "that of a page of the tree" };
                report.problem(Error::corrupt(no, at::FLAGS, defect));
                records = records.and_then(|records| records.checked_add(counted));
                continue;
            }
            seen.mark(no);
            self.inspect(no, &page, report);
            let mut children = Vec::new();
            for slot in 0..page.slots() {
                match page.offset(slot).and_then(|start| Some((start, page.child(start)?))) {
                    Some((start, child)) => {
                        children.push((PageNo(child.page), no, start.saturating_add(4), child.records));
                    }
                    None => {
                        let (found, lowest) = (small(page.stated(slot)), page.lower());
                        let defect =
                            Defect::ItemOffset { slot: small(slot), found, lowest, end: page.bytes().len() };
                        report.problem(Error::corrupt(no, Page::slot_at(slot), defect));
                    }
                }
            }
            todo.extend(children.into_iter().rev());
        }
        leaves
    }

    /// What is wrong with the header of a page.
    fn inspect(&self, no: PageNo, page: &Page<'_>, report: &mut SalvageReport) -> Notes {
        let mut notes = Notes::default();
        if !self.file.is_whole(page.bytes()) {
            let len = u64::try_from(page.bytes().len()).unwrap_or(u64::MAX);
            report.problem(Error::field(no, 0, "length", len, "a whole page"));
            notes.add(Note::Cut);
        }
        if page.pgno() != no.0 {
            report.problem(Error::corrupt(no, at::PGNO, Defect::PageNumber { found: page.pgno() }));
            notes.add(Note::PageNumber);
        }
        if !page.has_index() && self.file.is_whole(page.bytes()) {
            let lower = u64::try_from(page.lower()).unwrap_or(u64::MAX);
            report.problem(Error::field(no, at::LOWER, "lower", lower, "the end of an index"));
            notes.add(Note::Header);
        }
        notes
    }

    /// A leaf: the items of its slots, or where the header is damaged those that the page ends with;
    /// and what is left in its unused space, if that is wanted.
    fn open(
        &self,
        no: PageNo,
        origin: Origin,
        first: Option<u32>,
        report: &mut SalvageReport,
    ) -> Option<Leaf<'s>> {
        let page = self.page(no)?;
        let notes = self.inspect(no, &page, report);
        let mut items = Vec::new();
        let mut taken = BTreeSet::new();
        // A page that is cut has slots for items that are gone.
        let size = self.file.geometry.page_size().bytes();
        let slots = match page.has_index() || page.bytes().len() < size {
            true => page.lower().min(page.bytes().len()).saturating_sub(format::HEADER) >> 1,
            false => 0,
        };
        for slot in 0..slots {
            let start = self.item_start(&page, page.stated(slot));
            let Some(start) = start.filter(|start| page.space(*start).is_some()) else {
                let (found, lowest) = (small(page.stated(slot)), page.lower());
                let defect = Defect::ItemOffset { slot: small(slot), found, lowest, end: size };
                report.problem(Error::corrupt(no, Page::slot_at(slot), defect));
                continue;
            };
            let number = first.and_then(|first| first.checked_add(small(slot).into())?.checked_add(1));
            if taken.insert(start) {
                items.push((Place::Slot(small(slot)), start, origin, number));
            }
        }
        let lost = slots > items.len() || (slots == 0 && notes.has(Note::Header));
        if lost || self.deleted {
            let lowest = page.lower().max(format::HEADER).min(page.bytes().len());
            let lowest = if page.has_index() { lowest } else { format::HEADER };
            let found = if lost { origin } else { Origin::Unused };
            self.gaps(&page, lowest, lost.then_some(origin), &mut taken, |start, live| {
                let origin = if live { found } else { Origin::Unused };
                items.push((Place::Offset(small(start)), start, origin, None));
            });
        }
        let left = page.bytes().len();
        Some(Leaf { no, page, notes, items: items.into_iter(), left })
    }

    /// Where an item may start: as on a whole page, also if the file ends within this one.
    fn item_start(&self, page: &Page<'_>, at: usize) -> Option<usize> {
        let size = self.file.geometry.page_size().bytes();
        let aligned = size.checked_sub(at).is_some_and(|len| len > 0 && len & 3 == 0);
        (aligned && at >= format::HEADER && at < page.bytes().len()).then_some(at)
    }

    /// Items between others: in the item area they are live ones whose slot is lost, below it what
    /// deleted ones left behind.
    fn gaps(
        &self,
        page: &Page<'_>,
        lowest: usize,
        lost: Option<Origin>,
        taken: &mut BTreeSet<usize>,
        mut found: impl FnMut(usize, bool),
    ) {
        let end = page.bytes().len();
        let upper = if page.has_index() { page.upper() } else { lowest };
        let mut starts: Vec<usize> = taken.iter().copied().collect();
        starts.push(end);
        let contents: BTreeSet<&[u8]> =
            starts.iter().filter_map(|start| self.content(page, *start)).collect();
        let size = self.file.geometry.page_size().bytes();
        let mut start = lowest.saturating_add(size.saturating_sub(lowest) & 3);
        let mut next = starts.iter().copied().peekable();
        while start < end {
            while next.peek().is_some_and(|at| *at < start) {
                next.next();
            }
            let stop = next.peek().copied().unwrap_or(end);
            if start == stop {
                start = start.saturating_add(page.space(start).unwrap_or(4).max(4));
                continue;
            }
            let live = start >= upper;
            let space = page.space(start).filter(|space| start.saturating_add(*space) <= stop);
            let wanted = if live { lost.is_some() } else { self.deleted };
            match space.filter(|_| wanted && self.is_likely(page, start)) {
                Some(space) => {
                    // What was moved has left a copy of what stands elsewhere.
                    if live || self.content(page, start).is_some_and(|item| !contents.contains(item)) {
                        found(start, live);
                    }
                    start = start.saturating_add(space);
                }
                None => start = start.saturating_add(4),
            }
        }
    }

    /// The bytes of an item, from its head to its end.
    fn content<'p>(&self, page: &Page<'p>, start: usize) -> Option<&'p [u8]> {
        page.bytes().get(start..start.checked_add(page.space(start)?)?)
    }

    /// Whether something that no slot leads to is an item: it has known flags and some bytes.
    fn is_likely(&self, page: &Page<'_>, start: usize) -> bool {
        match self.recno {
            true => page.record(start).is_some_and(|record| record.is_sound() && !record.data.is_empty()),
            false => page.pair(start).is_some_and(|pair| {
                pair.is_sound() && !pair.key.is_empty() && (!pair.data.is_empty() || pair.flags() == 0)
            }),
        }
    }

    fn item(
        &mut self,
        no: PageNo,
        page: &Page<'s>,
        (place, start, origin, number): (Place, usize, Origin, Option<u32>),
        mut notes: Notes,
        report: &mut SalvageReport,
    ) -> Option<Found<'s>> {
        let provenance = self.file.provenance(no, Some(page.pgno()), place, start, origin);
        if self.recno {
            let record = page.record(start)?;
            if !record.is_sound() {
                self.flags(no, start.saturating_add(RECORD_HEAD - 1), place, record.flags(), report);
                notes.add(Note::Header);
            }
            let data_at = start.saturating_add(RECORD_HEAD);
            let refer = reference(record.data, page.body()).filter(|_| record.is_big() && record.is_sound());
            let value = match refer {
                Some(reference) => self.chain(no, data_at, reference, &mut notes, report),
                None => Recovered::Whole(Bytes::one(record.data)),
            };
            return Some(Found { key: Key::Record(number), value, provenance, notes });
        }
        let pair = page.pair(start)?;
        if !pair.is_sound() {
            self.flags(no, start.saturating_add(LEAF_HEAD - 1), place, pair.flags(), report);
            notes.add(Note::Header);
            let (key, value) = (Bytes::one(pair.key), Bytes::one(pair.data));
            let key = Key::Bytes(Recovered::Whole(key));
            return Some(Found { key, value: Recovered::Whole(value), provenance, notes });
        }
        let (key, value) = self.pair(no, start, &pair, &mut notes, report);
        Some(Found { key: Key::Bytes(key), value, provenance, notes })
    }

    fn flags(&self, no: PageNo, at: usize, place: Place, found: u8, report: &mut SalvageReport) {
        let slot = match place {
            Place::Slot(slot) => slot,
            Place::Offset(_) => 0,
        };
        let expected = "0 to 3, with 8 bytes for what is elsewhere";
        report.problem(Error::corrupt(no, at, Defect::ItemKind { slot, found, expected }));
    }

    fn pair(
        &mut self,
        no: PageNo,
        start: usize,
        pair: &Pair<'s>,
        notes: &mut Notes,
        report: &mut SalvageReport,
    ) -> (Recovered<'s>, Recovered<'s>) {
        let key_at = start.saturating_add(LEAF_HEAD);
        let data_at = key_at.saturating_add(pair.key.len());
        let order = self.file.geometry.endianness();
        if let Some((key, reference)) = pair.mended(order, |reference| self.leads_to_chain(reference)) {
            return (
                Recovered::Whole(Bytes::own(key.to_vec())),
                self.chain(no, data_at, reference, notes, report),
            );
        }
        let mut content = |big: bool, bytes: &'s [u8], at| match reference(bytes, order).filter(|_| big) {
            Some(reference) => self.chain(no, at, reference, notes, report),
            None => Recovered::Whole(Bytes::one(bytes)),
        };
        (content(pair.has_big_key(), pair.key, key_at), content(pair.has_big_data(), pair.data, data_at))
    }

    fn leads_to_chain(&self, (first, len): (u32, u32)) -> bool {
        let fits = usize::try_from(len).is_ok_and(|len| len <= self.file.bytes.len());
        let page = self.page(PageNo(first)).filter(|page| first > 0 && page.pgno() == first);
        fits && page.is_some_and(|page| page.kind() == Some(Kind::Overflow))
    }

    /// The bytes of a chain, as far as its pages are there.
    fn chain(
        &mut self,
        no: PageNo,
        offset: usize,
        (first, len): (u32, u32),
        notes: &mut Notes,
        report: &mut SalvageReport,
    ) -> Recovered<'s> {
        let (mut next, mut from) = (first, (no, offset));
        let mut left = PageNo(len).index();
        let mut pieces = Vec::new();
        let expected = |left: usize| (left > 0).then_some(len);
        while left > 0 {
            let here = PageNo(next);
            let Some(page) = self.page(here).filter(|_| next > 0) else {
                let error = match next {
                    0 => Error::corrupt(
                        no,
                        offset.saturating_add(4),
                        Defect::ChainLength {
                            found: u64::from(len).saturating_sub(u64::try_from(left).unwrap_or(0)),
                            expected: len,
                        },
                    ),
                    _ => beyond(&self.file, here, from.0, from.1, "overflow page"),
                };
                report.problem(error);
                notes.add(Note::ChainPage);
                break;
            };
            if page.kind() != Some(Kind::Overflow) || page.pgno() != next {
                let defect = match page.kind() {
                    Some(Kind::Overflow) => Defect::PageNumber { found: page.pgno() },
                    _ => Defect::PageType {
                        found: u8::try_from(page.flags() & 0x1f).unwrap_or(0),
                        expected: "overflow (4)",
                    },
                };
                report.problem(Error::corrupt(here, at::FLAGS, defect));
                notes.add(Note::ChainPage);
                break;
            }
            if !self.chains.take(here, notes) {
                break;
            }
            let bytes = page.overflow();
            let piece = bytes.get(..left).unwrap_or(bytes);
            left = left.saturating_sub(piece.len());
            pieces.push(piece);
            (from, next) = ((here, at::NEXT), page.next());
            if !self.file.is_whole(page.bytes()) {
                notes.add(Note::Cut);
                break;
            }
        }
        Gathered { pieces, expected: expected(left) }.recovered()
    }
}
