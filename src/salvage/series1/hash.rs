//! The pages of HASH 1 to 3: those of the buckets in their order, then all others.

use std::collections::{BTreeSet, VecDeque};

use super::geometry::Table;
use super::{Chains, Gathered, Pages, beyond, small};
use crate::bits::Bits;
use crate::error::{Defect, Error};
use crate::format::series1::hash::{self as format, Header, Mark, Page, Page3, Words, at3};
use crate::order::Endianness;
use crate::pages::Origin as From;
use crate::pages::series1::{BIG_PAGE, BigPage};
use crate::salvage::flat::Found;
use crate::salvage::note::{Note, Notes};
use crate::salvage::place::{Origin, Place};
use crate::salvage::record::{Bytes, Key, Recovered};
use crate::salvage::report::SalvageReport;
use crate::types::PageNo;

/// A walk over the pairs.
#[derive(Debug)]
pub(in crate::salvage) struct Walk<'s> {
    file: Pages<'s>,
    table: &'s Table,
    deleted: bool,
    /// The bucket whose pages come next; `None` when all were gone through.
    bucket: Option<u32>,
    /// The next page of a bucket.
    next: Option<PageNo>,
    /// The next page of all others.
    rest: std::ops::Range<u32>,
    seen: Bits,
    /// Pages that are marked as free.
    free: Option<BTreeSet<u32>>,
    /// Pages to which others of big pairs lead.
    inner: Option<BTreeSet<PageNo>>,
    ready: VecDeque<Found<'s>>,
    chains: Chains,
}

impl<'s> Walk<'s> {
    pub(super) fn new(file: Pages<'s>, table: &'s Table, deleted: bool) -> Self {
        let (seen, chains) = (file.none(), Chains::new(&file));
        let first = table.header.map_or(1, |header| header.pages.max(1));
        let bucket = table.header.map(|_| 0);
        let mut walk = Walk {
            file,
            table,
            deleted,
            bucket,
            next: None,
            rest: first.min(file.end)..file.end,
            seen,
            free: None,
            inner: None,
            ready: VecDeque::new(),
            chains,
        };
        walk.mark_bits();
        walk
    }

    fn order(&self) -> Endianness {
        self.file.geometry.endianness()
    }

    /// Pages of bits hold no pairs.
    fn mark_bits(&mut self) {
        for address in self.table.header.iter().flat_map(|header| header.bitmaps).filter(|&bits| bits != 0) {
            if let Some(header) = &self.table.header {
                self.seen.mark(PageNo(header.overflow_page(address)));
            }
        }
    }

    pub(super) fn next(&mut self, report: &mut SalvageReport) -> Option<Found<'s>> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Some(found);
            }
            if let Some(no) = self.next.take() {
                if self.seen.mark(no) {
                    self.next = self.page(no, Origin::Tree, report);
                }
                continue;
            }
            if let Some(bucket) = self.bucket {
                self.turn(bucket);
                continue;
            }
            let no = PageNo(self.rest.next()?);
            if !self.seen.has(no) && !self.is_inner(no) {
                let origin = if self.is_free(no) { Origin::Free } else { Origin::Orphan };
                if origin == Origin::Orphan || self.deleted {
                    self.seen.mark(no);
                    self.page(no, origin, report);
                }
            }
        }
    }

    /// Turns to a bucket.
    fn turn(&mut self, bucket: u32) {
        let Some(header) = self.table.header.as_ref().filter(|header| bucket <= header.max_bucket) else {
            self.bucket = None;
            return;
        };
        let no = header.bucket_page(bucket);
        if no < self.file.end {
            (self.next, self.bucket) = (Some(PageNo(no)), bucket.checked_add(1));
            return;
        }
        // All later buckets of this doubling lie beyond the end, too.
        self.bucket = u32::try_from(Header::point(bucket)).ok().and_then(|point| 1u32.checked_shl(point));
    }

    /// Whether a page is marked as free.
    fn is_free(&mut self, no: PageNo) -> bool {
        let Some(header) = &self.table.header else { return false };
        let (file, order) = (self.file, self.file.geometry.endianness());
        let find = || {
            let point = PageNo(header.ovfl_point).index();
            let pages = header.spares.get(point).copied().unwrap_or(0).min(file.end);
            let per_page = header.page_size.saturating_mul(8).max(1);
            let is_marked = |bit: u32| {
                let address = header.bitmaps.get(PageNo(bit.checked_div(per_page)?).index())?;
                let map = file.raw(PageNo(header.overflow_page(*address))).filter(|_| *address != 0)?;
                let at = bit.checked_rem(per_page)?;
                let word = order.u32_at(map, PageNo(at >> 5).index().checked_mul(4)?)?;
                Some(word >> (at & 31) & 1 != 0)
            };
            let free = (0..pages).filter(|bit| is_marked(*bit) == Some(false));
            free.filter_map(|bit| header.page_of_bit(bit)).collect()
        };
        self.free.get_or_insert_with(find).contains(&no.0)
    }

    /// Whether a page of a big pair is not its first: another leads to it.
    fn is_inner(&mut self, no: PageNo) -> bool {
        let (file, table, order) = (self.file, self.table, self.file.geometry.endianness());
        let led_to = |no: PageNo| {
            let raw = file.raw(no)?;
            if table.third {
                let page = Page3::new(raw, order);
                let big = page.kind() == format::BIG_PAIR && page.next() != format::NO_PAGE;
                return big.then(|| PageNo(page.next()));
            }
            let page = Page::new(raw, order);
            let goes_on = match page.mark()? {
                Mark::PartOfKey | Mark::EndOfKey => true,
                Mark::Last => page.words() > 2 && page.big_at().1 != 0 && page.free() == 0,
            };
            let address = page.link().filter(|_| goes_on && page.has_words())?;
            Some(PageNo(table.header.as_ref()?.overflow_page(address)))
        };
        let seen = &self.seen;
        let find = || file.numbers().map(PageNo).filter(|no| !seen.has(*no)).filter_map(led_to).collect();
        self.inner.get_or_insert_with(find).contains(&no)
    }

    /// Takes the pairs of a page; gives the page behind it.
    fn page(&mut self, no: PageNo, origin: Origin, report: &mut SalvageReport) -> Option<PageNo> {
        let raw = self.file.raw(no)?;
        let mut notes = Notes::default();
        if !self.file.is_whole(raw) {
            let len = u64::try_from(raw.len()).unwrap_or(u64::MAX);
            report.problem(Error::field(no, 0, "length", len, "a whole page"));
            notes.add(Note::Cut);
        }
        if self.table.third {
            self.third(no, raw, origin, notes, report)
        } else {
            self.words(no, raw, origin, notes, report)
        }
    }

    fn give(
        &mut self,
        no: PageNo,
        at: usize,
        (key, value): (Recovered<'s>, Recovered<'s>),
        origin: Origin,
        notes: Notes,
    ) {
        let provenance = self.file.provenance(no, None, Place::Offset(small(at)), at, origin);
        self.ready.push_back(Found { key: Key::Bytes(key), value, provenance, notes });
    }

    /// A pair of slots: where the key ends and where it begins. What a page that was cut lacks is its
    /// end, so that nothing of its pairs is whole.
    fn plain(
        &mut self,
        no: PageNo,
        raw: &'s [u8],
        (key, data, end, lowest): (usize, usize, usize, usize),
        origin: Origin,
        notes: Notes,
    ) -> bool {
        let order = lowest <= data && data <= key && key <= end;
        let part = |from: usize, to: usize| {
            let bytes = raw.get(from..to.min(raw.len())).unwrap_or(&[]);
            let len = to.saturating_sub(from);
            match bytes.len() {
                found if found == len => Recovered::Whole(Bytes::one(bytes)),
                0 => Recovered::Missing,
                _ => Recovered::Part {
                    bytes: Bytes::one(bytes),
                    expected: u32::try_from(len).unwrap_or(u32::MAX),
                },
            }
        };
        if order && data < raw.len() {
            self.give(no, data, (part(key, end), part(data, key)), origin, notes);
        }
        order
    }

    fn words(
        &mut self,
        no: PageNo,
        raw: &'s [u8],
        origin: Origin,
        notes: Notes,
        report: &mut SalvageReport,
    ) -> Option<PageNo> {
        let page = Page::new(raw, self.order());
        let size = self.file.geometry.page_size().bytes();
        // Pages that nothing leads to may be of any kind.
        let is_page = page.words() & 1 == 0 && page.end_of_words() <= size;
        if page.words() == 0 || !is_page {
            if !is_page && origin == Origin::Tree {
                let defect =
                    Defect::Entries { found: page.word(0), why: "words come in twos and fit the page" };
                report.problem(Error::corrupt(no, 0, defect));
            }
            return None;
        }
        if page.mark().is_some() {
            return self.big(no, no, 0, origin, notes, report);
        }
        let (mut end, mut next) = (size, None);
        for entry in 0..page.entries() {
            let at = Page::entry_at(entry);
            match page.entry(entry) {
                Words::Pair(key, data) => {
                    let room = (key, data, end, page.end_of_words());
                    if self.plain(no, raw, room, origin, notes) {
                        end = data;
                    } else if origin == Origin::Tree || end < size {
                        let (slot, found) = (small(entry.saturating_mul(2)), small(key));
                        let defect = Defect::ItemOffset { slot, found, lowest: page.end_of_words(), end };
                        report.problem(Error::corrupt(no, at, defect));
                    }
                }
                Words::Next(address) => next = Some(address),
                Words::Mark(_) => {}
            }
        }
        let header = self.table.header.as_ref()?;
        let next = PageNo(header.overflow_page(next?));
        (origin == Origin::Tree && next.0 < self.file.end).then_some(next)
    }

    fn third(
        &mut self,
        no: PageNo,
        raw: &'s [u8],
        origin: Origin,
        mut notes: Notes,
        report: &mut SalvageReport,
    ) -> Option<PageNo> {
        let page = Page3::new(raw, self.order());
        if page.is_hole() {
            return None;
        }
        if page.pgno() != no.0 {
            if origin != Origin::Tree && !matches!(page.kind(), format::BUCKET | format::OVERFLOW) {
                return None;
            }
            report.problem(Error::corrupt(no, at3::PGNO, Defect::PageNumber { found: page.pgno() }));
            notes.add(Note::PageNumber);
        }
        if page.kind() == format::BIG_PAIR {
            if origin == Origin::Tree {
                let defect = Defect::PageType { found: page.kind(), expected: "2 or 4, of a bucket" };
                report.problem(Error::corrupt(no, at3::TYPE, defect));
            }
            self.big(no, no, at3::SLOTS, origin, notes, report);
            return None;
        }
        let size = self.file.geometry.page_size().bytes();
        if page.end_of_slots() > size {
            let found = small(page.pairs());
            let defect = Defect::Entries { found, why: "the slots do not fit the page" };
            report.problem(Error::corrupt(no, at3::PAIRS, defect));
            return None;
        }
        let mut end = size;
        for pair in 0..page.pairs() {
            let at = Page3::slot_at(pair);
            let (key, data) = page.slots(pair);
            if key != 0 {
                let room = (key, data.into(), end, page.end_of_slots());
                if self.plain(no, raw, room, origin, notes) {
                    end = data.into();
                } else {
                    let (slot, found) = (small(pair.saturating_mul(2)), small(key));
                    let defect = Defect::ItemOffset { slot, found, lowest: page.end_of_slots(), end };
                    report.problem(Error::corrupt(no, at, defect));
                }
                continue;
            }
            // Without a header its pages are found by themselves.
            let Some(header) = &self.table.header else { continue };
            let first = PageNo(header.overflow_page(data));
            let is_big = self
                .file
                .raw(first)
                .is_some_and(|raw| Page3::new(raw, self.order()).kind() == format::BIG_PAIR);
            if !is_big {
                report.problem(beyond(&self.file, first, no, at, "big pair on page"));
            } else if self.seen.mark(first) {
                self.big(first, no, at, origin, notes, report);
            }
        }
        let next = PageNo(page.next());
        (origin == Origin::Tree && next.0 < self.file.end && !self.seen.has(next)).then_some(next)
    }

    /// A big pair that begins on a page; `holder` and `at` are where it is named. Gives the page with
    /// which the bucket goes on.
    fn big(
        &mut self,
        first: PageNo,
        holder: PageNo,
        at: usize,
        origin: Origin,
        mut notes: Notes,
        report: &mut SalvageReport,
    ) -> Option<PageNo> {
        let unknown = Header { version: if self.table.third { 3 } else { 2 }, ..Header::default() };
        let header = self.table.header.unwrap_or(unknown);
        let (mut key, mut data) = (Vec::new(), Vec::new());
        let (mut no, mut from, mut in_data) =
            (first, From { page: holder, offset: at, what: BIG_PAGE }, false);
        let (mut whole, mut behind) = (false, None);
        while let Some(raw) = self.file.raw(no) {
            if (no != first && !self.seen.mark(no)) || !self.chains.take(no, &mut notes) {
                report.problem(Error::corrupt(from.page, from.offset, Defect::ReachedTwice { target: no.0 }));
                break;
            }
            let page = match BigPage::parse(raw, no, from, in_data, &header, self.order()) {
                Ok(page) => page,
                Err(error) => {
                    report.problem(error);
                    notes.add(Note::ChainPage);
                    break;
                }
            };
            key.push(page.key);
            data.push(page.data);
            match page.next {
                // Without a header nobody knows where the next page is.
                Some(_) if self.table.header.is_none() && !self.table.third => break,
                Some(next) => (no, from, in_data) = next,
                None => {
                    (whole, behind) = (true, page.behind);
                    break;
                }
            }
        }
        let [key, data] = [key, data].map(|pieces: Vec<&[u8]>| {
            let pieces: Vec<&[u8]> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
            let len = pieces.iter().fold(0usize, |sum, piece| sum.saturating_add(piece.len()));
            // How much is missing is not known.
            let expected = u32::try_from(len.saturating_add(1)).unwrap_or(u32::MAX);
            Gathered { pieces, expected: (!whole).then_some(expected) }.recovered()
        });
        if !whole {
            notes.add(Note::ChainPage);
        }
        if data != Recovered::Missing || key != Recovered::Missing {
            self.give(holder, at, (key, data), origin, notes);
        }
        let (address, _) = behind.filter(|_| origin == Origin::Tree)?;
        let next = PageNo(header.overflow_page(address));
        (next.0 < self.file.end).then_some(next)
    }
}
