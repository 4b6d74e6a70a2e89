//! HASH databases among several: that their pages are theirs (database-format, annex A).

use byteorder::ByteOrder;

use super::finding::Rule;
use super::order::Comparer;
use super::page::{Context, From};
use super::tree::Tree;
use crate::btree::Shape;
use crate::format::item::{self, OFFDUP, OVERFLOW};
use crate::format::page::{Page, PageKind, at, slot_offset};
use crate::types::PageNo;

impl<'c> Context<'c, '_> {
    /// Walks the buckets.
    pub(super) fn buckets<O: ByteOrder>(&self, compare: &Comparer<'c>) {
        let Some(buckets) = self.meta.buckets() else { return };
        let page = |bucket: u32| {
            let doubling = 32u32.saturating_sub(bucket.leading_zeros());
            let spare = buckets.spares.get(PageNo(doubling).index()).copied().unwrap_or(0);
            PageNo(bucket.saturating_add(spare))
        };
        // Pages are kept for all buckets up to the next doubling.
        let reserved = (buckets.max..=u32::MAX >> buckets.max.leading_zeros().min(31)).skip(1);
        reserved.map(page).take_while(|no| no.0 < self.pages.count()).for_each(|no| {
            self.seen.mark(no);
        });
        for bucket in 0..=buckets.max {
            if self.report.sink.full() {
                return;
            }
            let no = page(bucket);
            if no.0 >= self.pages.count() {
                let text =
                    format!("bucket {bucket} would be page {no}: the file has {} pages", self.pages.count());
                self.report.error(Rule::Hash, self.meta.page(), self.meta.buckets_offset(), text);
                return;
            }
            self.bucket::<O>(no, compare);
        }
    }

    fn bucket<O: ByteOrder>(&self, first: PageNo, compare: &Comparer<'c>) {
        let hole = self.pages.raw(first).and_then(Page::<O>::new).is_some_and(|page| page.is_hole());
        if hole {
            // An empty bucket that was never written.
            self.seen.mark(first);
            return;
        }
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

    /// Items lie one below the other, in slot order.
    fn bucket_items<O: ByteOrder>(&self, no: PageNo, page: Page<'c, O>, compare: &Comparer<'c>) {
        let overhead = self.pages.overhead();
        let mut end = page.bytes().len();
        for slot in 0..page.entries() {
            let at = slot_offset(overhead, slot);
            let raw = page.bytes().get(at..).and_then(|bytes| bytes.first_chunk::<2>());
            let offset = raw.map_or(0, |raw| usize::from(O::read_u16(raw)));
            let lowest = slot_offset(overhead, page.entries());
            let bytes = page.bytes().get(offset..end).filter(|bytes| offset >= lowest && !bytes.is_empty());
            let Some(bytes) = bytes else {
                let text = format!("slot {slot} points to {offset}, expected from {lowest} to below {end}");
                self.report.error(Rule::ItemOffset, no, at, text);
                return;
            };
            end = offset;
            let from = From { page: no, offset: offset.saturating_add(4), what: "overflow page" };
            match (bytes.first(), item::reference::<O>(bytes)) {
                (Some(&OVERFLOW), Some((first, len))) => self.overflow::<O>(PageNo(first), len, from),
                (Some(&OFFDUP), Some((root, _))) => {
                    let shape = Shape::of_duplicates(self.meta);
                    let from = From { what: "off-page duplicates on page", ..from };
                    let root = PageNo(root);
                    if shape.internal.is_none() {
                        self.duplicate_chain::<O>(root, from);
                    } else {
                        let tree =
                            Tree { context: self, shape, compare, threads: 1, duplicates: true, list: None };
                        tree.check::<O>(root, from);
                    }
                }
                _ => {}
            }
        }
    }
}
