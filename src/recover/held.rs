//! A page in memory.

use crate::format::edit::{self, PageError, PageHeader, PageMut};
use crate::format::page::{PageKind, at, slot_offset};
use crate::order::{Endianness, with_order};
use crate::types::{Lsn, PageNo};

/// A page in memory, in the clear and in the byte order of its file.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    /// Where its index begins.
    pub(crate) index: usize,
    pub(crate) order: Endianness,
    /// The order of what stands on a page of a HEAP.
    pub(crate) body: Endianness,
    /// Whether it is not as it stands in the file.
    pub(crate) changed: bool,
}

impl Held {
    pub(crate) fn u32(&self, at: usize) -> u32 {
        self.order.u32_at(&self.bytes, at).unwrap_or(0)
    }

    pub(crate) fn u16(&self, at: usize) -> u16 {
        self.order.u16_at(&self.bytes, at).unwrap_or(0)
    }

    pub(crate) fn put_u32(&mut self, at: usize, number: u32) {
        with_order!(self.order, O => edit::put_u32::<O>(&mut self.bytes, at, number));
    }

    pub(crate) fn put_u16(&mut self, at: usize, number: u16) {
        with_order!(self.order, O => edit::put_u16::<O>(&mut self.bytes, at, number));
    }

    pub(crate) fn lsn(&self) -> Lsn {
        Lsn { file: self.u32(0), offset: self.u32(4) }
    }

    pub(crate) fn set_lsn(&mut self, lsn: Lsn) {
        self.put_u32(0, lsn.file);
        self.put_u32(4, lsn.offset);
    }

    pub(crate) fn next(&self) -> u32 {
        self.u32(at::NEXT)
    }

    pub(crate) fn set_next(&mut self, no: u32) {
        self.put_u32(at::NEXT, no);
    }

    pub(crate) fn set_prev(&mut self, no: u32) {
        self.put_u32(at::PREV, no);
    }

    /// Number of slots; of an overflow page, of references to it.
    pub(crate) fn entries(&self) -> u16 {
        self.u16(at::ENTRIES)
    }

    pub(crate) fn level(&self) -> u8 {
        self.bytes.get(at::LEVEL).copied().unwrap_or(0)
    }

    pub(crate) fn type_byte(&self) -> u8 {
        self.bytes.get(at::TYPE).copied().unwrap_or(0)
    }

    pub(crate) fn kind(&self) -> Option<PageKind> {
        PageKind::from_byte(self.type_byte())
    }

    /// Where the items begin.
    pub(crate) fn area(&self) -> usize {
        match (self.u16(at::HF_OFFSET), self.entries()) {
            (0, 0) => self.bytes.len(),
            (area, _) => area.into(),
        }
    }

    /// As [`Held::area`] is set; 65536 is stored as 0.
    pub(crate) fn set_area(&mut self, area: usize) {
        self.put_u16(at::HF_OFFSET, u16::try_from(area).unwrap_or(0));
    }

    /// Where the item of a slot stands.
    pub(crate) fn offset(&self, slot: u16) -> Result<usize, PageError> {
        let entries = self.entries();
        if slot >= entries {
            return Err(PageError::Slot { slot, entries });
        }
        Ok(self.u16(slot_offset(self.index, slot)).into())
    }

    /// The item of a slot, with what follows it on the page.
    pub(crate) fn item(&self, slot: u16) -> Result<&[u8], PageError> {
        let offset = self.offset(slot)?;
        self.bytes.get(offset..).filter(|_| offset >= self.index).ok_or(PageError::Item { slot, offset })
    }

    /// The page as one of items.
    pub(crate) fn items(&mut self) -> Result<PageMut<'_>, PageError> {
        PageMut::new(&mut self.bytes, self.order, self.index)
    }

    /// Makes it a page without items.
    pub(crate) fn init(
        &mut self,
        no: u32,
        prev: u32,
        next: u32,
        level: u8,
        kind: PageKind,
    ) -> Result<(), PageError> {
        self.items()?.init(PageHeader { no: PageNo(no), prev, next, level, kind });
        Ok(())
    }

    /// Puts bytes at an offset, all of them.
    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) -> Result<(), PageError> {
        if at.checked_add(bytes.len()).is_none_or(|end| end > self.bytes.len()) {
            let free = self.bytes.len().saturating_sub(at);
            return Err(PageError::Full { needed: bytes.len(), free });
        }
        edit::put(&mut self.bytes, at, bytes);
        Ok(())
    }

    /// Takes over a whole page, or the beginning of one.
    pub(crate) fn take(&mut self, image: &[u8]) -> Result<(), PageError> {
        self.put(0, image)
    }

    /// Adds a signed number to one of 32 bits.
    pub(crate) fn add(&mut self, at: usize, number: i32) {
        self.put_u32(at, self.u32(at).wrapping_add_signed(number));
    }
}
