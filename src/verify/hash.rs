//! HASH databases: their tables of buckets, and that their pages are theirs (database-format,
//! annex A).

use byteorder::ByteOrder;

use super::bucket::{Hasher, Tally};
use super::finding::Rule;
use super::order::Comparer;
use super::page::Context;
use crate::error::Defect;
use crate::format::generation::Generation;
use crate::format::meta::Field;
use crate::format::page::{Page, PageKind, at};
use crate::meta::Buckets;
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
    /// What was found.
    found: Tally,
    /// The page that is empty and most likely should not be, with what
    /// [`Buckets::expects`] says of its bucket.
    empty: Option<(u64, PageNo)>,
}

impl Table<'_, '_, '_> {
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

    /// Notes the first page of a bucket, which is empty.
    fn note_empty(&mut self, bucket: u32, no: PageNo) {
        let expects = self.buckets.expects(bucket);
        if self.empty.is_none_or(|(most, _)| expects > most) {
            self.empty = Some((expects, no));
        }
    }

    fn close(&self) {
        let more = self.foreign.saturating_sub(NAMED);
        if more > 0 {
            self.error(Rule::Once, Defect::Crowded { number: more }.to_string());
        }
        let (counted, meta) = (self.buckets.elements, self.context.meta);
        // Releases up to 3.1 do not keep the number, and tables are made for more keys than come.
        if counted > 0 && counted < self.found.keys && meta.generation() >= Generation::V31 {
            let text = format!("{} keys are there, but {counted} are counted", self.found.keys);
            self.context.report.warning(Rule::Elements, meta.page(), meta.at(Field::Nelem), text);
        }
        if self.found.several > 0 && !meta.flags().duplicates() {
            let text = format!("{} keys have several values, but the flags exclude that", self.found.several);
            self.context.report.error(Rule::BucketDuplicates, meta.page(), meta.at(Field::Flags), text);
        }
        let missing = u64::from(counted.saturating_sub(self.found.keys));
        if let Some((_, no)) = self.empty.filter(|(expects, _)| missing > 0 && missing <= *expects) {
            let (meta, offset) = (meta.page(), meta.at(Field::Nelem));
            let defect = Defect::EmptyBucket { counted, found: self.found.keys, meta, offset };
            let report = &self.context.report;
            if self.context.meta.generation().counts_keys() {
                report.error(Rule::Elements, no, at::TYPE, defect.to_string());
            } else {
                report.warning(Rule::Elements, no, at::TYPE, defect.to_string());
            }
        }
    }
}

impl<'c> Context<'c, '_> {
    /// Walks the buckets.
    pub(super) fn buckets<O: ByteOrder>(&self, compare: &Comparer<'c>) {
        let Some(buckets) = self.meta.buckets() else { return };
        let mut table = Table { context: self, buckets, foreign: 0, found: Tally::default(), empty: None };
        if let Some((field, found, expected)) = buckets.objection() {
            let text = format!("{} is {found}, expected {expected}", field.name());
            self.report.error(Rule::Masks, self.meta.page(), self.meta.at(field), text);
        }
        let hasher = Hasher::of(self, buckets);
        // Pages are kept for all buckets up to the next doubling: empty, if written at all.
        let reserved = (buckets.max..=u32::MAX >> buckets.max.leading_zeros().min(31)).skip(1);
        for no in reserved.map(|bucket| buckets.page(bucket)).take_while(|no| no.0 < self.pages.count()) {
            let page = self.pages.raw(no).and_then(Page::<O>::new).filter(|page| !page.is_hole());
            if page.is_some_and(|page| !may_be_bucket(page)) || !self.seen.mark(no) {
                if self.seen.pass_over() {
                    continue;
                }
                break;
            }
            let Some(page) = page else { continue };
            if page.entries() == 0 {
                if let Err(error) = self.pages.codec().check(page.bytes(), no) {
                    self.report.reader(&error);
                }
            } else if self.look::<O>(no, page) {
                let text = format!("{} entries on a page of a bucket that is not in use", page.entries());
                self.report.error(Rule::Hash, no, at::ENTRIES, text);
            }
        }
        let spares = self.meta.at(Field::Spares);
        for bucket in 0..=buckets.max {
            if self.report.sink.full() {
                return;
            }
            let no = buckets.page(bucket);
            let would_be = || format!("bucket {bucket} would be page {no}");
            let taken = || format!("bucket page {no} has another place already");
            let page = self.pages.raw(no).and_then(Page::<O>::new);
            if let Some(error) = page.is_none().then(|| self.pages.unread(no)).flatten() {
                self.report.reader(&error);
                continue;
            }
            let go_on = match page {
                // Releases 2.x write the page of a bucket when it gets its first key.
                None if self.meta.generation() == Generation::V2 => {
                    table.note_empty(buckets.max, buckets.page(buckets.max));
                    break;
                }
                None => {
                    let text = format!("{}: the file has {} pages", would_be(), self.pages.count());
                    // The last of all, of a table that is alone in its file.
                    let last = bucket == buckets.high_mask && self.meta.page() == PageNo::META;
                    if last && no.0 == self.pages.count() && self.pages.may_lack_bucket(no) {
                        let text = text + ": as upgrades by genuine tools can leave it";
                        self.report.warning(Rule::Spares, self.meta.page(), spares, text);
                        table.note_empty(bucket, no);
                    } else {
                        table.error(Rule::Spares, text);
                    }
                    break;
                }
                Some(page) if !page.is_hole() && !may_be_bucket(page) => table.foreign(Rule::Spares, || {
                    format!("{}: it is of type {}, expected hash", would_be(), page.type_byte())
                }),
                Some(_) if self.seen.has(no) => table.foreign(Rule::Once, taken),
                // An empty bucket that was never written, most likely.
                Some(page) if page.is_hole() => {
                    self.seen.mark(no);
                    table.note_empty(bucket, no);
                    true
                }
                Some(_) => {
                    let first = Origin { page: self.meta.page(), offset: spares, what: "bucket page" };
                    table.found.add(self.bucket::<O>((bucket, no), first, compare, hasher.as_ref()));
                    true
                }
            };
            if !go_on {
                break;
            }
        }
        table.close();
    }

    /// Checks the pages of a bucket; counts the keys on them.
    fn bucket<O: ByteOrder>(
        &self,
        (bucket, first): (u32, PageNo),
        mut from: Origin,
        compare: &Comparer<'c>,
        hasher: Option<&Hasher<'_>>,
    ) -> Tally {
        let (mut next, mut prev, mut tally) = (Some(first), PageNo(0), Tally::default());
        while let Some(no) = next {
            let Some(page) = self.reach::<O>(no, from) else { break };
            let kind = PageKind::from_byte(page.type_byte());
            if !may_be_bucket(page) || (kind == Some(PageKind::Invalid) && page.entries() > 0) {
                let text = format!("page type {}, expected hash", page.type_byte());
                self.report.error(Rule::PageType, no, at::TYPE, text);
                break;
            }
            if kind == Some(PageKind::Invalid) && page.next() != 0 {
                let text = format!("a page that is not in use leads on to page {}", page.next());
                self.report.error(Rule::BucketChain, no, at::NEXT, text);
            }
            if page.prev() != prev.0 {
                let text = format!("previous page is {}, expected {prev}", page.prev());
                self.report.error(Rule::BucketChain, no, at::PREV, text);
            }
            tally.add(self.bucket_items::<O>(no, page, bucket, compare, hasher));
            from = Origin { page: no, offset: at::NEXT, what: "next page of the bucket" };
            (next, prev) = (PageNo::link(page.next()), no);
        }
        tally
    }
}
