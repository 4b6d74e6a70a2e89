//! The items of a leaf whose page is sound.
//!
//! A page is sound if its items fill the item area without gaps or overlaps, as on
//! every page that a library wrote (database-format, "Alignment and packing").

use byteorder::ByteOrder;

use super::item::{Unit, read};
use super::note::Notes;
use super::place::Place;
use super::tiles::Tiles;
use crate::format::item::KEYDATA;
use crate::format::page::{self, Page, PageKind, is_leaf, slot_offset};
use crate::types::PageNo;

/// The level of pages of a kind that holds records (database-format, "Level, links,
/// root").
pub(super) fn level_of(kind: PageKind) -> u8 {
    u8::from(is_leaf(kind) && kind != PageKind::Duplicate)
}

/// A leaf page and its index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf<'s> {
    pub(super) no: PageNo,
    pub(super) bytes: &'s [u8],
    pub(super) overhead: usize,
    /// Whether slots come in pairs of key and value.
    pub(super) pairs: bool,
    pub(super) entries: u16,
    /// Where the item area starts, as the header says.
    pub(super) area: usize,
}

impl<'s> Leaf<'s> {
    pub(super) fn new<O: ByteOrder>(page: &Page<'s, O>, no: PageNo, kind: PageKind, overhead: usize) -> Self {
        let (bytes, entries, area) = (page.bytes(), page.entries(), page.item_area());
        Leaf { no, bytes, overhead, pairs: kind == PageKind::BtreeLeaf, entries, area }
    }

    /// Whether the header is that of a page with records, although it has another
    /// page's number: not bytes that have its type byte by accident.
    pub(super) fn is_likely<O: ByteOrder>(page: &Page<'s, O>, no: PageNo, overhead: usize) -> bool {
        let Some(kind) = PageKind::from_byte(page.type_byte()) else { return false };
        page.level() == level_of(kind) && Leaf::new(page, no, kind, overhead).is_plausible()
    }

    #[inline(always)]
    pub(super) fn slot<O: ByteOrder>(&self, slot: u16) -> Option<usize> {
        page::slot::<O>(self.bytes.get(self.overhead..)?, slot).map(usize::from)
    }

    pub(super) fn index_end(&self) -> usize {
        slot_offset(self.overhead, self.entries)
    }

    /// Whether header and index contradict neither themselves nor the page.
    pub(super) fn is_plausible(&self) -> bool {
        self.index_end() <= self.area
            && self.area <= self.bytes.len()
            && !(self.pairs && self.entries & 1 != 0)
    }

    /// Whether the items fill the item area, and nothing else.
    pub(super) fn is_sound<O: ByteOrder>(&self, tiles: &mut Tiles, page_size: usize) -> bool {
        if !self.is_plausible() || self.bytes.len() != page_size {
            return false;
        }
        tiles.clear(page_size);
        let index = self.bytes.get(self.overhead..self.index_end()).unwrap_or(&[]);
        let mut last_key = 0;
        for (slot, raw) in index.chunks_exact(2).enumerate() {
            let offset = usize::from(O::read_u16(raw));
            let is_key = self.pairs && slot & 1 == 0;
            if is_key && std::mem::replace(&mut last_key, offset) == offset {
                continue;
            }
            if offset < self.area || offset & 3 != 0 {
                return false;
            }
            let Some(stored) = read::<O>(self.bytes, offset, self.pairs && !is_key) else { return false };
            tiles.add(offset, stored.size);
        }
        tiles.fill(self.area, page_size)
    }

    /// A record of a sound page, if it is a pair of the common form: the short way.
    #[inline(always)]
    pub(super) fn plain<O: ByteOrder>(&self, unit: u16) -> Option<Plain<'s>> {
        let slot = unit.wrapping_mul(2);
        if !self.pairs || slot >= self.entries {
            return None;
        }
        let [k0, k1, v0, v1] = self.bytes.get(slot_offset(self.overhead, slot)..)?.first_chunk()?;
        let item = |at: u16| {
            let ([l0, l1, kind], rest) = self.bytes.get(usize::from(at)..)?.split_first_chunk()?;
            let len = usize::from(O::read_u16(&[*l0, *l1]));
            if *kind == KEYDATA { rest.get(..len) } else { None }
        };
        let (key_at, at) = (O::read_u16(&[*k0, *k1]), O::read_u16(&[*v0, *v1]));
        Some(Plain { slot: slot.wrapping_add(1), key_at, at, key: item(key_at)?, value: item(at)? })
    }

    /// A record of a sound page.
    #[inline(always)]
    pub(super) fn unit<O: ByteOrder>(&self, unit: u16) -> Option<Unit<'s>> {
        let (key, slot) = if self.pairs {
            let slot = unit.wrapping_mul(2);
            if slot >= self.entries {
                return None;
            }
            let offset = self.slot::<O>(slot)?;
            let key = (u16::try_from(offset).unwrap_or(0), read::<O>(self.bytes, offset, false)?.item);
            (Some(key), slot.wrapping_add(1))
        } else if unit < self.entries {
            (None, unit)
        } else {
            return None;
        };
        let offset = self.slot::<O>(slot)?;
        let stored = read::<O>(self.bytes, offset, self.pairs)?;
        let (value, deleted, at) = (stored.item, stored.deleted, u16::try_from(offset).unwrap_or(0));
        Some(Unit { place: Place::Slot(slot), at, key, value, deleted, notes: Notes::default() })
    }
}

/// A pair of the common form: both items on the page, and not deleted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain<'s> {
    pub(super) slot: u16,
    /// Where the items stand on the page.
    pub(super) key_at: u16,
    pub(super) at: u16,
    pub(super) key: &'s [u8],
    pub(super) value: &'s [u8],
}
