//! Keys of which the numbers stand in the wrong byte order: release 2 turns them in files of the other
//! order once for each slot that shares the key (recovery, Q11).

use crate::format::item::{self, DELETED, KEYDATA, KEYDATA_HEAD, OVERFLOW, TYPE_AT};
use crate::format::page::{PageKind, at, slot_offset};
use crate::format::swap;
use crate::order::Endianness;

/// Turns the length of an item of a record round, if it fits the item only so.
pub(super) fn item(item: &mut [u8], order: Endianness) {
    let bytes = item.len();
    let fits = |len: u16| {
        let whole = KEYDATA_HEAD.saturating_add(len.into());
        whole <= bytes && bytes < whole.saturating_add(4)
    };
    let keydata = item.get(TYPE_AT).is_some_and(|kind| kind & !DELETED == KEYDATA);
    let Some(len) = order.u16_at(item, 0).filter(|_| keydata) else { return };
    if !fits(len) && fits(len.swap_bytes()) {
        swap::item(PageKind::BtreeLeaf, item);
    }
}

/// Turns the keys of a page of leaves round that stand so, in a file with this last page.
pub(super) fn page(bytes: &mut [u8], index: usize, order: Endianness, last: u32) {
    if bytes.get(at::TYPE) != Some(&PageKind::BtreeLeaf.byte()) {
        return;
    }
    let entries = order.u16_at(bytes, at::ENTRIES).unwrap_or(0);
    let slots = (0..entries).map_while(|slot| order.u16_at(bytes, slot_offset(index, slot)));
    let mut offsets: Vec<usize> = slots.map(usize::from).collect();
    let mut keys: Vec<usize> = offsets.iter().copied().step_by(2).collect();
    offsets.sort_unstable();
    keys.dedup();
    for key in keys {
        let next = offsets.get(offsets.partition_point(|&offset| offset <= key)).copied();
        let end = next.unwrap_or(bytes.len());
        let Some(item) = bytes.get_mut(key..end) else { continue };
        match item::type_byte(item).map(|kind| kind & !DELETED) {
            Some(KEYDATA) if !item::is_whole(item, order) && item::is_whole(item, order.other()) => {
                swap::item(PageKind::BtreeLeaf, item);
            }
            Some(OVERFLOW) => {
                let first = order.u32_at(item, 4).unwrap_or(0);
                if first > last && first.swap_bytes() <= last {
                    swap::item(PageKind::BtreeLeaf, item);
                }
            }
            _ => {}
        }
    }
}
