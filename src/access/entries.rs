//! Iterators over pairs, from both ends.

use std::borrow::Cow;
use std::iter::FusedIterator;

use super::btree::leaf::Plain;
use super::btree::rows::TreePairs;
use super::hash::buckets::BucketWalk;
use super::heap::HeapWalk;
use super::item::Item;
use super::pair::{Entry, Pair, RecordNo};
use super::queue::QueueWalk;
use super::visited::Visited;
use crate::error::{Error, Result};
use crate::method::Method;
use crate::pages::{Content, Pages};

/// The pairs of a database, or those in a range, in key order.
///
/// Yields errors in place and goes on behind them. [`Entries::pairs`] gives the
/// same without reading overflow chains.
#[derive(Debug)]
pub struct Entries<'a> {
    pairs: Pairs<'a>,
}

/// As [`Entries`], with keys and values not yet read.
#[derive(Debug)]
pub struct Pairs<'a> {
    rows: Rows<'a>,
    /// For their items.
    pages: &'a Pages<'a>,
}

/// Where the pairs come from: each access method has a way of its own.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // the common one is used in place, pair by pair
enum Rows<'a> {
    Tree(TreePairs<'a>),
    /// The walk; and whether it came to its end, and was asked to go back.
    Hash(Box<BucketWalk<'a>>, Ways),
    Queue(Box<QueueWalk<'a>>, Ways),
    Heap(Box<HeapWalk<'a>>, Ways),
    /// A question that the database cannot answer: the error, once.
    Refused(Option<Error>),
}

/// Which ways a walk that only goes forward was asked to go to the end.
#[derive(Clone, Copy, Debug, Default)]
struct Ways {
    ended: bool,
    back: bool,
}

impl Ways {
    /// What comes next, if that is where the walk can go.
    fn go<'a>(
        &mut self,
        forward: bool,
        method: Method,
        next: impl FnOnce() -> Result<Option<Pair<'a>>>,
    ) -> Option<Result<Pair<'a>>> {
        if !forward {
            let asked = std::mem::replace(&mut self.back, true);
            return (!asked).then_some(Err(Error::WrongMethod { asked: "go backwards", method }));
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

    /// As [`Pairs::into_visited`].
    pub(super) fn into_visited(self) -> Option<Visited> {
        self.pairs.into_visited()
    }
}

impl<'a> Pairs<'a> {
    pub(super) fn tree(pages: &'a Pages<'a>, pairs: TreePairs<'a>) -> Self {
        Pairs { rows: Rows::Tree(pairs), pages }
    }

    pub(super) fn hash(pages: &'a Pages<'a>, walk: BucketWalk<'a>) -> Self {
        Pairs { rows: Rows::Hash(Box::new(walk), Ways::default()), pages }
    }

    pub(super) fn queue(pages: &'a Pages<'a>, walk: QueueWalk<'a>) -> Self {
        Pairs { rows: Rows::Queue(Box::new(walk), Ways::default()), pages }
    }

    pub(super) fn heap(pages: &'a Pages<'a>, walk: HeapWalk<'a>) -> Self {
        Pairs { rows: Rows::Heap(Box::new(walk), Ways::default()), pages }
    }

    pub(super) fn refused(pages: &'a Pages<'a>, error: Error) -> Self {
        Pairs { rows: Rows::Refused(Some(error)), pages }
    }

    /// The pages that a walk over the whole database came by.
    pub(crate) fn into_visited(self) -> Option<Visited> {
        match self.rows {
            Rows::Tree(pairs) => pairs.into_visited(),
            Rows::Hash(buckets, _) => buckets.into_visited(),
            Rows::Queue(..) | Rows::Heap(..) | Rows::Refused(_) => None,
        }
    }

    /// Pairs that were skipped so far because they are marked as deleted.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        match &self.rows {
            Rows::Tree(pairs) => pairs.deleted(),
            Rows::Hash(walk, _) => walk.deleted(),
            Rows::Queue(..) | Rows::Heap(..) | Rows::Refused(_) => 0,
        }
    }

    /// The next pair from the front, the short way.
    #[inline(always)]
    fn next_plain(&mut self) -> Option<Plain<'a>> {
        match &mut self.rows {
            Rows::Tree(pairs) => pairs.next_plain(),
            Rows::Hash(walk, _) => walk.next_plain(),
            Rows::Queue(..) | Rows::Heap(..) | Rows::Refused(_) => None,
        }
    }

    #[inline(never)]
    fn step(&mut self, forward: bool) -> Option<Result<Pair<'a>>> {
        match &mut self.rows {
            Rows::Tree(pairs) => pairs.step(forward),
            Rows::Hash(walk, ways) => ways.go(forward, Method::Hash, || walk.next()),
            Rows::Queue(walk, ways) => ways.go(forward, Method::Queue, || walk.next()),
            Rows::Heap(walk, ways) => ways.go(forward, Method::Heap, || walk.next()),
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
