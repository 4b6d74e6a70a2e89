//! The highest page that a page leads to: so far its file goes, where its first page does not say it.

use byteorder::ByteOrder;

use super::sighting::Sighting;
use crate::format::item::{self, BtreeInternal, Form as ItemForm, REFERENCE};
use crate::format::page::{HEADER, Page, PageKind, is_leaf};
use crate::order::{Endianness, with_order};

/// The highest page, of those that a file can have, that is named by the header of a page or by an item
/// on it. Only of files that do not say where they end: their pages have no checksums.
pub(super) fn highest(page: &[u8], sighting: &Sighting, order: Endianness, most: u64) -> u32 {
    let chain = sighting.chain(order).into_iter().flatten().flatten().map(|page| page.0);
    let items = with_order!(order, O => items::<O>(page, sighting.kind()));
    chain.chain(items).filter(|page| u64::from(*page) < most).max().unwrap_or(0)
}

fn items<O: ByteOrder>(page: &[u8], kind: PageKind) -> Vec<u32> {
    let Some(page) = Page::<O>::new(page) else { return Vec::new() };
    let slots = (0..page.entries()).map_while(|slot| page.item(HEADER, slot));
    slots.filter_map(|(_, item)| named::<O>(item, kind)).collect()
}

/// The page that an item names.
fn named<O: ByteOrder>(item: &[u8], kind: PageKind) -> Option<u32> {
    match kind {
        PageKind::BtreeInternal => item::btree_internal::<O>(item).map(|BtreeInternal { child, .. }| child),
        PageKind::RecnoInternal => item::recno_internal::<O>(item).map(|(child, _)| child),
        PageKind::Hash | PageKind::HashUnsorted => {
            let elsewhere = matches!(*item.first()?, item::OVERFLOW | item::OFFDUP);
            item.get(..REFERENCE).filter(|_| elsewhere).and_then(item::reference::<O>).map(|(page, _)| page)
        }
        kind if is_leaf(kind) => match item::leaf::<O>(item).ok()?.form {
            ItemForm::Overflow { first: page, .. } | ItemForm::Duplicates { root: page } => Some(page),
            _ => None,
        },
        _ => None,
    }
}
