//! Iterators over pairs, from both ends.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Bound;

use super::btree::cursor::{Cursor, Pair, RecordNo};
use super::database::Database;
use super::hash::buckets::BucketWalk;
use super::item::Item;
use super::key_order::KeyOrder;
use super::visited::Visited;
use crate::access::btree::leaf::Plain;
use crate::error::Result;
use crate::method::Method;
use crate::pages::Content;

/// A key and a value, read: borrowed from the page, or assembled from an
/// overflow chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    key: Cow<'a, [u8]>,
    value: Cow<'a, [u8]>,
    record: RecordNo,
}

impl<'a> Entry<'a> {
    pub(super) fn new(key: Cow<'a, [u8]>, value: Cow<'a, [u8]>, record: RecordNo) -> Self {
        Entry { key, value, record }
    }

    /// The key; empty in a RECNO database, which has numbers instead.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The record number, from 1, in a RECNO database.
    #[must_use]
    pub fn record_number(&self) -> Option<u32> {
        self.record.get()
    }

    /// Key and value, to keep.
    #[must_use]
    pub fn into_parts(self) -> (Cow<'a, [u8]>, Cow<'a, [u8]>) {
        (self.key, self.value)
    }
}

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
    db: &'a Database<'a>,
    front: End<'a>,
    back: End<'a>,
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    prefix: Option<Vec<u8>>,
    done: bool,
    /// Whether nothing but the end of the leaf can stop the front from giving its
    /// next pair: no bound, no back.
    running: bool,
    /// What takes the place of the cursors in a HASH database, which has no order.
    buckets: Option<BucketWalk<'a>>,
    /// Where to look next for pages that a walk over the whole file missed.
    missed_from: Option<u32>,
}

/// Whether no key can lie in a range.
fn is_empty(order: KeyOrder<'_>, start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>) -> bool {
    match (start, end) {
        (Bound::Included(a), Bound::Included(b)) => order.compare(a, b).is_gt(),
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => {
            order.compare(a, b).is_ge()
        }
        _ => false,
    }
}

/// Places a cursor between the pairs inside a bound and those outside, for a move
/// to one side.
fn place(cursor: &mut Cursor<'_>, bound: &Bound<Vec<u8>>, is_end: bool, forward: bool) -> Result<()> {
    match bound {
        Bound::Unbounded => Ok(()),
        Bound::Included(key) => cursor.stand(key, is_end, forward),
        Bound::Excluded(key) => cursor.stand(key, !is_end, forward),
    }
}

/// One end of the iteration: its cursor, and whether that has started.
#[derive(Debug)]
struct End<'a> {
    cursor: Cursor<'a>,
    started: bool,
}

impl<'a> End<'a> {
    fn new(cursor: Cursor<'a>) -> Self {
        End { cursor, started: false }
    }
}

impl<'a> Entries<'a> {
    pub(super) fn all(db: &'a Database<'a>) -> Self {
        Entries { pairs: Pairs::all(db, Some(Visited::new(db.pages()))) }
    }

    pub(super) fn range(db: &'a Database<'a>, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Self {
        Entries { pairs: Pairs::bounded(db, start, end, None) }
    }

    pub(super) fn prefix(db: &'a Database<'a>, prefix: &[u8]) -> Self {
        // With an order of its own, keys with one prefix need not be neighbours.
        let start = match db.key_order() {
            KeyOrder::Bytes => Bound::Included(prefix.to_vec()),
            KeyOrder::Custom(_) => Bound::Unbounded,
        };
        let end = match (db.key_order(), successor(prefix)) {
            (KeyOrder::Bytes, Some(key)) => Bound::Excluded(key),
            _ => Bound::Unbounded,
        };
        Entries { pairs: Pairs::bounded(db, start, end, Some(prefix.to_vec())) }
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

/// The least key that is greater than all keys with a prefix.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let at = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut key = prefix.get(..=at)?.to_vec();
    if let Some(last) = key.last_mut() {
        *last = last.wrapping_add(1);
    }
    Some(key)
}

impl<'a> Pairs<'a> {
    fn new(
        db: &'a Database<'a>,
        start: Bound<Vec<u8>>,
        end: Bound<Vec<u8>>,
        prefix: Option<Vec<u8>>,
    ) -> Self {
        let (front, back) = (End::new(db.cursor()), End::new(db.cursor()));
        let done = db.expect_keys().is_ok() && is_empty(db.key_order(), &start, &end);
        Pairs { db, front, back, start, end, prefix, done, running: false, buckets: None, missed_from: None }
    }

    /// The pairs in a range. However short it is: what it meets twice is a loop.
    fn bounded(
        db: &'a Database<'a>,
        start: Bound<Vec<u8>>,
        end: Bound<Vec<u8>>,
        prefix: Option<Vec<u8>>,
    ) -> Self {
        let mut pairs = Pairs::new(db, start, end, prefix);
        pairs.front.cursor.visited = Some(Visited::new(db.pages()));
        pairs.back.cursor.visited = pairs.front.cursor.visited.clone();
        pairs
    }

    /// All pairs of a database. Each end notes which pages it comes by; `seen`
    /// are those that other databases of the file own.
    pub(crate) fn all(db: &'a Database<'a>, seen: Option<Visited>) -> Self {
        let mut pairs = Pairs::new(db, Bound::Unbounded, Bound::Unbounded, None);
        let alone = db.name().is_none() && !db.meta().flags().several_databases();
        pairs.missed_from = alone.then_some(0);
        if db.meta().method() == Method::Hash {
            let seen = seen.unwrap_or_else(|| Visited::new(db.pages()));
            pairs.buckets = Some(BucketWalk::new(db, seen));
        } else {
            (pairs.front.cursor.visited, pairs.back.cursor.visited) = (seen.clone(), seen);
        }
        pairs
    }

    /// The pages that a walk over the whole database came by.
    pub(crate) fn into_visited(self) -> Option<Visited> {
        match self.buckets {
            Some(buckets) => buckets.into_visited(),
            None => self.front.cursor.visited,
        }
    }

    /// Pairs in a BTREE that were skipped so far because they are marked as deleted.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.front.cursor.deleted().saturating_add(self.back.cursor.deleted())
    }

    /// The next pair from the front, the short way.
    #[inline(always)]
    fn next_plain(&mut self) -> Option<Plain<'a>> {
        if self.running { self.front.cursor.next_plain() } else { None }
    }

    #[inline(never)]
    fn step(&mut self, forward: bool) -> Option<Result<Pair<'a>>> {
        loop {
            if self.done {
                return self.missed();
            }
            let found = self.try_step(forward);
            let free = self.prefix.is_none() && self.buckets.is_none() && !self.back.started;
            self.running = free && !self.done && matches!(self.end, Bound::Unbounded);
            match found {
                Ok(Some(pair)) => match self.has_prefix(&pair) {
                    Ok(true) => return Some(Ok(pair)),
                    Ok(false) => {}
                    Err(error) => return Some(Err(error)),
                },
                Ok(None) => self.done = true,
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn try_step(&mut self, forward: bool) -> Result<Option<Pair<'a>>> {
        if let Some(buckets) = self.buckets.as_mut().filter(|_| forward) {
            return buckets.next();
        }
        let (near, far, bound) = if forward {
            (&mut self.front, &self.back, &self.end)
        } else {
            (&mut self.back, &self.front, &self.start)
        };
        if !near.started {
            near.started = true;
            if !matches!((&self.start, &self.end), (Bound::Unbounded, Bound::Unbounded)) {
                self.db.expect_keys().inspect_err(|_| self.done = true)?;
            }
            let edge = if forward { &self.start } else { &self.end };
            if let Err(error) = place(&mut near.cursor, edge, !forward, forward) {
                self.done = true;
                return Err(error);
            }
        }
        let pair = if forward { near.cursor.next()? } else { near.cursor.previous()? };
        let Some(pair) = pair else { return Ok(None) };
        if far.started {
            let met = match near.cursor.compare(&far.cursor) {
                Some(Ordering::Less) => !forward,
                Some(Ordering::Equal) => true,
                Some(Ordering::Greater) => forward,
                None => false,
            };
            if met {
                return Ok(None);
            }
        }
        let (Bound::Included(key) | Bound::Excluded(key)) = bound else { return Ok(Some(pair)) };
        let inside = match pair.key().compare(key, self.db.key_order())? {
            Ordering::Equal => matches!(bound, Bound::Included(_)),
            Ordering::Less => forward,
            Ordering::Greater => !forward,
        };
        if inside {
            return Ok(Some(pair));
        }
        // A search from above must end at the same pair: if not, keys are out of order.
        let mut direct = self.db.cursor();
        self.done = true;
        place(&mut direct, bound, forward, forward)?;
        if forward {
            direct.next()?
        } else {
            direct.previous()?
        };
        match near.cursor.compare(&direct) {
            Some(Ordering::Equal) => Ok(None),
            _ => Err(near.cursor.out_of_order()),
        }
    }

    fn has_prefix(&self, pair: &Pair<'_>) -> Result<bool> {
        let Some(prefix) = &self.prefix else { return Ok(true) };
        let mut rest = prefix.as_slice();
        for piece in pair.key().pieces() {
            let piece = piece?;
            let len = piece.len().min(rest.len());
            if piece.get(..len) != rest.get(..len) {
                return Ok(false);
            }
            rest = rest.get(len..).unwrap_or(&[]);
            if rest.is_empty() {
                break;
            }
        }
        Ok(rest.is_empty())
    }

    /// After a walk over the whole file: pages with records that it missed.
    fn missed(&mut self) -> Option<Result<Pair<'a>>> {
        let from = self.missed_from?;
        let front = self.front.cursor.visited.as_mut()?;
        if let Some(back) = self.back.cursor.visited.take() {
            front.merge(&back);
        }
        let Some((no, error)) = front.unreached(self.db.pages(), from) else {
            self.missed_from = None;
            return None;
        };
        self.missed_from = no.checked_add(1);
        Some(Err(error))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<Pair<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(Plain { key, value, .. }) = self.next_plain() {
            let item = |bytes| Item::new(self.db.pages(), Content::Here(bytes));
            return Some(Ok(Pair::new(item(key), item(value))));
        }
        self.step(true)
    }
}

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

#[cfg(test)]
mod tests {
    use super::successor;

    #[test]
    fn the_successor_of_a_prefix_is_greater_than_all_its_keys() {
        assert_eq!(successor(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(successor(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(successor(b"\xff"), None);
        assert_eq!(successor(b""), None);
    }
}
