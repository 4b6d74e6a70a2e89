//! The pairs of a BTREE 3, and the records of a RECNO.

use std::borrow::Cow;
use std::ops::Bound;

use super::{Reached, Series1};
use crate::access::item::Item;
use crate::access::pair::{Pair, RecordNo};
use crate::error::{Defect, Error, Result};
use crate::format::series1::tree::{self as format, DEEPEST, Kind, LEAF_HEAD, Page, RECORD_HEAD, meta_at};
use crate::order::Endianness;
use crate::pages::series1::{Long, Part, mended, wrong_kind};
use crate::pages::{Allowance, Content, Origin, Place};
use crate::types::PageNo;

/// A walk over the leaves of a tree, by way of its internal pages.
#[derive(Clone, Debug)]
pub(in crate::access) struct TreeWalk<'s> {
    of: &'s Series1<'s>,
    state: State,
}

/// A page on the way of a walk, and the order of its index and items.
#[derive(Clone, Copy, Debug)]
struct Standing {
    no: PageNo,
    body: Endianness,
}

/// What a walk knows.
#[derive(Clone, Debug)]
pub(in crate::access) struct State {
    stage: Stage,
    reached: Reached,
    /// Internal pages on the way, and the child that comes next on each.
    path: Vec<(Standing, usize)>,
    /// A leaf, and the slot that comes next.
    leaf: Option<(Standing, usize)>,
    /// How deep the first leaf was.
    depth: Option<usize>,
    /// Records of a RECNO that were passed.
    records: u32,
    allowance: Allowance,
    bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    /// Whether keys stand in their order, so that the walk begins and ends where the bounds are.
    sorted: bool,
    /// On the way to the first leaf of such a walk: the keys between which its keys are.
    seeking: Option<Interval>,
    /// The last key of the leaf before.
    before: Option<Vec<u8>>,
    pages: u32,
}

/// The lowest and the highest key that can be, as far as they are known.
type Interval = (Option<Vec<u8>>, Option<Vec<u8>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Root,
    Pages,
    /// Leaves from here on that the walk did not reach are told of.
    Missed(u32),
    End,
}

impl Series1<'_> {
    /// Whether no key of the tree is big. All leaves are looked at, once.
    pub(super) fn is_sorted(&self) -> bool {
        let has_big = |page: &[u8], no: PageNo| {
            let page = Page::new(page, self.pages.order()).filter(|page| page.pgno() == no.0)?;
            page.has_big_key().then_some(())
        };
        let any = || (1..self.pages.count()).map(PageNo);
        *self.sorted.get_or_init(|| !any().any(|no| self.pages.look(no, |page| has_big(page, no)).is_some()))
    }

    fn root(&self) -> (PageNo, Origin) {
        let from = Origin { page: PageNo::META, offset: meta_at::FLAGS, what: "root page" };
        (PageNo(format::ROOT), from)
    }

    /// A page of the tree: internal, or a leaf.
    fn node(&self, no: PageNo, from: Origin) -> Result<(Page<'_>, bool)> {
        let (page, kind) = self.pages.series1_tree(no, from)?;
        let recno = self.meta().flags().recno();
        let leaf = match (kind, recno) {
            (Kind::Internal, false) | (Kind::RecnoInternal, true) => false,
            (Kind::Leaf, false) | (Kind::RecnoLeaf, true) => true,
            (_, false) => return Err(wrong_kind(no, &page, "internal (1) or leaf (2)")),
            (_, true) => return Err(wrong_kind(no, &page, "internal (8) or leaf (16) of records")),
        };
        if !page.has_index() {
            let (lower, upper) = (page.lower(), page.upper());
            if upper > page.bytes().len() || upper < format::HEADER {
                let (lowest, highest) = (format::HEADER, page.bytes().len());
                let defect = Defect::ItemArea { found: upper, lowest, highest };
                return Err(Error::corrupt(no, format::at::UPPER, defect));
            }
            let found = u64::try_from(lower).unwrap_or(u64::MAX);
            let expected = "the end of an index between header and items";
            return Err(Error::field(no, format::at::LOWER, "lower", found, expected));
        }
        Ok((page, leaf))
    }

    /// A page on the way of a walk once more.
    fn again(&self, at: Standing, from: Origin) -> Result<Page<'_>> {
        let bytes = self.pages.series1(at.no, from)?;
        let page = Page::with_body(bytes, self.pages.order(), at.body);
        page.ok_or_else(|| self.pages.beyond_end(at.no, from))
    }

    /// The number of levels, 1 if the root is a leaf.
    pub(in crate::access) fn depth(&self) -> Option<u8> {
        let (mut no, mut from) = self.root();
        for depth in 1..=u8::try_from(DEEPEST).unwrap_or(u8::MAX) {
            let (page, leaf) = self.node(no, from).ok()?;
            if leaf {
                return Some(depth);
            }
            (no, from, _) = child(no, &page, 0).ok()?;
        }
        None
    }

    /// Key and value of a slot of a leaf.
    fn pair_at<'s>(&'s self, no: PageNo, page: &Page<'s>, slot: usize) -> Result<(Content<'s>, Content<'s>)> {
        let at = item_at(no, page, slot)?;
        let long = |reference: (u32, u32), offset: usize| {
            let place = Place::new(no, offset);
            Content::Long(Long::new(PageNo(reference.0), reference.1, Part::All, place))
        };
        let refer =
            |bytes: &[u8], offset| long(format::reference(bytes, page.body()).unwrap_or((0, 0)), offset);
        if page.kind() == Some(Kind::RecnoLeaf) {
            let Some(record) = page.record(at).filter(|record| record.is_sound()) else {
                let flags = page.record(at).map_or(0, |record| record.flags());
                return Err(wrong_item(no, at.saturating_add(RECORD_HEAD - 1), slot, flags));
            };
            let data_at = at.saturating_add(RECORD_HEAD);
            let value =
                if record.is_big() { refer(record.data, data_at) } else { Content::Here(record.data) };
            return Ok((Content::Here(&[]), value));
        }
        let Some(pair) = page.pair(at).filter(|pair| pair.is_sound()) else {
            let flags = page.pair(at).map_or(0, |pair| pair.flags());
            return Err(wrong_item(no, at.saturating_add(LEAF_HEAD - 1), slot, flags));
        };
        let key_at = at.saturating_add(LEAF_HEAD);
        let data_at = key_at.saturating_add(pair.key.len());
        if pair.has_big_data() {
            if let Some((key, reference)) = mended(&self.pages, &pair) {
                return Ok((Content::Mended(key), long(reference, data_at)));
            }
        }
        let content =
            |big: bool, bytes: &'s [u8], at| if big { refer(bytes, at) } else { Content::Here(bytes) };
        Ok((content(pair.has_big_key(), pair.key, key_at), content(pair.has_big_data(), pair.data, data_at)))
    }

    /// The record of a number: `None` if there is none.
    pub(in crate::access) fn record(&self, number: u32) -> Result<Option<Pair<'_>>> {
        if !self.meta().flags().recno() {
            return Err(self.refuse("look up a record number"));
        }
        let Some(mut before) = number.checked_sub(1) else { return Ok(None) };
        let (mut no, mut from) = self.root();
        let (mut expected, mut on_edge) = (None, true);
        for _ in 0..DEEPEST {
            let (page, leaf) = self.node(no, from)?;
            let counted = if leaf { page.slots() } else { records_below(no, &page)? };
            let counted = u32::try_from(counted).unwrap_or(u32::MAX);
            if let Some(found) = expected.filter(|found| !counts_fit(*found, counted, on_edge)) {
                let defect = Defect::Count { found, counted };
                return Err(Error::corrupt(from.page, from.offset.saturating_sub(4), defect));
            }
            if before >= counted && (leaf || !on_edge) {
                return Ok(None);
            }
            if leaf {
                let (_, value) = self.pair_at(no, &page, PageNo(before).index())?;
                let key = self.item(Content::Here(&[]));
                let record = RecordNo::after(number.checked_sub(1));
                return Ok(Some(Pair::numbered(key, self.item(value), record)));
            }
            let last = page.slots().saturating_sub(1);
            for slot in 0..page.slots() {
                let (next, origin, records) = child(no, &page, slot)?;
                if before < records || (on_edge && slot == last) {
                    (no, from, expected) = (next, origin, Some(records));
                    on_edge &= slot == last;
                    break;
                }
                before = before.saturating_sub(records);
            }
            if page.slots() == 0 {
                return Ok(None);
            }
        }
        Err(Error::corrupt(from.page, from.offset, Defect::Loop))
    }
}

/// Whether a page may have so many records where its parent counts `found`. The libraries do not
/// count records that are put behind the last one, so on the way to that they count too few.
fn counts_fit(found: u32, counted: u32, on_edge: bool) -> bool {
    found == counted || (on_edge && found < counted)
}

/// The offset of the item of a slot, if the item ends on the page.
fn item_at(no: PageNo, page: &Page<'_>, slot: usize) -> Result<usize> {
    let (end, number) = (page.bytes().len(), u16::try_from(slot).unwrap_or(u16::MAX));
    let found = page.stated(slot);
    let Some(at) = page.offset(slot) else {
        let found = u16::try_from(found).unwrap_or(u16::MAX);
        let defect = Defect::ItemOffset { slot: number, found, lowest: page.lower(), end };
        return Err(Error::corrupt(no, Page::slot_at(slot), defect));
    };
    if page.space(at).is_none() {
        let len = page.body().u32_at(page.bytes(), at).unwrap_or(0);
        return Err(Error::corrupt(no, at, Defect::ItemLength { slot: number, len, end }));
    }
    Ok(at)
}

/// The items of a page fill it from the lowest to its end: if they do not, one is missing.
fn expect_packed(no: PageNo, page: &Page<'_>) -> Result<()> {
    let items = (0..page.slots()).filter_map(|slot| page.space(page.offset(slot)?));
    let items = items.fold(0usize, usize::saturating_add);
    let area = page.bytes().len().saturating_sub(page.upper());
    if items == area {
        return Ok(());
    }
    Err(Error::corrupt(no, format::at::UPPER, Defect::Packing { items, area }))
}

fn wrong_item(no: PageNo, at: usize, slot: usize, found: u8) -> Error {
    let slot = u16::try_from(slot).unwrap_or(u16::MAX);
    let expected = "0 to 3, with 8 bytes for what is elsewhere";
    Error::corrupt(no, at, Defect::ItemKind { slot, found, expected })
}

/// The page that a slot of an internal page leads to, who leads there, and the records below it.
fn child(no: PageNo, page: &Page<'_>, slot: usize) -> Result<(PageNo, Origin, u32)> {
    let at = item_at(no, page, slot)?;
    let found = page.child(at).filter(|child| child.is_sound());
    let Some(child) = found else {
        let flags = page.child(at).map_or(0, |child| child.flags());
        return Err(wrong_item(no, at.saturating_add(LEAF_HEAD - 1), slot, flags));
    };
    let from = Origin { page: no, offset: at.saturating_add(4), what: "child page" };
    Ok((PageNo(child.page), from, child.records))
}

/// The sum of the records below the children of a page.
fn records_below(no: PageNo, page: &Page<'_>) -> Result<usize> {
    let mut sum = 0usize;
    for slot in 0..page.slots() {
        let (.., records) = child(no, page, slot)?;
        sum = sum.saturating_add(PageNo(records).index());
    }
    Ok(sum)
}

impl<'s> TreeWalk<'s> {
    fn new(of: &'s Series1<'s>, reached: Reached, bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Self {
        let state = State {
            stage: Stage::Root,
            reached,
            path: Vec::new(),
            leaf: None,
            depth: None,
            records: 0,
            allowance: Allowance::default(),
            bounds,
            sorted: false,
            seeking: None,
            before: None,
            pages: 0,
        };
        TreeWalk { of, state }
    }

    pub(super) fn all(of: &'s Series1<'s>, reached: Reached) -> Self {
        TreeWalk::new(of, reached, (Bound::Unbounded, Bound::Unbounded))
    }

    pub(super) fn between(
        of: &'s Series1<'s>,
        start: Bound<Vec<u8>>,
        end: Bound<Vec<u8>>,
        sorted: bool,
    ) -> Self {
        let mut walk = TreeWalk::new(of, Reached::Few(Default::default()), (start, end));
        (walk.state.sorted, walk.state.seeking) = (sorted, sorted.then(Default::default));
        walk
    }

    pub(super) fn resume(of: &'s Series1<'s>, state: State) -> Self {
        TreeWalk { of, state }
    }

    pub(super) fn park(self) -> State {
        self.state
    }

    pub(super) fn value_slot(&self) -> (PageNo, u16) {
        let given = self
            .state
            .leaf
            .map(|(at, slot)| (at.no, u16::try_from(slot.saturating_sub(1)).unwrap_or(u16::MAX)));
        given.unwrap_or((PageNo::META, 0))
    }

    pub(super) fn share(&self) -> f64 {
        match self.state.stage {
            Stage::Missed(_) | Stage::End => 1.0,
            _ => {
                f64::from(self.state.pages.min(self.of.pages.count()))
                    / f64::from(self.of.pages.count().max(1))
            }
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Pair<'s>>> {
        loop {
            match self.state.stage {
                Stage::Root => {
                    self.state.stage = Stage::Pages;
                    let (root, from) = self.of.root();
                    self.enter(root, from)?;
                }
                Stage::Pages => match self.step()? {
                    Step::Pair(pair) => return Ok(Some(pair)),
                    Step::On => {}
                    Step::End => {
                        let all = self.state.reached.is_all();
                        self.state.stage = if all { Stage::Missed(1) } else { Stage::End };
                        if all {
                            self.note_free();
                        }
                    }
                },
                Stage::Missed(from) => {
                    let missed = self.missed(from);
                    let next = missed.as_ref().and_then(|(no, _)| no.0.checked_add(1));
                    self.state.stage = next.map_or(Stage::End, Stage::Missed);
                    if let Some((_, error)) = missed {
                        return Err(error);
                    }
                }
                Stage::End => return Ok(None),
            }
        }
    }

    fn step(&mut self) -> Result<Step<'s>> {
        if let Some((at, slot)) = self.state.leaf {
            return self.slot(at, slot);
        }
        let Some((at, index)) = self.state.path.last_mut() else { return Ok(Step::End) };
        let (at, no, slot) = (*at, at.no, *index);
        let here = Origin { page: no, offset: 0, what: "page" };
        let page = self.of.again(at, here)?;
        if slot >= page.slots() {
            self.state.path.pop();
            return Ok(Step::On);
        }
        *index = slot.saturating_add(1);
        let (next, from, records) = child(no, &page, slot)?;
        if let Err(error) = self.enter(next, from) {
            self.state.records = self.state.records.saturating_add(records);
            return Err(error);
        }
        self.expect_count(from, records)?;
        Ok(Step::On)
    }

    /// Whether a RECNO page has as many records as its parent counts.
    fn expect_count(&self, from: Origin, found: u32) -> Result<()> {
        let Some((at, _)) = self.state.leaf.filter(|_| self.of.meta().flags().recno()) else { return Ok(()) };
        let page = self.of.again(at, from)?;
        let counted = u32::try_from(page.slots()).unwrap_or(u32::MAX);
        if counts_fit(found, counted, self.is_on_edge()) {
            return Ok(());
        }
        let defect = Defect::Count { found, counted };
        Err(Error::corrupt(from.page, from.offset.saturating_sub(4), defect))
    }

    /// Whether the walk has come to the last leaf.
    fn is_on_edge(&self) -> bool {
        self.state.path.iter().all(|(at, next)| {
            let order = self.of.pages.order();
            let slots = |page: &[u8]| Page::with_body(page, order, at.body).map(|page| page.slots());
            self.of.pages.look(at.no, slots).is_some_and(|slots| *next >= slots)
        })
    }

    /// Turns to a page: a leaf, or an internal one whose children come next.
    fn enter(&mut self, no: PageNo, from: Origin) -> Result<()> {
        self.state.reached.reach(no, from)?;
        self.state.pages = self.state.pages.saturating_add(1);
        let (page, leaf) = self.of.node(no, from)?;
        let depth = self.state.path.len();
        if !leaf {
            if depth >= DEEPEST {
                return Err(Error::corrupt(from.page, from.offset, Defect::Loop));
            }
            let first = self.first_child(no, &page)?;
            self.state.path.push((Standing { no, body: page.body() }, first));
            return Ok(());
        }
        self.state.leaf = Some((Standing { no, body: page.body() }, 0));
        self.state.allowance = self.of.pages.allowance();
        if self.state.sorted {
            self.expect_order(no, &page)?;
        }
        if self.state.reached.is_all() {
            expect_packed(no, &page)?;
        }
        let expected = *self.state.depth.get_or_insert(depth);
        if expected != depth {
            let level = |depth| u8::try_from(depth).unwrap_or(u8::MAX);
            let defect = Defect::Level { found: level(depth), expected: level(expected) };
            return Err(Error::corrupt(no, format::at::FLAGS, defect));
        }
        Ok(())
    }

    /// The child with which a walk begins: the last one whose key is below the start, as pairs with
    /// the key of a page may stand on the one before.
    fn first_child(&mut self, no: PageNo, page: &Page<'s>) -> Result<usize> {
        let start = match &self.state.bounds.0 {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => return Ok(0),
        };
        let order = self.of.key_order();
        let Some((low, high)) = &mut self.state.seeking else { return Ok(0) };
        let (mut first, mut before) = (0, None);
        let (mut next_low, mut next_high) = (None, None);
        // The key of the first child means nothing.
        for slot in 1..page.slots() {
            let at = item_at(no, page, slot)?;
            let Some(child) = page.child(at) else { continue };
            let before = before.replace(child.key).or(low.as_deref());
            let is_behind = |key: &[u8]| order.compare(key, child.key).is_gt();
            if before.is_some_and(is_behind)
                || high.as_deref().is_some_and(|high| order.compare(child.key, high).is_gt())
            {
                return Err(out_of_order(no, slot));
            }
            if order.compare(child.key, start).is_lt() {
                (first, next_low, next_high) = (slot, Some(child.key), None);
            } else if next_high.is_none() {
                next_high = Some(child.key);
            }
        }
        let own = |key: &[u8]| key.to_vec();
        *low = next_low.map(own).or(low.take());
        *high = next_high.map(own).or(high.take());
        Ok(first)
    }

    /// The keys of a leaf are in order, also behind those of the leaf before, and between those of
    /// the pages that lead to the first one.
    fn expect_order(&mut self, no: PageNo, page: &Page<'s>) -> Result<()> {
        let (of, order) = (self.of, self.of.key_order());
        let (low, high) = self.state.seeking.take().unwrap_or_default();
        let mut before = self.state.before.take().or(low).map(Cow::Owned);
        for slot in 0..page.slots() {
            let (key, _) = of.pair_at(no, page, slot)?;
            let key = of.item(key).read()?;
            let is_behind = |key: &[u8], other: &[u8]| order.compare(key, other).is_gt();
            if before.as_ref().is_some_and(|before| is_behind(before, &key))
                || high.as_ref().is_some_and(|high| is_behind(&key, high))
            {
                return Err(out_of_order(no, slot));
            }
            before = Some(key);
        }
        self.state.before = before.map(Cow::into_owned);
        Ok(())
    }

    /// The pair of a slot, if it is wanted.
    fn slot(&mut self, at: Standing, slot: usize) -> Result<Step<'s>> {
        let no = at.no;
        let here = Origin { page: no, offset: 0, what: "page" };
        let of = self.of;
        let page = match of.again(at, here) {
            Ok(page) => page,
            Err(error) => {
                self.state.leaf = None;
                return Err(error);
            }
        };
        if slot >= page.slots() {
            self.state.leaf = None;
            return Ok(Step::On);
        }
        self.state.leaf = Some((at, slot.saturating_add(1)));
        self.state.records = self.state.records.saturating_add(1);
        let (key, value) = of.pair_at(no, &page, slot)?;
        let item = of.item(key);
        match self.is_wanted(&item)? {
            Wanted::Yes => {}
            Wanted::No => return Ok(Step::On),
            Wanted::NoMore => {
                (self.state.leaf, self.state.stage) = (None, Stage::End);
                self.state.path.clear();
                return Ok(Step::On);
            }
        }
        let given = key.given(false).saturating_add(value.given(false));
        let place = |defect| Error::corrupt(no, Page::slot_at(slot), defect);
        self.state.allowance.give(given).map_err(place)?;
        if self.state.reached.is_all() {
            for content in [key, value] {
                if let Content::Long(long) = content {
                    let reached = &mut self.state.reached;
                    long.check(&of.pages, |no, from| reached.reach(no, from))?;
                }
            }
        }
        let recno = page.kind() == Some(Kind::RecnoLeaf);
        let record = if recno { RecordNo::after(self.state.records.checked_sub(1)) } else { RecordNo::NONE };
        Ok(Step::Pair(Pair::numbered(item, of.item(value), record)))
    }

    fn is_wanted(&self, key: &Item<'_>) -> Result<Wanted> {
        let order = self.of.key_order();
        let (start, end) = &self.state.bounds;
        let before = match start {
            Bound::Unbounded => false,
            Bound::Included(start) => key.compare(start, order)?.is_lt(),
            Bound::Excluded(start) => key.compare(start, order)?.is_le(),
        };
        let behind = match end {
            Bound::Unbounded => false,
            Bound::Included(end) => key.compare(end, order)?.is_gt(),
            Bound::Excluded(end) => key.compare(end, order)?.is_ge(),
        };
        Ok(match (before, behind) {
            (_, true) if self.state.sorted => Wanted::NoMore,
            (false, false) => Wanted::Yes,
            _ => Wanted::No,
        })
    }

    /// Takes the pages of the free list for reached: what stands there is no longer any.
    fn note_free(&mut self) {
        let pages = &self.of.pages;
        let mut next = pages.meta().free();
        while let Some(no) = next.filter(|no| no.0 < pages.count() && self.state.reached.mark(*no)) {
            let link = |page: &[u8]| Page::new(page, pages.order()).map(|page| page.next());
            next = pages.look(no, link).and_then(PageNo::link);
        }
    }

    /// The first leaf from a number on that holds something and was not reached.
    fn missed(&self, from: u32) -> Option<(PageNo, Error)> {
        let pages = &self.of.pages;
        if pages.failed().is_some() {
            return None;
        }
        let mut unseen = (from..pages.count()).map(PageNo).filter(|no| !self.state.reached.has(*no));
        unseen.find_map(|no| {
            let entries = pages.look(no, |page| {
                let page = Page::new(page, pages.order())?;
                let holds = page.pgno() == no.0 && page.kind().is_some_and(Kind::is_leaf);
                holds.then(|| page.slots()).filter(|&slots| slots > 0)
            })?;
            let entries = u16::try_from(entries).unwrap_or(u16::MAX);
            Some((no, Error::corrupt(no, format::at::LOWER, Defect::Unreachable { entries })))
        })
    }
}

fn out_of_order(no: PageNo, slot: usize) -> Error {
    let number = u16::try_from(slot).unwrap_or(u16::MAX);
    Error::corrupt(no, Page::slot_at(slot), Defect::KeyOrder { slot: number })
}

enum Step<'s> {
    Pair(Pair<'s>),
    On,
    End,
}

enum Wanted {
    Yes,
    No,
    /// Nor does any pair behind it.
    NoMore,
}
