//! Keys with a length in the wrong byte order: release 2 reversed it in files of the other
//! order once for each slot that shares the key (database-format, "Byte order").

use byteorder::ByteOrder;

use super::draft::Draft;
use super::reason::Reason;
use crate::format::item::{self, DELETED, KEYDATA, OVERFLOW};
use crate::format::page::{Page, PageKind};
use crate::pages::{Pages, chain_length};
use crate::types::PageNo;

/// Turns such keys on leaves of a BTREE round; gives their number.
pub(crate) fn normalise<O: ByteOrder>(
    draft: &mut Draft<'_>,
    leaves: impl IntoIterator<Item = PageNo>,
) -> u64 {
    let (pages, mut mended) = (draft.pages(), 0u64);
    let (mut offsets, mut keys) = (Vec::new(), Vec::new());
    let (mut fields, mut image) = (Vec::new(), Vec::new());
    for no in leaves {
        let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { continue };
        offsets.clear();
        let slots = (0..page.entries()).filter_map(|slot| page.slot(pages.overhead(), slot));
        offsets.extend(slots.map(usize::from));
        keys.clear();
        keys.extend(offsets.iter().step_by(2));
        offsets.sort_unstable();
        fields.clear();
        for sharers in keys.chunk_by(|key, next| key == next).filter(|sharers| sharers.len() & 1 == 0) {
            let Some(&at) = sharers.first() else { continue };
            let next = offsets.get(offsets.partition_point(|&offset| offset <= at)).copied();
            let end = next.unwrap_or(page.bytes().len());
            let Some(item) = page.bytes().get(at..end) else { continue };
            let Some(turned) = turned::<O>(pages, item) else { continue };
            fields.extend(turned.iter().map(|(offset, len)| (at.saturating_add(*offset), *len)));
            mended = mended.saturating_add(1);
        }
        if fields.is_empty() {
            continue;
        }
        image.clear();
        image.extend_from_slice(page.bytes());
        for &(at, len) in &fields {
            image.get_mut(at..).and_then(|rest| rest.get_mut(..len)).into_iter().for_each(<[u8]>::reverse);
        }
        let field = |&(at, len): &(usize, usize)| Some((at, image.get(at..)?.get(..len)?));
        draft.replace_all(no, fields.iter().filter_map(field), Reason::KeyOrder);
    }
    mended
}

/// A field of an item: its offset and its length.
type Field = (usize, usize);

/// The fields of a key that stand in the wrong order.
fn turned<O: ByteOrder>(pages: &Pages<'_>, item: &[u8]) -> Option<&'static [Field]> {
    const LENGTH: &[Field] = &[(0, 2)];
    const REFERENCE: &[Field] = &[(4, 4), (8, 4)];
    match item::type_byte(item)? & !DELETED {
        KEYDATA => {
            let order = pages.order();
            let wrong = !item::is_whole(item, order) && item::is_whole(item, order.other());
            wrong.then_some(LENGTH)
        }
        OVERFLOW => {
            let (first, len) = item::reference::<O>(item)?;
            if is_chain::<O>(pages, PageNo(first), len) {
                return None;
            }
            is_chain::<O>(pages, PageNo(first.swap_bytes()), len.swap_bytes()).then_some(REFERENCE)
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
