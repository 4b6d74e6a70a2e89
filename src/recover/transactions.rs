//! What is known of transactions while a log is walked over (recovery, "Which records a pass
//! applies").

use std::collections::HashMap;

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

/// The numbers of transactions begin anew: from where to where.
#[derive(Clone, Copy, Debug)]
struct Range {
    number: u32,
    min: u32,
    max: u32,
}

impl Range {
    fn has(self, id: u32) -> bool {
        if self.min <= self.max {
            (self.min..=self.max).contains(&id)
        } else {
            id >= self.min || id <= self.max
        }
    }
}

/// The transactions of a log.
#[derive(Debug)]
pub(crate) struct Table {
    states: HashMap<(u32, TxnId), State>,
    ranges: Vec<Range>,
    /// Of 2.x and 3.x: how many restarts were passed.
    generation: u32,
}

impl Table {
    pub(crate) fn new() -> Table {
        Table {
            states: HashMap::new(),
            ranges: vec![Range { number: 0, min: 0x8000_0000, max: u32::MAX }],
            generation: 1,
        }
    }

    fn range(&self, id: TxnId) -> u32 {
        let found = self.ranges.iter().rev().find(|range| range.has(id.0));
        found.map_or(0, |range| range.number).wrapping_add(self.generation.wrapping_mul(0x1_0000))
    }

    fn top(&self) -> u32 {
        self.ranges
            .last()
            .map_or(0, |range| range.number)
            .wrapping_add(self.generation.wrapping_mul(0x1_0000))
    }

    pub(crate) fn get(&self, id: TxnId) -> Option<State> {
        self.states.get(&(self.range(id), id)).copied()
    }

    /// Sets a state; one that is to be ignored stays so.
    pub(crate) fn set(&mut self, id: TxnId, state: State) {
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
        let key = (self.range(id), id);
        let key = if self.states.contains_key(&key) { key } else { (self.top(), id) };
        self.states.insert(key, state);
    }

    pub(crate) fn remove(&mut self, id: TxnId) {
        self.states.remove(&(self.range(id), id));
    }

    /// The numbers begin anew here, going forward.
    pub(crate) fn push(&mut self, min: u32, max: u32) {
        let number = u32::try_from(self.ranges.len()).unwrap_or(u32::MAX);
        self.ranges.push(Range { number, min, max });
    }

    /// The same, going backward.
    pub(crate) fn pop(&mut self) {
        if self.ranges.len() > 1 {
            self.ranges.pop();
        }
    }

    /// A restart was passed: forward or backward.
    pub(crate) fn restart(&mut self, forward: bool) {
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
