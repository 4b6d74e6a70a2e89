//! The pairs of partitions, one partition after the other, from both ends.

use std::collections::VecDeque;

use super::btree::leaf::Plain;
use super::entries::{Pairs, Parked as ParkedPairs};
use super::pair::{Pair, ValuePlace};
use super::partitions::{Parts, Wanted};
use crate::error::{Error, Result};
use crate::pages::PartitionPlace;

/// The pairs of some partitions in their order.
#[derive(Clone, Debug)]
pub(super) struct PartPairs<'d> {
    parts: &'d dyn Parts,
    front: Option<(u32, Pairs<'d>)>,
    back: Option<(u32, Pairs<'d>)>,
    state: State,
}

/// What it knows beside the partitions that it stands in.
#[derive(Clone, Debug)]
struct State {
    /// Those between front and back.
    rest: VecDeque<PartitionPlace>,
    /// How many there were.
    all: usize,
    wanted: Wanted,
    /// What is wrong with the main file.
    wrong: Option<Error>,
    deleted: u64,
}

/// [`PartPairs`] without the pages that they stand on.
#[derive(Debug)]
pub(super) struct Parked {
    front: Option<(u32, Box<ParkedPairs>)>,
    back: Option<(u32, Box<ParkedPairs>)>,
    state: State,
}

impl Parked {
    /// Goes on in the same database.
    ///
    /// # Errors
    ///
    /// A page that was good before cannot be read again.
    pub(super) fn resume(self, parts: &dyn Parts) -> Result<PartPairs<'_>> {
        let again = |end: Option<(u32, Box<ParkedPairs>)>| {
            end.map(|(number, parked)| Ok::<_, Error>((number, parts.resume(number, *parked)?))).transpose()
        };
        Ok(PartPairs { parts, front: again(self.front)?, back: again(self.back)?, state: self.state })
    }
}

impl<'d> PartPairs<'d> {
    pub(super) fn new(
        parts: &'d dyn Parts,
        places: Vec<PartitionPlace>,
        wanted: Wanted,
        wrong: Option<Error>,
    ) -> Self {
        let state = State { all: places.len(), rest: places.into(), wanted, wrong, deleted: 0 };
        PartPairs { parts, front: None, back: None, state }
    }

    /// Lets go of the pages.
    pub(super) fn park(self) -> Parked {
        let park = |(number, pairs): (u32, Pairs<'_>)| (number, Box::new(pairs.park()));
        Parked { front: self.front.map(park), back: self.back.map(park), state: self.state }
    }

    /// How much lies behind the front.
    pub(super) fn share(&self) -> f64 {
        let here = match (&self.front, &self.back) {
            (Some((_, pairs)), _) => pairs.share() - 1.0,
            (None, Some(_)) if self.state.rest.is_empty() => -1.0,
            (None, _) => 0.0,
        };
        let behind = self.state.all.saturating_sub(self.state.rest.len());
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        if self.state.all == 0 {
            1.0
        } else {
            ((count(behind) + here) / count(self.state.all)).clamp(0.0, 1.0)
        }
    }

    /// Where the value of the pair stands that the front gave last.
    pub(super) fn value_place(&self, pair: &Pair<'_>) -> ValuePlace {
        let front = self.front.as_ref();
        front.map_or(ValuePlace::default(), |(number, pairs)| ValuePlace {
            partition: Some(*number),
            ..pairs.value_place(pair)
        })
    }

    /// Pairs that were skipped so far because they are marked as deleted.
    pub(super) fn deleted(&self) -> u64 {
        let open = [&self.front, &self.back].into_iter().flatten().map(|(_, pairs)| pairs.deleted());
        open.fold(self.state.deleted, u64::saturating_add)
    }

    /// The next pair from the front, the short way.
    #[inline(always)]
    pub(super) fn next_plain(&mut self) -> Option<Plain<'d>> {
        self.front.as_mut()?.1.next_plain()
    }

    /// The next pair from one end.
    pub(super) fn step(&mut self, forward: bool) -> Option<Result<Pair<'d>>> {
        if let Some(error) = self.state.wrong.take() {
            return Some(Err(error));
        }
        loop {
            let (near, far) = match forward {
                true => (&mut self.front, &mut self.back),
                false => (&mut self.back, &mut self.front),
            };
            if let Some((number, pairs)) = near {
                let next = if forward { pairs.next() } else { pairs.next_back() };
                if let Some(pair) = next {
                    return Some(pair.map_err(|error| self.parts.named(*number, error)));
                }
                self.state.deleted = self.state.deleted.saturating_add(pairs.deleted());
                *near = None;
            }
            let rest = &mut self.state.rest;
            let place = if forward { rest.pop_front() } else { rest.pop_back() };
            match place {
                Some(PartitionPlace::There(number)) => match self.parts.pairs(number, &self.state.wanted) {
                    Ok(pairs) => *near = Some((number, pairs)),
                    Err(error) => return Some(Err(self.parts.named(number, error))),
                },
                Some(PartitionPlace::Missing(first, last)) => {
                    return Some(Err(self.parts.missing(first, last)));
                }
                // What is left of the partition in which the other end stands.
                None => *near = Some(far.take()?),
            }
        }
    }
}
