//! The list of databases of a file that holds several: the numbers in it, and its leaves
//! (database-format, "Several databases in one file").

use byteorder::ByteOrder;

use super::draft::Draft;
use super::error::{Refusal, Result};
use super::reason::Reason;
use crate::format::item::{self, KEYDATA};
use crate::format::page::{Page, PageKind};
use crate::meta;
use crate::order::Endianness;
use crate::pages::Pages;
use crate::types::PageNo;

/// Writes the numbers on these leaves of the list in an order.
pub(crate) fn list<O: ByteOrder>(draft: &mut Draft<'_>, leaves: &[PageNo], to: Endianness) -> Result<()> {
    let (pages, version) = (draft.pages(), draft.pages().meta().version());
    let is_inner = |no: &PageNo| pages.raw(*no).is_some_and(|page| meta::is_inner(page, *no, pages.order()));
    for &leaf in leaves {
        let Some(page) = pages.raw(leaf).and_then(Page::<O>::new) else { continue };
        for slot in (1..page.entries()).step_by(2) {
            let Some((offset, rest)) = page.item(pages.overhead(), slot) else { continue };
            // A deleted item is no database any more.
            let plain = item::type_byte(rest) == Some(KEYDATA);
            let value = item::len::<O>(rest).filter(|_| plain).and_then(|len| item::keydata(rest, len));
            let readings = value.and_then(|value| meta::listed_readings(value, Endianness::Big));
            let Some(readings) = readings else { continue };
            let [big, little] = readings.map(|no| Some(no).filter(is_inner));
            let no = match (big, little) {
                // Only release 3.0 wrote them in its own order.
                (Some(big), Some(little)) if big != little && version == 7 => None,
                (big, little) => big.or(little),
            };
            let Some(no) = no else {
                return Err(Refusal::DatabaseList { page: leaf, offset }.into());
            };
            let at = offset.saturating_add(item::KEYDATA_HEAD);
            let mut number = [0; 4];
            to.put_u32(&mut number, 0, no.0);
            draft.replace(leaf, at, &number, Reason::DatabaseList);
        }
    }
    Ok(())
}

/// The leaves of a tree, in its order.
pub(crate) fn leaves<O: ByteOrder>(pages: &Pages<'_>, root: PageNo) -> Result<Vec<PageNo>> {
    let mut leaves = Vec::new();
    let mut stack = vec![root];
    // Sound trees lead to each page once: this only ends what is none.
    let mut left = pages.count();
    while let Some(no) = stack.pop() {
        let page = pages.raw(no).and_then(Page::<O>::new).filter(|_| left > 0);
        let Some(page) = page else {
            return Err(Refusal::Unreadable { first: format!("page {no} has no place in the tree") }.into());
        };
        left = left.saturating_sub(1);
        if PageKind::from_byte(page.type_byte()) != Some(PageKind::BtreeInternal) {
            leaves.push(no);
            continue;
        }
        for slot in (0..page.entries()).rev() {
            let (_, rest) = page.item(pages.overhead(), slot).unwrap_or_default();
            let Some(item) = item::btree_internal::<O>(rest) else {
                let first = format!("page {no}: slot {slot} holds no item");
                return Err(Refusal::Unreadable { first }.into());
            };
            stack.push(PageNo(item.child));
        }
    }
    Ok(leaves)
}
