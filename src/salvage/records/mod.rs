//! All records of a file, one after the other, each page once.

mod lost;
mod steps;

use byteorder::ByteOrder;

use lost::Lost;
use steps::{Found, Step};

use crate::error::{Defect, Error};
use crate::format::page::PageKind;
use crate::method::Method;
use crate::order::with_order;
use crate::salvage::compressed::Chunk;
use crate::salvage::flat;
use crate::salvage::item::{Chain, Item, Unit};
use crate::salvage::leaf::Plain;
use crate::salvage::note::{Note, Notes};
use crate::salvage::owner::Owner;
use crate::salvage::page::{Cursor, REPEATS, recover};
use crate::salvage::place::{Origin, Place, Provenance};
use crate::salvage::record::{Bytes, Key, Recovered, Salvaged};
use crate::salvage::remains::{self, Known, Unused};
use crate::salvage::report::SalvageReport;
use crate::salvage::survey::SalvagedFile;
use crate::salvage::walk::{Of, Walk};
use crate::salvage::work::Work;
use crate::types::PageNo;

/// How often the bytes of a page of duplicates may be given again with their key, which stands
/// elsewhere: a page holds many that are small.
const REPEATS_OFF_PAGE: usize = 1024;
/// How much less of that a byte counts that comes out of a compressed entry.
const UNPACKED: usize = 16;

/// The records of a file. At its end, or at any time, [`SalvagedRecords::report`] says what
/// was met.
#[derive(Debug)]
pub struct SalvagedRecords<'s> {
    survey: &'s SalvagedFile<'s>,
    work: Work<'s>,
    step: Step,
    owner: &'s Owner,
    /// Whether entries of the owner stand for several records.
    compressed: bool,
    origin: Origin,
    page: Option<Cursor<'s>>,
    /// Records before the page, if that is known.
    before: Option<u32>,
    /// The key read last, if it is in a chain, by its place on the page.
    key: Option<(PageNo, u16, Recovered<'s>, Notes)>,
    duplicates: Option<Duplicates<'s>>,
    /// A compressed entry, of which more records are to come.
    packed: Option<(Chunk, Provenance, Notes)>,
    /// Remains on a page whose records were all given.
    remains: std::vec::IntoIter<Unit<'s>>,
    remains_on: PageNo,
    /// The page whose shared key was left out last.
    left_out_on: Option<PageNo>,
    /// The records of a QUEUE or a HEAP.
    flat: Option<flat::Walk<'s>>,
    /// What lost links led to, once it was looked for.
    lost: Option<Lost>,
    /// First pages of buckets that may still come: no healthy file has more than pages.
    heads_left: u32,
}

/// The off-page duplicates of a key.
#[derive(Debug)]
struct Duplicates<'s> {
    walk: Walk,
    page: Option<Cursor<'s>>,
    key: Recovered<'s>,
    notes: Notes,
    deleted: bool,
    /// How many bytes of the key may still be given again.
    spare: usize,
    /// The pair on the leaf, to be given if no duplicates are found.
    pair: Option<Provenance>,
}

impl SalvagedFile<'_> {
    /// All records: those of each database in the order of its tree, as far as it
    /// holds; then those on pages that nothing leads to, by page.
    #[must_use]
    pub fn records(&self) -> SalvagedRecords<'_> {
        SalvagedRecords::new(self)
    }
}

impl<'s> SalvagedRecords<'s> {
    pub(super) fn new(survey: &'s SalvagedFile<'_>) -> Self {
        let mut work = Work::new(survey.file);
        (work.seen, work.chains) = (survey.seen.clone(), survey.chains.clone());
        work.remains = survey.deleted;
        let mut records = SalvagedRecords {
            survey,
            work,
            step: Step::Pairs(0..0),
            owner: &survey.orphans,
            compressed: false,
            origin: Origin::Tree,
            page: None,
            before: None,
            key: None,
            duplicates: None,
            packed: None,
            remains: Vec::new().into_iter(),
            remains_on: PageNo::META,
            left_out_on: None,
            flat: survey.flat.as_ref().map(flat::Walk::new),
            lost: None,
            heads_left: survey.file.pages.saturating_mul(2),
        };
        if records.flat.is_some() {
            (records.owner, records.step) = (&survey.orphans, Step::Flat);
        } else {
            records.start(0);
        }
        records
    }

    /// How many pages were taken so far, of [`SalvagedFile::page_count`]: how far it has come.
    #[must_use]
    pub fn pages_taken(&self) -> u32 {
        self.work.seen.count()
    }

    /// What was found so far, and what was in the way.
    #[must_use]
    pub fn report(&self) -> &SalvageReport {
        &self.work.report
    }

    /// What was found, and what was in the way: at the end, to keep.
    #[must_use]
    pub fn into_report(self) -> SalvageReport {
        self.work.report
    }

    /// Turns to a database, or to what is left when all were read.
    fn start(&mut self, index: usize) {
        let rest = self.survey.databases.iter().enumerate().skip(index);
        for (index, owner) in rest {
            (self.owner, self.compressed) = (owner, owner.compressed);
            if owner.method() == Method::Hash {
                self.step = Step::Buckets(index, owner.heads.clone().into_iter().flatten(), None);
                return;
            }
            if let Some(root) = owner.root {
                self.step = Step::Tree(index, Walk::new(root, owner.holder));
                return;
            }
        }
        (self.origin, self.owner) = (Origin::Orphan, &self.survey.orphans);
        self.compressed = self.owner.compressed;
        self.step = Step::Pairs(self.work.file.numbers());
    }

    /// The next record, if it is a pair of the common form and nothing else comes first.
    #[inline(always)]
    fn plain<O: ByteOrder>(&mut self) -> Option<Salvaged<'s>> {
        if self.duplicates.is_some() || self.packed.is_some() || self.remains.len() > 0 {
            return None;
        }
        let page = self.page.as_mut().filter(|_| !self.compressed && !self.survey.bounds)?;
        let Plain { slot, at, key, value, .. } = page.next_plain::<O>()?;
        let provenance = page.spot.record(Place::Slot(slot), at, self.origin);
        self.work.report.count(self.origin, true);
        Some(Salvaged {
            database: self.owner,
            key: Key::Bytes(Recovered::Whole(Bytes::one(key))),
            value: Recovered::Whole(Bytes::one(value)),
            provenance,
            notes: page.notes,
        })
    }

    #[inline(never)]
    fn step<O: ByteOrder>(&mut self) -> Option<Salvaged<'s>> {
        loop {
            if let Some(unit) = self.remains.next() {
                return Some(self.remnant::<O>(unit));
            }
            if self.packed.is_some() {
                if let Some(record) = self.unpack() {
                    return Some(record);
                }
                continue;
            }
            if self.duplicates.is_some() {
                if let Some(record) = self.next_duplicate::<O>() {
                    return Some(record);
                }
                continue;
            }
            if let Some(page) = &mut self.page {
                match page.next::<O>() {
                    Some(unit) => {
                        if let Some(record) = self.record::<O>(unit) {
                            return Some(record);
                        }
                    }
                    None => self.leave::<O>(),
                }
                continue;
            }
            match self.advance::<O>()? {
                Found::Page => {}
                Found::Record(record) => return Some(*record),
            }
        }
    }

    /// A record of the page, unless it is one that is not wanted, or several.
    #[inline(always)]
    fn record<O: ByteOrder>(&mut self, unit: Unit<'s>) -> Option<Salvaged<'s>> {
        let page = self.page.as_ref()?;
        let (no, kind, spot) = (page.page, page.kind, page.spot);
        let mut notes = unit.notes.with(page.notes);
        let key = match unit.key {
            Some((at, item)) => {
                let long = matches!(item, Item::Chain(_));
                let key = match item {
                    Item::Chain(chain) => self.long_key::<O>(at, chain, &mut notes),
                    item => recover::<O>(&mut self.work, no, item, &mut notes),
                };
                Key::Bytes(self.once_more(at, key, long, &mut notes))
            }
            None if kind == PageKind::RecnoLeaf && self.owner.method() == Method::Recno => {
                Key::Record(self.before.and_then(|before| match unit.place {
                    Place::Slot(slot) => before.checked_add(u32::from(slot))?.checked_add(1),
                    Place::Offset(_) => None,
                }))
            }
            None => Key::Bytes(Recovered::Missing),
        };
        let origin = if unit.deleted { Origin::Deleted } else { self.origin };
        let provenance = spot.record(unit.place, unit.at, origin);
        if let (Item::Duplicates { root, at }, Key::Bytes(key)) = (unit.value, &key) {
            let holder = (no, usize::from(at).saturating_add(4));
            let (walk, key) = (self.duplicates_of::<O>(root, holder, &mut notes), key.clone());
            let (deleted, spare) = (unit.deleted, key.bytes().map_or(0, Bytes::len).saturating_mul(REPEATS));
            self.duplicates =
                Some(Duplicates { walk, page: None, key, notes, deleted, spare, pair: Some(provenance) });
            return None;
        }
        let value = self.mended::<O>(no, unit.value, &mut notes);
        let value = recover::<O>(&mut self.work, no, value, &mut notes);
        self.give(key, value, provenance, notes)
    }

    /// A record, unless nothing is left of it, or it is deleted and deleted ones are
    /// not wanted.
    #[inline(always)]
    fn give(
        &mut self,
        key: Key<'s>,
        value: Recovered<'s>,
        provenance: Provenance,
        notes: Notes,
    ) -> Option<Salvaged<'s>> {
        if provenance.origin == Origin::Deleted {
            // The number of a deleted record stays; its bytes mean nothing.
            let is_number = matches!(key, Key::Record(_)) && value.bytes().is_some_and(|b| b.is_empty());
            if !self.survey.deleted || is_number {
                return None;
            }
        }
        if value == Recovered::Missing && matches!(key, Key::Bytes(Recovered::Missing) | Key::Record(_)) {
            return None;
        }
        if self.survey.bounds && value.bytes().is_some_and(Bytes::is_empty) {
            return None;
        }
        if let (true, Key::Bytes(Recovered::Whole(key)), Some(chunk)) = (self.compressed, &key, value.bytes())
        {
            let room = if chunk.is_one() { 0 } else { chunk.len().saturating_mul(REPEATS_OFF_PAGE) };
            let spare = self.cursor().map_or(0, Cursor::take_spare).saturating_mul(UNPACKED);
            let budget = spare.saturating_add(room);
            let chunk = Chunk::new(key.to_cow().into_owned(), chunk.to_cow().into_owned(), budget);
            self.packed = Some((chunk, provenance, notes));
            return None;
        }
        Some(self.counted(Salvaged { database: self.owner, key, value, provenance, notes }))
    }

    /// Counts a record.
    fn counted(&mut self, record: Salvaged<'s>) -> Salvaged<'s> {
        let report = &mut self.work.report;
        report.count(record.provenance.origin, record.is_whole());
        let keyless = record.key == Key::Bytes(Recovered::Missing);
        report.keyless = report.keyless.saturating_add(u64::from(keyless));
        report.undecided = report.undecided.saturating_add(u64::from(record.notes.has(Note::Parts)));
        record
    }

    /// The page that records come from.
    fn cursor(&mut self) -> Option<&mut Cursor<'s>> {
        self.duplicates.as_mut().and_then(|duplicates| duplicates.page.as_mut()).or(self.page.as_mut())
    }

    /// A key that may be that of the record before: nothing, if it was given too often.
    #[inline(always)]
    fn once_more(&mut self, at: u16, key: Recovered<'s>, long: bool, notes: &mut Notes) -> Recovered<'s> {
        let len = key.bytes().map_or(0, Bytes::len);
        let Some(page) = self.page.as_mut() else { return key };
        if page.may_give(at, len, long) {
            return key;
        }
        let no = page.page;
        self.left_out(no, at.into(), len, notes);
        Recovered::Missing
    }

    fn left_out(&mut self, page: PageNo, offset: usize, len: usize, notes: &mut Notes) {
        notes.add(Note::Repeated);
        if self.left_out_on != Some(page) {
            self.left_out_on = Some(page);
            self.work.report.problem(Error::corrupt(page, offset, Defect::Repeated { len }));
        }
    }

    /// The next record of a compressed entry; what is left of it if that is unsound.
    fn unpack(&mut self) -> Option<Salvaged<'s>> {
        let (chunk, provenance, notes) = self.packed.as_mut()?;
        if chunk.is_done() {
            let left = chunk.left().div_euclid(UNPACKED);
            self.packed = None;
            self.cursor().into_iter().for_each(|page| page.add_spare(left));
            return None;
        }
        let (provenance, mut notes, record) = (*provenance, *notes, chunk.next());
        let (key, value) = match record {
            Some((key, value)) => (Recovered::Whole(Bytes::own(key)), Bytes::own(value)),
            None => {
                let (chunk, ..) = self.packed.take()?;
                let no = self.cursor().map_or(PageNo::META, |page| page.page);
                let offset = self.work.file.offset_in(no, provenance.offset);
                let (field, expected) = ("compressed entry", "one that can be unpacked, and not to too much");
                self.work.report.problem(Error::field(no, offset, field, 0u32, expected));
                notes.add(Note::Compressed);
                let (key, rest) = chunk.into_rest();
                (key.map_or(Recovered::Missing, |key| Recovered::Whole(Bytes::own(key))), Bytes::own(rest))
            }
        };
        let (key, value) = (Key::Bytes(key), Recovered::Whole(value));
        Some(self.counted(Salvaged { database: self.owner, key, value, provenance, notes }))
    }

    /// A key in a chain, read once for all records that share it.
    fn long_key<O: ByteOrder>(&mut self, at: u16, chain: Chain, notes: &mut Notes) -> Recovered<'s> {
        let page = self.page.as_ref().map_or(PageNo::META, |page| page.page);
        if let Some((_, _, key, key_notes)) = self.key.as_ref().filter(|key| (key.0, key.1) == (page, at)) {
            *notes = notes.with(*key_notes);
            return key.clone();
        }
        let mut key_notes = Notes::default();
        let item = self.mended::<O>(page, Item::Chain(chain), &mut key_notes);
        let key = recover::<O>(&mut self.work, page, item, &mut key_notes);
        *notes = notes.with(key_notes);
        self.key = Some((page, at, key.clone(), key_notes));
        key
    }

    fn next_duplicate<O: ByteOrder>(&mut self) -> Option<Salvaged<'s>> {
        let duplicates = self.duplicates.as_mut()?;
        let Some(page) = &mut duplicates.page else {
            match duplicates.walk.next_leaf::<O>(&mut self.work, Of::Duplicates) {
                Some(leaf) => {
                    duplicates.pair = None;
                    let room = self.work.file.geometry.page_size().bytes().saturating_mul(REPEATS_OFF_PAGE);
                    duplicates.spare = duplicates.spare.saturating_add(room);
                    duplicates.page = Cursor::open::<O>(&mut self.work, leaf.page);
                }
                None => {
                    let Duplicates { key, notes, pair, .. } = self.duplicates.take()?;
                    return self.give(Key::Bytes(key), Recovered::Missing, pair?, notes);
                }
            }
            return None;
        };
        let Some(unit) = page.next::<O>() else {
            let page = duplicates.page.take()?;
            self.search_gaps::<O>(page);
            return None;
        };
        let deleted = unit.deleted || duplicates.deleted;
        let origin = if deleted { Origin::Deleted } else { self.origin };
        let (no, provenance) = (page.page, page.spot.record(unit.place, unit.at, origin));
        let (mut key, mut notes) =
            (duplicates.key.clone(), duplicates.notes.with(unit.notes).with(page.notes));
        let len = key.bytes().map_or(0, Bytes::len);
        match duplicates.spare.checked_sub(len) {
            Some(left) => duplicates.spare = left,
            None => {
                key = Recovered::Missing;
                self.left_out(no, unit.at.into(), len, &mut notes);
            }
        }
        let value = self.mended::<O>(no, unit.value, &mut notes);
        let value = recover::<O>(&mut self.work, no, value, &mut notes);
        self.give(Key::Bytes(key), value, provenance, notes)
    }

    /// Leaves the page, for the remains on it.
    fn leave<O: ByteOrder>(&mut self) {
        if let Some(page) = self.page.take() {
            self.search_gaps::<O>(page);
        }
    }

    fn search_gaps<O: ByteOrder>(&mut self, page: Cursor<'s>) {
        if page.gaps.is_empty() {
            return;
        }
        let (Some(bytes), pairs) = (self.work.file.raw(page.page), page.kind == PageKind::BtreeLeaf) else {
            return;
        };
        let mut known = Known::new();
        page.all_again::<O>().iter().for_each(|unit| {
            remains::learn(&mut known, unit);
        });
        let found = |&(start, end): &(usize, usize)| {
            let slot = page.slot_at(start);
            remains::find::<O>(&self.work, bytes, Unused { start, end, pairs, slot }, &mut known)
        };
        let found: Vec<_> = page.gaps.iter().flat_map(found).collect();
        (self.remains, self.remains_on) = (found.into_iter(), page.page);
    }

    /// A record that no slot leads to.
    fn remnant<O: ByteOrder>(&mut self, unit: Unit<'s>) -> Salvaged<'s> {
        let mut notes = unit.notes;
        let mut read = |item| recover::<O>(&mut self.work, self.remains_on, item, &mut notes);
        let key = match unit.key {
            Some((_, key)) => Key::Bytes(read(key)),
            None if self.owner.method() == Method::Recno => Key::Record(None),
            None => Key::Bytes(Recovered::Missing),
        };
        let value = read(unit.value);
        let is_free = self.work.file.kind::<O>(self.remains_on) == Some(PageKind::Invalid);
        let origin = if is_free { Origin::Free } else { Origin::Unused };
        let provenance = self.work.file.spot::<O>(self.remains_on).record(unit.place, unit.at, origin);
        self.counted(Salvaged { database: self.owner, key, value, provenance, notes })
    }
}

impl<'s> Iterator for SalvagedRecords<'s> {
    type Item = Salvaged<'s>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        with_order!(self.work.file.geometry.endianness(), O => {
            match self.plain::<O>() {
                Some(record) => Some(record),
                None => self.step::<O>(),
            }
        })
    }
}
