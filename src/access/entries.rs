//! Iterators over pairs, from both ends.

use std::borrow::Cow;
use std::iter::FusedIterator;

use super::btree::leaf::Plain;
use super::btree::rows::{self, TreePairs};
use super::hash::buckets::BucketWalk;
use super::hash::parked;
use super::heap::{self, HeapWalk};
use super::item::Item;
use super::merged::{self, Merged};
use super::pair::{Entry, Pair, RecordNo, ValuePlace};
use super::part_pairs::{self, PartPairs};
use super::queue::{self, QueueWalk};
use super::series1;
use super::visited::Visited;
use crate::error::{Error, Result};
use crate::method::Method;
use crate::pages::{Content, Pages};
use crate::types::PageNo;

/// The pairs of a database, or those in a range, in key order.
///
/// Yields errors in place and goes on behind them. [`Entries::pairs`] gives the
/// same without reading overflow chains.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    pairs: Pairs<'a>,
}

/// As [`Entries`], with keys and values not yet read.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    rows: Rows<'a>,
    ways: Ways,
    /// For their items.
    pages: &'a Pages<'a>,
}

/// Where the pairs come from: each access method has a way of its own.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // the common one is used in place, pair by pair
pub(super) enum Rows<'a> {
    Tree(TreePairs<'a>),
    Hash(Box<BucketWalk<'a>>),
    Queue(Box<QueueWalk<'a>>),
    Heap(Box<HeapWalk<'a>>),
    Parts(Box<PartPairs<'a>>),
    Merged(Box<Merged<'a>>),
    Series1(Box<series1::Walk<'a>>),
    /// A question that the database cannot answer: the error, once.
    Refused(Option<Error>),
}

/// [`Pairs`] without the pages that they stand on.
#[derive(Debug)]
pub(super) struct Parked {
    rows: ParkedRows,
    ways: Ways,
}

#[derive(Debug)]
pub(super) enum ParkedRows {
    Tree(Box<rows::Parked>),
    Hash(Box<parked::Parked>),
    Queue(Box<queue::Parked>),
    Heap(Box<heap::Parked>),
    Parts(Box<part_pairs::Parked>),
    Merged(Box<merged::Parked>),
    Series1(Box<series1::Parked>),
    Refused(Option<Error>),
}

/// Which ways a walk that only goes forward was asked to go to the end.
#[derive(Clone, Copy, Debug, Default)]
struct Ways {
    ended: bool,
    back: bool,
}

impl Ways {
    /// What comes next, if that is where the walk can go; `method` is `None` in the 1.x series.
    fn go<'a>(
        &mut self,
        forward: bool,
        method: Option<Method>,
        next: impl FnOnce() -> Result<Option<Pair<'a>>>,
    ) -> Option<Result<Pair<'a>>> {
        if !forward {
            let asked = std::mem::replace(&mut self.back, true);
            let asked_for = "go backwards";
            return (!asked).then_some(Err(match method {
                Some(method) => Error::WrongMethod { asked: asked_for, method },
                None => Error::ForwardsOnly { asked: asked_for },
            }));
        }
        let pair = if self.ended { None } else { next().transpose() };
        self.ended = pair.is_none();
        pair
    }
}

impl<'a> Entries<'a> {
    pub(super) fn new(pairs: Pairs<'a>) -> Self {
        Entries { pairs }
    }

    /// The same pairs, with keys and values not yet read.
    #[must_use]
    pub fn pairs(self) -> Pairs<'a> {
        self.pairs
    }

    /// How far the front has come, as a share of the whole database, from 0 to 1: by its place on
    /// each page of the way from the root, so about that of the pairs. A range starts and ends
    /// where it lies. For HASH it is the share of the keys that the metadata counts.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/btree-v6-be-levels/data.db")?;
    /// let mut entries = db.iter();
    /// assert_eq!(entries.share(), 0.0);
    /// entries.by_ref().take(db.iter().count() / 2).for_each(drop);
    /// assert!((0.3..0.7).contains(&entries.share()));
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn share(&self) -> f64 {
        self.pairs.share()
    }

    /// As [`Pairs::into_visited`].
    pub(super) fn into_visited(self) -> Option<Visited> {
        self.pairs.into_visited()
    }
}

impl<'a> Pairs<'a> {
    pub(super) fn new(pages: &'a Pages<'a>, rows: Rows<'a>) -> Self {
        Pairs { rows, ways: Ways::default(), pages }
    }

    pub(super) fn refused(pages: &'a Pages<'a>, error: Error) -> Self {
        Pairs::new(pages, Rows::Refused(Some(error)))
    }

    /// Those that were parked: `rows` are theirs again.
    pub(super) fn resume(
        pages: &'a Pages<'a>,
        parked: Parked,
        rows: impl FnOnce(ParkedRows) -> Result<Rows<'a>>,
    ) -> Result<Self> {
        Ok(Pairs { rows: rows(parked.rows)?, ways: parked.ways, pages })
    }

    /// Lets go of the pages.
    pub(super) fn park(self) -> Parked {
        let rows = match self.rows {
            Rows::Tree(pairs) => ParkedRows::Tree(Box::new(pairs.park())),
            Rows::Hash(walk) => ParkedRows::Hash(Box::new(walk.park())),
            Rows::Queue(walk) => ParkedRows::Queue(Box::new(walk.park())),
            Rows::Heap(walk) => ParkedRows::Heap(Box::new(walk.park())),
            Rows::Parts(pairs) => ParkedRows::Parts(Box::new(pairs.park())),
            Rows::Merged(pairs) => ParkedRows::Merged(Box::new(pairs.park())),
            Rows::Series1(walk) => ParkedRows::Series1(Box::new(walk.park())),
            Rows::Refused(error) => ParkedRows::Refused(error),
        };
        Parked { rows, ways: self.ways }
    }

    /// The pages that a walk over the whole database came by.
    pub(crate) fn into_visited(self) -> Option<Visited> {
        match self.rows {
            Rows::Tree(pairs) => pairs.into_visited(),
            Rows::Hash(buckets) => buckets.into_visited(),
            Rows::Queue(_)
            | Rows::Heap(_)
            | Rows::Parts(_)
            | Rows::Merged(_)
            | Rows::Series1(_)
            | Rows::Refused(_) => None,
        }
    }

    /// As [`Entries::share`].
    #[must_use]
    pub fn share(&self) -> f64 {
        match &self.rows {
            Rows::Tree(pairs) => pairs.share(),
            Rows::Parts(pairs) => pairs.share(),
            Rows::Merged(pairs) => pairs.share(),
            Rows::Refused(None) => 1.0,
            _ if self.ways.ended => 1.0,
            Rows::Hash(walk) => walk.share(),
            Rows::Queue(walk) => walk.share(),
            Rows::Heap(walk) => walk.share(),
            Rows::Series1(walk) => walk.share(),
            Rows::Refused(Some(_)) => 0.0,
        }
    }

    /// Where the value of a pair stands that the front gave last, of all pairs of a database: where they
    /// are merged, that is not known any more.
    pub(super) fn value_place(&self, pair: &Pair<'_>) -> ValuePlace {
        let (page, slot) = match &self.rows {
            Rows::Tree(pairs) => pairs.value_slot(),
            Rows::Hash(walk) => walk.value_slot(),
            Rows::Queue(walk) => walk.slot(pair.record_number().unwrap_or(0)),
            Rows::Heap(_) => pair.record_id().map_or((PageNo::META, 0), |id| (id.page, id.slot)),
            Rows::Series1(walk) => walk.value_slot(),
            Rows::Parts(pairs) => return pairs.value_place(pair),
            Rows::Merged(_) | Rows::Refused(_) => return ValuePlace::default(),
        };
        ValuePlace { partition: None, page, slot }
    }

    /// Pairs that were skipped so far because they are marked as deleted.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        match &self.rows {
            Rows::Tree(pairs) => pairs.deleted(),
            Rows::Hash(walk) => walk.deleted(),
            Rows::Parts(pairs) => pairs.deleted(),
            Rows::Merged(pairs) => pairs.deleted(),
            Rows::Queue(_) | Rows::Heap(_) | Rows::Series1(_) | Rows::Refused(_) => 0,
        }
    }

    /// The next pair from the front, the short way.
    #[inline(always)]
    pub(super) fn next_plain(&mut self) -> Option<Plain<'a>> {
        match &mut self.rows {
            Rows::Tree(pairs) => pairs.next_plain(),
            Rows::Hash(walk) => walk.next_plain(),
            Rows::Parts(pairs) => pairs.next_plain(),
            Rows::Queue(_) | Rows::Heap(_) | Rows::Merged(_) | Rows::Series1(_) | Rows::Refused(_) => None,
        }
    }

    #[inline(never)]
    fn step(&mut self, forward: bool) -> Option<Result<Pair<'a>>> {
        let ways = &mut self.ways;
        match &mut self.rows {
            Rows::Tree(pairs) => pairs.step(forward),
            Rows::Hash(walk) => ways.go(forward, Some(Method::Hash), || walk.next()),
            Rows::Queue(walk) => ways.go(forward, Some(Method::Queue), || walk.next()),
            Rows::Heap(walk) => ways.go(forward, Some(Method::Heap), || walk.next()),
            Rows::Series1(walk) => ways.go(forward, None, || walk.next()),
            Rows::Parts(pairs) => pairs.step(forward),
            Rows::Merged(pairs) => pairs.step(forward),
            Rows::Refused(error) => error.take().map(Err),
        }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<Pair<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(Plain { key, value, .. }) = self.next_plain() {
            let item = |bytes| Item::new(self.pages, Content::Here(bytes));
            return Some(Ok(Pair::new(item(key), item(value))));
        }
        self.step(true)
    }
}

impl FusedIterator for Pairs<'_> {}
impl FusedIterator for Entries<'_> {}

impl DoubleEndedIterator for Pairs<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(false)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(Plain { key, value, .. }) = self.pairs.next_plain() {
            return Some(Ok(Entry::new(Cow::Borrowed(key), Cow::Borrowed(value), RecordNo::NONE)));
        }
        self.pairs.step(true).map(|pair| pair.and_then(|pair| pair.read()))
    }
}

impl DoubleEndedIterator for Entries<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.pairs.next_back().map(|pair| pair.and_then(|pair| pair.read()))
    }
}
