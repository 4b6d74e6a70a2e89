//! HASH databases among several: that their pages are theirs (database-format, annex A).

use byteorder::ByteOrder;

use super::finding::Rule;
use super::order::Comparer;
use super::page::{Context, From};
use super::tree::Tree;
use crate::btree::Shape;
use crate::format::item::{self, DUPLICATE, KEYDATA, OFFDUP, OVERFLOW, REFERENCE};
use crate::format::page::{Page, PageKind, at, slot_offset};
use crate::types::PageNo;

/// Whether a page can be that of a bucket, or reserved for one. A wrong table of buckets
/// leads to pages of others, which are not to be taken from them.
fn may_be_bucket<O: ByteOrder>(page: Page<'_, O>) -> bool {
    use PageKind::{Hash, HashUnsorted, Invalid};
    matches!(PageKind::from_byte(page.type_byte()), Some(Hash | HashUnsorted | Invalid))
}

impl<'c> Context<'c, '_> {
    /// Walks the buckets.
    pub(super) fn buckets<O: ByteOrder>(&self, compare: &Comparer<'c>) {
        let Some(buckets) = self.meta.buckets() else { return };
        let page = |bucket: u32| {
            let doubling = 32u32.saturating_sub(bucket.leading_zeros());
            let spare = buckets.spares.get(PageNo(doubling).index()).copied().unwrap_or(0);
            PageNo(bucket.saturating_add(spare))
        };
        // Pages are kept for all buckets up to the next doubling: empty, if written at all.
        let reserved = (buckets.max..=u32::MAX >> buckets.max.leading_zeros().min(31)).skip(1);
        for no in reserved.map(page).take_while(|no| no.0 < self.pages.count()) {
            let page = self.pages.raw(no).and_then(Page::<O>::new).filter(|page| !page.is_hole());
            if page.is_some_and(|page| !may_be_bucket(page)) || !self.seen.mark(no) {
                continue;
            }
            if let Some(page) = page.filter(|page| page.entries() > 0 && self.look::<O>(no, *page)) {
                let text = format!("{} entries on a page of a bucket that is not in use", page.entries());
                self.report.error(Rule::Hash, no, at::ENTRIES, text);
            }
        }
        for bucket in 0..=buckets.max {
            if self.report.sink.full() {
                return;
            }
            let no = page(bucket);
            let wrong = |why: String| {
                let text = format!("bucket {bucket} would be page {no}: {why}");
                self.report.error(Rule::Hash, self.meta.page(), self.meta.buckets_offset(), text);
            };
            match self.pages.raw(no).and_then(Page::<O>::new) {
                None => return wrong(format!("the file has {} pages", self.pages.count())),
                // An empty bucket that was never written.
                Some(page) if page.is_hole() => _ = self.seen.mark(no),
                Some(page) if may_be_bucket(page) => self.bucket::<O>(no, compare),
                Some(page) => wrong(format!("it is of type {}, expected hash", page.type_byte())),
            }
        }
    }

    fn bucket<O: ByteOrder>(&self, first: PageNo, compare: &Comparer<'c>) {
        let (mut next, mut prev) = (Some(first), PageNo(0));
        let mut from =
            From { page: self.meta.page(), offset: self.meta.buckets_offset(), what: "bucket page" };
        while let Some(no) = next {
            let Some(page) = self.reach::<O>(no, from) else { return };
            let kind = PageKind::from_byte(page.type_byte());
            if !matches!(kind, Some(PageKind::Hash | PageKind::HashUnsorted)) {
                let text = format!("page type {}, expected hash", page.type_byte());
                self.report.error(Rule::PageType, no, at::TYPE, text);
                return;
            }
            if page.prev() != prev.0 {
                let text = format!("previous page is {}, expected {prev}", page.prev());
                self.report.error(Rule::Link, no, at::PREV, text);
            }
            self.bucket_items::<O>(no, page, compare);
            from = From { page: no, offset: at::NEXT, what: "next page of the bucket" };
            (next, prev) = (PageNo::link(page.next()), no);
        }
    }

    /// Items lie one below the other, in slot order, down to the start of the item area.
    fn bucket_items<O: ByteOrder>(&self, no: PageNo, page: Page<'c, O>, compare: &Comparer<'c>) {
        let report = &self.report;
        let (overhead, entries) = (self.pages.overhead(), page.entries());
        if entries & 1 != 0 {
            report.error(
                Rule::Entries,
                no,
                at::ENTRIES,
                format!("{entries} entries: keys and data come in pairs"),
            );
        }
        let lowest = slot_offset(overhead, entries);
        let mut end = page.bytes().len();
        for slot in 0..entries {
            let at = slot_offset(overhead, slot);
            let raw = page.bytes().get(at..).and_then(|bytes| bytes.first_chunk::<2>());
            let offset = raw.map_or(0, |raw| usize::from(O::read_u16(raw)));
            let item = page.bytes().get(offset..end).filter(|_| offset >= lowest);
            let Some((&kind, rest)) = item.and_then(<[u8]>::split_first) else {
                let text = format!("slot {slot} points to {offset}, expected from {lowest} to below {end}");
                report.error(Rule::ItemOffset, no, at, text);
                return;
            };
            end = offset;
            let from = From { page: no, offset: offset.saturating_add(4), what: "overflow page" };
            let reference = item.filter(|item| item.len() == REFERENCE).and_then(item::reference::<O>);
            match (kind, reference) {
                (KEYDATA, _) => {}
                (OVERFLOW, Some((first, len))) => self.overflow::<O>(PageNo(first), len, from),
                (DUPLICATE, _) if slot & 1 == 1 => self.set::<O>(no, offset, rest),
                (OFFDUP, Some((root, _))) if slot & 1 == 1 => self.off_page::<O>(PageNo(root), from, compare),
                _ => {
                    let text =
                        format!("item type {kind:#04x} in slot {slot}, expected 1 to 4 and their lengths");
                    report.error(Rule::ItemKind, no, offset, text);
                }
            }
        }
        if page.item_area() != end {
            let text = format!("the item area starts at {}, but the lowest item at {end}", page.item_area());
            report.error(Rule::ItemArea, no, at::HF_OFFSET, text);
        }
    }

    /// Duplicates on the page: each between its length and its length again.
    fn set<O: ByteOrder>(&self, no: PageNo, offset: usize, set: &[u8]) {
        if set.is_empty() {
            self.report.error(Rule::ItemLength, no, offset, "an empty set of duplicates");
        }
        let mut rest = set;
        while !rest.is_empty() {
            match item::hash_duplicate::<O>(rest) {
                Some((_, behind)) => rest = behind,
                None => {
                    let text = "the lengths of duplicates on the page do not add up";
                    self.report.error(Rule::ItemLength, no, offset, text);
                    return;
                }
            }
        }
        if !self.meta.flags().duplicates() {
            self.report.error(Rule::DuplicateFlag, no, offset, "duplicates, but the database has none");
        }
    }

    fn off_page<O: ByteOrder>(&self, root: PageNo, from: From, compare: &Comparer<'c>) {
        let from = From { what: "off-page duplicates on page", ..from };
        if !self.meta.flags().duplicates() {
            let text = "off-page duplicates, but the database has none";
            self.report.error(Rule::DuplicateFlag, from.page, from.offset, text);
        }
        let shape = Shape::of_duplicates(self.meta);
        if shape.internal.is_none() {
            self.duplicate_chain::<O>(root, from);
            return;
        }
        Tree { context: self, shape, compare, threads: 1, duplicates: true, list: None }
            .check::<O>(root, from);
    }
}
