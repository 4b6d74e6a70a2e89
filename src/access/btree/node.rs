//! Internal pages: which child holds what.

use byteorder::ByteOrder;

use super::leaf::check_area;
use crate::error::{Defect, Error, Result};
use crate::format::item::{
    self, BtreeInternal, DELETED, INTERNAL_HEAD, KEYDATA, OVERFLOW, RECNO_INTERNAL, REFERENCE,
};
use crate::format::page::{Page, PageKind, at, slot, slot_offset};
use crate::pages::{Chain, Content, Origin, Pages, Place, Tiling};
use crate::types::PageNo;

/// An internal page whose header was checked; its items are checked when touched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    pages: &'a Pages<'a>,
    bytes: &'a [u8],
    /// The page from its index on.
    index: &'a [u8],
    no: PageNo,
    kind: PageKind,
    entries: u16,
    area: usize,
    level: u8,
    total: u32,
}

/// A child of an internal page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child {
    pub(crate) page: PageNo,
    /// Records below it, where the tree keeps counts.
    pub(crate) records: u32,
    pub(crate) origin: Origin,
}

impl<'a> Node<'a> {
    /// Checks that a page is an internal page of this kind, at its level (any
    /// above the leaves if it is the root), and that index and items lie within it.
    pub(crate) fn new<O: ByteOrder>(
        pages: &'a Pages<'a>,
        page: Page<'a, O>,
        no: PageNo,
        kind: PageKind,
        level: Option<u8>,
    ) -> Result<Self> {
        if PageKind::from_byte(page.type_byte()) != Some(kind) {
            let defect = Defect::PageType { found: page.type_byte(), expected: kind.name() };
            return Err(Error::corrupt(no, at::TYPE, defect));
        }
        let expected = level.unwrap_or(page.level().max(2));
        if page.level() != expected {
            let defect = Defect::Level { found: page.level(), expected };
            return Err(Error::corrupt(no, at::LEVEL, defect));
        }
        if page.entries() == 0 {
            let defect = Defect::Entries { found: 0, why: "an internal page has children" };
            return Err(Error::corrupt(no, at::ENTRIES, defect));
        }
        let area = check_area(&page, no, pages.overhead())?;
        let (bytes, entries, level, total) = (page.bytes(), page.entries(), page.level(), page.prev());
        let index = bytes.get(pages.overhead()..).unwrap_or(&[]);
        Ok(Node { pages, bytes, index, no, kind, entries, area, level, total })
    }

    pub(crate) fn no(&self) -> PageNo {
        self.no
    }

    pub(crate) fn level(&self) -> u8 {
        self.level
    }

    pub(crate) fn entries(&self) -> u16 {
        self.entries
    }

    /// The last index.
    pub(crate) fn last(&self) -> u16 {
        self.entries.saturating_sub(1)
    }

    /// What the page says of the records below, if it is the root of a tree that
    /// keeps counts.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    #[inline(always)]
    fn slot<O: ByteOrder>(&self, index: u16) -> Option<u16> {
        slot::<O>(self.index, index)
    }

    #[inline]
    fn item<O: ByteOrder>(&self, index: u16) -> Result<(usize, &'a [u8])> {
        let at = slot_offset(self.pages.overhead(), index);
        let found = if index < self.entries { self.slot::<O>(index).unwrap_or(0) } else { 0 };
        let (offset, lowest) = (usize::from(found), slot_offset(self.pages.overhead(), self.entries));
        if offset >= lowest && offset & 3 == 0 {
            if let Some(item) = self.bytes.get(offset..).filter(|item| item.len() >= RECNO_INTERNAL) {
                return Ok((offset, item));
            }
        }
        let end = self.bytes.len();
        Err(Error::corrupt(self.no, at, Defect::ItemOffset { slot: index, found, lowest, end }))
    }

    fn btree_item<O: ByteOrder>(&self, index: u16) -> Result<(usize, BtreeInternal<'a>)> {
        let (offset, raw) = self.item::<O>(index)?;
        let item = item::btree_internal::<O>(raw).ok_or_else(|| {
            let len = u32::from(item::len::<O>(raw).unwrap_or(0));
            Error::corrupt(self.no, offset, Defect::ItemLength { slot: index, len, end: self.bytes.len() })
        })?;
        Ok((offset, item))
    }

    /// The child at an index.
    #[inline]
    pub(crate) fn child<O: ByteOrder>(&self, index: u16) -> Result<Child> {
        let (offset, page, records) = if self.kind == PageKind::RecnoInternal {
            let (offset, raw) = self.item::<O>(index)?;
            let (page, records) = item::recno_internal::<O>(raw).unwrap_or((0, 0));
            (offset, page, records)
        } else {
            let (offset, item) = self.btree_item::<O>(index)?;
            (offset.saturating_add(4), item.child, item.nrecs)
        };
        let origin = Origin { page: self.no, offset, what: "child page" };
        Ok(Child { page: PageNo(page), records, origin })
    }

    /// The key at an index of a BTREE page, if it is on the page.
    #[inline(always)]
    pub(crate) fn plain_key<O: ByteOrder>(&self, index: u16) -> Option<&'a [u8]> {
        let item = self.bytes.get(usize::from(self.slot::<O>(index)?)..)?;
        let ([l0, l1, kind, ..], rest) = item.split_first_chunk::<INTERNAL_HEAD>()?;
        if *kind == KEYDATA { rest.get(..O::read_u16(&[*l0, *l1]).into()) } else { None }
    }

    /// The key at an index of a BTREE page. That of index 0 means "less than
    /// everything", whatever it says.
    #[inline]
    pub(crate) fn key<O: ByteOrder>(&self, index: u16) -> Result<Content<'a>> {
        let (offset, item) = self.btree_item::<O>(index)?;
        match item.type_byte & !DELETED {
            KEYDATA => Ok(Content::Here(item.key)),
            OVERFLOW if item.key.len() == REFERENCE => {
                let (first, len) = item::reference::<O>(item.key).unwrap_or((0, 0));
                let place = Place::new(self.no, offset.saturating_add(INTERNAL_HEAD));
                Ok(Content::Chain(Chain { first: PageNo(first), len, place }))
            }
            _ => {
                let defect = Defect::ItemKind {
                    slot: index,
                    found: item.type_byte,
                    expected: "1, or 3 with length 12",
                };
                Err(Error::corrupt(self.no, offset, defect))
            }
        }
    }

    /// Records below all children, where the tree keeps counts.
    pub(crate) fn sum<O: ByteOrder>(&self) -> Result<u32> {
        (0..self.entries).try_fold(0u32, |sum, i| Ok(sum.saturating_add(self.child::<O>(i)?.records)))
    }

    /// Records below the children before an index.
    pub(crate) fn records_before<O: ByteOrder>(&self, index: u16) -> u32 {
        (0..index.min(self.entries))
            .fold(0u32, |sum, i| sum.saturating_add(self.child::<O>(i).map_or(0, |c| c.records)))
    }

    /// Checks every item, and that together they fill the item area.
    pub(crate) fn check<O: ByteOrder>(&self) -> Result<()> {
        let mut tiling = Tiling::default();
        for index in 0..self.entries {
            let (offset, _) = self.item::<O>(index)?;
            let size = if self.kind == PageKind::RecnoInternal {
                RECNO_INTERNAL
            } else {
                let (_, item) = self.btree_item::<O>(index)?;
                self.key::<O>(index)?;
                item::padded(INTERNAL_HEAD.saturating_add(item.key.len()))
            };
            tiling.add(offset, size);
        }
        tiling.check(self.no, self.area, self.bytes.len())
    }
}
