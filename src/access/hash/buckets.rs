//! The pairs of a HASH database, bucket by bucket (database-format, annex A).

use std::ops::Range;

use byteorder::ByteOrder;

use super::Hash;
use super::others::Others;
use super::page::BucketPage;
use super::values::Values;
use crate::access::btree::leaf::Plain;
use crate::access::item::Item;
use crate::access::pair::Pair;
use crate::access::visited::Visited;
use crate::error::{Defect, Error, Result};
use crate::format::meta::Field;
use crate::format::page::{Page, at};
use crate::meta::Buckets;
use crate::order::{Endianness, with_order};
use crate::pages::{Allowance, Content, Origin};
use crate::types::PageNo;

/// A walk over the buckets of a HASH database.
#[derive(Clone, Debug)]
pub(in crate::access) struct BucketWalk<'a> {
    pub(super) hash: &'a Hash<'a>,
    order: Endianness,
    /// The page where the walk stands.
    pub(super) page: Option<BucketPage<'a>>,
    pub(super) key: Content<'a>,
    pub(super) values: Values<'a>,
    pub(super) state: State,
}

/// What a walk knows beside the page that it stands on.
#[derive(Clone, Debug)]
pub(super) struct State {
    visited: Option<Visited>,
    level: u32,
    /// First pages of the buckets of this level, still to come.
    heads: std::ops::Range<u32>,
    /// What is added to the number of a bucket of this level to get its page.
    spare: u32,
    /// The pair on the page that comes next.
    pub(super) pair: u16,
    /// What the pairs of the page gave.
    allowance: Allowance,
    /// Pages of the table that have another place, and those of them that were not named.
    crowded: u32,
    /// Keys that were found.
    keys: u32,
    /// The page that is empty and most likely should not be, with what
    /// [`Buckets::expects`](crate::meta::Buckets) says of its bucket.
    empty: Option<(u64, PageNo)>,
    /// Where to look next for pages that a walk over the whole file missed.
    missed_from: Option<u32>,
    /// The key whose pairs alone are given, and chains that are other keys.
    only: Option<Vec<u8>>,
    others: Others,
    /// Duplicates that were left out because they are marked as deleted.
    deleted: u64,
}

/// So many pages of a table that have another place are reported one by one.
const NAMED: u32 = 8;

impl<'a> BucketWalk<'a> {
    fn new(hash: &'a Hash<'a>, visited: Visited) -> Self {
        let state = State {
            visited: Some(visited),
            level: 0,
            heads: 0..0,
            spare: 0,
            pair: 0,
            allowance: hash.pages().allowance(),
            crowded: 0,
            keys: 0,
            empty: None,
            missed_from: None,
            only: None,
            others: Others::default(),
            deleted: 0,
        };
        BucketWalk::at(hash, None, state)
    }

    /// A walk that stands between two keys.
    pub(super) fn at(hash: &'a Hash<'a>, page: Option<BucketPage<'a>>, state: State) -> Self {
        let (order, key) = (hash.pages().order(), Content::Here(&[]));
        BucketWalk { hash, order, page, key, values: Values::None, state }
    }

    /// All pairs; `seen` are pages that other databases of the file own. A database that is
    /// `alone` in its file should come by all.
    pub(in crate::access) fn all(hash: &'a Hash<'a>, seen: Visited, alone: bool) -> Self {
        let mut walk = BucketWalk::new(hash, seen);
        walk.state.missed_from = alone.then_some(0);
        walk
    }

    /// The pairs of one key, if it is there: one of the bucket, as a rule. Where keys stand in
    /// chains, a library may miss one that is there, and put it in once more.
    ///
    /// # Errors
    ///
    /// As those of a look-up.
    pub(in crate::access) fn of_key(hash: &'a Hash<'a>, key: &[u8]) -> Result<Self> {
        let found = with_order!(hash.pages().order(), O => hash.find::<O>(key))?;
        let mut walk = BucketWalk::new(hash, Visited::new(hash.pages()));
        walk.state.level = u32::MAX;
        if let Some((page, pair)) = found {
            (walk.page, walk.state.pair, walk.state.only) = (Some(page), pair, Some(key.to_vec()));
        }
        Ok(walk)
    }

    /// How much of the keys that the metadata counts was given.
    pub(in crate::access) fn share(&self) -> f64 {
        let counted = self.hash.meta().buckets().map_or(0, |buckets| buckets.elements);
        f64::from(self.state.keys.min(counted)) / f64::from(counted.max(1))
    }

    /// Where the value of the pair stands that was given last: one of a set, where the set does.
    pub(in crate::access) fn value_slot(&self) -> (PageNo, u16) {
        if let Values::Walk(walk) = &self.values {
            return walk.value_slot();
        }
        let page = self.page.as_ref().map_or(self.hash.meta().page(), BucketPage::no);
        (page, self.state.pair.saturating_sub(1).saturating_mul(2).saturating_add(1))
    }

    /// The pages that the walk came by.
    pub(in crate::access) fn into_visited(self) -> Option<Visited> {
        self.state.visited
    }

    /// Duplicates that were left out so far because they are marked as deleted.
    pub(in crate::access) fn deleted(&self) -> u64 {
        self.state.deleted
    }

    /// The next pair, if it is of the common form.
    #[inline(always)]
    pub(in crate::access) fn next_plain(&mut self) -> Option<Plain<'a>> {
        let page = self
            .page
            .as_ref()
            .filter(|_| matches!(self.values, Values::None) && self.state.only.is_none())?;
        let plain = with_order!(self.order, O => page.plain_pair::<O>(self.state.pair))?;
        let given = plain.key.len().wrapping_add(plain.value.len());
        if !self.state.allowance.may_give(given) {
            return None;
        }
        self.state.pair = self.state.pair.wrapping_add(1);
        self.state.keys = self.state.keys.saturating_add(1);
        Some(plain)
    }

    /// The next pair; whatever the error, the call after it goes on.
    pub(in crate::access) fn next(&mut self) -> Result<Option<Pair<'a>>> {
        with_order!(self.order, O => self.step::<O>())
    }

    fn step<O: ByteOrder>(&mut self) -> Result<Option<Pair<'a>>> {
        loop {
            let key = Item::new(self.hash.pages(), self.key).len();
            if let Some(value) = self.values.next::<O>(
                key,
                &mut self.state.allowance,
                &mut self.state.visited,
                &mut self.state.deleted,
            )? {
                return self.give(value).map(Some);
            }
            match &self.page {
                Some(page) if self.state.pair < page.pairs() => {
                    let (page, pair) = (*page, self.state.pair);
                    self.state.pair = pair.saturating_add(1);
                    self.state.keys = self.state.keys.saturating_add(1);
                    self.open_pair::<O>(&page, pair)?;
                }
                Some(page) => {
                    let page = *page;
                    self.turn::<O>(&page)?;
                }
                None => match self.next_head::<O>()? {
                    Some(page) => self.start(page),
                    None => return self.close(),
                },
            }
        }
    }

    fn start(&mut self, page: BucketPage<'a>) {
        (self.page, self.state.pair, self.state.allowance) = (Some(page), 0, self.hash.pages().allowance());
    }

    /// Turns to the values of a pair.
    fn open_pair<O: ByteOrder>(&mut self, page: &BucketPage<'a>, pair: u16) -> Result<()> {
        self.key = page.key::<O>(pair)?;
        if !self.is_wanted()? {
            return Ok(());
        }
        let value = page.value::<O>(pair)?;
        self.mark(self.key)?;
        self.values = Values::of(self.hash, value)?;
        if let Values::One(content) = &self.values {
            let given = self.key.given(false).saturating_add(content.given(false));
            if let Err(defect) = self.state.allowance.give(given) {
                self.values = Values::None;
                return Err(page.corrupt(pair, defect));
            }
        }
        Ok(())
    }

    /// Whether the pairs of the key where the walk stands are to be given.
    fn is_wanted(&mut self) -> Result<bool> {
        let State { only, others, .. } = &mut self.state;
        only.as_ref().map_or(Ok(true), |only| others.is_key(self.hash.pages(), self.key, only))
    }

    fn give(&mut self, value: Content<'a>) -> Result<Pair<'a>> {
        self.mark(value)?;
        let item = |content| Item::new(self.hash.pages(), content);
        Ok(Pair::new(item(self.key), item(value)))
    }

    /// Notes an overflow chain or an external file: each belongs to one item.
    fn mark(&mut self, content: Content<'a>) -> Result<()> {
        let pages = self.hash.pages();
        self.state.visited.as_mut().map_or(Ok(()), |visited| visited.reach_bytes(pages, content))
    }

    /// Goes on to the page behind one.
    fn turn<O: ByteOrder>(&mut self, from: &BucketPage<'a>) -> Result<()> {
        self.page = None;
        let Some(no) = PageNo::link(from.next()) else { return Ok(()) };
        let origin = Origin { page: from.no(), offset: at::NEXT, what: "next page of the bucket" };
        let page = self.open::<O>(no, origin)?;
        self.start(page);
        if page.prev() != from.no().0 {
            let defect = Defect::Link { link: "previous", found: page.prev(), expected: from.no().0 };
            return Err(Error::corrupt(no, at::PREV, defect));
        }
        Ok(())
    }

    /// The first page of the next bucket that has one.
    ///
    /// Buckets beyond the end of the file are empty where a library leaves them so.
    fn next_head<O: ByteOrder>(&mut self) -> Result<Option<BucketPage<'a>>> {
        let (pages, meta) = (self.hash.pages(), self.hash.meta());
        let Some(buckets) = meta.buckets() else { return Ok(None) };
        let origin = self.hash.table();
        loop {
            while let Some(no) = self.state.heads.next().map(PageNo) {
                if self.is_taken(no) {
                    self.pass_over(no, origin)?;
                    continue;
                }
                if !pages.raw(no).and_then(Page::<O>::new).is_some_and(|page| page.is_hole()) {
                    return self.open::<O>(no, origin).map(Some);
                }
                if let Some(visited) = &mut self.state.visited {
                    visited.mark(no);
                }
                self.note_empty(buckets, no);
            }
            let level = self.state.level;
            let Some(Range { start, end }) = buckets.heads(level) else { return Ok(None) };
            let spare = buckets.spares.get(PageNo(level).index()).copied().unwrap_or(0);
            (self.state.level, self.state.spare) = (level.saturating_add(1), spare);
            self.state.heads = start.min(pages.count())..end.min(pages.count());
            let missing = PageNo(start.max(pages.count()));
            if missing.0 < end {
                let last = PageNo(end.saturating_sub(1));
                if !pages.may_lack_bucket(missing) || !pages.may_lack_bucket(last) {
                    return Err(pages.beyond_end(missing, origin));
                }
                self.note_empty(buckets, last);
            }
        }
    }

    /// Notes the first page of a bucket of this level, which is empty.
    fn note_empty(&mut self, buckets: &Buckets, no: PageNo) {
        let expects = buckets.expects(no.0.saturating_sub(self.state.spare));
        if self.state.empty.is_none_or(|(most, _)| expects > most) {
            self.state.empty = Some((expects, no));
        }
    }

    fn is_taken(&self, no: PageNo) -> bool {
        self.state.visited.as_ref().is_some_and(|visited| visited.has(no))
    }

    /// Passes over a page of the table that has another place. The first few are reported,
    /// the others counted; when the tables of a file lead to as many as it has pages, the
    /// rest of each is left: they cannot all be right, and to try each would take for ever.
    fn pass_over(&mut self, no: PageNo, origin: Origin) -> Result<()> {
        self.state.crowded = self.state.crowded.saturating_add(1);
        if self.state.crowded <= NAMED {
            let defect = Defect::ReachedTwice { target: no.0 };
            return Err(Error::corrupt(origin.page, origin.offset, defect));
        }
        if !self.state.visited.as_mut().is_some_and(Visited::pass_over) {
            (self.state.heads, self.state.level) = (0..0, u32::MAX);
        }
        Ok(())
    }

    /// What is to be said when all buckets are read.
    fn close(&mut self) -> Result<Option<Pair<'a>>> {
        self.expect_keys()?;
        let (Some(from), Some(visited)) = (self.state.missed_from, &self.state.visited) else {
            return Ok(None);
        };
        let missed = visited.unreached(self.hash.pages(), from);
        self.state.missed_from = missed.as_ref().and_then(|(no, _)| no.checked_add(1));
        missed.map_or(Ok(None), |(_, error)| Err(error))
    }

    /// Whether as many keys were found as there should be, and all pages had one place.
    fn expect_keys(&mut self) -> Result<()> {
        let meta = self.hash.meta();
        let number = std::mem::take(&mut self.state.crowded).saturating_sub(NAMED);
        if number > 0 {
            return Err(Error::corrupt(meta.page(), meta.at(Field::Spares), Defect::Crowded { number }));
        }
        let (empty, counted) =
            (self.state.empty.take(), meta.buckets().map_or(0, |buckets| buckets.elements));
        let missing = u64::from(counted.saturating_sub(self.state.keys));
        match empty {
            // What could not be read holds keys, too.
            Some((expects, no))
                if missing > 0
                    && missing <= expects
                    && meta.generation().counts_keys()
                    && self.hash.pages().failed().is_none() =>
            {
                let (meta, offset) = (meta.page(), meta.at(Field::Nelem));
                let defect = Defect::EmptyBucket { counted, found: self.state.keys, meta, offset };
                Err(Error::corrupt(no, at::TYPE, defect))
            }
            _ => Ok(()),
        }
    }

    fn open<O: ByteOrder>(&mut self, no: PageNo, origin: Origin) -> Result<BucketPage<'a>> {
        let pages = self.hash.pages();
        if let Some(visited) = &mut self.state.visited {
            visited.reach(no, origin)?;
        }
        if let Some(page) = pages.unchecked_page::<O>(no) {
            page.fetch();
        }
        BucketPage::new::<O>(pages, pages.page::<O>(no, origin)?, no)
    }
}
