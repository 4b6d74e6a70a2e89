//! What the items of a page lead to: off-page duplicates, and overflow chains.

use byteorder::ByteOrder;

use crate::format::hash;
use crate::format::item::{self, DELETED, DUPLICATE, OFFDUP, OVERFLOW, REFERENCE};
use crate::format::page::{Page, PageKind, is_leaf};
use crate::pages::Pages;
use crate::types::PageNo;

/// Where it stands on a leaf, or on a page of a bucket, which page the off-page duplicates of a key
/// begin with, and that page; `None` if they are on the page.
pub(crate) fn off_page<O: ByteOrder>(
    pages: &Pages<'_>,
    page: &Page<'_, O>,
    slot: u16,
    in_bucket: bool,
) -> Option<(usize, PageNo)> {
    let (offset, item) = match in_bucket {
        true => hash::item(page, pages.overhead(), slot).filter(|(_, item)| item.first() == Some(&OFFDUP))?,
        false => page
            .item(pages.overhead(), slot)
            .filter(|(_, item)| item::type_byte(item).is_some_and(|kind| kind & !DELETED == DUPLICATE))?,
    };
    let head = item.get(4..)?.first_chunk::<4>()?;
    Some((offset.saturating_add(4), PageNo(O::read_u32(head))))
}

/// The overflow chains that the items of a page lead to; one that several slots share counts once.
pub(crate) fn references<O: ByteOrder>(pages: &Pages<'_>, page: &Page<'_, O>, mut found: impl FnMut(PageNo)) {
    let overhead = pages.overhead();
    let Some(kind) = PageKind::from_byte(page.type_byte()) else { return };
    let in_bucket = matches!(kind, PageKind::HashUnsorted | PageKind::Hash);
    if !is_leaf(kind) && kind != PageKind::BtreeInternal && !in_bucket {
        return;
    }
    for slot in 0..page.entries() {
        let item = if in_bucket { hash::item(page, overhead, slot) } else { page.item(overhead, slot) };
        let Some((offset, item)) = item else { continue };
        let before = slot.checked_sub(2).filter(|_| kind == PageKind::BtreeLeaf);
        if before.and_then(|before| page.slot(overhead, before)).map(usize::from) == Some(offset) {
            continue;
        }
        let is_long = |kind: Option<u8>| kind.is_some_and(|kind| kind & !DELETED == OVERFLOW);
        let reference = match kind {
            PageKind::BtreeInternal => {
                let item = item::btree_internal::<O>(item).filter(|item| is_long(Some(item.type_byte)));
                item.map(|item| item.key)
            }
            _ if in_bucket => {
                Some(item).filter(|item| item.first() == Some(&OVERFLOW) && item.len() == REFERENCE)
            }
            _ => Some(item).filter(|item| is_long(item::type_byte(item))),
        };
        if let Some((head, _)) = reference.and_then(item::reference::<O>) {
            found(PageNo(head));
        }
    }
}
