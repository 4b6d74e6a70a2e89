//! Changes of pages in memory (recovery, "Primitive page changes").
//!
//! None of them changes the LSN or the checksum of a page, and none clears bytes that it does not
//! name: what stands between the index and the items, and behind items up to the next multiple of
//! 4, means nothing.

use std::ops::Range;

use byteorder::ByteOrder;

use super::item::{self, DELETED, INTERNAL_HEAD, KEYDATA, KEYDATA_HEAD, REFERENCE, TYPE_AT, padded};
use super::page::{HEADER, Page, PageKind, at, slot_offset};
use crate::order::{Endianness, with_order};
use crate::types::PageNo;

/// Puts bytes at an offset, as far as they fit.
pub(crate) fn put(page: &mut [u8], at: usize, bytes: &[u8]) {
    let room = page.get_mut(at..).unwrap_or(&mut []);
    match room.get_mut(..bytes.len()) {
        Some(place) => place.copy_from_slice(bytes),
        None => room.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte),
    }
}

/// Puts a number of 32 bits at an offset.
pub(crate) fn put_u32<O: ByteOrder>(page: &mut [u8], at: usize, number: u32) {
    let mut bytes = [0; 4];
    O::write_u32(&mut bytes, number);
    put(page, at, &bytes);
}

/// Puts a number of 16 bits at an offset.
pub(crate) fn put_u16<O: ByteOrder>(page: &mut [u8], at: usize, number: u16) {
    let mut bytes = [0; 2];
    O::write_u16(&mut bytes, number);
    put(page, at, &bytes);
}

/// Why a page cannot be changed as it was asked for; then it is as it was, but for
/// [`PageMut::copy_run`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// No page has this length, or its index does not begin there.
    #[error("no page has {len} bytes, and an index at {index}")]
    Size {
        /// Its bytes.
        len: usize,
        /// Where the index is said to begin.
        index: usize,
    },
    /// There is no such slot.
    #[error("slot {slot} of {entries}")]
    Slot {
        /// The slot.
        slot: u16,
        /// How many there are.
        entries: u16,
    },
    /// There is not enough room on the page.
    #[error("{needed} bytes are needed, and {free} are free")]
    Full {
        /// What is needed, in bytes, with the slot.
        needed: usize,
        /// What is free.
        free: usize,
    },
    /// An item does not fit the space that it is said to take.
    #[error("{len} bytes in a space of {space}")]
    Space {
        /// What the item takes, in bytes.
        len: usize,
        /// What it is said to take.
        space: usize,
    },
    /// What stands in a slot is no item of this page, or none that can be replaced.
    #[error("slot {slot}: no such item at byte {offset}")]
    Item {
        /// The slot.
        slot: u16,
        /// Where it leads.
        offset: usize,
    },
    /// Pages of this type have no such items.
    #[error("a page of type {found} has no such items")]
    Kind {
        /// The type byte.
        found: u8,
    },
    /// The items of the page are not where its header says.
    #[error("the items begin at byte {area}, the index ends at byte {index}")]
    Area {
        /// Where the items are said to begin.
        area: usize,
        /// Where the index ends.
        index: usize,
    },
}

/// What the header of an ordinary page says beside its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageHeader {
    /// The page's own number.
    pub no: PageNo,
    /// The previous page, or the records below an internal root; 0 for none.
    pub prev: u32,
    /// The next page; 0 for none.
    pub next: u32,
    /// The level: 1 for leaves.
    pub level: u8,
    /// The type.
    pub kind: PageKind,
}

/// A page of items that is changed in memory: in the steps in which the records of a log speak
/// of it (recovery, "Primitive page changes").
///
/// ```
/// use bdbkit::log::{PageHeader, PageMut};
/// use bdbkit::{Endianness, PageKind, PageNo};
///
/// let mut bytes = vec![0; 512];
/// let mut page = PageMut::new(&mut bytes, Endianness::Big, 26)?;
/// page.init(PageHeader { no: PageNo(1), prev: 0, next: 0, level: 1, kind: PageKind::BtreeLeaf });
/// page.insert(0, 8, &[], b"key")?;
/// page.insert(1, 8, &[], b"value")?;
/// page.replace(1, b"a longer value")?;
/// assert_eq!(page.total()?, 1);
/// # Ok::<(), bdbkit::log::PageError>(())
/// ```
#[derive(Debug)]
pub struct PageMut<'p> {
    bytes: &'p mut [u8],
    order: Endianness,
    index: usize,
}

impl<'p> PageMut<'p> {
    /// A page, and where its index begins: at byte 26, at 32 with a checksum, at 64 if it is
    /// encrypted (here it stands in the clear).
    ///
    /// # Errors
    ///
    /// [`PageError::Size`].
    pub fn new(bytes: &'p mut [u8], order: Endianness, index: usize) -> Result<PageMut<'p>, PageError> {
        let len = bytes.len();
        if index < HEADER || len < index || len > 1 << 16 {
            return Err(PageError::Size { len, index });
        }
        Ok(PageMut { bytes, order, index })
    }

    /// Makes it a page without items.
    pub fn init(&mut self, header: PageHeader) {
        with_order!(self.order, O => {
            put_u32::<O>(self.bytes, at::PGNO, header.no.0);
            put_u32::<O>(self.bytes, at::PREV, header.prev);
            put_u32::<O>(self.bytes, at::NEXT, header.next);
        });
        put(self.bytes, at::LEVEL, &[header.level, header.kind.byte()]);
        self.empty();
    }

    /// Puts an item before a slot, or behind the last: head and data in a space of so many bytes.
    /// An empty head stands for that of plain data.
    ///
    /// # Errors
    ///
    /// [`PageError::Slot`], [`PageError::Space`], [`PageError::Full`], [`PageError::Area`].
    pub fn insert(&mut self, slot: u16, space: usize, head: &[u8], data: &[u8]) -> Result<(), PageError> {
        let entries = self.behind(slot)?;
        let mut plain = [0, 0, KEYDATA];
        let head = if head.is_empty() {
            let len = u16::try_from(data.len()).map_err(|_| PageError::Space { len: data.len(), space })?;
            with_order!(self.order, O => put_u16::<O>(&mut plain, 0, len));
            &plain
        } else {
            head
        };
        let len = head.len().saturating_add(data.len());
        if len > space {
            return Err(PageError::Space { len, space });
        }
        let area = self.area()?;
        let offset = self.room(area, space, 1)?;
        self.open(slot, entries, offset);
        let item = usize::from(offset);
        put(self.bytes, item, head);
        put(self.bytes, item.saturating_add(head.len()), data);
        self.put_short(at::HF_OFFSET, offset);
        Ok(())
    }

    /// Takes an item away that has a space of so many bytes.
    ///
    /// # Errors
    ///
    /// [`PageError::Slot`], [`PageError::Item`], [`PageError::Area`].
    pub fn delete(&mut self, slot: u16, space: usize) -> Result<(), PageError> {
        let entries = self.has(slot)?;
        if entries == 1 {
            self.empty();
            return Ok(());
        }
        let (area, offset) = (self.area()?, self.offset(slot)?);
        let end = offset.checked_add(space).filter(|&end| offset >= area && end <= self.bytes.len());
        let to = end.and_then(|_| area.checked_add(space)).ok_or(PageError::Item { slot, offset })?;
        self.shift(area, offset, to, |_, entry| entry < offset)?;
        self.close(slot, entries);
        Ok(())
    }

    /// Puts a slot before another, or behind the last, that leads to the item of a third one.
    ///
    /// # Errors
    ///
    /// [`PageError::Slot`], [`PageError::Full`], [`PageError::Area`].
    pub fn insert_slot(&mut self, slot: u16, like: u16) -> Result<(), PageError> {
        self.has(like)?;
        let entries = self.behind(slot)?;
        self.room(self.area()?, 0, 1)?;
        let offset = self.short(slot_offset(self.index, like));
        self.open(slot, entries, offset);
        Ok(())
    }

    /// Takes a slot away, and leaves the item.
    ///
    /// # Errors
    ///
    /// [`PageError::Slot`].
    pub fn delete_slot(&mut self, slot: u16) -> Result<(), PageError> {
        let entries = self.has(slot)?;
        self.close(slot, entries);
        Ok(())
    }

    /// Puts other data into a plain item, which is not deleted afterwards.
    ///
    /// # Errors
    ///
    /// [`PageError::Slot`], [`PageError::Item`], [`PageError::Full`], [`PageError::Area`].
    pub fn replace(&mut self, slot: u16, data: &[u8]) -> Result<(), PageError> {
        self.has(slot)?;
        let (area, offset) = (self.area()?, self.offset(slot)?);
        let none = PageError::Item { slot, offset };
        let item = self.bytes.get(offset..).filter(|_| offset >= area).ok_or(none)?;
        if item::type_byte(item).is_none_or(|kind| kind & !DELETED != KEYDATA) {
            return Err(none);
        }
        let old = with_order!(self.order, O => item::len::<O>(item)).ok_or(none)?;
        let old = padded(KEYDATA_HEAD.saturating_add(old.into()));
        let new = padded(KEYDATA_HEAD.saturating_add(data.len()));
        let len = u16::try_from(data.len()).map_err(|_| PageError::Space { len: new, space: old })?;
        let end = offset.checked_add(old).filter(|&end| end <= self.bytes.len()).ok_or(none)?;
        let to = usize::from(self.room(area.saturating_add(old), new, 0)?);
        if to != area {
            self.shift(area, offset, to, |at, entry| at == slot || (entry <= offset && offset != area))?;
        }
        let offset = end.saturating_sub(new);
        self.put_short(offset, len);
        put(self.bytes, offset.saturating_add(TYPE_AT), &[KEYDATA]);
        put(self.bytes, offset.saturating_add(KEYDATA_HEAD), data);
        Ok(())
    }

    /// Puts another item in the place of one, whatever both are: the items of an internal page change
    /// so.
    ///
    /// # Errors
    ///
    /// [`PageError::Slot`], [`PageError::Item`], [`PageError::Full`], [`PageError::Area`].
    pub(crate) fn replace_item(&mut self, slot: u16, item: &[u8]) -> Result<(), PageError> {
        let old = self.space(slot)?;
        let (area, offset) = (self.area()?, self.offset(slot)?);
        let none = PageError::Item { slot, offset };
        let end = offset.checked_add(old).filter(|&end| offset >= area && end <= self.bytes.len());
        let end = end.ok_or(none)?;
        let new = padded(item.len());
        let to = usize::from(self.room(area.saturating_add(old), new, 0)?);
        if to != area {
            self.shift(area, offset, to, |at, entry| at == slot || (entry <= offset && offset != area))?;
        }
        put(self.bytes, end.saturating_sub(new), item);
        Ok(())
    }

    /// The space of the item of a slot, by the type of the page.
    ///
    /// # Errors
    ///
    /// [`PageError::Slot`], [`PageError::Item`], [`PageError::Kind`].
    pub(crate) fn space(&self, slot: u16) -> Result<usize, PageError> {
        let offset = self.offset(slot)?;
        let none = PageError::Item { slot, offset };
        let found = self.bytes.get(at::TYPE).copied().unwrap_or(0);
        let kind =
            PageKind::from_byte(found).filter(|&kind| has_items(kind)).ok_or(PageError::Kind { found })?;
        let item = self.bytes.get(offset..).ok_or(none)?;
        with_order!(self.order, O => size::<O>(kind, item)).ok_or(none)
    }

    /// Puts items of another page of this file behind those that are here: the other page is of
    /// the same type. `bare` says that the first of them, if it is not the first of its page, is
    /// to lose its key, as internal pages are split since release 4.6.
    ///
    /// # Errors
    ///
    /// [`PageError::Slot`], [`PageError::Item`], [`PageError::Kind`], [`PageError::Full`],
    /// [`PageError::Area`]; what was copied before stays.
    pub fn copy_run(&mut self, from: &[u8], slots: Range<u16>, bare: bool) -> Result<(), PageError> {
        with_order!(self.order, O => self.copy_run_in::<O>(from, slots, bare))
    }

    fn copy_run_in<O: ByteOrder>(
        &mut self,
        from: &[u8],
        slots: Range<u16>,
        bare: bool,
    ) -> Result<(), PageError> {
        let none = PageError::Size { len: from.len(), index: self.index };
        let page = Page::<O>::new(from).ok_or(none)?;
        let kind = PageKind::from_byte(page.type_byte()).filter(|&kind| has_items(kind));
        let kind = kind.ok_or(PageError::Kind { found: page.type_byte() })?;
        let first = slots.start;
        for slot in slots {
            let none = PageError::Slot { slot, entries: page.entries() };
            let item = page.item(self.index, slot).filter(|_| slot < page.entries());
            let (offset, item) = item.ok_or(none)?;
            let before = slot.checked_sub(2).filter(|&before| before >= first && slot % 2 == 0);
            let shared = before.and_then(|before| page.slot(self.index, before));
            let last = self.entries();
            if kind == PageKind::BtreeLeaf && shared.map(usize::from) == Some(offset) {
                self.insert_slot(last, last.saturating_sub(2))?;
                continue;
            }
            let whole = size::<O>(kind, item).and_then(|size| item.get(..size));
            let whole = whole.ok_or(PageError::Item { slot, offset })?;
            match whole.first_chunk::<INTERNAL_HEAD>() {
                Some(head) if bare && slot == first && first > 0 && kind == PageKind::BtreeInternal => {
                    let mut head = *head;
                    put(&mut head, 0, &[0, 0, KEYDATA]);
                    self.insert(last, INTERNAL_HEAD, &head, &[])?;
                }
                _ => self.insert(last, whole.len(), whole, &[])?,
            }
        }
        Ok(())
    }

    /// Number of records on the page and below it.
    ///
    /// # Errors
    ///
    /// [`PageError::Kind`], if it is no page of a tree; [`PageError::Item`].
    pub fn total(&self) -> Result<u32, PageError> {
        with_order!(self.order, O => {
            let size = PageError::Size { len: self.bytes.len(), index: self.index };
            let page = Page::<O>::new(self.bytes).ok_or(size)?;
            total::<O>(&page, self.index, PageKind::from_byte(page.type_byte()))
        })
    }

    /// Number of slots.
    fn entries(&self) -> u16 {
        self.short(at::ENTRIES)
    }

    fn short(&self, at: usize) -> u16 {
        let bytes = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<2>());
        bytes.map_or(0, |bytes| with_order!(self.order, O => O::read_u16(bytes)))
    }

    fn put_short(&mut self, at: usize, number: u16) {
        with_order!(self.order, O => put_u16::<O>(self.bytes, at, number));
    }

    fn empty(&mut self) {
        self.put_short(at::ENTRIES, 0);
        // 65536 is stored as 0.
        self.put_short(at::HF_OFFSET, u16::try_from(self.bytes.len()).unwrap_or(0));
    }

    /// How many slots there are, if this is one of them.
    fn has(&self, slot: u16) -> Result<u16, PageError> {
        let entries = self.entries();
        if slot < entries { Ok(entries) } else { Err(PageError::Slot { slot, entries }) }
    }

    /// How many slots there are, if another can be put before this one, or there.
    fn behind(&self, slot: u16) -> Result<u16, PageError> {
        let entries = self.entries();
        if slot <= entries && entries < u16::MAX {
            Ok(entries)
        } else {
            Err(PageError::Slot { slot, entries })
        }
    }

    /// Where the items begin: behind the index.
    fn area(&self) -> Result<usize, PageError> {
        let area = match (self.short(at::HF_OFFSET), self.entries()) {
            (0, 0) => self.bytes.len(),
            (area, _) => usize::from(area),
        };
        let index = slot_offset(self.index, self.entries());
        let fits = area >= index && area <= self.bytes.len();
        if fits { Ok(area) } else { Err(PageError::Area { area, index }) }
    }

    /// Where the items begin when there are so many bytes more, and more slots.
    fn room(&self, area: usize, space: usize, slots: u16) -> Result<u16, PageError> {
        let index = slot_offset(self.index, self.entries());
        let end = slot_offset(index, slots);
        let to = area.checked_sub(space).filter(|&to| to >= end).and_then(|to| u16::try_from(to).ok());
        let needed = space.saturating_add(end).saturating_sub(index);
        to.ok_or(PageError::Full { needed, free: area.saturating_sub(index) })
    }

    /// Where the item of a slot stands.
    fn offset(&self, slot: u16) -> Result<usize, PageError> {
        self.has(slot)?;
        Ok(self.short(slot_offset(self.index, slot)).into())
    }

    /// Moves the items up to an offset so that they begin elsewhere, with the slots of which
    /// that is to be said.
    fn shift(
        &mut self,
        area: usize,
        upto: usize,
        to: usize,
        moves: impl Fn(u16, usize) -> bool,
    ) -> Result<(), PageError> {
        let moved = |entry: usize| {
            let place = entry.checked_add(to).and_then(|place| place.checked_sub(area));
            place.and_then(|place| u16::try_from(place).ok())
        };
        let entries = self.entries();
        // All of it or nothing.
        for slot in 0..entries {
            let offset = usize::from(self.short(slot_offset(self.index, slot)));
            if moves(slot, offset) && moved(offset).is_none() {
                return Err(PageError::Item { slot, offset });
            }
        }
        let last = to.saturating_add(upto).saturating_sub(area);
        let area_to = u16::try_from(to).map_err(|_| PageError::Area { area: to, index: area })?;
        if upto < area || upto > self.bytes.len() || last > self.bytes.len() {
            return Err(PageError::Area { area, index: upto });
        }
        self.bytes.copy_within(area..upto, to);
        for slot in 0..entries {
            let place = slot_offset(self.index, slot);
            let offset = usize::from(self.short(place));
            if let Some(to) = moved(offset).filter(|_| moves(slot, offset)) {
                self.put_short(place, to);
            }
        }
        self.put_short(at::HF_OFFSET, area_to);
        Ok(())
    }

    /// Opens the index for a slot with this offset.
    fn open(&mut self, slot: u16, entries: u16, offset: u16) {
        let (from, end) = (slot_offset(self.index, slot), slot_offset(self.index, entries));
        if end.saturating_add(2) <= self.bytes.len() && from <= end {
            self.bytes.copy_within(from..end, from.saturating_add(2));
        }
        self.put_short(from, offset);
        self.put_short(at::ENTRIES, entries.saturating_add(1));
    }

    /// Closes the index over a slot.
    fn close(&mut self, slot: u16, entries: u16) {
        let (from, end) = (slot_offset(self.index, slot), slot_offset(self.index, entries));
        let next = from.saturating_add(2);
        if end <= self.bytes.len() && next <= end {
            self.bytes.copy_within(next..end, from);
        }
        self.put_short(at::ENTRIES, entries.saturating_sub(1));
    }
}

/// Whether pages of this type have items that are copied one by one.
fn has_items(kind: PageKind) -> bool {
    super::page::is_leaf(kind) || matches!(kind, PageKind::BtreeInternal | PageKind::RecnoInternal)
}

/// The space of an item on such a page.
fn size<O: ByteOrder>(kind: PageKind, item: &[u8]) -> Option<usize> {
    match kind {
        PageKind::RecnoInternal => Some(item::RECNO_INTERNAL),
        PageKind::BtreeInternal if item::type_byte(item)? & !DELETED == KEYDATA => {
            item::len::<O>(item).map(|len| padded(INTERNAL_HEAD.saturating_add(len.into())))
        }
        PageKind::BtreeInternal => Some(INTERNAL_HEAD.saturating_add(REFERENCE)),
        _ => item::leaf::<O>(item).ok().map(|item| item.form.size()),
    }
}

/// Number of records on a page that is, or will be, of this type, and below it.
///
/// # Errors
///
/// [`PageError::Kind`], if no tree has such pages; [`PageError::Item`].
pub(crate) fn total<O: ByteOrder>(
    page: &Page<'_, O>,
    index: usize,
    kind: Option<PageKind>,
) -> Result<u32, PageError> {
    let sum = |first: u16, step: usize, count: fn(&[u8]) -> Option<u32>| {
        (first..page.entries()).step_by(step).try_fold(0_u32, |sum, slot| {
            let (offset, item) =
                page.item(index, slot).ok_or(PageError::Item { slot, offset: page.bytes().len() })?;
            let records = count(item).ok_or(PageError::Item { slot, offset })?;
            Ok(sum.saturating_add(records))
        })
    };
    let live = |item: &[u8]| item::type_byte(item).map(|kind| u32::from(kind & DELETED == 0));
    match kind {
        Some(PageKind::BtreeLeaf) => sum(1, 2, live),
        Some(PageKind::DuplicateLeaf) => sum(0, 1, live),
        Some(PageKind::RecnoLeaf) => Ok(page.entries().into()),
        Some(PageKind::BtreeInternal) => {
            sum(0, 1, |item| item::btree_internal::<O>(item).map(|item| item.nrecs))
        }
        Some(PageKind::RecnoInternal) => {
            sum(0, 1, |item| item::recno_internal::<O>(item).map(|(_, records)| records))
        }
        _ => Err(PageError::Kind { found: page.type_byte() }),
    }
}
