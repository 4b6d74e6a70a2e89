//! Keys with a length in the wrong byte order: release 2 reversed it in files of the other
//! order once for each slot that shares the key (database-format, "Byte order").

use byteorder::ByteOrder;

use super::databases::Databases;
use super::draft::{Draft, Reason};
use crate::btree::chain_length;
use crate::format::item::{self, DELETED, KEYDATA, OVERFLOW};
use crate::format::page::{Page, PageKind, slot_offset};
use crate::pages::Pages;
use crate::types::PageNo;

/// Turns such keys round; gives their number.
pub(super) fn normalise<O: ByteOrder>(draft: &mut Draft<'_>, databases: &Databases) -> u64 {
    let (pages, mut mended) = (draft.pages(), 0u64);
    if !databases.may_have_chains() {
        return 0; // no duplicates, no shared keys
    }
    let (mut offsets, mut keys) = (Vec::new(), Vec::new());
    for no in databases.leaves() {
        let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { continue };
        offsets.clear();
        offsets.extend((0..page.entries()).filter_map(|slot| {
            let index = page.bytes().get(slot_offset(pages.overhead(), slot)..)?.first_chunk::<2>()?;
            Some(usize::from(O::read_u16(index)))
        }));
        keys.clear();
        keys.extend(offsets.iter().step_by(2));
        offsets.sort_unstable();
        for sharers in keys.chunk_by(|key, next| key == next).filter(|sharers| sharers.len() & 1 == 0) {
            let Some(&at) = sharers.first() else { continue };
            let next = offsets.get(offsets.partition_point(|&offset| offset <= at)).copied();
            let end = next.unwrap_or(page.bytes().len());
            let Some(item) = page.bytes().get(at..end) else { continue };
            let Some(fields) = turned::<O>(pages, item) else { continue };
            for (offset, reversed) in fields {
                draft.replace(no, at.saturating_add(offset), &reversed, Reason::KeyOrder);
            }
            mended = mended.saturating_add(1);
        }
    }
    mended
}

/// The fields of a key that stand in the wrong order: their offsets, and their bytes the
/// other way round.
fn turned<O: ByteOrder>(pages: &Pages<'_>, item: &[u8]) -> Option<Vec<(usize, Vec<u8>)>> {
    let reverse = |at: usize, len: usize| {
        let field = item.get(at..)?.get(..len)?;
        Some((at, field.iter().rev().copied().collect()))
    };
    match item::type_byte(item)? & !DELETED {
        KEYDATA => {
            let order = pages.order();
            let wrong = !item::is_whole(item, order) && item::is_whole(item, order.other());
            wrong.then(|| Some(vec![reverse(0, 2)?]))?
        }
        OVERFLOW => {
            let (first, len) = item::reference::<O>(item)?;
            if is_chain::<O>(pages, PageNo(first), len) {
                return None;
            }
            let (first, len) = (first.swap_bytes(), len.swap_bytes());
            is_chain::<O>(pages, PageNo(first), len).then(|| Some(vec![reverse(4, 4)?, reverse(8, 4)?]))?
        }
        _ => None,
    }
}

/// Whether an overflow chain of a length starts on a page.
fn is_chain<O: ByteOrder>(pages: &Pages<'_>, first: PageNo, len: u32) -> bool {
    let page = pages.raw(first).and_then(Page::<O>::new);
    let head = page.is_some_and(|page| {
        PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow) && page.prev() == 0
    });
    head && pages.chain_length(first, |first| chain_length(pages, first)) == Some(len.into())
}
