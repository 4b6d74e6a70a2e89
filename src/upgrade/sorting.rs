//! Whether the duplicates of a database are sorted (upgrade, "The sorted / unsorted choice").

use std::cmp::Ordering;

use byteorder::ByteOrder;

use crate::access::{Item, Leaf};
use crate::edit::{Refusal, Result};
use crate::format::hash;
use crate::format::item::{self, DELETED, DUPLICATE, Form, OFFDUP};
use crate::format::page::{Page, PageKind};
use crate::key_order::KeyOrder;
use crate::pages::{Content, Pages, Place};
use crate::types::PageNo;

/// Checks that every set of duplicates increases strictly, deleted items included; says
/// whether any key has several.
pub(super) fn check<O: ByteOrder>(pages: &Pages<'_>, leaves: &[PageNo]) -> Result<bool> {
    let mut check = Check { pages, several: false };
    // The key of the current set: where it stands, and what it is.
    let mut key: Option<(PageNo, usize, Item<'_>)> = None;
    let mut last: Option<Item<'_>> = None;
    for &no in leaves {
        let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { continue };
        // The reader knows keys that stand in the opposite byte order.
        let keys = Leaf::new::<O>(pages, page, no, PageKind::BtreeLeaf)?;
        for slot in (0..page.entries()).step_by(2) {
            let value_slot = slot.saturating_add(1);
            let (at, this) = keys.key_at::<O>(slot >> 1)?;
            let this = Item::new(pages, this);
            let Some((value_at, value)) = check.item::<O>(&page, no, value_slot) else {
                return Err(unreadable(no, value_slot));
            };
            let same = match &key {
                Some((page, offset, _)) if (*page, *offset) == (no, at) => true,
                Some((page, _, before)) if *page != no => {
                    before.compare_to(&this, KeyOrder::Bytes)? == Ordering::Equal
                }
                _ => false,
            };
            key = Some((no, at, this));
            let raw = page.bytes().get(value_at..).unwrap_or_default();
            if item::type_byte(raw).is_some_and(|kind| kind & !DELETED == DUPLICATE) {
                let head = item::reference::<O>(raw).map_or(0, |(head, _)| head);
                check.chain::<O>(PageNo(head))?;
                last = None;
                continue;
            }
            check.next(last.filter(|_| same), &value, no, value_slot)?;
            last = Some(value);
        }
    }
    Ok(check.several)
}

/// The same of the pages of the buckets of a HASH database (upgrade-other, "Refuse first").
pub(super) fn check_buckets<O: ByteOrder>(pages: &Pages<'_>, buckets: &[PageNo]) -> Result<bool> {
    let mut check = Check { pages, several: false };
    for &no in buckets {
        let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { continue };
        for slot in (1..page.entries()).step_by(2) {
            let Some((_, raw)) = hash::item(&page, pages.overhead(), slot) else {
                return Err(unreadable(no, slot));
            };
            match raw.split_first() {
                Some((&DUPLICATE, set)) => check.set::<O>(set, no, slot)?,
                Some((&OFFDUP, _)) => {
                    let root = raw.last_chunk::<4>().map_or(0, |root| O::read_u32(root));
                    check.chain::<O>(PageNo(root))?;
                }
                _ => {}
            }
        }
    }
    Ok(check.several)
}

fn unreadable(no: PageNo, slot: u16) -> crate::edit::EditError {
    Refusal::Unreadable { first: format!("page {no}: slot {slot} holds no item") }.into()
}

struct Check<'p> {
    pages: &'p Pages<'p>,
    several: bool,
}

impl<'p> Check<'p> {
    /// An item and its offset.
    fn item<O: ByteOrder>(&self, page: &Page<'p, O>, no: PageNo, slot: u16) -> Option<(usize, Item<'p>)> {
        let (offset, raw) = page.item(self.pages.overhead(), slot)?;
        let content = match item::leaf::<O>(raw).ok()?.form {
            // They are compared where they are.
            Form::Duplicates { .. } => Content::Here(&[]),
            form => Content::of(form, Place::new(no, offset)),
        };
        Some((offset, Item::new(self.pages, content)))
    }

    /// Duplicates in one item of a bucket.
    fn set<O: ByteOrder>(&mut self, set: &'p [u8], no: PageNo, slot: u16) -> Result<()> {
        let (mut rest, mut last) = (set, None);
        while !rest.is_empty() {
            let Some((value, behind)) = item::hash_duplicate::<O>(rest) else {
                return Err(unreadable(no, slot));
            };
            let value = Item::new(self.pages, Content::Here(value));
            self.next(last, &value, no, slot)?;
            (last, rest) = (Some(value), behind);
        }
        Ok(())
    }

    /// The duplicates on the pages of a chain.
    fn chain<O: ByteOrder>(&mut self, head: PageNo) -> Result<()> {
        let (mut next, mut last) = (Some(head), None);
        // The structure was checked: this only ends what never would.
        for _ in 0..self.pages.count() {
            let Some(no) = next else { break };
            let Some(page) = self.pages.raw(no).and_then(Page::<O>::new) else { break };
            for slot in 0..page.entries() {
                let Some((_, value)) = self.item::<O>(&page, no, slot) else {
                    return Err(unreadable(no, slot));
                };
                self.next(last, &value, no, slot)?;
                last = Some(value);
            }
            next = PageNo::link(page.next());
        }
        Ok(())
    }

    /// Compares a duplicate with the one before.
    fn next(&mut self, before: Option<Item<'_>>, this: &Item<'_>, page: PageNo, slot: u16) -> Result<()> {
        let Some(before) = before else { return Ok(()) };
        self.several = true;
        match before.compare_to(this, KeyOrder::Bytes)? {
            Ordering::Less => Ok(()),
            _ => Err(Refusal::Unsorted { page, slot }.into()),
        }
    }
}
