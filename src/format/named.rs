//! The pages that the items of a page name (database-format, "Items" and annex A.6).

use byteorder::ByteOrder;

use super::item::{self, BtreeInternal, Form};
use super::page::{Page, PageKind, is_leaf};

/// The pages that the items of a page of some kind name, whose index starts at `overhead`: children,
/// overflow chains, duplicates. As they stand: none need be there.
pub(crate) fn pages<'p, O: ByteOrder + 'p>(
    page: Page<'p, O>,
    kind: PageKind,
    overhead: usize,
) -> impl Iterator<Item = u32> + 'p {
    let has_items = is_leaf(kind)
        || matches!(
            kind,
            PageKind::BtreeInternal | PageKind::RecnoInternal | PageKind::Hash | PageKind::HashUnsorted
        );
    let slots =
        (0..if has_items { page.entries() } else { 0 }).map_while(move |slot| page.item(overhead, slot));
    slots.filter_map(move |(_, item)| named::<O>(item, kind))
}

/// The page that an item names.
fn named<O: ByteOrder>(item: &[u8], kind: PageKind) -> Option<u32> {
    match kind {
        PageKind::BtreeInternal => item::btree_internal::<O>(item).map(|BtreeInternal { child, .. }| child),
        PageKind::RecnoInternal => item::recno_internal::<O>(item).map(|(child, _)| child),
        PageKind::Hash | PageKind::HashUnsorted => {
            let elsewhere = matches!(*item.first()?, item::OVERFLOW | item::OFFDUP);
            let page = |item: &[u8]| item.get(4..8).map(O::read_u32);
            elsewhere.then(|| page(item))?
        }
        _ => match item::leaf::<O>(item).ok()?.form {
            Form::Overflow { first: page, .. } | Form::Duplicates { root: page } => Some(page),
            _ => None,
        },
    }
}
