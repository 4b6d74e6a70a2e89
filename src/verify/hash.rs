//! HASH databases among several: that their pages are theirs (database-format, annex A).

use byteorder::ByteOrder;

use super::finding::Rule;
use super::order::Comparer;
use super::page::{Context, Held, Repeats};
use super::seen::Referrer;
use super::tree::Tree;
use crate::error::Defect;
use crate::format::item::{self, DUPLICATE, KEYDATA, OFFDUP, OFFDUP_LEN, OVERFLOW, REFERENCE};
use crate::format::meta::Field;
use crate::format::page::{Page, PageKind, at, slot_offset};
use crate::meta::{Buckets, Shape};
use crate::pages::Origin;
use crate::types::PageNo;

/// Whether a page can be that of a bucket, or reserved for one. A wrong table of buckets
/// leads to pages of others, which are not to be taken from them.
fn may_be_bucket<O: ByteOrder>(page: Page<'_, O>) -> bool {
    use PageKind::{Hash, HashUnsorted, Invalid};
    matches!(PageKind::from_byte(page.type_byte()), Some(Hash | HashUnsorted | Invalid))
}

/// So many pages that are wrong in a table are reported one by one.
const NAMED: u32 = 8;

/// The table of the buckets of a database: what is wrong in it.
struct Table<'t, 'c, 'p> {
    context: &'t Context<'c, 'p>,
    buckets: &'t Buckets,
    /// Pages that cannot be its own.
    foreign: u32,
    /// Keys that were found.
    keys: u32,
    /// The page that is empty and most likely should not be, with what
    /// [`Buckets::expects`] says of its bucket.
    empty: Option<(u64, PageNo)>,
}

impl Table<'_, '_, '_> {
    fn page(&self, bucket: u32) -> PageNo {
        let doubling = 32u32.saturating_sub(bucket.leading_zeros());
        let spare = self.buckets.spares.get(PageNo(doubling).index()).copied().unwrap_or(0);
        PageNo(bucket.saturating_add(spare))
    }

    fn error(&self, rule: Rule, text: String) {
        let meta = self.context.meta;
        self.context.report.error(rule, meta.page(), meta.at(Field::Spares), text);
    }

    /// Reports a page that the table leads to and that cannot be its own. The first few are
    /// named. False if the tables of the file lead to as many of them as it has pages: they
    /// cannot all be right, and to try the rest would take for ever.
    fn foreign(&mut self, rule: Rule, text: impl FnOnce() -> String) -> bool {
        self.foreign = self.foreign.saturating_add(1);
        if self.foreign <= NAMED {
            self.error(rule, text());
            return true;
        }
        self.context.seen.pass_over()
    }

    fn close(&self) {
        let more = self.foreign.saturating_sub(NAMED);
        if more > 0 {
            self.error(Rule::Once, Defect::Crowded { number: more }.to_string());
        }
        let (counted, meta) = (self.buckets.elements, self.context.meta);
        let missing = u64::from(counted.saturating_sub(self.keys));
        if let Some((_, no)) = self.empty.filter(|(expects, _)| missing > 0 && missing <= *expects) {
            let (meta, offset) = (meta.page(), meta.at(Field::Nelem));
            let defect = Defect::EmptyBucket { counted, found: self.keys, meta, offset };
            self.context.report.error(Rule::Elements, no, at::TYPE, defect.to_string());
        }
    }
}

impl<'c> Context<'c, '_> {
    /// Walks the buckets.
    pub(super) fn buckets<O: ByteOrder>(&self, compare: &Comparer<'c>) {
        let Some(buckets) = self.meta.buckets() else { return };
        let mut table = Table { context: self, buckets, foreign: 0, keys: 0, empty: None };
        // Pages are kept for all buckets up to the next doubling: empty, if written at all.
        let reserved = (buckets.max..=u32::MAX >> buckets.max.leading_zeros().min(31)).skip(1);
        for no in reserved.map(|bucket| table.page(bucket)).take_while(|no| no.0 < self.pages.count()) {
            let page = self.pages.raw(no).and_then(Page::<O>::new).filter(|page| !page.is_hole());
            if page.is_some_and(|page| !may_be_bucket(page)) || !self.seen.mark(no) {
                if self.seen.pass_over() {
                    continue;
                }
                break;
            }
            if let Some(page) = page.filter(|page| page.entries() > 0 && self.look::<O>(no, *page)) {
                let text = format!("{} entries on a page of a bucket that is not in use", page.entries());
                self.report.error(Rule::Hash, no, at::ENTRIES, text);
            }
        }
        let spares = self.meta.at(Field::Spares);
        for bucket in 0..=buckets.max {
            if self.report.sink.full() {
                return;
            }
            let no = table.page(bucket);
            let would_be = || format!("bucket {bucket} would be page {no}");
            let taken = || format!("bucket page {no} has another place already");
            let go_on = match self.pages.raw(no).and_then(Page::<O>::new) {
                None => {
                    let text = format!("{}: the file has {} pages", would_be(), self.pages.count());
                    table.error(Rule::Hash, text);
                    break;
                }
                Some(page) if !page.is_hole() && !may_be_bucket(page) => table.foreign(Rule::Hash, || {
                    format!("{}: it is of type {}, expected hash", would_be(), page.type_byte())
                }),
                Some(_) if self.seen.has(no) => table.foreign(Rule::Once, taken),
                // An empty bucket that was never written, most likely.
                Some(page) if page.is_hole() => {
                    self.seen.mark(no);
                    let expects = buckets.expects(bucket);
                    if table.empty.is_none_or(|(most, _)| expects > most) {
                        table.empty = Some((expects, no));
                    }
                    true
                }
                Some(_) => {
                    let keys = self.bucket::<O>(no, compare, spares);
                    table.keys = table.keys.saturating_add(keys);
                    true
                }
            };
            if !go_on {
                break;
            }
        }
        table.close();
    }

    /// Checks the pages of a bucket, which the table at `spares` leads to; gives the number of keys
    /// on them.
    fn bucket<O: ByteOrder>(&self, first: PageNo, compare: &Comparer<'c>, spares: usize) -> u32 {
        let (mut next, mut prev, mut keys) = (Some(first), PageNo(0), 0u32);
        let mut from = Origin { page: self.meta.page(), offset: spares, what: "bucket page" };
        while let Some(no) = next {
            let Some(page) = self.reach::<O>(no, from) else { break };
            let kind = PageKind::from_byte(page.type_byte());
            if !matches!(kind, Some(PageKind::Hash | PageKind::HashUnsorted)) {
                let text = format!("page type {}, expected hash", page.type_byte());
                self.report.error(Rule::PageType, no, at::TYPE, text);
                break;
            }
            if page.prev() != prev.0 {
                let text = format!("previous page is {}, expected {prev}", page.prev());
                self.report.error(Rule::Link, no, at::PREV, text);
            }
            self.bucket_items::<O>(no, page, compare);
            keys = keys.saturating_add(u32::from(page.entries() >> 1));
            from = Origin { page: no, offset: at::NEXT, what: "next page of the bucket" };
            (next, prev) = (PageNo::link(page.next()), no);
        }
        keys
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
        let (mut repeats, mut key) = (Repeats::new(self.pages), 0);
        for slot in 0..entries {
            let at = slot_offset(overhead, slot);
            let offset = page.slot(overhead, slot).map_or(0, usize::from);
            let item = page.bytes().get(offset..end).filter(|_| offset >= lowest);
            let Some((&kind, rest)) = item.and_then(<[u8]>::split_first) else {
                let text = format!("slot {slot} points to {offset}, expected from {lowest} to below {end}");
                report.error(Rule::ItemOffset, no, at, text);
                return;
            };
            end = offset;
            let from = Origin { page: no, offset: offset.saturating_add(4), what: "overflow page" };
            let reference = item.filter(|item| item.len() == REFERENCE).and_then(item::reference::<O>);
            let held = match (kind, reference) {
                (KEYDATA, _) => Held::Plain(rest),
                (OVERFLOW, Some((first, len))) => Held::Chain { first: PageNo(first), len },
                _ => Held::Duplicates(PageNo::META),
            };
            if slot & 1 == 0 {
                (key, repeats.key) = (held.len(), held.given(false));
            } else {
                repeats.value(slot_offset(overhead, slot & !1), 0, held);
            }
            match (kind, reference) {
                (KEYDATA, _) => {}
                (OVERFLOW, Some((first, len))) => {
                    self.overflow::<O>(PageNo(first), len, from, Referrer::Owner);
                }
                (DUPLICATE, _) if slot & 1 == 1 => {
                    repeats.key = 0;
                    self.set::<O>(no, offset, rest, key, &mut repeats);
                }
                (OFFDUP, _) if slot & 1 == 1 && item.is_some_and(|item| item.len() == OFFDUP_LEN) => {
                    let root = rest.last_chunk::<4>().map_or(0, |raw| O::read_u32(raw));
                    self.off_page::<O>(PageNo(root), from, compare, key);
                }
                _ => {
                    let text =
                        format!("item type {kind:#04x} in slot {slot}, expected 1 to 4 and their lengths");
                    report.error(Rule::ItemKind, no, offset, text);
                }
            }
        }
        repeats.report(no, report);
        if page.item_area() != end {
            let text = format!("the item area starts at {}, but the lowest item at {end}", page.item_area());
            report.error(Rule::ItemArea, no, at::HF_OFFSET, text);
        }
    }

    /// Duplicates on the page: each between its length and its length again.
    fn set<O: ByteOrder>(&self, no: PageNo, offset: usize, set: &[u8], key: u32, repeats: &mut Repeats) {
        if set.is_empty() {
            self.report.error(Rule::ItemLength, no, offset, "an empty set of duplicates");
        }
        let mut rest = set;
        while !rest.is_empty() {
            match item::hash_duplicate::<O>(rest) {
                Some((value, behind)) => {
                    repeats.value(offset, key, Held::Plain(value));
                    rest = behind;
                }
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

    fn off_page<O: ByteOrder>(&self, root: PageNo, from: Origin, compare: &Comparer<'c>, key: u32) {
        let from = Origin { what: "off-page duplicates on page", ..from };
        if !self.meta.flags().duplicates() {
            let text = "off-page duplicates, but the database has none";
            self.report.error(Rule::DuplicateFlag, from.page, from.offset, text);
        }
        let shape = Shape::of_duplicates(self.meta);
        if shape.internal.is_none() {
            self.duplicate_chain::<O>(root, from, key);
            return;
        }
        Tree { context: self, shape, compare, threads: 1, duplicates: Some(key), list: None }
            .check::<O>(root, from);
    }
}
