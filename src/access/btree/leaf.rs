//! Leaves: pairs, records or duplicates on one page.

use std::sync::Arc;

use byteorder::ByteOrder;

use crate::error::{Defect, Error, Result};
use crate::format::item::{self, KEYDATA, NoItem};
use crate::format::page::{Page, PageKind, at, slot, slot_offset};
use crate::pages::{Content, Pages, Place, Reversible, Stored, Tiling, expect, size_of_item};
use crate::types::PageNo;

/// A leaf whose header was checked; its items are checked when touched.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<'a> {
    pages: &'a Pages<'a>,
    bytes: &'a [u8],
    /// The index, one u16 a slot.
    index: &'a [u8],
    no: PageNo,
    kind: PageKind,
    entries: u16,
    /// In version 6, the keys that may stand in the opposite byte order.
    reversible: Option<Arc<Reversible>>,
    /// Whether the short way to its pairs is closed.
    careful: bool,
    area: usize,
    prev: u32,
    next: u32,
}

/// A pair with both items on the page, and their offsets there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) key_at: usize,
    pub(crate) value_at: usize,
}

/// Checks the header fields that index and items depend on, and gives the start
/// of the item area.
pub(crate) fn check_area<O: ByteOrder>(page: &Page<'_, O>, no: PageNo, overhead: usize) -> Result<usize> {
    let (lowest, highest) = (slot_offset(overhead, page.entries()), page.bytes().len());
    let found = page.item_area();
    if lowest > highest {
        let defect = Defect::Entries { found: page.entries(), why: "more than fit the page" };
        return Err(Error::corrupt(no, at::ENTRIES, defect));
    }
    if found < lowest || found > highest {
        let defect = Defect::ItemArea { found, lowest, highest };
        return Err(Error::corrupt(no, at::HF_OFFSET, defect));
    }
    Ok(found)
}

impl<'a> Leaf<'a> {
    /// Checks that a page is a leaf of this kind, at its level, and that index
    /// and items lie within it.
    pub(crate) fn new<O: ByteOrder>(
        pages: &'a Pages<'a>,
        page: Page<'a, O>,
        no: PageNo,
        kind: PageKind,
    ) -> Result<Self> {
        if PageKind::from_byte(page.type_byte()) != Some(kind) {
            let defect = Defect::PageType { found: page.type_byte(), expected: kind.name() };
            return Err(Error::corrupt(no, at::TYPE, defect));
        }
        let expected = u8::from(kind != PageKind::Duplicate);
        if page.level() != expected {
            let defect = Defect::Level { found: page.level(), expected };
            return Err(Error::corrupt(no, at::LEVEL, defect));
        }
        let entries = page.entries();
        if kind == PageKind::BtreeLeaf && entries & 1 != 0 {
            let defect = Defect::Entries { found: entries, why: "keys and data come in pairs" };
            return Err(Error::corrupt(no, at::ENTRIES, defect));
        }
        let area = check_area(&page, no, pages.overhead())?;
        let bytes = page.bytes();
        let index = bytes.get(pages.overhead()..slot_offset(pages.overhead(), entries)).unwrap_or(&[]);
        let (prev, next) = (page.prev(), page.next());
        let careful = kind != PageKind::BtreeLeaf;
        let mut leaf =
            Leaf { pages, bytes, index, no, kind, entries, reversible: None, careful, area, prev, next };
        if kind == PageKind::BtreeLeaf && pages.meta().shared_keys_may_be_reversed() {
            leaf.reversible = Reversible::of::<O>(index).map(Arc::new);
            leaf.careful = leaf.reversible.is_some();
        }
        Ok(leaf)
    }

    pub(crate) fn no(&self) -> PageNo {
        self.no
    }

    pub(crate) fn kind(&self) -> PageKind {
        self.kind
    }

    pub(crate) fn prev(&self) -> u32 {
        self.prev
    }

    pub(crate) fn next(&self) -> u32 {
        self.next
    }

    pub(crate) fn pages(&self) -> &'a Pages<'a> {
        self.pages
    }

    /// Closes the short way to the pairs, so that each is counted.
    pub(crate) fn take_care(&mut self) {
        self.careful = true;
    }

    /// Whether pairs come the long way only.
    pub(crate) fn is_careful(&self) -> bool {
        self.careful
    }

    /// Where the first slot of a unit stands.
    pub(crate) fn unit_offset(&self, unit: u16) -> usize {
        let slot = if self.kind == PageKind::BtreeLeaf { unit.wrapping_mul(2) } else { unit };
        slot_offset(self.pages.overhead(), slot)
    }

    /// Number of units: pairs on a BTREE leaf, items on all others.
    pub(crate) fn units(&self) -> u16 {
        match self.kind {
            PageKind::BtreeLeaf => self.entries >> 1,
            _ => self.entries,
        }
    }

    /// The slot that holds the value of a unit.
    pub(crate) fn value_slot(&self, unit: u16) -> u16 {
        match self.kind {
            PageKind::BtreeLeaf => unit.wrapping_mul(2).wrapping_add(1),
            _ => unit,
        }
    }

    /// The value of a unit.
    #[inline(always)]
    pub(crate) fn value<O: ByteOrder>(&self, unit: u16) -> Result<Stored<'a>> {
        self.value_at::<O>(unit).map(|(_, stored)| stored)
    }

    /// The value of a unit, and its offset in the page.
    #[inline(always)]
    pub(crate) fn value_at<O: ByteOrder>(&self, unit: u16) -> Result<(usize, Stored<'a>)> {
        let slot = self.value_slot(unit);
        let (offset, item) = self.item::<O>(slot)?;
        Ok((offset, self.decode::<O>(slot, offset, item, self.kind == PageKind::BtreeLeaf)?))
    }

    /// The key of a pair.
    #[inline(always)]
    pub(crate) fn key<O: ByteOrder>(&self, pair: u16) -> Result<Content<'a>> {
        self.key_at::<O>(pair).map(|(_, content)| content)
    }

    /// The key of a pair, and its offset in the page.
    #[inline(always)]
    pub(crate) fn key_at<O: ByteOrder>(&self, pair: u16) -> Result<(usize, Content<'a>)> {
        let slot = pair.wrapping_mul(2);
        let (offset, item) = self.item::<O>(slot)?;
        if let Some(reversible) = &self.reversible {
            let place = Place::new(self.no, offset);
            if let Some(content) = reversible.key::<O>(self.pages, self.bytes, place, offset) {
                return Ok((offset, content));
            }
        }
        Ok((offset, self.decode::<O>(slot, offset, item, false)?.content))
    }

    /// A pair of the common form, both items on the page and not deleted: the short
    /// way. `None` for anything else, good or bad.
    #[inline(always)]
    pub(crate) fn plain_pair<O: ByteOrder>(&self, pair: u16) -> Option<Plain<'a>> {
        if self.careful {
            return None;
        }
        let at = usize::from(pair).wrapping_mul(4);
        let [k0, k1, v0, v1] = self.index.get(at..)?.first_chunk()?;
        let key_at = usize::from(O::read_u16(&[*k0, *k1]));
        let value_at = usize::from(O::read_u16(&[*v0, *v1]));
        let lowest = self.pages.overhead().wrapping_add(self.index.len());
        if key_at.min(value_at) < lowest || (key_at | value_at) & 3 != 0 {
            return None;
        }
        let plain = |at: usize| {
            let ([l0, l1, kind], rest) = self.bytes.get(at..)?.split_first_chunk()?;
            let len = usize::from(O::read_u16(&[*l0, *l1]));
            if *kind == KEYDATA { rest.get(..len) } else { None }
        };
        Some(Plain { key: plain(key_at)?, value: plain(value_at)?, key_at, value_at })
    }

    /// The key of a pair, if it is on the page and in the file's byte order.
    #[inline(always)]
    pub(crate) fn plain_key<O: ByteOrder>(&self, pair: u16) -> Option<&'a [u8]> {
        let ([l0, l1, kind], rest) =
            self.bytes.get(self.key_place::<O>(pair)?.into()..)?.split_first_chunk()?;
        let plain = *kind == KEYDATA && self.reversible.is_none();
        if plain { rest.get(..O::read_u16(&[*l0, *l1]).into()) } else { None }
    }

    /// Asks memory for the keys of all pairs.
    #[inline]
    pub(crate) fn expect_keys<O: ByteOrder>(&self) {
        for slots in self.index.chunks_exact(4) {
            expect(self.bytes, O::read_u16(slots).into());
        }
    }

    /// Whether a pair has the key of the pair before: they share the key item.
    #[inline(always)]
    pub(crate) fn shares_key<O: ByteOrder>(&self, pair: u16) -> bool {
        let slot = pair.wrapping_mul(2);
        pair > 0 && self.raw_slot::<O>(slot) == self.raw_slot::<O>(slot.wrapping_sub(2))
    }

    /// Where the key of a pair is on the page, as its slot says.
    #[inline(always)]
    pub(crate) fn key_place<O: ByteOrder>(&self, pair: u16) -> Option<u16> {
        self.raw_slot::<O>(pair.wrapping_mul(2))
    }

    #[inline(always)]
    fn raw_slot<O: ByteOrder>(&self, number: u16) -> Option<u16> {
        slot::<O>(self.index, number)
    }

    /// Offset of a slot's item, and the page from there on.
    #[inline(always)]
    fn item<O: ByteOrder>(&self, slot: u16) -> Result<(usize, &'a [u8])> {
        let offset = usize::from(self.raw_slot::<O>(slot).unwrap_or(0));
        let lowest = self.pages.overhead().wrapping_add(self.index.len());
        if offset >= lowest && offset & 3 == 0 {
            if let Some(item) = self.bytes.get(offset..).filter(|item| item.len() >= 4) {
                return Ok((offset, item));
            }
        }
        Err(self.bad_offset::<O>(slot))
    }

    #[inline(always)]
    fn decode<O: ByteOrder>(
        &self,
        slot: u16,
        offset: usize,
        item: &'a [u8],
        duplicates: bool,
    ) -> Result<Stored<'a>> {
        if let [l0, l1, KEYDATA, ..] = item {
            let len = O::read_u16(&[*l0, *l1]);
            if let Some(bytes) = item::keydata(item, len) {
                return Ok(Stored { content: Content::Here(bytes), deleted: false });
            }
        }
        self.decode_any::<O>(slot, offset, item, duplicates)
    }

    /// Decodes an item of any kind.
    #[inline(never)]
    fn decode_any<O: ByteOrder>(
        &self,
        slot: u16,
        offset: usize,
        item: &'a [u8],
        duplicates: bool,
    ) -> Result<Stored<'a>> {
        let corrupt = |defect| Error::corrupt(self.no, offset, defect);
        let wrong_kind = |found| {
            let expected = if duplicates { "1 to 4" } else { "1 or 3" };
            corrupt(Defect::ItemKind { slot, found, expected })
        };
        let found = item::leaf::<O>(item).map_err(|error| match error {
            NoItem::Cut => wrong_kind(0),
            NoItem::Kind(found) => wrong_kind(found),
            NoItem::Length(len) => corrupt(Defect::ItemLength { slot, len, end: self.bytes.len() }),
        })?;
        let content = Content::of(found.form, Place::new(self.no, offset));
        let external = matches!(content, Content::External(_));
        if (external || matches!(content, Content::Duplicates(_))) && !duplicates
            || external && !self.pages.meta().generation().has_externals()
        {
            return Err(wrong_kind(item::type_byte(item).unwrap_or(0)));
        }
        Ok(Stored { content, deleted: found.deleted })
    }

    #[cold]
    fn bad_offset<O: ByteOrder>(&self, slot: u16) -> Error {
        let found = self.raw_slot::<O>(slot).unwrap_or(0);
        let lowest = slot_offset(self.pages.overhead(), self.entries);
        let defect = Defect::ItemOffset { slot, found, lowest, end: self.bytes.len() };
        Error::corrupt(self.no, slot_offset(self.pages.overhead(), slot), defect)
    }

    /// Checks every item, and that together they fill the item area.
    pub(crate) fn check<O: ByteOrder>(&self) -> Result<()> {
        self.examine::<O>().0
    }

    /// As [`Leaf::check`]; says besides how many bytes the units give.
    pub(crate) fn examine<O: ByteOrder>(&self) -> (Result<()>, u64) {
        match self.is_plain::<O>() {
            Some(given) => (Ok(()), given),
            None => self.find_fault::<O>(),
        }
    }

    /// [`Leaf::examine`] for a page of nothing but plain pairs.
    fn is_plain<O: ByteOrder>(&self) -> Option<u64> {
        let mut tiling = Tiling::default();
        let (mut last_key, mut repeated) = (0, 0usize);
        for pair in 0..self.units() {
            let plain = self.plain_pair::<O>(pair)?;
            if plain.key_at != last_key {
                last_key = plain.key_at;
                tiling.add(plain.key_at, size_of_item(Content::Here(plain.key)));
            } else {
                repeated = repeated.saturating_add(plain.key.len());
            }
            tiling.add(plain.value_at, size_of_item(Content::Here(plain.value)));
        }
        let sound = self.kind == PageKind::BtreeLeaf && self.check_tiling(&tiling).is_ok();
        let given = repeated.saturating_add(self.bytes.len());
        sound.then(|| u64::try_from(given).unwrap_or(u64::MAX))
    }

    /// The first fault of an item, or of all together, and what the units give.
    fn find_fault<O: ByteOrder>(&self) -> (Result<()>, u64) {
        let (mut tiling, mut given, mut fault) = (Tiling::default(), 0u64, Ok(()));
        for unit in 0..self.units() {
            let key = (self.kind == PageKind::BtreeLeaf).then(|| self.key_at::<O>(unit));
            let value = self.value_at::<O>(unit).map(|(offset, stored)| (offset, stored.content));
            let shared = self.shares_key::<O>(unit);
            for (item, again) in key.map(|key| (key, shared)).into_iter().chain([(value, false)]) {
                match item {
                    Ok((offset, content)) => {
                        if !again {
                            tiling.add(offset, size_of_item(content));
                        }
                        given = given.saturating_add(content.given(again));
                    }
                    Err(error) => fault = fault.and(Err(error)),
                }
            }
        }
        (fault.and_then(|()| self.check_tiling(&tiling)), given)
    }

    /// Checks that items, all added up, fill the item area.
    pub(crate) fn check_tiling(&self, tiling: &Tiling) -> Result<()> {
        tiling.check(self.no, self.area, self.bytes.len())
    }

    /// Number of units that are not marked deleted.
    pub(crate) fn live<O: ByteOrder>(&self) -> u32 {
        let deleted = |unit: &u16| self.value::<O>(*unit).is_ok_and(|v| v.deleted);
        let gone = (0..self.units()).filter(deleted).count();
        u32::from(self.units()).saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX))
    }
}
