//! The records of one page, one after the other.

use byteorder::ByteOrder;

use super::bucket;
use super::careful;
use super::file::File;
use super::item::{Item, Unit};
use super::leaf::{Leaf, Plain, level_of};
use super::note::{Note, Notes};
use super::overflow::is_head;
use super::place::Spot;
use super::record::{Bytes, Recovered};
use super::work::Work;
use crate::format::page::{PageKind, is_leaf};
use crate::types::PageNo;

/// A page with records, and the one that comes next.
#[derive(Debug)]
pub(super) struct Cursor<'s> {
    pub(super) page: PageNo,
    pub(super) kind: PageKind,
    /// What is wrong with the page as a whole.
    pub(super) notes: Notes,
    /// Its unused space, if that is wanted.
    pub(super) gaps: Vec<(usize, usize)>,
    /// The number of slots, and where they end.
    index_end: (u16, usize),
    pub(super) spot: Spot,
    units: Units<'s>,
    /// The key given last, by its place on the page.
    last_key: Option<u16>,
    /// How many bytes of keys may still be given again.
    spare: usize,
}

/// How often the bytes of a page may be given again, with records that share a key. Genuine
/// pages stay below it: duplicates move to pages of their own when they take a quarter of one.
pub(super) const REPEATS: usize = 64;

#[derive(Debug)]
enum Units<'s> {
    Sound { leaf: Leaf<'s>, next: u16 },
    Listed(std::vec::IntoIter<Unit<'s>>),
}

impl<'s> Cursor<'s> {
    /// Opens a page that holds records.
    pub(super) fn open<O: ByteOrder>(work: &mut Work<'s>, no: PageNo) -> Option<Self> {
        let page = work.file.page::<O>(no)?;
        let kind = PageKind::from_byte(page.type_byte())?;
        let file = work.file;
        let notes = file.inspect(&page, no, level_of(kind), &mut work.report);
        let mut cursor = Cursor::of::<O>(&file, no, kind, notes);
        if !is_leaf(kind) {
            let (units, problems) = bucket::units(&page, no, file.overhead());
            problems.into_iter().for_each(|problem| work.report.problem(problem));
            cursor.units = Units::Listed(units.into_iter());
            return Some(cursor);
        }
        let leaf = Leaf::new(&page, no, kind, file.overhead());
        cursor.index_end = (leaf.entries, leaf.index_end());
        if leaf.is_sound::<O>(&mut work.tiles, file.geometry.page_size().bytes()) {
            cursor.units = Units::Sound { leaf, next: 0 };
            if work.remains {
                cursor.gaps = vec![(leaf.index_end(), leaf.area)];
            }
        } else {
            let head = |no| is_head::<O>(&file, no);
            let found = careful::with_care::<O>(&leaf, &mut work.claims, head);
            found.problems.into_iter().for_each(|problem| work.report.problem(problem));
            cursor.units = Units::Listed(found.units.into_iter());
            if work.remains {
                cursor.gaps = work.claims.gaps(leaf.index_end(), page.bytes().len());
            }
        }
        Some(cursor)
    }

    /// Opens a page as a leaf of pairs, whatever its type byte says: if its items say
    /// that it is one.
    pub(super) fn open_disguised<O: ByteOrder>(work: &mut Work<'s>, no: PageNo) -> Option<Self> {
        let page = work.file.page::<O>(no)?;
        let is_other = PageKind::from_byte(page.type_byte()).is_some_and(is_leaf);
        if is_other || page.level() != 1 || page.pgno() != no.0 || page.entries() == 0 {
            return None;
        }
        let (kind, size) = (PageKind::BtreeLeaf, work.file.geometry.page_size().bytes());
        let leaf = Leaf::new(&page, no, kind, work.file.overhead());
        if !leaf.is_sound::<O>(&mut work.tiles, size) {
            return None;
        }
        let file = work.file;
        let mut notes = file.inspect(&page, no, 1, &mut work.report);
        notes.add(Note::Header);
        let mut cursor = Cursor::of::<O>(&file, no, kind, notes);
        cursor.units = Units::Sound { leaf, next: 0 };
        Some(cursor)
    }

    /// A cursor without records yet.
    fn of<O: ByteOrder>(file: &File<'s>, no: PageNo, kind: PageKind, notes: Notes) -> Self {
        let units = Units::Listed(Vec::new().into_iter());
        let spare = file.geometry.page_size().bytes().saturating_mul(REPEATS);
        let spot = file.spot::<O>(no);
        let index_end = (0, 0);
        Cursor { page: no, kind, notes, gaps: Vec::new(), index_end, spot, units, last_key: None, spare }
    }

    /// The number of the slot behind the index, if unused space starts right there.
    pub(super) fn slot_at(&self, start: usize) -> Option<u16> {
        (start == self.index_end.1).then_some(self.index_end.0)
    }

    /// Whether a key may be given, which may be that of the record before: not if the page gave
    /// too many bytes again already. A long key that is new makes room for itself.
    #[inline(always)]
    pub(super) fn may_give(&mut self, at: u16, len: usize, long: bool) -> bool {
        if self.last_key != Some(at) {
            self.last_key = Some(at);
            if long {
                self.spare = self.spare.saturating_add(len.saturating_mul(REPEATS));
            }
            return true;
        }
        let left = self.spare.checked_sub(len);
        self.spare = left.unwrap_or(self.spare);
        left.is_some()
    }

    /// What may still be given of bytes that were given before; none is left.
    pub(super) fn take_spare(&mut self) -> usize {
        std::mem::take(&mut self.spare)
    }

    pub(super) fn add_spare(&mut self, bytes: usize) {
        self.spare = self.spare.saturating_add(bytes);
    }

    /// All records of a sound leaf once more.
    pub(super) fn all_again<O: ByteOrder>(&self) -> Vec<Unit<'s>> {
        match &self.units {
            Units::Sound { leaf, .. } => (0..leaf.entries).filter_map(|unit| leaf.unit::<O>(unit)).collect(),
            Units::Listed(_) => Vec::new(),
        }
    }

    /// The next record, if it is a pair of the common form on a sound page.
    #[inline(always)]
    pub(super) fn next_plain<O: ByteOrder>(&mut self) -> Option<Plain<'s>> {
        let Units::Sound { leaf, next } = &self.units else { return None };
        let (plain, behind) = (leaf.plain::<O>(*next)?, next.wrapping_add(1));
        if !self.may_give(plain.key_at, plain.key.len(), false) {
            return None;
        }
        if let Units::Sound { next, .. } = &mut self.units {
            *next = behind;
        }
        Some(plain)
    }

    #[inline(always)]
    pub(super) fn next<O: ByteOrder>(&mut self) -> Option<Unit<'s>> {
        match &mut self.units {
            Units::Sound { leaf, next } => {
                let unit = leaf.unit::<O>(*next)?;
                *next = next.saturating_add(1);
                Some(unit)
            }
            Units::Listed(units) => units.next(),
        }
    }
}

/// The bytes of an item on a page. Duplicates have none of their own.
#[inline(always)]
pub(super) fn recover<'s, O: ByteOrder>(
    work: &mut Work<'s>,
    page: PageNo,
    item: Item<'s>,
    notes: &mut Notes,
) -> Recovered<'s> {
    match item {
        Item::Here(bytes) => Recovered::Whole(Bytes::one(bytes)),
        Item::Part { bytes, expected } => Recovered::Part { bytes: Bytes::one(bytes), expected },
        Item::Chain(chain) => {
            let file = work.file;
            work.chains.follow::<O>(&file, &work.seen, page, chain, notes, &mut work.report)
        }
        Item::External(external) => {
            let (file, order) = (work.file, work.file.geometry.endianness());
            work.given.value(file.externals, page, external, order, notes, &mut work.report)
        }
        Item::Duplicates { .. } | Item::Missing => Recovered::Missing,
    }
}
