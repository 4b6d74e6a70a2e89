//! A page of a bucket (database-format, "Bucket pages").

use byteorder::ByteOrder;

use crate::access::btree::leaf::Plain;
use crate::error::{Defect, Error, Result};
use crate::format::external;
use crate::format::item::{self, DUPLICATE, HASH_EXTERNAL, KEYDATA, OFFDUP, OVERFLOW, REFERENCE};
use crate::format::page::{Page, PageKind, at, slot, slot_offset};
use crate::pages::{Chain, Content, Duplicates, External, Pages, Place};
use crate::types::PageNo;

/// A page of a bucket whose header was checked; its items are checked when touched.
#[derive(Clone, Copy, Debug)]
pub(in crate::access) struct BucketPage<'a> {
    pages: &'a Pages<'a>,
    bytes: &'a [u8],
    /// The index, one u16 a slot.
    index: &'a [u8],
    no: PageNo,
    kind: PageKind,
    pairs: u16,
    prev: u32,
    next: u32,
}

/// What a data slot of a bucket page holds.
pub(super) enum Found<'a> {
    One(Content<'a>),
    /// Duplicates in one item on the page, which stands at this place.
    Set {
        set: &'a [u8],
        place: Place,
    },
    Elsewhere(Duplicates),
}

impl<'a> BucketPage<'a> {
    /// Checks that a page is one of a bucket, or reserved for one, and that its items are as
    /// many as it says.
    pub(in crate::access) fn new<O: ByteOrder>(
        pages: &'a Pages<'a>,
        page: Page<'a, O>,
        no: PageNo,
    ) -> Result<Self> {
        let (bytes, entries) = (page.bytes(), page.entries());
        // Where the items of a page without any would start; a page never used may say anything.
        let (kind, top) = match PageKind::from_byte(page.type_byte()) {
            Some(kind @ (PageKind::Hash | PageKind::HashUnsorted)) => (kind, bytes.len()),
            Some(PageKind::Invalid) if entries == 0 => (PageKind::Invalid, page.item_area()),
            _ => {
                let defect = Defect::PageType { found: page.type_byte(), expected: "hash" };
                return Err(Error::corrupt(no, at::TYPE, defect));
            }
        };
        let index = bytes.get(pages.overhead()..slot_offset(pages.overhead(), entries)).unwrap_or(&[]);
        let lowest =
            entries.checked_sub(1).map_or(top, |last| slot::<O>(index, last).map_or(usize::MAX, usize::from));
        if entries & 1 != 0 || lowest != page.item_area() {
            let defect =
                Defect::Entries { found: entries, why: "the last is not the lowest item of the page" };
            return Err(Error::corrupt(no, at::ENTRIES, defect));
        }
        let (prev, next) = (page.prev(), page.next());
        Ok(BucketPage { pages, bytes, index, no, kind, pairs: entries >> 1, prev, next })
    }

    pub(in crate::access) fn no(&self) -> PageNo {
        self.no
    }

    pub(in crate::access) fn kind(&self) -> PageKind {
        self.kind
    }

    pub(in crate::access) fn prev(&self) -> u32 {
        self.prev
    }

    pub(in crate::access) fn next(&self) -> u32 {
        self.next
    }

    pub(in crate::access) fn pages(&self) -> &'a Pages<'a> {
        self.pages
    }

    pub(super) fn pairs(&self) -> u16 {
        self.pairs
    }

    /// A pair with both items on the page.
    #[inline(always)]
    pub(super) fn plain_pair<O: ByteOrder>(&self, pair: u16) -> Option<Plain<'a>> {
        let (key_at, key) = self.plain_key::<O>(pair)?;
        let value_at = usize::from(slot::<O>(self.index, pair.wrapping_mul(2).wrapping_add(1))?);
        match self.bytes.get(value_at..key_at)? {
            [KEYDATA, value @ ..] if value_at >= self.lowest() => {
                Some(Plain { key, value, key_at, value_at })
            }
            _ => None,
        }
    }

    /// A key that stands on the page, and its offset.
    #[inline(always)]
    pub(super) fn plain_key<O: ByteOrder>(&self, pair: u16) -> Option<(usize, &'a [u8])> {
        if pair >= self.pairs {
            return None;
        }
        let number = pair.wrapping_mul(2);
        let start = usize::from(slot::<O>(self.index, number)?);
        match self.bytes.get(start..self.end::<O>(number))? {
            [KEYDATA, key @ ..] if start >= self.lowest() => Some((start, key)),
            _ => None,
        }
    }

    pub(super) fn key<O: ByteOrder>(&self, pair: u16) -> Result<Content<'a>> {
        let slot = pair.wrapping_mul(2);
        let (offset, kind, item) = self.item::<O>(slot)?;
        self.simple::<O>(kind, offset, item).ok_or_else(|| self.wrong_kind(slot, offset, kind, "1 or 3"))
    }

    pub(super) fn value<O: ByteOrder>(&self, pair: u16) -> Result<Found<'a>> {
        let slot = pair.wrapping_mul(2).wrapping_add(1);
        let (offset, kind, item) = self.item::<O>(slot)?;
        let place = Place::new(self.no, offset);
        let found = match kind {
            HASH_EXTERNAL if self.pages.meta().generation().has_externals() => external::item(item)
                .filter(|whole| whole.len() == item.len())
                .map(|item| Found::One(Content::External(External { item, place }))),
            DUPLICATE => item.get(1..).map(|set| Found::Set { set, place }),
            OFFDUP => item
                .get(4..)
                .and_then(|raw| raw.first_chunk::<4>())
                .map(|raw| Found::Elsewhere(Duplicates { root: PageNo(O::read_u32(raw)), place })),
            _ => self.simple::<O>(kind, offset, item).map(Found::One),
        };
        found.ok_or_else(|| self.wrong_kind(slot, offset, kind, "1 to 5"))
    }

    /// The error for a pair.
    pub(super) fn corrupt(&self, pair: u16, defect: Defect) -> Error {
        Error::corrupt(self.no, slot_offset(self.pages.overhead(), pair.wrapping_mul(2)), defect)
    }

    /// Lowest legal offset of an item.
    #[inline(always)]
    fn lowest(&self) -> usize {
        self.pages.overhead().wrapping_add(self.index.len())
    }

    /// Where an item ends: items lie one below the other, in slot order.
    #[inline(always)]
    fn end<O: ByteOrder>(&self, number: u16) -> usize {
        match number.checked_sub(1) {
            Some(before) => slot::<O>(self.index, before).map_or(0, usize::from),
            None => self.bytes.len(),
        }
    }

    /// An item, its offset and its type.
    fn item<O: ByteOrder>(&self, number: u16) -> Result<(usize, u8, &'a [u8])> {
        let (lowest, end) = (self.lowest(), self.end::<O>(number));
        let start = slot::<O>(self.index, number).map_or(0, usize::from);
        let item = if start < lowest { None } else { self.bytes.get(start..end) };
        let Some((&kind, _)) = item.and_then(<[u8]>::split_first) else {
            let found = u16::try_from(start).unwrap_or(0);
            let defect = Defect::ItemOffset { slot: number, found, lowest, end };
            return Err(Error::corrupt(self.no, slot_offset(self.pages.overhead(), number), defect));
        };
        Ok((start, kind, item.unwrap_or(&[])))
    }

    fn simple<O: ByteOrder>(&self, kind: u8, offset: usize, item: &'a [u8]) -> Option<Content<'a>> {
        match kind {
            KEYDATA => item.get(1..).map(Content::Here),
            OVERFLOW if item.len() == REFERENCE => {
                let (first, len) = item::reference::<O>(item)?;
                Some(Content::Chain(Chain { first: PageNo(first), len, place: Place::new(self.no, offset) }))
            }
            _ => None,
        }
    }

    fn wrong_kind(&self, slot: u16, offset: usize, found: u8, expected: &'static str) -> Error {
        Error::corrupt(self.no, offset, Defect::ItemKind { slot, found, expected })
    }
}
