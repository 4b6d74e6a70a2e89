//! The pairs of a bucket's page in the order of version 9 (upgrade-other, "Order of pairs on a
//! type 13 page").

use std::cmp::Ordering;

use byteorder::ByteOrder;

use crate::access::Item;
use crate::error::Result;
use crate::format::edit;
use crate::format::hash;
use crate::format::item::{self, KEYDATA, OVERFLOW, REFERENCE};
use crate::format::page::{Page, PageKind, at, slot_offset};
use crate::key_order::KeyOrder;
use crate::pages::{Chain, Content, Pages, Place};
use crate::types::PageNo;

/// A pair as it stands on its page.
struct Pair<'p> {
    key: Item<'p>,
    /// Both items.
    items: [&'p [u8]; 2],
}

/// A page of a bucket with its pairs sorted; `None` if it cannot be read.
pub(super) fn sorted<O: ByteOrder>(pages: &Pages<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    let page = Page::<O>::new(bytes)?;
    let mut list: Vec<Pair<'_>> = Vec::new();
    for slot in (0..page.entries()).step_by(2) {
        let pair = pair::<O>(pages, &page, slot)?;
        let place = hash::insertion(&list, |other| compare(&pair.key, &other.key)).ok()?;
        list.insert(place, pair);
    }
    lay_down::<O>(bytes, pages.overhead(), &list)
}

fn pair<'p, O: ByteOrder>(pages: &'p Pages<'_>, page: &Page<'p, O>, slot: u16) -> Option<Pair<'p>> {
    let (offset, key) = hash::item(page, pages.overhead(), slot)?;
    let (_, value) = hash::item(page, pages.overhead(), slot.checked_add(1)?)?;
    let content = match key.split_first()? {
        (&KEYDATA, bytes) => Content::Here(bytes),
        (&OVERFLOW, _) if key.len() == REFERENCE => {
            let (first, len) = item::reference::<O>(key)?;
            Content::Chain(Chain {
                first: PageNo(first),
                len,
                place: Place::new(PageNo(page.pgno()), offset),
            })
        }
        _ => return None,
    };
    Some(Pair { key: Item::new(pages, content), items: [key, value] })
}

/// The order of two keys on a page: of two of which one is the start of the other the longer
/// comes first if both stand on the page, else the shorter.
fn compare(a: &Item<'_>, b: &Item<'_>) -> Result<Ordering> {
    match (a.on_page(), b.on_page()) {
        (Some(a), Some(b)) => Ok(hash::sorted(a, b)),
        _ => a.compare_to(b, KeyOrder::Bytes),
    }
}

/// Puts pairs on a page anew, from its end, without gaps. What is free keeps its bytes.
fn lay_down<O: ByteOrder>(old: &[u8], overhead: usize, list: &[Pair<'_>]) -> Option<Vec<u8>> {
    let (mut page, mut end) = (old.to_vec(), old.len());
    for (slot, item) in (0u16..).zip(list.iter().flat_map(|pair| pair.items)) {
        end = end.checked_sub(item.len())?;
        edit::put(&mut page, end, item);
        edit::put_u16::<O>(&mut page, slot_offset(overhead, slot), u16::try_from(end).ok()?);
    }
    // 65536 is stored as 0.
    edit::put_u16::<O>(&mut page, at::HF_OFFSET, u16::try_from(end).unwrap_or(0));
    edit::put(&mut page, at::LEVEL, &[0, PageKind::Hash.byte()]);
    Some(page)
}
