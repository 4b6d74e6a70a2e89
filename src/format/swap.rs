//! The byte order of pages (database-format, "Byte order"): which numbers stand on a page,
//! and those turned around.
//!
//! Every length and offset is taken from the page as it was. What does not fit the page is left as
//! it stands; then it is said.

use super::external::{self, Holder};
#[cfg(feature = "upgrade")]
use super::heap::{self, Table};
use super::item::{
    DELETED, DUPLICATE, EXTERNAL, HASH_EXTERNAL, INTERNAL_HEAD, KEYDATA, KEYDATA_HEAD, OFFDUP, OVERFLOW,
    RECNO_INTERNAL, REFERENCE, TYPE_AT,
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
            Some(EXTERNAL) => {
                turn_u16(item, 0);
                turn_external(item, Holder::Leaf);
            }
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
        Some(&HASH_EXTERNAL) => turn_external(item, Holder::Bucket),
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

/// Turns the numbers of an item around that stands for a value in an external file, if it has its
/// length.
fn turn_external(item: &mut [u8], holder: Holder) {
    if let Some(item) = item.first_chunk_mut() {
        external::turn(item, holder);
    }
}

/// The length of an item of a tree as it stands on its page.
fn len(kind: PageKind, item: &[u8], from: Endianness) -> Option<usize> {
    let number = || from.u16_at(item, 0).map(usize::from);
    Some(match kind {
        PageKind::RecnoInternal => RECNO_INTERNAL,
        PageKind::BtreeInternal => INTERNAL_HEAD.saturating_add(number()?),
        _ => match item.get(TYPE_AT)? & !DELETED {
            KEYDATA => KEYDATA_HEAD.saturating_add(number()?),
            EXTERNAL => external::LENGTH,
            _ => REFERENCE,
        },
    })
}

/// Turns a page around that stands in this order: an ordinary one, or one of metadata. `None` if
/// something on it does not fit it.
pub(crate) fn page(page: &mut [u8], overhead: usize, from: Endianness) -> Option<()> {
    match Layout::of_page(page, from) {
        Some(_) => metadata(page, from),
        None => ordinary(page, overhead, from),
    }
}

/// Turns a page of metadata around. `None` if no release wrote such.
pub(crate) fn metadata(page: &mut [u8], from: Endianness) -> Option<()> {
    for (field, at, len) in Layout::of_page(page, from)?.entries() {
        let bytes = matches!(field, Field::Uid | Field::Iv | Field::Chksum) || len < 4;
        if !bytes {
            (0..len / 4).for_each(|word| turn_u32(page, at.saturating_add(word.saturating_mul(4))));
        }
    }
    Some(())
}

/// Turns an ordinary page around. `None` if something on it does not fit it, or it is of no known
/// type.
pub(crate) fn ordinary(page: &mut [u8], overhead: usize, from: Endianness) -> Option<()> {
    let kind = PageKind::from_byte(*page.get(at::TYPE)?);
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
        PageKind::HashMeta | PageKind::BtreeMeta | PageKind::QueueMeta | PageKind::HeapMeta => return None,
        PageKind::Hash | PageKind::HashUnsorted => return hash(page, overhead, entries, from),
        _ => return tree(page, overhead, kind, entries, from),
    }
    Some(())
}

fn tree(page: &mut [u8], overhead: usize, kind: PageKind, entries: u16, from: Endianness) -> Option<()> {
    // Keys may be shared: one bit for each offset.
    let mut turned = vec![0_u64; page.len() >> 6];
    for slot in 0..entries {
        let at = slot_offset(overhead, slot);
        let offset = from.u16_at(page, at)?;
        turn_u16(page, at);
        let (word, bit) = (turned.get_mut(usize::from(offset >> 6))?, 1 << (offset & 63));
        if *word & bit != 0 {
            continue;
        }
        *word |= bit;
        let start = usize::from(offset);
        let rest = page.get(start..)?;
        let end = start.checked_add(len(kind, rest, from)?)?;
        let whole = page.get_mut(start..end)?;
        if kind == PageKind::BtreeLeaf && whole.get(TYPE_AT).is_some_and(|kind| kind & !DELETED == EXTERNAL) {
            // Early files of foreign order have the length in that of the machine.
            let is_own = external::states_length(whole, from);
            if !is_own {
                turn_u16(whole, 0);
            }
        }
        item(kind, whole);
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

/// Turns a page of QUEUE records around: of its header two fields mean something.
#[cfg(feature = "upgrade")]
pub(crate) fn queue(page: &mut [u8]) {
    [0, 4, at::PGNO].into_iter().for_each(|word| turn_u32(page, word));
}

/// The orders in which a page of a HEAP stands.
#[cfg(feature = "upgrade")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeapOrders {
    /// That of the header.
    pub(crate) head: Endianness,
    /// That of the table of offsets, and of the items.
    pub(crate) body: Endianness,
    /// Whether the two are always the same, so that each number stands where its name says.
    pub(crate) always_one: bool,
}

/// Gives the whole of a page of a HEAP one order. `None` if something on it does not fit it.
#[cfg(feature = "upgrade")]
pub(crate) fn heap(page: &mut [u8], overhead: usize, orders: HeapOrders, to: Endianness) -> Option<()> {
    let HeapOrders { head, body, always_one } = orders;
    let is_region = PageKind::from_byte(*page.get(at::TYPE)?) == Some(PageKind::HeapRegion);
    if body != to && !is_region {
        let table = Table::of(page, overhead, head, body).filter(Table::fits)?;
        let (slots, end) = (table.used().collect::<Vec<_>>(), table.end());
        for (_, offset) in slots {
            heap_item(page.get_mut(offset..)?)?;
        }
        (overhead..end).step_by(2).for_each(|at| turn_u16(page, at));
    }
    // Two numbers of the body, which are reversed as one where the header has another order.
    if head != body && !always_one {
        turn_u32(page, heap::HIGH_AT);
    }
    if body != to {
        [heap::HIGH_AT, heap::FREE_AT].into_iter().for_each(|at| turn_u16(page, at));
    }
    if head != to {
        [0, 4, at::PGNO, at::PREV].into_iter().for_each(|word| turn_u32(page, word));
        [at::ENTRIES, at::HF_OFFSET].into_iter().for_each(|short| turn_u16(page, short));
    }
    Some(())
}

/// Turns an item of a HEAP around. `None` if it is cut.
#[cfg(feature = "upgrade")]
fn heap_item(item: &mut [u8]) -> Option<()> {
    let flags = *item.first().filter(|_| item.len() >= heap::LEAST)?;
    turn_u16(item, heap::SIZE_AT);
    if flags & heap::SPLIT != 0 {
        [heap::TOTAL_AT, heap::NEXT_PAGE_AT].into_iter().for_each(|at| turn_u32(item, at));
        turn_u16(item, heap::NEXT_SLOT_AT);
    } else if flags == heap::EXTERNAL {
        turn_external(item, Holder::Heap);
    }
    Some(())
}

#[cfg(all(test, feature = "upgrade"))]
mod tests {
    use super::*;
    use Endianness::{Big, Little};

    #[test]
    fn what_is_turned_twice_is_as_it_was() {
        let mut made = vec![0; 512];
        made.iter_mut().zip(1..=250).for_each(|(place, byte)| *place = byte);
        let before = made.clone();
        made[at::TYPE] = PageKind::Overflow.byte();
        let once = |page: &[u8], from| {
            let mut page = page.to_vec();
            ordinary(&mut page, 26, from).unwrap();
            page
        };
        let turned = once(&made, Little);
        assert_eq!((&turned[..4], &turned[26..]), (&[4, 3, 2, 1][..], &before[26..]));
        assert_eq!(once(&turned, Big), made);
    }

    #[test]
    fn a_shared_key_is_turned_once() {
        let mut page = vec![0; 64];
        page[at::TYPE] = PageKind::BtreeLeaf.byte();
        page[at::ENTRIES] = 4;
        for (slot, offset) in [40, 48, 40, 56].into_iter().enumerate() {
            page[26 + 2 * slot] = offset;
            page[usize::from(offset)] = 2;
            page[usize::from(offset) + TYPE_AT] = KEYDATA;
        }
        ordinary(&mut page, 26, Little).unwrap();
        for (slot, offset) in [40, 48, 40, 56].into_iter().enumerate() {
            assert_eq!(page[26 + 2 * slot..][..2], [0, offset]);
            assert_eq!(page[usize::from(offset)..][..3], [0, 2, KEYDATA]);
        }
        // An item that reaches beyond the page.
        page[57] = 200;
        assert_eq!(ordinary(&mut page, 26, Big), None);
    }

    #[test]
    fn items_of_external_files_have_numbers_of_their_own() {
        let mut item = [0; external::LENGTH];
        (item[0], item[2], item[48], item[55]) = (77, EXTERNAL, 1, 9);
        super::item(PageKind::BtreeLeaf, &mut item);
        assert_eq!((&item[..3], item[48], item[55]), (&[0, 77, EXTERNAL][..], 9, 1));
    }
}
