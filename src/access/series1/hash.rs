//! The pairs of HASH 1 to 3, bucket by bucket.

use super::{Reached, Series1};
use crate::access::item::Item;
use crate::access::pair::Pair;
use crate::error::{Defect, Error, Result};
use crate::format::checksum;
use crate::format::hash::PROBE;
use crate::format::series1::hash::{self as format, Field, Header, Page, Page3, Words, at3};
use crate::key_hash::KeyHash;
use crate::key_order::KeyOrder;
use crate::meta::series1_objection;
use crate::pages::series1::{BigPair, expect_words};
use crate::pages::{Content, Origin};
use crate::types::PageNo;

/// So many pages of a table that have another place are reported one by one.
const NAMED: u32 = 8;

/// A walk over the buckets of a table.
#[derive(Clone, Debug)]
pub(in crate::access) struct HashWalk<'s> {
    of: &'s Series1<'s>,
    header: &'s Header,
    state: State,
}

/// What a walk knows.
#[derive(Clone, Debug)]
pub(in crate::access) struct State {
    reached: Reached,
    /// The doubling whose buckets come next, and the first pages of those of this one.
    point: usize,
    heads: std::ops::Range<u32>,
    page: Option<Standing>,
    /// The page and the slot of the value that was given last.
    given: (PageNo, u16),
    /// The key whose pairs alone are given.
    only: Option<Vec<u8>>,
    /// The bucket to which all keys have to belong, of a look-up.
    bucket: Option<u32>,
    /// Keys that were found.
    keys: u32,
    /// A page that should be there, and is not or is empty.
    missing: Option<PageNo>,
    crowded: u32,
    closed: bool,
    pages: u32,
}

/// A place on a page.
#[derive(Clone, Copy, Debug)]
struct Standing {
    no: PageNo,
    from: Origin,
    entry: usize,
    /// Where the pair before begins: keys end there.
    end: usize,
}

/// What stands at a place.
enum Found<'s> {
    Pair(Content<'s>, Content<'s>),
    Nothing,
}

impl Series1<'_> {
    fn hash(&self, key: &[u8]) -> u32 {
        match self.key_hash() {
            KeyHash::Release => checksum::plain(key),
            KeyHash::Custom(hash) => hash(key),
        }
    }

    /// Where the table of a file stands, for what it leads to.
    fn spares(&self, header: &Header) -> Origin {
        let offset = Header::place(header.version, Field::Spares);
        Origin { page: PageNo::META, offset, what: "bucket page" }
    }
}

impl<'s> HashWalk<'s> {
    pub(super) fn all(of: &'s Series1<'s>, header: &'s Header, reached: Reached) -> Self {
        let state = State {
            reached,
            point: 0,
            heads: 0..0,
            page: None,
            given: (PageNo::META, 0),
            only: None,
            bucket: None,
            keys: 0,
            missing: None,
            crowded: 0,
            closed: false,
            pages: 0,
        };
        HashWalk { of, header, state }
    }

    /// The pairs of one key, if it is there: of its bucket, if the hash function is known, or else
    /// all are looked at.
    pub(super) fn of_key(of: &'s Series1<'s>, header: &'s Header, key: &[u8]) -> Result<Self> {
        let mut walk = HashWalk::all(of, header, Reached::Few(Default::default()));
        walk.state.only = Some(key.to_vec());
        if of.hash(PROBE) != walk.header.probe {
            return Ok(walk);
        }
        if let Some((field, found, expected)) = series1_objection(header) {
            let at = Header::place(walk.header.version, field);
            return Err(Error::field(PageNo::META, at, field.name(), found, expected));
        }
        let bucket = walk.header.bucket(of.hash(key));
        let no = walk.header.bucket_page(bucket);
        walk.state.bucket = Some(bucket);
        (walk.state.point, walk.state.heads) = (usize::MAX, no..no.saturating_add(1));
        Ok(walk)
    }

    pub(super) fn resume(of: &'s Series1<'s>, header: &'s Header, state: State) -> Self {
        HashWalk { of, header, state }
    }

    pub(super) fn park(self) -> State {
        self.state
    }

    pub(super) fn value_slot(&self) -> (PageNo, u16) {
        self.state.given
    }

    pub(super) fn share(&self) -> f64 {
        if self.state.closed {
            return 1.0;
        }
        f64::from(self.state.pages.min(self.of.pages.count())) / f64::from(self.of.pages.count().max(1))
    }

    pub(super) fn next(&mut self) -> Result<Option<Pair<'s>>> {
        loop {
            let Some(standing) = self.state.page else {
                if self.next_head()? {
                    continue;
                }
                return self.close().map(|()| None);
            };
            let found =
                if self.header.has_page_numbers() { self.third(standing)? } else { self.entry(standing)? };
            let Found::Pair(key, value) = found else { continue };
            self.state.keys = self.state.keys.saturating_add(1);
            let slot = standing.entry.saturating_mul(2).saturating_add(1);
            self.state.given = (standing.no, u16::try_from(slot).unwrap_or(u16::MAX));
            let (key, value) = (self.of.item(key), self.of.item(value));
            if self.is_wanted(standing, &key)? {
                return Ok(Some(Pair::new(key, value)));
            }
        }
    }

    fn is_wanted(&self, at: Standing, key: &Item<'_>) -> Result<bool> {
        if let (Some(bucket), Some(bytes)) = (self.state.bucket, key.on_page()) {
            let expected = self.header.bucket(self.of.hash(bytes));
            if expected != bucket {
                let slot = u16::try_from(at.entry.saturating_mul(2)).unwrap_or(u16::MAX);
                return Err(self.at_entry(at, Defect::Bucket { slot, found: bucket, expected }));
            }
        }
        match &self.state.only {
            None => Ok(true),
            Some(only) if PageNo(key.len()).index() != only.len() => Ok(false),
            Some(only) => Ok(key.compare(only, KeyOrder::Bytes)?.is_eq()),
        }
    }

    fn at_entry(&self, at: Standing, defect: Defect) -> Error {
        let third = self.header.has_page_numbers();
        let offset = if third { Page3::slot_at(at.entry) } else { Page::entry_at(at.entry) };
        Error::corrupt(at.no, offset, defect)
    }

    /// The first page of the next bucket that has one.
    fn next_head(&mut self) -> Result<bool> {
        let (of, origin) = (self.of, self.of.spares(self.header));
        loop {
            if let Some(no) = self.state.heads.next().map(PageNo) {
                if self.state.reached.has(no) {
                    self.state.crowded = self.state.crowded.saturating_add(1);
                    if self.state.crowded <= NAMED {
                        let defect = Defect::ReachedTwice { target: no.0 };
                        return Err(Error::corrupt(origin.page, origin.offset, defect));
                    }
                    if self.state.crowded > of.pages.count() {
                        (self.state.heads, self.state.point) = (0..0, usize::MAX);
                    }
                    continue;
                }
                self.turn(no, origin)?;
                return Ok(true);
            }
            let first = match self.state.point {
                0 => 0,
                point @ 1..=32 => {
                    1u32.checked_shl(u32::try_from(point).unwrap_or(0).wrapping_sub(1)).unwrap_or(0)
                }
                _ => return Ok(false),
            };
            if first > self.header.max_bucket {
                return Ok(false);
            }
            self.state.point = self.state.point.saturating_add(1);
            let last = first.saturating_mul(2).saturating_sub(1).max(first).min(self.header.max_bucket);
            let (start, end) =
                (self.header.bucket_page(first), self.header.bucket_page(last).saturating_add(1));
            let count = of.pages.count();
            self.state.heads = start.min(count)..end.min(count);
            let missing = start.max(count);
            if missing < end {
                self.lack(PageNo(missing), origin)?;
            }
        }
    }

    /// Notes a page beyond the end of the file: it is empty, unless the file was cut there.
    fn lack(&mut self, no: PageNo, from: Origin) -> Result<()> {
        let pages = &self.of.pages;
        self.state.missing.get_or_insert(no);
        if no.0 == pages.count() && pages.tail() > 0 { Err(pages.beyond_end(no, from)) } else { Ok(()) }
    }

    /// Turns to a page of a bucket.
    fn turn(&mut self, no: PageNo, from: Origin) -> Result<()> {
        let pages = &self.of.pages;
        self.state.page = None;
        if no.0 >= pages.count() {
            return self.lack(no, from);
        }
        self.state.reached.reach(no, from)?;
        self.state.pages = self.state.pages.saturating_add(1);
        let end = pages.size().bytes();
        let bytes = pages.series1(no, from)?;
        let standing = Standing { no, from, entry: 0, end };
        if self.header.has_page_numbers() {
            let page = Page3::new(bytes, pages.order());
            if page.is_hole() {
                self.state.missing.get_or_insert(no);
                return Ok(());
            }
            if page.pgno() != no.0 {
                return Err(Error::corrupt(no, at3::PGNO, Defect::PageNumber { found: page.pgno() }));
            }
            if !matches!(page.kind(), format::BUCKET | format::OVERFLOW) {
                let defect = Defect::PageType { found: page.kind(), expected: "2 or 4, of a bucket" };
                return Err(Error::corrupt(no, at3::TYPE, defect));
            }
            if page.end_of_slots() > bytes.len() {
                let found = u16::try_from(page.pairs()).unwrap_or(u16::MAX);
                let defect = Defect::Entries { found, why: "the slots do not fit the page" };
                return Err(Error::corrupt(no, at3::PAIRS, defect));
            }
        } else {
            let page = Page::new(bytes, pages.order());
            if page.words() == 0 {
                if bytes.iter().take(6).all(|&byte| byte == 0) {
                    self.state.missing.get_or_insert(no);
                }
                return Ok(());
            }
            expect_words(no, &page)?;
        }
        self.state.page = Some(standing);
        Ok(())
    }

    /// What stands at a place of HASH 1 or 2.
    fn entry(&mut self, at: Standing) -> Result<Found<'s>> {
        let of = self.of;
        let bytes = of.pages.series1(at.no, at.from)?;
        let page = Page::new(bytes, of.pages.order());
        if at.entry == 0 && page.mark().is_some() {
            self.state.page = None;
            let here = Origin { page: at.no, offset: 2, what: "big pair" };
            let reached = &mut self.state.reached;
            let big = BigPair::measure(&of.pages, at.no, here, |no, from| reached.reach(no, from))?;
            if let Some((address, from)) = big.behind {
                // What keeps from going on does not keep from the pair.
                if self.follow(address, from).is_err() {
                    self.state.missing.get_or_insert(at.no);
                }
            }
            return Ok(Found::Pair(Content::Long(big.key), Content::Long(big.data)));
        }
        let entries = page.entries();
        if at.entry >= entries {
            self.state.page = None;
            return Ok(Found::Nothing);
        }
        self.state.page = Some(Standing { entry: at.entry.saturating_add(1), ..at });
        match page.entry(at.entry) {
            Words::Next(address) => {
                if at.entry.saturating_add(1) < entries {
                    let slot = u16::try_from(at.entry.saturating_mul(2)).unwrap_or(u16::MAX);
                    let expected = "the address of another page at the end only";
                    return Err(self.at_entry(at, Defect::ItemKind { slot, found: 0, expected }));
                }
                let offset = Page::entry_at(at.entry);
                self.follow(address, Origin { page: at.no, offset, what: "next page of the bucket" })?;
                Ok(Found::Nothing)
            }
            Words::Mark(found) => {
                let slot = u16::try_from(at.entry.saturating_mul(2)).unwrap_or(u16::MAX);
                let found = found.to_le_bytes()[0];
                let expected = "a pair, or the address of the next page";
                Err(self.at_entry(at, Defect::ItemKind { slot, found, expected }))
            }
            Words::Pair(key, data) => self.pair(at, bytes, (key, data), page.end_of_words()),
        }
    }

    /// A pair on the page: the key ends where the pair before begins, data where the key does.
    fn pair(
        &mut self,
        at: Standing,
        bytes: &'s [u8],
        (key, data): (usize, usize),
        lowest: usize,
    ) -> Result<Found<'s>> {
        let both = bytes.get(key..at.end).zip(bytes.get(data..key)).filter(|_| data >= lowest);
        let Some((key, value)) = both else {
            let slot = u16::try_from(at.entry.saturating_mul(2)).unwrap_or(u16::MAX);
            let found = u16::try_from(if key > at.end { key } else { data }).unwrap_or(u16::MAX);
            let end = at.end;
            if (lowest..=at.end).contains(&data) {
                self.move_end(data);
            }
            return Err(self.at_entry(at, Defect::ItemOffset { slot, found, lowest, end }));
        };
        self.move_end(data);
        Ok(Found::Pair(Content::Here(key), Content::Here(value)))
    }

    fn move_end(&mut self, end: usize) {
        if let Some(standing) = &mut self.state.page {
            standing.end = end;
        }
    }

    /// Turns to the page of an overflow address.
    fn follow(&mut self, address: u16, from: Origin) -> Result<()> {
        self.turn(PageNo(self.header.overflow_page(address)), from)
    }

    /// What stands at a place of HASH 3.
    fn third(&mut self, at: Standing) -> Result<Found<'s>> {
        let of = self.of;
        let bytes = of.pages.series1(at.no, at.from)?;
        let page = Page3::new(bytes, of.pages.order());
        if at.entry >= page.pairs() {
            self.state.page = None;
            if page.next() != format::NO_PAGE {
                let from = Origin { page: at.no, offset: at3::NEXT, what: "next page of the bucket" };
                self.turn(PageNo(page.next()), from)?;
            }
            return Ok(Found::Nothing);
        }
        self.state.page = Some(Standing { entry: at.entry.saturating_add(1), ..at });
        let (key, data) = page.slots(at.entry);
        if key != 0 {
            return self.pair(at, bytes, (key, data.into()), page.end_of_slots());
        }
        let first = PageNo(self.header.overflow_page(data));
        let offset = Page3::slot_at(at.entry).saturating_add(2);
        let from = Origin { page: at.no, offset, what: "big pair on page" };
        let reached = &mut self.state.reached;
        reached.reach(first, from)?;
        let big = BigPair::measure(&of.pages, first, from, |no, from| reached.reach(no, from))?;
        Ok(Found::Pair(Content::Long(big.key), Content::Long(big.data)))
    }

    /// What is to be said when all buckets are read: a table never counts more keys than there are.
    fn close(&mut self) -> Result<()> {
        let crowded = std::mem::take(&mut self.state.crowded).saturating_sub(NAMED);
        if crowded > 0 {
            let at = self.of.spares(self.header);
            return Err(Error::corrupt(at.page, at.offset, Defect::Crowded { number: crowded }));
        }
        if std::mem::replace(&mut self.state.closed, true) || self.state.only.is_some() {
            return Ok(());
        }
        let (counted, found) = (self.header.keys, self.state.keys);
        if found >= counted || self.of.pages.failed().is_some() {
            return Ok(());
        }
        let offset = Header::place(self.header.version, Field::Keys);
        Err(match self.state.missing {
            Some(no) => {
                let defect = Defect::EmptyBucket { counted, found, meta: PageNo::META, offset };
                Error::corrupt(no, 0, defect)
            }
            None => {
                let defect = Defect::Count { found: counted, counted: found };
                Error::corrupt(PageNo::META, offset, defect)
            }
        })
    }
}
