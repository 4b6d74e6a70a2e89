//! The pairs of partitions in key order, where any partition may hold any key.

use std::cmp::Ordering;
use std::sync::Arc;

use super::entries::{Pairs, Parked as ParkedPairs};
use super::item::Item;
use super::pair::Pair;
use super::partitions::{Parts, Wanted};
use crate::error::{Error, Result};
use crate::pages::PartitionPlace;

/// The pairs of all partitions in a range, merged; from both ends. Each pair costs a comparison
/// for each partition.
#[derive(Clone, Debug)]
pub(super) struct Merged<'d> {
    parts: &'d dyn Parts,
    wanted: Wanted,
    /// Those that were not opened yet.
    unopened: Vec<PartitionPlace>,
    runs: Vec<Run<'d>>,
}

/// A partition of which pairs are left.
#[derive(Clone, Debug)]
struct Run<'d> {
    number: u32,
    pairs: Pairs<'d>,
    ends: Ends,
}

/// Its next pair from each end: it is the same one, if it is the last.
#[derive(Clone, Debug, Default)]
struct Ends {
    front: Option<Record>,
    back: Option<Record>,
}

type Record = (Arc<[u8]>, Arc<[u8]>);

/// [`Merged`] without the pages that it stands on.
#[derive(Debug)]
pub(super) struct Parked {
    wanted: Wanted,
    unopened: Vec<PartitionPlace>,
    runs: Vec<(u32, Box<ParkedPairs>, Ends)>,
}

impl Parked {
    /// Goes on in the same database.
    ///
    /// # Errors
    ///
    /// A page that was good before cannot be read again.
    pub(super) fn resume(self, parts: &dyn Parts) -> Result<Merged<'_>> {
        let Parked { wanted, unopened, runs } = self;
        let again = |(number, parked, ends): (u32, Box<ParkedPairs>, Ends)| {
            Ok::<_, Error>(Run { number, pairs: parts.resume(number, *parked)?, ends })
        };
        let runs = runs.into_iter().map(again).collect::<Result<_>>()?;
        Ok(Merged { parts, wanted, unopened, runs })
    }
}

impl Ends {
    fn near(&mut self, forward: bool) -> &mut Option<Record> {
        if forward { &mut self.front } else { &mut self.back }
    }
}

impl<'d> Merged<'d> {
    pub(super) fn new(parts: &'d dyn Parts, mut places: Vec<PartitionPlace>, wanted: Wanted) -> Self {
        places.reverse();
        Merged { parts, wanted, unopened: places, runs: Vec::new() }
    }

    /// Lets go of the pages.
    pub(super) fn park(self) -> Parked {
        let Merged { wanted, unopened, runs, .. } = self;
        let park = |Run { number, pairs, ends }: Run<'_>| (number, Box::new(pairs.park()), ends);
        Parked { wanted, unopened, runs: runs.into_iter().map(park).collect() }
    }

    /// How much lies behind the front: as little as in any partition.
    pub(super) fn share(&self) -> f64 {
        let least = self.runs.iter().map(|run| run.pairs.share()).fold(1.0, f64::min);
        if self.unopened.is_empty() { least } else { 0.0 }
    }

    /// Pairs that were skipped so far because they are marked as deleted.
    pub(super) fn deleted(&self) -> u64 {
        self.runs.iter().map(|run| run.pairs.deleted()).fold(0, u64::saturating_add)
    }

    /// The next pair from one end.
    pub(super) fn step(&mut self, forward: bool) -> Option<Result<Pair<'d>>> {
        self.try_step(forward).transpose()
    }

    fn try_step(&mut self, forward: bool) -> Result<Option<Pair<'d>>> {
        while let Some(place) = self.unopened.pop() {
            match place {
                PartitionPlace::There(number) => {
                    let pairs = self.parts.pairs(number, &self.wanted);
                    let pairs = pairs.map_err(|error| self.parts.named(number, error))?;
                    self.runs.push(Run { number, pairs, ends: Ends::default() });
                }
                PartitionPlace::Missing(first, last) => return Err(self.parts.missing(first, last)),
            }
        }
        let (order, mut best) = (self.parts.key_order(), None::<(usize, Arc<[u8]>)>);
        for (index, run) in self.runs.iter_mut().enumerate() {
            run.fill(self.parts, forward)?;
            let Some((key, _)) = run.ends.near(forward) else { continue };
            let better = best.as_ref().is_none_or(|(_, best)| {
                let wanted = if forward { Ordering::Less } else { Ordering::Greater };
                let compared = order.compare(key, best);
                // Of equal keys the one of the first partition comes first.
                compared == wanted || !forward && compared.is_eq()
            });
            if better {
                best = Some((index, key.clone()));
            }
        }
        let run = best.and_then(|(index, _)| self.runs.get_mut(index));
        let record = run.and_then(|run| run.ends.near(forward).take());
        let item = |bytes| Item::made(self.parts.main(), bytes);
        Ok(record.map(|(key, value)| Pair::new(item(key), item(value))))
    }
}

impl Run<'_> {
    /// Takes the next pair of one end, if it was given; what the other end took is the last.
    fn fill(&mut self, parts: &dyn Parts, forward: bool) -> Result<()> {
        if self.ends.near(forward).is_some() {
            return Ok(());
        }
        let next = if forward { self.pairs.next() } else { self.pairs.next_back() };
        let record = match next {
            Some(pair) => {
                let read = pair.and_then(|pair| {
                    Ok((Arc::from(pair.key_item().read()?), Arc::from(pair.value_item().read()?)))
                });
                Some(read.map_err(|error| parts.named(self.number, error))?)
            }
            None => self.ends.near(!forward).take(),
        };
        *self.ends.near(forward) = record;
        Ok(())
    }
}
