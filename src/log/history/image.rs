//! Items and images of pages in log records (log-format, "Field types" and the table
//! of byte orders; database-format, "Ordinary pages" and "Items").

use std::collections::BTreeSet;

use byteorder::ByteOrder;

use super::page::{Bytes, Item, Kind, Page, Slot};
use super::slots::Slots;
use crate::format::item as layout;
use crate::order::{Endianness, with_order};
use crate::types::{Lsn, PageNo};

/// Offsets in the header of a page.
const PGNO: usize = 8;
const NEXT: usize = 16;
const ENTRIES: usize = 20;
const ITEM_AREA: usize = 22;
const TYPE: usize = 25;
/// The type of an overflow page.
const OVERFLOW: u8 = 7;
/// Where the index array may begin: without checksum, with it, with encryption.
const INDEX: [usize; 3] = [26, 32, 64];

/// An item as a record holds it, whole or in two parts, and whether it is marked as
/// deleted. Items of internal pages are in two parts, or not as long as they say.
pub(super) fn item<'a>(head: &'a [u8], tail: &'a [u8], order: Endianness) -> Slot<'a> {
    slot(head, tail, order, true)
}

/// An item at the beginning of `head`: `whole` if nothing else follows there.
fn slot<'a>(head: &'a [u8], tail: &'a [u8], order: Endianness, whole: bool) -> Slot<'a> {
    let byte = layout::type_byte(head).unwrap_or(0);
    let reference = || with_order!(order, O => layout::reference::<O>(head));
    let item = match byte & !layout::DELETED {
        layout::KEYDATA if head.len() == layout::KEYDATA_HEAD => Item::Plain(Bytes::Borrowed(tail)),
        _ if !tail.is_empty() => Item::Inner,
        layout::KEYDATA if layout::is_whole(head, order) || !whole => {
            let len = with_order!(order, O => layout::len::<O>(head)).unwrap_or(0);
            layout::keydata(head, len).map_or(Item::Unknown, |data| Item::Plain(Bytes::Borrowed(data)))
        }
        layout::DUPLICATE => reference().map_or(Item::Unknown, |(page, _)| Item::Duplicates(PageNo(page))),
        layout::OVERFLOW => {
            reference().map_or(Item::Unknown, |(page, len)| Item::Chain { page: PageNo(page), len })
        }
        _ => Item::Inner,
    };
    Slot { item, deleted: byte & layout::DELETED != 0, change: None }
}

/// The item of a HASH page, with its type.
fn hash_item(item: &[u8], order: Endianness) -> Item<'_> {
    match item {
        [1, data @ ..] => Item::Plain(Bytes::Borrowed(data)),
        [2, set @ ..] => Item::Set(Bytes::Borrowed(set)),
        _ => hash_reference(item, order),
    }
}

/// A reference on a HASH page, with its type.
pub(super) fn hash_reference(item: &[u8], order: Endianness) -> Item<'_> {
    let word = |at: usize| {
        let bytes = item.get(at..)?.first_chunk::<4>()?;
        Some(with_order!(order, O => O::read_u32(bytes)))
    };
    let found = match item.first() {
        Some(3) => word(4).zip(word(8)).map(|(page, len)| Item::Chain { page: PageNo(page), len }),
        Some(4) => word(4).map(|page| Item::Duplicates(PageNo(page))),
        _ => None,
    };
    found.unwrap_or(Item::Unknown)
}

/// The duplicates of a set.
pub(super) fn elements(set: &[u8], order: Endianness) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = set;
    while let Some((len, behind)) = rest.split_first_chunk::<2>() {
        let len = usize::from(with_order!(order, O => O::read_u16(len)));
        let Some((element, behind)) = behind.split_at_checked(len) else { break };
        found.push(element);
        rest = behind.get(2..).unwrap_or_default();
    }
    found
}

/// The next page of a chain, if the head is that of an overflow page.
pub(super) fn overflow_next(head: &[u8], order: Endianness) -> Option<Option<PageNo>> {
    let overflow = head.get(TYPE).copied()? & !layout::DELETED == OVERFLOW;
    let next = head.get(NEXT..)?.first_chunk::<4>()?;
    overflow.then(|| PageNo::link(with_order!(order, O => O::read_u32(next))))
}

/// The number, LSN and slots of a page in an image; the tail from its item area on may be
/// recorded apart.
pub(super) fn page<'a>(
    image: &'a [u8],
    tail: &'a [u8],
    order: Endianness,
) -> Option<(PageNo, Lsn, Page<'a>)> {
    let short = |at: usize| {
        let bytes = image.get(at..)?.first_chunk::<2>()?;
        Some(usize::from(with_order!(order, O => O::read_u16(bytes))))
    };
    let word = |at: usize| {
        let bytes = image.get(at..)?.first_chunk::<4>()?;
        Some(with_order!(order, O => O::read_u32(bytes)))
    };
    let (number, lsn) = (PageNo(word(PGNO)?), Lsn { file: word(0)?, offset: word(4)? });
    let kind = image.get(TYPE).copied().and_then(Kind::of);
    let (entries, area) = (short(ENTRIES)?, short(ITEM_AREA)?);
    let bytes = |at: usize| match at.checked_sub(area) {
        Some(behind) if !tail.is_empty() => tail.get(behind..),
        _ => image.get(at..),
    };
    let end = if tail.is_empty() { image.len() } else { area.checked_add(tail.len())? };
    let offsets = |start: usize| -> Option<Vec<usize>> {
        let at = |slot: usize| short(slot.checked_mul(2)?.checked_add(start)?);
        let offsets: Option<Vec<usize>> = (0..entries).map(at).collect();
        offsets.filter(|offsets| offsets.iter().all(|&offset| offset >= area && offset < end))
    };
    let leaf = |index: &[usize]| {
        let distinct: BTreeSet<usize> = index.iter().copied().collect();
        // Of two slots one at least has an item to itself: only keys are shared.
        let shared = index.len().saturating_sub(distinct.len());
        let sizes = distinct.into_iter().map(|at| size(bytes(at)?, order));
        let sum = sizes.sum::<Option<usize>>().filter(|_| shared <= index.len().div_euclid(2));
        let slot = |&at: &usize| slot(bytes(at).unwrap_or_default(), &[], order, false);
        (sum == end.checked_sub(area)).then(|| index.iter().map(slot).collect())
    };
    let hash = |index: &[usize]| {
        // Items stand from the end of the page down, each up to where the one before begins.
        let ends = std::iter::once(end).chain(index.iter().copied());
        let item = |(at, end): (&usize, usize)| {
            let item = bytes(*at)?.get(..end.checked_sub(*at)?)?;
            Some(Slot::of(hash_item(item, order)))
        };
        let filled = index.last().copied().unwrap_or(end) == area;
        let slots: Option<Vec<_>> = index.iter().zip(ends).map(item).collect();
        slots.filter(|_| filled)
    };
    // A wrong guess of where the index begins is known by items that do not fill the page.
    let slots = INDEX.into_iter().filter_map(offsets).find_map(|index| match kind {
        Some(Kind::Inner) | None => None,
        Some(Kind::Hash) => hash(&index),
        Some(_) => leaf(&index),
    });
    let page =
        slots.map_or(Page::unknown(kind), |slots: Vec<_>| Page::of(kind, Slots::all(slots.into_iter())));
    Some((number, lsn, page))
}

/// The space that an item of a leaf takes.
fn size(item: &[u8], order: Endianness) -> Option<usize> {
    match layout::type_byte(item)? & !layout::DELETED {
        layout::KEYDATA => {
            let len = with_order!(order, O => layout::len::<O>(item))?;
            Some(layout::padded(usize::from(len).saturating_add(layout::KEYDATA_HEAD)))
        }
        layout::DUPLICATE | layout::OVERFLOW => Some(layout::REFERENCE),
        _ => None,
    }
}
