//! A tree, from its root down (database-format, "Invariants for a verifier", groups K, D,
//! T and N).
//!
//! The upper pages are checked first. What is below a page of level 2 is a job of its
//! own: jobs are divided among threads, and what they saw at their edges is compared in
//! the end.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicUsize, Ordering as Memory};
use std::sync::{Arc, Mutex, PoisonError};

use byteorder::ByteOrder;

use super::chunk::{Chunk, Records};
use super::finding::Rule;
use super::order::Comparer;
use super::page::{Context, Held};
use super::partitions::Range;
use super::seen::Referrer;
use crate::format::item::{self, DELETED, OVERFLOW};
use crate::format::page::{Page, PageKind, at};
use crate::meta::Shape;
use crate::pages::Origin;
use crate::types::PageNo;

/// A place in the order of keys: below, or not below, the key of an internal page.
type Bound<'c> = Option<Held<'c>>;

/// Everything below a page of level 2, or a root that is a leaf.
#[derive(Clone, Copy)]
struct Job<'c> {
    page: PageNo,
    from: Origin,
    low: Bound<'c>,
    high: Bound<'c>,
    /// The upper page that leads here, and the count that it states.
    parent: Option<usize>,
    stated: u32,
    leaf: bool,
}

/// An internal page above level 2.
#[derive(Clone, Copy)]
struct Upper {
    from: Origin,
    parent: Option<usize>,
    stated: u32,
}

/// What a job saw at its edges.
#[derive(Clone, Copy, Default)]
struct Edges<'c> {
    first: Option<Edge<'c>>,
    last: Option<Edge<'c>>,
    records: u32,
    /// Items that are marked as deleted, and that counts leave out.
    deleted: u32,
    /// Whether every leaf could be read.
    whole: bool,
}

/// A leaf at the edge of a job.
#[derive(Clone, Copy)]
struct Edge<'c> {
    page: PageNo,
    link: PageNo,
    key: Option<Held<'c>>,
    /// The entry with that key, in a compressed database.
    chunk: Option<Chunk<'c>>,
}

/// An entry of a file's list of databases.
pub(super) struct ListEntry {
    pub(super) name: Arc<[u8]>,
    pub(super) value: Vec<u8>,
    /// Whether there is no value.
    pub(super) empty: bool,
    pub(super) page: PageNo,
    pub(super) offset: usize,
}

/// A tree, and what its pages must be.
pub(super) struct Tree<'t, 'c, 'p> {
    pub(super) context: &'t Context<'c, 'p>,
    pub(super) shape: Shape,
    pub(super) compare: &'t Comparer<'c>,
    pub(super) threads: usize,
    /// If the leaves hold duplicates of one key: its length.
    pub(super) duplicates: Option<u32>,
    /// That key, for entries of a compressed database.
    pub(super) key: Option<Held<'c>>,
    /// Where the entries go, if the tree is a list of databases.
    pub(super) list: Option<&'t Mutex<Vec<ListEntry>>>,
}

impl<'c> Context<'c, '_> {
    /// Off-page duplicates of a key of this length: a chain, or a tree of their own.
    pub(super) fn duplicates<O: ByteOrder>(
        &self,
        root: PageNo,
        from: Origin,
        compare: &Comparer<'c>,
        length: u32,
        key: Option<Held<'c>>,
    ) {
        let kind = self.pages.raw(root).and_then(Page::<O>::new).map(|page| page.type_byte());
        let shape = Shape::of_duplicates_at(self.meta, kind.and_then(PageKind::from_byte));
        if shape != Shape::of_duplicates(self.meta) {
            let text = "duplicates that are not sorted, where the flags say that they are: as db_upgrade -s leaves them";
            self.report.error(Rule::Flags, from.page, from.offset, text);
        }
        if shape.internal.is_none() {
            self.duplicate_chain::<O>(root, from, length);
            return;
        }
        Tree { context: self, shape, compare, threads: 1, duplicates: Some(length), key, list: None }
            .check::<O>(root, from, Range::default());
    }
}

impl<'c> Tree<'_, 'c, '_> {
    /// Checks the tree below a root, whose keys lie in a range.
    pub(super) fn check<O: ByteOrder>(&self, root: PageNo, from: Origin, range: Range<'c>) {
        let context = self.context;
        let Some(page) = context.pages.raw(root).and_then(Page::<O>::new) else {
            context.reach::<O>(root, from);
            return;
        };
        let kind = PageKind::from_byte(page.type_byte());
        let total = page.prev();
        let leaf = self.shape.internal.is_none() || kind != self.shape.internal;
        let Range { low, high } = range;
        let job = Job { page: root, from, low, high, parent: None, stated: 0, leaf };
        if leaf {
            let edges = self.job::<O>(&job);
            self.ends(&edges, &edges);
            return;
        }
        let (uppers, jobs) = self.uppers::<O>(job, page.level().max(2));
        let edges = self.run::<O>(&jobs);
        self.stitch::<O>(&edges);
        self.counts(root, total, &uppers, &jobs, &edges);
    }

    /// The internal pages above level 2, and what they lead to.
    fn uppers<O: ByteOrder>(&self, root: Job<'c>, level: u8) -> (Vec<Upper>, Vec<Job<'c>>) {
        let (mut uppers, mut jobs) = (Vec::new(), Vec::new());
        let mut stack = vec![(root, level)];
        while let Some((job, level)) = stack.pop() {
            if self.context.report.sink.full() {
                break;
            }
            if level <= 2 {
                jobs.push(job);
                continue;
            }
            let Some(page) = self.node_page::<O>(&job, level) else { continue };
            let index = uppers.len();
            uppers.push(Upper { from: job.from, parent: job.parent, stated: job.stated });
            let children = self.children::<O>(&job, page, Some(index));
            stack.extend(children.into_iter().rev().map(|child| (child, level.saturating_sub(1))));
        }
        (uppers, jobs)
    }

    fn node_page<O: ByteOrder>(&self, job: &Job<'c>, level: u8) -> Option<Page<'c, O>> {
        let kind = self.shape.internal?;
        let page = self.context.reach::<O>(job.page, job.from)?;
        if !self.context.is::<O>(job.page, page, kind, level) {
            return None;
        }
        // A root that counts has its total there.
        let total = self.shape.counted && job.parent.is_none();
        if page.prev() != 0 && !total {
            let text = format!("previous page is {}, expected 0 on an internal page", page.prev());
            self.context.report.error(Rule::Link, job.page, at::PREV, text);
        }
        Some(page)
    }

    /// The children of an internal page, with the keys between which theirs must lie.
    fn children<O: ByteOrder>(
        &self,
        job: &Job<'c>,
        page: Page<'c, O>,
        parent: Option<usize>,
    ) -> Vec<Job<'c>> {
        let context = self.context;
        let (no, keyed) = (job.page, self.shape.internal == Some(PageKind::BtreeInternal));
        let mut children: Vec<Job<'c>> = Vec::new();
        let kind = self.shape.internal.unwrap_or(PageKind::BtreeInternal);
        let leaf = page.level() <= 2;
        context.node::<O>(no, page, kind, |slot, child, stated, offset| {
            // The first key means nothing, but its chain is counted as that of any other.
            let key = keyed.then(|| self.node_key::<O>(no, page, slot)).flatten();
            // Duplicates in entries that stand for several are in the order of the first of each.
            let unpacked = self.is_compressed() && self.duplicates.is_some();
            let key = if unpacked { key.and_then(|key| self.compare.first_data::<O>(key)) } else { key };
            let from = Origin { page: no, offset, what: "child page" };
            let low = if slot == 0 { job.low } else { key };
            children.push(Job { page: child, from, low, high: None, parent, stated, leaf });
        });
        let lows: Vec<Bound<'c>> = children.iter().skip(1).map(|child| child.low).chain([job.high]).collect();
        for (child, high) in children.iter_mut().zip(lows) {
            child.high = high;
        }
        if keyed && context.order {
            self.internal_order::<O>(no, job, &children);
        }
        children
    }

    /// The key in a slot of an internal page. A long one is checked as a chain.
    fn node_key<O: ByteOrder>(&self, no: PageNo, page: Page<'c, O>, slot: u16) -> Bound<'c> {
        let (offset, item) = page.item(self.context.pages.overhead(), slot)?;
        let entry = item::btree_internal::<O>(item)?;
        if entry.type_byte & !DELETED != OVERFLOW {
            return Some(Held::Plain(entry.key));
        }
        let (first, len) = item::reference::<O>(entry.key)?;
        let from = Origin { page: no, offset: offset.saturating_add(16), what: "overflow page" };
        self.context.overflow::<O>(PageNo(first), len, from, Referrer::Copy);
        Some(Held::Chain { first: PageNo(first), len })
    }

    fn internal_order<O: ByteOrder>(&self, no: PageNo, job: &Job<'c>, children: &[Job<'c>]) {
        let report = &self.context.report;
        let keys = children.iter().skip(1);
        for (child, next) in keys.clone().zip(keys.skip(1)) {
            if let (Some(key), Some(after)) = (child.low, next.low) {
                if self.compare.compare::<O>(key, after).is_some_and(|order| order != Ordering::Less) {
                    report.error(
                        Rule::InternalOrder,
                        no,
                        next.from.offset,
                        "the keys of the page do not increase: damage, or an order of the database's own",
                    );
                }
            }
        }
        let first = children.get(1).and_then(|child| Some((child.low?, child.from)));
        let last =
            children.last().filter(|_| children.len() > 1).and_then(|child| Some((child.low?, child.from)));
        if let (Some(low), Some((key, from))) = (job.low, first) {
            if self.compare.compare::<O>(low, key) == Some(Ordering::Greater) {
                report.error(Rule::KeyRange, no, from.offset, "a key below that of the page above");
            }
        }
        if let (Some(high), Some((key, from))) = (job.high, last) {
            if self.compare.compare::<O>(key, high).is_some_and(|order| order != Ordering::Less) {
                report.error(
                    Rule::KeyRange,
                    no,
                    from.offset,
                    "a key not below the next one of the page above",
                );
            }
        }
    }

    /// Does all jobs, on several threads if there are enough.
    fn run<O: ByteOrder>(&self, jobs: &[Job<'c>]) -> Vec<Edges<'c>> {
        let threads = self.threads.min(jobs.len().div_ceil(8));
        if threads < 2 {
            return jobs.iter().map(|job| self.job::<O>(job)).collect();
        }
        let next = AtomicUsize::new(0);
        let results = Mutex::new(vec![Edges::default(); jobs.len()]);
        let work = || {
            loop {
                let index = next.fetch_add(1, Memory::Relaxed);
                let Some(job) = jobs.get(index) else { break };
                let edges = self.job::<O>(job);
                let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                results.iter_mut().skip(index).take(1).for_each(|result| *result = edges);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // Those that cannot be made leave the more to this one.
                if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks what is below a page of level 2.
    fn job<O: ByteOrder>(&self, job: &Job<'c>) -> Edges<'c> {
        if self.context.report.sink.full() {
            return Edges::default();
        }
        if job.leaf {
            return self.leaf::<O>(job);
        }
        let Some(page) = self.node_page::<O>(job, 2) else { return Edges::default() };
        let leaves = self.children::<O>(job, page, None);
        let mut all = Edges { whole: true, ..Edges::default() };
        for (index, leaf) in leaves.iter().enumerate() {
            self.look_ahead::<O>(leaves.get(index..).unwrap_or_default());
            let edges = self.leaf::<O>(leaf);
            if index == 0 {
                all.first = edges.first;
            }
            if edges.whole && self.shape.counted && edges.records != leaf.stated {
                let text = format!("{} records below slot, but {} are there", leaf.stated, edges.records);
                let offset = leaf.from.offset.saturating_add(4);
                self.context.report.error(Rule::Count, job.page, offset, text);
            }
            self.join::<O>(&all, &edges);
            all.last = edges.last;
            all.records = all.records.saturating_add(edges.records);
            all.deleted = all.deleted.saturating_add(edges.deleted);
            all.whole &= edges.whole;
        }
        all
    }

    /// Asks memory for leaves that are checked some steps after the first of these: for the header,
    /// and later, when that is there, for what it tells of.
    fn look_ahead<O: ByteOrder>(&self, leaves: &[Job<'c>]) {
        if let Some(leaf) = leaves.get(8) {
            self.context.pages.expect_header(leaf.page);
        }
        if let Some(leaf) = leaves.get(2) {
            self.context.pages.expect_items::<O>(leaf.page);
        }
    }

    /// Checks a leaf, and the duplicates and chains that its items lead to.
    fn leaf<O: ByteOrder>(&self, job: &Job<'c>) -> Edges<'c> {
        let context = self.context;
        let no = job.page;
        let Some(page) = context.reach::<O>(no, job.from) else { return Edges::default() };
        if !context.is::<O>(no, page, self.shape.leaf, 1) {
            return Edges::default();
        }
        let pairs = self.shape.leaf == PageKind::BtreeLeaf;
        let mut state = LeafState::default();
        let whole = if let Some(plain) = self.plain_leaf::<O>(page).filter(|_| pairs) {
            (state.first, state.last) = (Some(Held::Plain(plain.first)), Some(Held::Plain(plain.last)));
            state.records = plain.pairs;
            true
        } else {
            let key = self.duplicates.unwrap_or(0);
            context.leaf::<O>(no, page, self.shape.leaf, key, |slot, offset, held, deleted| {
                self.item::<O>(no, slot, offset, held, deleted, pairs, &mut state);
            })
        };
        if whole && context.order {
            self.range::<O>(no, job, &state);
        }
        let edge = |link: u32, key, chunk| Some(Edge { page: no, link: PageNo(link), key, chunk });
        Edges {
            first: edge(page.prev(), state.first, state.first_chunk),
            last: edge(page.next(), state.last, state.last_chunk),
            records: state.records,
            deleted: state.deleted,
            whole,
        }
    }

    #[allow(clippy::too_many_arguments)] // what a leaf says of an item
    fn item<O: ByteOrder>(
        &self,
        no: PageNo,
        slot: u16,
        offset: usize,
        held: Held<'c>,
        deleted: bool,
        pairs: bool,
        state: &mut LeafState<'c>,
    ) {
        let context = self.context;
        let is_key = pairs && slot & 1 == 0;
        let shared = is_key && state.key_at == Some(offset);
        let from = Origin { page: no, offset: offset.saturating_add(4), what: "overflow page" };
        if let (Held::Chain { first, len }, false) = (held, shared) {
            context.overflow::<O>(first, len, from, Referrer::Owner);
        }
        if !is_key {
            let counts = !deleted || self.shape.counts_deleted();
            let number = if counts { &mut state.records } else { &mut state.deleted };
            *number = number.saturating_add(1);
        }
        if is_key {
            if !shared {
                self.ordered::<O>(no, offset, state.last, held, Rule::KeyOrder, "the key");
                state.value = None;
                state.first = state.first.or(Some(held));
                state.last = Some(held);
            }
            (state.key_at, state.shared) = (Some(offset), shared);
            return;
        }
        if let (Some(list), Some(name)) = (self.list.filter(|_| !deleted), state.last) {
            let name = self.compare.whole::<O>(name).unwrap_or_default().into();
            // Of any other length it leads nowhere.
            let short = matches!(held, Held::Plain(_) | Held::Chain { len: 4, .. });
            let value = short.then(|| self.compare.whole::<O>(held)).flatten().unwrap_or_default();
            let entry = ListEntry { name, value, empty: held.len() == 0, page: no, offset };
            list.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        }
        if let Held::Duplicates(root) = held {
            let from = Origin { what: "off-page duplicates on page", ..from };
            self.off_page::<O>(root, from, state.shared, state.last);
            state.unpacked.interrupt();
            state.last_chunk = None;
            return;
        }
        if self.is_compressed() && (pairs || self.duplicates.is_some()) {
            self.packed::<O>(no, offset, held, deleted, pairs, state);
            return;
        }
        let sorted = context.meta.flags().sorted_duplicates();
        match (pairs, self.duplicates) {
            (true, _) => {
                if sorted && state.shared {
                    if let Some(before) = state.value {
                        self.ordered::<O>(
                            no,
                            offset,
                            Some(before),
                            held,
                            Rule::DuplicateOrder,
                            "the duplicate",
                        );
                    }
                }
                state.value = Some(held);
            }
            (false, Some(_)) if sorted => {
                self.ordered::<O>(no, offset, state.last, held, Rule::DuplicateOrder, "the duplicate");
                state.first = state.first.or(Some(held));
                state.last = Some(held);
            }
            _ => self.fixed(no, offset, held, deleted),
        }
    }

    /// An entry that stands for several records.
    fn packed<O: ByteOrder>(
        &self,
        no: PageNo,
        offset: usize,
        held: Held<'c>,
        deleted: bool,
        pairs: bool,
        state: &mut LeafState<'c>,
    ) {
        if !pairs {
            let first = self.compare.first_data::<O>(held);
            state.first = state.first.or(first);
            state.last = first.or(state.last);
        }
        let chunk = (if pairs { state.last } else { self.key }, held);
        // Of duplicates off the page that stand before it the last one is not known.
        if state.records.saturating_add(state.deleted) == 1 {
            state.first_chunk = Some(chunk);
        }
        state.last_chunk = Some(chunk);
        if !deleted {
            self.chunk::<O>(no, offset, chunk, &mut state.unpacked);
        }
    }

    /// Off-page duplicates: a tree or a chain of their own.
    fn off_page<O: ByteOrder>(&self, root: PageNo, from: Origin, shared: bool, key: Bound<'c>) {
        let context = self.context;
        if !context.meta.flags().duplicates() {
            let text = "off-page duplicates, but the database has no duplicates";
            context.report.error(Rule::DuplicateFlag, from.page, from.offset, text);
        }
        if shared {
            let text = "a key with duplicates on its page and off it";
            context.report.error(Rule::DuplicateType, from.page, from.offset, text);
        }
        context.duplicates::<O>(root, from, self.compare, key.map_or(0, Held::len), key);
    }

    fn ordered<O: ByteOrder>(
        &self,
        no: PageNo,
        offset: usize,
        before: Bound<'c>,
        held: Held<'c>,
        rule: Rule,
        what: &str,
    ) {
        let Some(before) = before.filter(|_| self.context.order) else { return };
        let text = match self.compare.compare::<O>(before, held) {
            Some(Ordering::Greater) => {
                format!("{what} is out of order: damage, or an order of the database's own")
            }
            Some(Ordering::Equal) => format!("{what} is there twice"),
            _ => return,
        };
        self.context.report.error(rule, no, offset, text);
    }

    /// Records of fixed length have it.
    fn fixed(&self, no: PageNo, offset: usize, held: Held<'c>, deleted: bool) {
        // Upgrades of version 6, which does not store the length, leave 0.
        let length = self.context.meta.record_length().filter(|&length| length > 0);
        let Some(expected) = length.filter(|_| !deleted && self.duplicates.is_none()) else { return };
        let found = held.len();
        if found != expected {
            let text = format!("a record of {found} bytes, expected {expected}");
            self.context.report.error(Rule::FixedLength, no, offset, text);
        }
    }

    /// The keys of a leaf lie between those of the pages above.
    fn range<O: ByteOrder>(&self, no: PageNo, job: &Job<'c>, state: &LeafState<'c>) {
        let report = &self.context.report;
        if let (Some(low), Some(first)) = (job.low, state.first) {
            if self.compare.compare::<O>(first, low) == Some(Ordering::Less) {
                report.error(
                    Rule::KeyRange,
                    no,
                    at::ENTRIES,
                    "the first key is below that of the page above",
                );
            }
        }
        if let (Some(high), Some(last)) = (job.high, state.last) {
            if self.compare.compare::<O>(last, high).is_some_and(|order| order != Ordering::Less) {
                let text = "the last key is not below the next one of the page above: damage, or an order of \
                            the database's own";
                report.error(Rule::KeyRange, no, at::ENTRIES, text);
            }
        }
    }

    /// Compares the edges of two neighbours.
    fn join<O: ByteOrder>(&self, left: &Edges<'c>, right: &Edges<'c>) {
        let report = &self.context.report;
        if let (Some(before), Some(after)) = (left.last, right.first) {
            if before.link != after.page {
                let text = format!("next page is {}, expected {}", before.link, after.page);
                report.error(Rule::LeafChain, before.page, at::NEXT, text);
            }
            if after.link != before.page {
                let text = format!("previous page is {}, expected {}", after.link, before.page);
                report.error(Rule::LeafChain, after.page, at::PREV, text);
            }
            if let (Some(last), Some(first)) = (before.chunk, after.chunk) {
                self.across::<O>(after.page, last, first);
            }
            if let (Some(last), Some(first)) = (before.key, after.key) {
                self.ordered::<O>(
                    after.page,
                    at::ENTRIES,
                    Some(last),
                    first,
                    Rule::KeyChain,
                    "the first key",
                );
            }
        }
    }

    fn stitch<O: ByteOrder>(&self, edges: &[Edges<'c>]) {
        for (left, right) in edges.iter().zip(edges.iter().skip(1)) {
            self.join::<O>(left, right);
        }
        if let (Some(first), Some(last)) = (edges.first(), edges.last()) {
            self.ends(first, last);
        }
    }

    /// The chain of leaves begins with the first and ends with the last.
    fn ends(&self, first: &Edges<'c>, last: &Edges<'c>) {
        let report = &self.context.report;
        if let Some(edge) = first.first.filter(|edge| edge.link.0 != 0) {
            let text = format!("previous page of the first leaf is {}, expected 0", edge.link);
            report.error(Rule::LeafChain, edge.page, at::PREV, text);
        }
        if let Some(edge) = last.last.filter(|edge| edge.link.0 != 0) {
            let text = format!("next page of the last leaf is {}, expected 0", edge.link);
            report.error(Rule::LeafChain, edge.page, at::NEXT, text);
        }
    }

    /// Compares the counts of the upper pages with what is below them.
    fn counts(&self, root: PageNo, total: u32, uppers: &[Upper], jobs: &[Job<'c>], edges: &[Edges<'c>]) {
        if !self.shape.counted || edges.iter().any(|edges| !edges.whole) {
            return;
        }
        let report = &self.context.report;
        let mut sums = vec![0u32; uppers.len()];
        let wrong = |from: Origin, stated: u32, found: u32| {
            let text = format!("{stated} records below slot, but {found} are there");
            report.error(Rule::Count, from.page, from.offset.saturating_add(4), text);
        };
        let add = |sums: &mut Vec<u32>, parent: usize, records: u32| {
            sums.iter_mut().skip(parent).take(1).for_each(|sum| *sum = sum.saturating_add(records));
        };
        let mut all = 0u32;
        for (job, edges) in jobs.iter().zip(edges) {
            all = all.saturating_add(edges.records);
            if let Some(parent) = job.parent {
                if job.stated != edges.records {
                    wrong(job.from, job.stated, edges.records);
                }
                add(&mut sums, parent, edges.records);
            }
        }
        // Children stand behind their parents.
        for (index, upper) in uppers.iter().enumerate().rev() {
            let found = sums.get(index).copied().unwrap_or(0);
            if let Some(parent) = upper.parent {
                if upper.stated != found {
                    wrong(upper.from, upper.stated, found);
                }
                add(&mut sums, parent, found);
            }
        }
        if total == all {
            return;
        }
        let text = format!("{total} records in the tree, but {all} are there");
        let deleted = edges.iter().fold(0u32, |sum, edges| sum.saturating_add(edges.deleted));
        if self.shape.total_may_count_deleted() && total == all.saturating_add(deleted) {
            let text =
                format!("{text}, and {deleted} that are marked as deleted: as upgrades to version 8 count");
            report.warning(Rule::Count, root, at::PREV, text);
        } else {
            report.error(Rule::Count, root, at::PREV, text);
        }
    }
}

/// What was seen of a leaf so far.
#[derive(Default)]
struct LeafState<'c> {
    /// The first and the last key, or duplicate.
    first: Bound<'c>,
    last: Bound<'c>,
    key_at: Option<usize>,
    /// Whether the pair has the key of the one before.
    shared: bool,
    value: Bound<'c>,
    records: u32,
    deleted: u32,
    /// In a compressed database: what its entries gave, and the first and the last of them.
    unpacked: Records,
    first_chunk: Option<Chunk<'c>>,
    last_chunk: Option<Chunk<'c>>,
}
