//! The byte order of pages (database-format, "Byte order"): which numbers stand on a page,
//! and those turned around.
//!
//! Every length and offset is taken from the page as it was. What does not fit the page is left as
//! it stands; then it is said.

use std::collections::BTreeSet;

use super::item::{
    DELETED, DUPLICATE, INTERNAL_HEAD, KEYDATA, KEYDATA_HEAD, OFFDUP, OVERFLOW, RECNO_INTERNAL, REFERENCE,
    TYPE_AT,
};
use super::meta::{Field, Layout};
use super::page::{PageKind, at, slot_offset};
use crate::order::Endianness;

/// Turns a number of 32 bits around.
fn turn_u32(bytes: &mut [u8], at: usize) {
    if let Some(word) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
        word.reverse();
    }
}

/// Turns a number of 16 bits around.
fn turn_u16(bytes: &mut [u8], at: usize) {
    if let Some(word) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        word.reverse();
    }
}

/// Turns an item of a tree around: the whole of it, or its head.
pub(crate) fn item(kind: PageKind, item: &mut [u8]) {
    match kind {
        PageKind::RecnoInternal => [0, 4].into_iter().for_each(|at| turn_u32(item, at)),
        PageKind::BtreeInternal => {
            turn_u16(item, 0);
            [4, 8].into_iter().for_each(|at| turn_u32(item, at));
            if item.get(TYPE_AT).is_some_and(|kind| kind & !DELETED == OVERFLOW) {
                [16, 20].into_iter().for_each(|at| turn_u32(item, at));
            }
        }
        _ => match item.get(TYPE_AT).map(|kind| kind & !DELETED) {
            Some(KEYDATA) => turn_u16(item, 0),
            Some(_) => [4, 8].into_iter().for_each(|at| turn_u32(item, at)),
            None => {}
        },
    }
}

/// Turns an item of HASH around that stands in this order, with its type.
pub(crate) fn hash_item(item: &mut [u8], from: Endianness) {
    match item.first() {
        Some(&OVERFLOW) => [4, 8].into_iter().for_each(|at| turn_u32(item, at)),
        Some(&OFFDUP) => turn_u32(item, 4),
        Some(&DUPLICATE) => {
            let mut place = 1_usize;
            while let Some(len) = from.u16_at(item, place) {
                turn_u16(item, place);
                let again = place.saturating_add(2).saturating_add(len.into());
                turn_u16(item, again);
                place = again.saturating_add(2);
            }
        }
        _ => {}
    }
}

/// The length of an item of a tree as it stands on its page.
fn len(kind: PageKind, item: &[u8], from: Endianness) -> Option<usize> {
    let number = || from.u16_at(item, 0).map(usize::from);
    Some(match kind {
        PageKind::RecnoInternal => RECNO_INTERNAL,
        PageKind::BtreeInternal => INTERNAL_HEAD.saturating_add(number()?),
        _ if item.get(TYPE_AT)? & !DELETED == KEYDATA => KEYDATA_HEAD.saturating_add(number()?),
        _ => REFERENCE,
    })
}

/// Turns a page around that stands in this order: an ordinary one, or one of metadata. `None` if
/// something on it does not fit it.
pub(crate) fn page(page: &mut [u8], overhead: usize, from: Endianness) -> Option<()> {
    let kind = PageKind::from_byte(*page.get(at::TYPE)?);
    let metadata = Layout::of_page(page, from);
    if let Some(layout) = metadata.filter(|_| from.u32_at(page, at::PGNO).is_some()) {
        return meta(page, &layout);
    }
    let entries = from.u16_at(page, at::ENTRIES)?;
    for word in [0, 4, at::PGNO, at::PREV, at::NEXT] {
        turn_u32(page, word);
    }
    for short in [at::ENTRIES, at::HF_OFFSET] {
        turn_u16(page, short);
    }
    let kind = kind?;
    match kind {
        PageKind::Overflow
        | PageKind::Invalid
        | PageKind::QueueData
        | PageKind::Heap
        | PageKind::HeapRegion => {}
        PageKind::Hash | PageKind::HashUnsorted => return hash(page, overhead, entries, from),
        _ => return tree(page, overhead, kind, entries, from),
    }
    Some(())
}

/// The numbers of a metadata page.
fn meta(page: &mut [u8], layout: &Layout) -> Option<()> {
    for (field, at, len) in layout.entries() {
        let bytes = matches!(field, Field::Uid | Field::Iv | Field::Chksum) || len < 4;
        if !bytes {
            (0..len / 4).for_each(|word| turn_u32(page, at.saturating_add(word.saturating_mul(4))));
        }
    }
    Some(())
}

fn tree(page: &mut [u8], overhead: usize, kind: PageKind, entries: u16, from: Endianness) -> Option<()> {
    let mut items = BTreeSet::new();
    for slot in 0..entries {
        let at = slot_offset(overhead, slot);
        items.insert(usize::from(from.u16_at(page, at)?));
        turn_u16(page, at);
    }
    for offset in items {
        let rest = page.get(offset..)?;
        let end = offset.checked_add(len(kind, rest, from)?)?;
        item(kind, page.get_mut(offset..end)?);
    }
    Some(())
}

fn hash(page: &mut [u8], overhead: usize, entries: u16, from: Endianness) -> Option<()> {
    let mut end = page.len();
    for slot in 0..entries {
        let at = slot_offset(overhead, slot);
        let offset = usize::from(from.u16_at(page, at)?);
        turn_u16(page, at);
        hash_item(page.get_mut(offset..end)?, from);
        end = offset;
    }
    Some(())
}
