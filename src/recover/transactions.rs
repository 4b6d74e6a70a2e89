//! What is known of transactions while a log is walked over (recovery, "Which records a pass
//! applies").

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use super::release::Release;
use crate::log::TxnId;

/// What is known of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its first record was met.
    Ok,
    /// It committed.
    Commit,
    /// It was prepared, and nothing else.
    Prepare,
    /// It is to be taken back.
    Abort,
    /// It has ended, and its changes are where they belong.
    Ignore,
    /// It made a file that is there.
    Expected,
    /// It made a file that is not there.
    Unexpected,
}

/// The ranges of transaction numbers that began anew, one above the other: which is the topmost that
/// has a number is told by pieces of all numbers, so that no number of ranges costs time.
#[derive(Debug)]
struct Ranges {
    /// The last number of each piece and its range, by its first number.
    pieces: BTreeMap<u32, (u32, u32)>,
    /// What each range but the lowest did to the pieces.
    covered: Vec<Vec<Step>>,
}

/// A step by which a range takes its place.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A piece goes.
    Take(u32, (u32, u32)),
    /// One comes that begins there.
    Put(u32),
}

impl Ranges {
    fn new() -> Ranges {
        Ranges { pieces: BTreeMap::from([(0x8000_0000, (u32::MAX, 0))]), covered: Vec::new() }
    }

    /// The number of the topmost range.
    fn top(&self) -> u32 {
        u32::try_from(self.covered.len()).unwrap_or(u32::MAX)
    }

    /// The number of the topmost range that has a transaction; that of the lowest if none has.
    fn of(&self, id: u32) -> u32 {
        let piece = self.pieces.range(..=id).next_back();
        piece.filter(|(_, (last, _))| id <= *last).map_or(0, |(_, (_, number))| *number)
    }

    fn push(&mut self, min: u32, max: u32) {
        let number = self.top().saturating_add(1);
        let mut covered = Vec::new();
        if min <= max {
            self.cover(min, max, number, &mut covered);
        } else {
            self.cover(min, u32::MAX, number, &mut covered);
            self.cover(0, max, number, &mut covered);
        }
        self.covered.push(covered);
    }

    fn cover(&mut self, min: u32, max: u32, number: u32, covered: &mut Vec<Step>) {
        let below = self.pieces.range(..min).next_back().filter(|(_, (last, _))| *last >= min);
        let from = below.map_or(min, |(first, _)| *first);
        let under: Vec<(u32, (u32, u32))> =
            self.pieces.range(from..=max).map(|(at, piece)| (*at, *piece)).collect();
        for (first, (last, of)) in under {
            self.pieces.remove(&first);
            covered.push(Step::Take(first, (last, of)));
            if let Some(end) = min.checked_sub(1).filter(|_| first < min) {
                self.put(first, end, of, covered);
            }
            if let Some(start) = max.checked_add(1).filter(|_| last > max) {
                self.put(start, last, of, covered);
            }
        }
        self.put(min, max, number, covered);
    }

    fn put(&mut self, first: u32, last: u32, number: u32, covered: &mut Vec<Step>) {
        self.pieces.insert(first, (last, number));
        covered.push(Step::Put(first));
    }

    fn pop(&mut self) {
        for step in self.covered.pop().into_iter().flatten().rev() {
            match step {
                Step::Take(first, piece) => self.pieces.insert(first, piece),
                Step::Put(first) => self.pieces.remove(&first),
            };
        }
    }
}

/// The transactions of a log.
#[derive(Debug)]
pub(crate) struct Table {
    states: HashMap<(u32, TxnId), State>,
    ranges: Ranges,
    /// Of 2.x and 3.x: how many restarts were passed.
    generation: u32,
    /// The transaction that was asked for last, and its state: records of one often stand together.
    latest: Cell<Option<(TxnId, Option<State>)>>,
}

impl Table {
    pub(crate) fn new() -> Table {
        Table { states: HashMap::new(), ranges: Ranges::new(), generation: 1, latest: Cell::new(None) }
    }

    fn range(&self, id: TxnId) -> u32 {
        self.in_generation(self.ranges.of(id.0))
    }

    fn top(&self) -> u32 {
        self.in_generation(self.ranges.top())
    }

    /// Only one of both counts: releases have ranges, or generations.
    fn in_generation(&self, range: u32) -> u32 {
        range.wrapping_add(self.generation.wrapping_mul(0x1_0000))
    }

    pub(crate) fn get(&self, id: TxnId) -> Option<State> {
        match self.latest.get() {
            Some((latest, state)) if latest == id => state,
            _ => {
                let state = self.states.get(&(self.range(id), id)).copied();
                self.latest.set(Some((id, state)));
                state
            }
        }
    }

    /// Sets a state; one that is to be ignored stays so.
    pub(crate) fn set(&mut self, id: TxnId, state: State) {
        self.latest.set(None);
        match self.states.get_mut(&(self.range(id), id)) {
            Some(State::Ignore) => {}
            Some(known) => *known = state,
            None => {
                self.states.insert((self.top(), id), state);
            }
        }
    }

    /// Sets a state, whatever it is.
    pub(crate) fn put(&mut self, id: TxnId, state: State) {
        self.latest.set(None);
        let key = (self.range(id), id);
        let key = if self.states.contains_key(&key) { key } else { (self.top(), id) };
        self.states.insert(key, state);
    }

    pub(crate) fn remove(&mut self, id: TxnId) {
        self.latest.set(None);
        self.states.remove(&(self.range(id), id));
    }

    /// The numbers begin anew here, going forward.
    pub(crate) fn push(&mut self, min: u32, max: u32) {
        self.latest.set(None);
        self.ranges.push(min, max);
    }

    /// The same, going backward.
    pub(crate) fn pop(&mut self) {
        self.latest.set(None);
        self.ranges.pop();
    }

    /// A restart was passed: forward or backward.
    pub(crate) fn restart(&mut self, forward: bool) {
        self.latest.set(None);
        self.generation =
            if forward { self.generation.wrapping_sub(1) } else { self.generation.wrapping_add(1) };
    }

    /// What the undoing of the end of a subtransaction makes of it (recovery, "Which records a pass
    /// applies").
    pub(crate) fn end_of_child(&mut self, child: TxnId, parent: TxnId, release: Release) {
        let parent = self.get(parent);
        let over = matches!(parent, Some(State::Commit | State::Ignore));
        match self.get(child) {
            Some(State::Expected) => self.set(child, if over { State::Ignore } else { State::Abort }),
            Some(State::Unexpected) => {
                self.set(child, if parent == Some(State::Commit) { State::Commit } else { State::Ignore });
            }
            Some(State::Ignore) => {}
            Some(State::Prepare | State::Abort) if release >= Release::R43 => {}
            _ => self.set(child, parent.filter(|_| over).unwrap_or(State::Abort)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the specification has it: the first range from the top that has the number.
    fn slowly(ranges: &[(u32, u32)], id: u32) -> u32 {
        let has = |&(min, max): &(u32, u32)| {
            if min <= max { (min..=max).contains(&id) } else { id >= min || id <= max }
        };
        ranges.iter().rposition(has).map_or(0, |at| u32::try_from(at).unwrap())
    }

    #[test]
    fn the_topmost_range_with_a_number_is_found() {
        let mut seed = 7_u64;
        let mut roll = |limit: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % limit
        };
        let edges = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0x8000_0005, u32::MAX - 1, u32::MAX];
        for _ in 0..200 {
            let (mut ranges, mut known) = (Ranges::new(), vec![(0x8000_0000, u32::MAX)]);
            for _ in 0..40 {
                let mut edge = || edges[usize::try_from(roll(9)).unwrap()];
                let (min, max) = (edge(), edge());
                if roll(3) > 0 {
                    ranges.push(min, max);
                    known.push((min, max));
                } else if known.len() > 1 {
                    ranges.pop();
                    known.pop();
                } else {
                    ranges.pop();
                }
                assert_eq!(usize::try_from(ranges.top()).unwrap(), known.len() - 1);
                for id in edges {
                    assert_eq!(ranges.of(id), slowly(&known, id), "{known:x?}: {id:x}");
                }
            }
        }
    }
}
