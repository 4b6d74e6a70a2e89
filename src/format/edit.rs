//! Changes of pages in memory (recovery, "Primitive page changes").

use byteorder::ByteOrder;

use super::page::{Page, PageKind, at, slot_offset};
use crate::types::PageNo;

/// Puts bytes at an offset, as far as they fit.
pub(crate) fn put(page: &mut [u8], at: usize, bytes: &[u8]) {
    page.iter_mut().skip(at).zip(bytes).for_each(|(place, byte)| *place = *byte);
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

/// What the header of an ordinary page says beside its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) no: PageNo,
    pub(crate) prev: u32,
    pub(crate) next: u32,
    pub(crate) level: u8,
    pub(crate) kind: PageKind,
}

/// Makes a page one without items; its LSN stays.
pub(crate) fn init<O: ByteOrder>(page: &mut [u8], header: Header) {
    put_u32::<O>(page, at::PGNO, header.no.0);
    put_u32::<O>(page, at::PREV, header.prev);
    put_u32::<O>(page, at::NEXT, header.next);
    put_u16::<O>(page, at::ENTRIES, 0);
    // 65536 is stored as 0.
    put_u16::<O>(page, at::HF_OFFSET, u16::try_from(page.len()).unwrap_or(0));
    put(page, at::LEVEL, &[header.level, header.kind.byte()]);
}

/// Puts an item of several parts into the last slot of a page. Says whether there was room;
/// if not, the page is as before.
pub(crate) fn append<O: ByteOrder>(page: &mut [u8], overhead: usize, space: usize, parts: &[&[u8]]) -> bool {
    let Some(view) = Page::<O>::new(page) else { return false };
    let (entries, area) = (view.entries(), view.item_area());
    let slot = slot_offset(overhead, entries);
    let Some(area) = area.checked_sub(space).filter(|&area| area >= slot.saturating_add(2)) else {
        return false;
    };
    let Ok(offset) = u16::try_from(area) else { return false };
    let mut at = area;
    for part in parts {
        put(page, at, part);
        at = at.saturating_add(part.len());
    }
    put_u16::<O>(page, slot, offset);
    put_u16::<O>(page, at::ENTRIES, entries.saturating_add(1));
    put_u16::<O>(page, at::HF_OFFSET, offset);
    true
}
