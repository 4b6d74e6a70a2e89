//! The records of one page, one after the other.

use byteorder::ByteOrder;

use super::bucket;
use super::careful;
use super::leaf::{Item, Leaf, Plain, Unit, level_of};
use super::note::{Note, Notes};
use super::overflow::is_head;
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
    units: Units<'s>,
}

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
        let mut cursor =
            Cursor { page: no, kind, notes, gaps: Vec::new(), units: Units::Listed(Vec::new().into_iter()) };
        if !is_leaf(kind) {
            let (units, problems) = bucket::units(&page, no, file.overhead());
            problems.into_iter().for_each(|problem| work.report.problem(problem));
            cursor.units = Units::Listed(units.into_iter());
            return Some(cursor);
        }
        let leaf = Leaf::new(&page, no, kind, file.overhead());
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
        Some(Cursor { page: no, kind, notes, gaps: Vec::new(), units: Units::Sound { leaf, next: 0 } })
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
        let Units::Sound { leaf, next } = &mut self.units else { return None };
        let plain = leaf.plain::<O>(*next)?;
        *next = next.wrapping_add(1);
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
            work.chains.follow::<O>(&file, page, chain, notes, &mut work.report)
        }
        Item::Duplicates { .. } | Item::Missing => Recovered::Missing,
    }
}
