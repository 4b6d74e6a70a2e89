//! HASH databases in a file with several: all pairs, bucket by bucket
//! (database-format, annex A).

use byteorder::ByteOrder;

use super::Hash;
use crate::access::btree::walk::{Direction, Walk};
use crate::access::item::Item;
use crate::access::pair::Pair;
use crate::access::visited::Visited;
use crate::error::{Defect, Error, Result};
use crate::format::item::{self, DUPLICATE, KEYDATA, OFFDUP, OVERFLOW, REFERENCE};
use crate::format::meta::Field;
use crate::format::page::{self, Page, PageKind, at, slot_offset};
use crate::meta::Shape;
use crate::order::with_order;
use crate::pages::{Allowance, Chain, Content, Duplicates, Origin, Pages, Place};
use crate::types::PageNo;

/// A walk over the buckets of a HASH database.
#[derive(Clone, Debug)]
pub(in crate::access) struct BucketWalk<'a> {
    hash: &'a Hash<'a>,
    /// Where the table of bucket pages stands on the metadata page.
    spares_at: usize,
    visited: Option<Visited>,
    level: u32,
    /// First pages of the buckets of this level, still to come.
    heads: std::ops::Range<u32>,
    /// What is added to the number of a bucket of this level to get its page.
    spare: u32,
    page: Option<BucketPage<'a>>,
    /// What the pairs of the page gave.
    allowance: Allowance,
    key: Content<'a>,
    values: Values<'a>,
    /// Pages of the table that have another place, and those of them that were not named.
    crowded: u32,
    /// Keys that were found.
    keys: u32,
    /// The page that is empty and most likely should not be, with what
    /// [`Buckets::expects`](crate::meta::Buckets) says of its bucket.
    empty: Option<(u64, PageNo)>,
}

/// So many pages of a table that have another place are reported one by one.
const NAMED: u32 = 8;

/// The values of the key where the walk stands.
#[derive(Clone, Debug)]
enum Values<'a> {
    None,
    /// Duplicates in one item on the page.
    Here {
        set: &'a [u8],
        page: PageNo,
        offset: usize,
    },
    Walk(Box<Walk<'a>>),
}

/// A page of a bucket, and the pair on it that comes next.
#[derive(Clone, Copy, Debug)]
struct BucketPage<'a> {
    pages: &'a Pages<'a>,
    bytes: &'a [u8],
    no: PageNo,
    entries: u16,
    next: u32,
    pair: u16,
}

/// A walk over buckets without the pages that it stands on, between two keys.
#[derive(Debug)]
pub(in crate::access) struct Parked {
    visited: Option<Visited>,
    level: u32,
    heads: std::ops::Range<u32>,
    spare: u32,
    /// The page, and the pair on it that comes next.
    page: Option<(PageNo, u16)>,
    allowance: Allowance,
    crowded: u32,
    keys: u32,
    empty: Option<(u64, PageNo)>,
}

impl Parked {
    /// Goes on in the same table.
    ///
    /// # Errors
    ///
    /// A page that was good before cannot be read again.
    pub(in crate::access) fn resume<'a>(self, hash: &'a Hash<'a>) -> Result<BucketWalk<'a>> {
        let Parked { visited, level, heads, spare, page, allowance, crowded, keys, empty } = self;
        let pages: &Pages<'_> = hash.pages();
        let again = |(no, pair)| {
            let origin = Origin {
                page: hash.meta().page(),
                offset: hash.meta().at(Field::Spares),
                what: "bucket page",
            };
            with_order!(pages.order(), O => {
                let page = pages.page::<O>(no, origin)?;
                let (bytes, entries, next) = (page.bytes(), page.entries(), page.next());
                Ok::<_, Error>(BucketPage { pages, bytes, no, entries, next, pair })
            })
        };
        let page = page.map(again).transpose()?;
        let mut walk =
            BucketWalk { level, heads, spare, page, allowance, ..BucketWalk::new(hash, Visited::new(pages)) };
        (walk.visited, walk.crowded, walk.keys, walk.empty) = (visited, crowded, keys, empty);
        Ok(walk)
    }
}

impl<'a> BucketWalk<'a> {
    /// Whether it stands between two keys, where it can be parked.
    pub(in crate::access) fn rests(&self) -> bool {
        matches!(self.values, Values::None)
    }

    /// Lets go of the pages.
    pub(in crate::access) fn park(self) -> Parked {
        let BucketWalk { visited, level, heads, spare, page, allowance, crowded, keys, empty, .. } = self;
        let page = page.map(|page| (page.no, page.pair));
        Parked { visited, level, heads, spare, page, allowance, crowded, keys, empty }
    }

    pub(in crate::access) fn new(hash: &'a Hash<'a>, visited: Visited) -> Self {
        BucketWalk {
            hash,
            spares_at: hash.meta().at(Field::Spares),
            visited: Some(visited),
            level: 0,
            heads: 0..0,
            spare: 0,
            page: None,
            allowance: hash.pages().allowance(),
            key: Content::Here(&[]),
            values: Values::None,
            crowded: 0,
            keys: 0,
            empty: None,
        }
    }

    /// How much of the keys that the metadata counts was given.
    pub(in crate::access) fn share(&self) -> f64 {
        let counted = self.hash.meta().buckets().map_or(0, |buckets| buckets.elements);
        f64::from(self.keys.min(counted)) / f64::from(counted.max(1))
    }

    /// The pages that the walk came by.
    pub(in crate::access) fn into_visited(self) -> Option<Visited> {
        self.visited
    }

    /// The next pair; whatever the error, the call after it goes on.
    pub(in crate::access) fn next(&mut self) -> Result<Option<Pair<'a>>> {
        with_order!(self.hash.pages().order(), O => self.step::<O>())
    }

    fn step<O: ByteOrder>(&mut self) -> Result<Option<Pair<'a>>> {
        let pages = self.hash.pages();
        loop {
            if let Some(value) = self.next_value::<O>()? {
                return self.pair(value).map(Some);
            }
            let Some(page) = &mut self.page else {
                match self.next_head::<O>()? {
                    Some(page) => self.page = Some(page),
                    None => return self.close(),
                }
                continue;
            };
            if page.pair < page.entries >> 1 {
                let pair = *page;
                page.pair = page.pair.saturating_add(1);
                self.keys = self.keys.saturating_add(1);
                self.key = pair.key::<O>()?;
                let value = pair.value::<O>()?;
                let item = Item::new(pages, self.key);
                self.mark(&item)?;
                match value {
                    Found::One(content) => {
                        let given = self.key.given(false).saturating_add(content.given(false));
                        self.allowance.give(given).map_err(|defect| pair.corrupt(defect))?;
                        return self.pair(content).map(Some);
                    }
                    Found::Set { set, offset } => {
                        self.expect_duplicates(set, pair.no, offset)?;
                        self.values = Values::Here { set, page: pair.no, offset };
                    }
                    Found::Elsewhere(duplicates) => {
                        if !self.hash.meta().flags().duplicates() {
                            return Err(duplicates.unexpected());
                        }
                        let shape = Shape::of_duplicates(self.hash.meta());
                        let walk = Walk::new(pages, shape, duplicates.root, duplicates.origin());
                        self.values = Values::Walk(Box::new(walk));
                    }
                }
                continue;
            }
            let (next, from) = (PageNo::link(page.next), page.no);
            (self.page, self.allowance) = (None, pages.allowance());
            if let Some(no) = next {
                let origin = Origin { page: from, offset: at::NEXT, what: "next page of the bucket" };
                let page = self.open::<O>(no, origin)?;
                let prev = Page::<O>::new(page.bytes).map_or(0, |page| page.prev());
                self.page = Some(page);
                if prev != from.0 {
                    let defect = Defect::Link { link: "previous", found: prev, expected: from.0 };
                    return Err(Error::corrupt(no, at::PREV, defect));
                }
            }
        }
    }

    fn next_value<O: ByteOrder>(&mut self) -> Result<Option<Content<'a>>> {
        let key = Item::new(self.hash.pages(), self.key).len();
        match &mut self.values {
            Values::None => Ok(None),
            Values::Here { set: [], .. } => {
                self.values = Values::None;
                Ok(None)
            }
            Values::Here { set, page, offset } => {
                let Some((value, rest)) = item::hash_duplicate::<O>(set) else {
                    let expected = "two equal lengths around each duplicate";
                    let error = Error::field(*page, *offset, "set of duplicates", 0u32, expected);
                    self.values = Values::None;
                    return Err(error);
                };
                *set = rest;
                let (value, at) = (Content::Here(value), (*page, *offset));
                let given = self.allowance.give_duplicate(key, value.given(false));
                given.map_err(|defect| Error::corrupt(at.0, at.1, defect))?;
                Ok(Some(value))
            }
            Values::Walk(walk) => {
                while walk.step::<O>(Direction::Forward, &mut self.visited)? {
                    if let Some(value) = walk.value::<O>().transpose()?.filter(|value| !value.deleted) {
                        walk.give_duplicate(key, value.content)?;
                        return Ok(Some(value.content));
                    }
                }
                self.values = Values::None;
                Ok(None)
            }
        }
    }

    fn pair(&mut self, value: Content<'a>) -> Result<Pair<'a>> {
        let pages = self.hash.pages();
        let (key, value) = (Item::new(pages, self.key), Item::new(pages, value));
        self.mark(&value)?;
        Ok(Pair::new(key, value))
    }

    /// Notes an overflow chain: each belongs to one item.
    fn mark(&mut self, item: &Item<'a>) -> Result<()> {
        self.visited.as_mut().map_or(Ok(()), |visited| visited.reach_chain(item.content()))
    }

    /// A set of duplicates holds some, in a database that may have them.
    fn expect_duplicates(&self, set: &[u8], page: PageNo, offset: usize) -> Result<()> {
        if self.hash.meta().flags().duplicates() && !set.is_empty() {
            return Ok(());
        }
        let len = u64::try_from(set.len()).unwrap_or(u64::MAX);
        Err(Error::field(
            page,
            offset,
            "set of duplicates",
            len,
            "none by the flags, or a set that is not empty",
        ))
    }

    /// The first page of the next bucket that has one.
    ///
    /// Buckets beyond the end of the file are empty, as the library leaves them;
    /// if page 0 says that the file was longer, something is missing.
    fn next_head<O: ByteOrder>(&mut self) -> Result<Option<BucketPage<'a>>> {
        let (pages, meta) = (self.hash.pages(), self.hash.meta());
        let Some(buckets) = meta.buckets() else { return Ok(None) };
        let origin = Origin { page: meta.page(), offset: self.spares_at, what: "bucket page" };
        loop {
            while let Some(no) = self.heads.next().map(PageNo) {
                if self.is_taken(no) {
                    self.pass_over(no, origin)?;
                    continue;
                }
                if !pages.raw(no).and_then(Page::<O>::new).is_some_and(|page| page.is_hole()) {
                    return self.open::<O>(no, origin).map(Some);
                }
                if let Some(visited) = &mut self.visited {
                    visited.mark(no);
                }
                let expects = buckets.expects(no.0.saturating_sub(self.spare));
                if self.empty.is_none_or(|(most, _)| expects > most) {
                    self.empty = Some((expects, no));
                }
            }
            let level = self.level;
            let first =
                if level == 0 { 0 } else { 1u32.checked_shl(level.wrapping_sub(1)).unwrap_or(u32::MAX) };
            let spare = buckets.spares.get(PageNo(level).index());
            let Some(&spare) = spare.filter(|_| first <= buckets.max) else { return Ok(None) };
            (self.level, self.spare) = (level.saturating_add(1), spare);
            let last = first.saturating_mul(2).saturating_sub(1).max(first).min(buckets.max);
            let (start, end) = (first.saturating_add(spare), last.saturating_add(spare).saturating_add(1));
            self.heads = start.min(pages.count())..end.min(pages.count());
            let missing = start.max(pages.count());
            let last = pages.meta().kept_last_page();
            if missing < end && last.is_some_and(|last| missing <= last.0) {
                return Err(pages.beyond_end(PageNo(missing), origin));
            }
        }
    }

    fn is_taken(&self, no: PageNo) -> bool {
        self.visited.as_ref().is_some_and(|visited| visited.has(no))
    }

    /// Passes over a page of the table that has another place. The first few are reported,
    /// the others counted; when the tables of a file lead to as many as it has pages, the
    /// rest of each is left: they cannot all be right, and to try each would take for ever.
    fn pass_over(&mut self, no: PageNo, origin: Origin) -> Result<()> {
        self.crowded = self.crowded.saturating_add(1);
        if self.crowded <= NAMED {
            let defect = Defect::ReachedTwice { target: no.0 };
            return Err(Error::corrupt(origin.page, origin.offset, defect));
        }
        if !self.visited.as_mut().is_some_and(Visited::pass_over) {
            (self.heads, self.level) = (0..0, u32::MAX);
        }
        Ok(())
    }

    /// What is to be said when all buckets are read.
    fn close(&mut self) -> Result<Option<Pair<'a>>> {
        let meta = self.hash.meta();
        let number = std::mem::take(&mut self.crowded).saturating_sub(NAMED);
        if number > 0 {
            return Err(Error::corrupt(meta.page(), meta.at(Field::Spares), Defect::Crowded { number }));
        }
        let (empty, counted) = (self.empty.take(), meta.buckets().map_or(0, |buckets| buckets.elements));
        let missing = u64::from(counted.saturating_sub(self.keys));
        match empty {
            Some((expects, no)) if missing > 0 && missing <= expects => {
                let (meta, offset) = (meta.page(), meta.at(Field::Nelem));
                let defect = Defect::EmptyBucket { counted, found: self.keys, meta, offset };
                Err(Error::corrupt(no, at::TYPE, defect))
            }
            _ => Ok(None),
        }
    }

    fn open<O: ByteOrder>(&mut self, no: PageNo, origin: Origin) -> Result<BucketPage<'a>> {
        let pages = self.hash.pages();
        if let Some(visited) = &mut self.visited {
            visited.reach(no, origin)?;
        }
        let page = pages.page::<O>(no, origin)?;
        let entries = page.entries();
        // Where the items of a page without any would start; a page never used may say anything.
        let top = match PageKind::from_byte(page.type_byte()) {
            Some(PageKind::Hash | PageKind::HashUnsorted) => page.bytes().len(),
            Some(PageKind::Invalid) if entries == 0 => page.item_area(),
            _ => {
                let defect = Defect::PageType { found: page.type_byte(), expected: "hash" };
                return Err(Error::corrupt(no, at::TYPE, defect));
            }
        };
        let found = BucketPage { pages, bytes: page.bytes(), no, entries, next: page.next(), pair: 0 };
        let lowest = entries.checked_sub(1).and_then(|last| found.slot::<O>(last));
        if entries & 1 != 0 || lowest.unwrap_or(top) != page.item_area() {
            let defect =
                Defect::Entries { found: entries, why: "the last is not the lowest item of the page" };
            return Err(Error::corrupt(no, at::ENTRIES, defect));
        }
        Ok(found)
    }
}

/// What a data slot of a bucket page holds.
enum Found<'a> {
    One(Content<'a>),
    Set { set: &'a [u8], offset: usize },
    Elsewhere(Duplicates),
}

impl<'a> BucketPage<'a> {
    fn slot<O: ByteOrder>(&self, slot: u16) -> Option<usize> {
        page::slot::<O>(self.bytes.get(self.pages.overhead()..)?, slot).map(usize::from)
    }

    /// An item and its offset: items lie one below the other, in slot order.
    fn item<O: ByteOrder>(&self, slot: u16) -> Result<(usize, u8, &'a [u8])> {
        let end = match slot.checked_sub(1) {
            Some(before) => self.slot::<O>(before).unwrap_or(0),
            None => self.bytes.len(),
        };
        let lowest = slot_offset(self.pages.overhead(), self.entries);
        let start = self.slot::<O>(slot).unwrap_or(0);
        let item = if start < lowest { None } else { self.bytes.get(start..end) };
        let Some((&kind, _)) = item.and_then(<[u8]>::split_first) else {
            let defect = Defect::ItemOffset { slot, found: u16::try_from(start).unwrap_or(0), lowest, end };
            return Err(Error::corrupt(self.no, slot_offset(self.pages.overhead(), slot), defect));
        };
        Ok((start, kind, item.unwrap_or(&[])))
    }

    fn key<O: ByteOrder>(&self) -> Result<Content<'a>> {
        let slot = self.pair.wrapping_mul(2);
        let (offset, kind, item) = self.item::<O>(slot)?;
        self.simple::<O>(kind, offset, item).ok_or_else(|| self.wrong_kind(slot, offset, kind, "1 or 3"))
    }

    fn value<O: ByteOrder>(&self) -> Result<Found<'a>> {
        let slot = self.pair.wrapping_mul(2).wrapping_add(1);
        let (offset, kind, item) = self.item::<O>(slot)?;
        let found = match kind {
            DUPLICATE => item.get(1..).map(|set| Found::Set { set, offset }),
            OFFDUP => item.get(4..).and_then(|raw| raw.first_chunk::<4>()).map(|raw| {
                Found::Elsewhere(Duplicates {
                    root: PageNo(O::read_u32(raw)),
                    place: Place::new(self.no, offset),
                })
            }),
            _ => self.simple::<O>(kind, offset, item).map(Found::One),
        };
        found.ok_or_else(|| self.wrong_kind(slot, offset, kind, "1 to 4"))
    }

    fn simple<O: ByteOrder>(&self, kind: u8, offset: usize, item: &'a [u8]) -> Option<Content<'a>> {
        match kind {
            KEYDATA => item.get(1..).map(Content::Here),
            OVERFLOW if item.len() == REFERENCE => {
                let (first, len) = item::reference::<O>(item)?;
                Some(Content::Chain(Chain { first: PageNo(first), len, place: Place::new(self.no, offset) }))
            }
            _ => None,
        }
    }

    /// The error for the pair.
    fn corrupt(&self, defect: Defect) -> Error {
        let slot = self.pair.wrapping_mul(2);
        Error::corrupt(self.no, slot_offset(self.pages.overhead(), slot), defect)
    }

    fn wrong_kind(&self, slot: u16, offset: usize, found: u8, expected: &'static str) -> Error {
        Error::corrupt(self.no, offset, Defect::ItemKind { slot, found, expected })
    }
}
