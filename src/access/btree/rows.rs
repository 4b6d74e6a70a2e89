//! The pairs of a tree, from both ends.

use std::cmp::Ordering;
use std::ops::Bound;

use super::cursor::{self, Cursor};
use super::leaf::Plain;
use super::tree::Tree;
use crate::access::pair::Pair;
use crate::access::visited::Visited;
use crate::error::Result;
use crate::key_order::KeyOrder;
use crate::types::PageNo;

/// The pairs of a tree, or those in a range, in key order.
#[derive(Clone, Debug)]
pub(in crate::access) struct TreePairs<'a> {
    tree: &'a Tree<'a>,
    front: End<'a>,
    back: End<'a>,
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    prefix: Option<Vec<u8>>,
    done: bool,
    /// Whether nothing but the end of the leaf can stop the front from giving its
    /// next pair: no bound, no back.
    running: bool,
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
#[derive(Clone, Debug)]
struct End<'a> {
    cursor: Cursor<'a>,
    started: bool,
}

impl<'a> End<'a> {
    fn new(cursor: Cursor<'a>) -> Self {
        End { cursor, started: false }
    }
}

/// [`TreePairs`] without the pages that they stand on: the cursors of both ends, and whether
/// they have started.
#[derive(Debug)]
pub(in crate::access) struct Parked {
    front: (cursor::Parked, bool),
    back: (cursor::Parked, bool),
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    prefix: Option<Vec<u8>>,
    done: bool,
    missed_from: Option<u32>,
}

impl Parked {
    /// Goes on in the same tree.
    ///
    /// # Errors
    ///
    /// As those of the cursors.
    pub(in crate::access) fn resume<'a>(self, tree: &'a Tree<'a>) -> Result<TreePairs<'a>> {
        let end = |(cursor, started): (cursor::Parked, _)| Ok(End { cursor: cursor.resume(tree)?, started });
        let (front, back) = (end(self.front)?, end(self.back)?);
        let Parked { start, end, prefix, done, missed_from, .. } = self;
        Ok(TreePairs { tree, front, back, start, end, prefix, done, running: false, missed_from })
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

/// Between which keys those with a prefix stand.
pub(in crate::access) fn prefix_bounds(
    prefix: &[u8],
    order: KeyOrder<'_>,
) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    match (order, successor(prefix)) {
        // With an order of its own, keys with one prefix need not be neighbours.
        (KeyOrder::Custom(_), _) => (Bound::Unbounded, Bound::Unbounded),
        (KeyOrder::Bytes, Some(key)) => (Bound::Included(prefix.to_vec()), Bound::Excluded(key)),
        (KeyOrder::Bytes, None) => (Bound::Included(prefix.to_vec()), Bound::Unbounded),
    }
}

impl<'a> TreePairs<'a> {
    /// Lets go of the pages.
    pub(in crate::access) fn park(self) -> Parked {
        let end = |End { cursor, started }: End<'_>| (cursor.park(), started);
        let TreePairs { start, end: last, prefix, done, missed_from, .. } = self;
        Parked { front: end(self.front), back: end(self.back), start, end: last, prefix, done, missed_from }
    }

    fn new(tree: &'a Tree<'a>, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>, prefix: Option<Vec<u8>>) -> Self {
        let (front, back) = (End::new(Cursor::new(tree)), End::new(Cursor::new(tree)));
        let done = tree.expect_keys().is_ok() && is_empty(tree.key_order(), &start, &end);
        TreePairs { tree, front, back, start, end, prefix, done, running: false, missed_from: None }
    }

    /// The pairs in a range. However short it is: what it meets twice is a loop.
    pub(in crate::access) fn range(tree: &'a Tree<'a>, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Self {
        TreePairs::new(tree, start, end, None).bounded()
    }

    /// The pairs whose keys start with some bytes.
    pub(in crate::access) fn prefix(tree: &'a Tree<'a>, prefix: &[u8]) -> Self {
        let (start, end) = prefix_bounds(prefix, tree.key_order());
        TreePairs::new(tree, start, end, Some(prefix.to_vec())).bounded()
    }

    fn bounded(mut self) -> Self {
        let visited = Some(Visited::new(self.tree.pages()));
        (self.front.cursor.visited, self.back.cursor.visited) = (visited.clone(), visited);
        self
    }

    /// All pairs. Each end notes which pages it comes by; `seen` are those that other
    /// databases of the file own. A database that is `alone` in its file should come by all.
    pub(in crate::access) fn all(tree: &'a Tree<'a>, seen: Visited, alone: bool) -> Self {
        let mut pairs = TreePairs::new(tree, Bound::Unbounded, Bound::Unbounded, None);
        pairs.missed_from = alone.then_some(0);
        (pairs.front.cursor.visited, pairs.back.cursor.visited) = (Some(seen.clone()), Some(seen));
        pairs
    }

    /// The pages that a walk over the whole database came by.
    pub(in crate::access) fn into_visited(self) -> Option<Visited> {
        self.front.cursor.visited
    }

    /// How much of the tree lies behind the front.
    pub(in crate::access) fn share(&self) -> f64 {
        if self.done { 1.0 } else { self.front.cursor.share() }
    }

    /// Where the value of the pair stands that the front gave last.
    pub(in crate::access) fn value_slot(&self) -> (PageNo, u16) {
        self.front.cursor.value_slot()
    }

    /// Pairs that were skipped so far because they are marked as deleted.
    pub(in crate::access) fn deleted(&self) -> u64 {
        self.front.cursor.deleted().saturating_add(self.back.cursor.deleted())
    }

    /// The next pair from the front, the short way.
    #[inline(always)]
    pub(in crate::access) fn next_plain(&mut self) -> Option<Plain<'a>> {
        if self.running { self.front.cursor.next_plain() } else { None }
    }

    #[inline(never)]
    pub(in crate::access) fn step(&mut self, forward: bool) -> Option<Result<Pair<'a>>> {
        loop {
            if self.done {
                return self.missed();
            }
            let found = self.try_step(forward);
            let free = self.prefix.is_none() && !self.back.started;
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
        let (near, far, bound) = if forward {
            (&mut self.front, &self.back, &self.end)
        } else {
            (&mut self.back, &self.front, &self.start)
        };
        if !near.started {
            near.started = true;
            if !matches!((&self.start, &self.end), (Bound::Unbounded, Bound::Unbounded)) {
                self.tree.expect_keys().inspect_err(|_| self.done = true)?;
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
        let inside = match pair.key_item().compare(key, self.tree.key_order())? {
            Ordering::Equal => matches!(bound, Bound::Included(_)),
            Ordering::Less => forward,
            Ordering::Greater => !forward,
        };
        if inside {
            return Ok(Some(pair));
        }
        // A search from above must end at the same pair: if not, keys are out of order.
        let mut direct = Cursor::new(self.tree);
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
        for piece in pair.key_item().pieces() {
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
        let Some((no, error)) = front.unreached(self.tree.pages(), from) else {
            self.missed_from = None;
            return None;
        };
        self.missed_from = no.checked_add(1);
        Some(Err(error))
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
