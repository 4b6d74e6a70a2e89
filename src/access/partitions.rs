//! A partitioned database: its pairs stand in files beside the main file, each a database of
//! its own (database-format, annex D).
//!
//! By key ranges, the main file holds where each partition begins, and one after the other they
//! are in key order. By a function of the program, any partition may hold a key: a look-up asks
//! all of them, and a range merges them.

use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use super::btree::rows::{self, TreePairs};
use super::btree::tree::Tree;
use super::database::Database;
use super::entries::{Pairs, Parked};
use super::item::Item;
use super::merged::Merged;
use super::part_pairs::PartPairs;
use super::visited::Visited;
use crate::error::{Defect, Error, Result};
use crate::format::meta::Field;
use crate::format::page::at;
use crate::key_order::KeyOrder;
use crate::meta::Meta;
use crate::method::Method;
use crate::pages::{Pages, PartitionPlace, Partitions};
use crate::types::PageNo;

/// Which pairs of a partition.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    All,
    Range(Bound<Vec<u8>>, Bound<Vec<u8>>),
    Prefix(Vec<u8>),
    Key(Vec<u8>),
}

impl Wanted {
    /// Between which keys they stand.
    fn bounds(&self, order: KeyOrder<'_>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
        match self {
            Wanted::All => (Bound::Unbounded, Bound::Unbounded),
            Wanted::Range(start, end) => (start.clone(), end.clone()),
            Wanted::Prefix(prefix) => rows::prefix_bounds(prefix, order),
            Wanted::Key(key) => (Bound::Included(key.clone()), Bound::Included(key.clone())),
        }
    }
}

/// The main file, and the partitions that were opened.
#[derive(Clone, Debug)]
pub(super) struct Partitioned<'a> {
    pages: Arc<Pages<'a>>,
    meta: Meta,
    opened: Arc<Opened<'a>>,
}

#[derive(Debug)]
struct Opened<'a> {
    /// Those that are there, by their numbers, as far as they were asked for.
    there: Vec<There<'a>>,
    /// The keys with which partitions begin: the first one is empty.
    starts: OnceLock<Result<Vec<Vec<u8>>>>,
}

/// A partition that is there.
#[derive(Debug)]
struct There<'a> {
    number: u32,
    database: OnceLock<Result<Database<'a>>>,
    /// Whether its first and its last key lie in its range.
    in_range: OnceLock<Result<()>>,
}

/// What walks over partitions need of them.
pub(super) trait Parts: std::fmt::Debug + Send + Sync {
    /// Pairs of a partition.
    fn pairs(&self, number: u32, wanted: &Wanted) -> Result<Pairs<'_>>;
    /// Goes on with pairs of a partition that were parked.
    fn resume(&self, number: u32, parked: Parked) -> Result<Pairs<'_>>;
    /// The error with the name of the partition.
    fn named(&self, number: u32, error: Error) -> Error;
    /// The error for partitions that are missing.
    fn missing(&self, first: u32, last: u32) -> Error;
    fn key_order(&self) -> KeyOrder<'_>;
    /// The pages of the main file.
    fn main(&self) -> &Pages<'_>;
}

impl<'a> Partitioned<'a> {
    /// `None`, if the database is not partitioned.
    pub(super) fn of(pages: &Arc<Pages<'a>>, meta: &Meta) -> Option<Partitioned<'a>> {
        let count = pages.partitions().filter(|_| meta.partitions().is_some())?.count();
        let found = pages.partitions()?.found().iter().filter(|&&number| number < count);
        let there = |&number| There { number, database: OnceLock::new(), in_range: OnceLock::new() };
        let there = found.map(there).collect();
        let opened = Arc::new(Opened { there, starts: OnceLock::new() });
        Some(Partitioned { pages: pages.clone(), meta: meta.clone(), opened })
    }

    pub(super) fn pages(&self) -> &Arc<Pages<'a>> {
        &self.pages
    }

    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }

    fn files(&self) -> Result<&Partitions> {
        self.pages.partitions().ok_or(Error::NoFolder)
    }

    /// A partition: opened when it is first asked for.
    ///
    /// # Errors
    ///
    /// It is missing, or no partition of this database.
    pub(super) fn part(&self, number: u32) -> Result<&Database<'a>> {
        let open = || self.files()?.open(number, &self.pages).map(Database::new);
        self.there(number)?.database.get_or_init(open).as_ref().map_err(Error::clone)
    }

    fn there(&self, number: u32) -> Result<&There<'a>> {
        let at = self.opened.there.binary_search_by_key(&number, |there| there.number);
        at.ok().and_then(|at| self.opened.there.get(at)).ok_or_else(|| self.missing(number, number))
    }

    /// A partition in which keys are looked up: of all others it must hold none.
    ///
    /// # Errors
    ///
    /// As [`Partitioned::part`]; its first or its last key is not in its range.
    fn part_for_keys(&self, number: u32) -> Result<&Database<'a>> {
        let part = self.part(number)?;
        if self.meta.partitioned_by_keys() {
            let in_range = || {
                let outside = self.outside(number, part).map_err(|error| self.named(number, error))?;
                outside.map_or(Ok(()), |page| {
                    let error = Error::corrupt(page, at::ENTRIES, Defect::OutsidePartition);
                    Err(self.named(number, error))
                })
            };
            self.there(number)?.in_range.get_or_init(in_range).clone()?;
        }
        Ok(part)
    }

    /// The root of a partition of which the first or the last key is not in its range.
    fn outside(&self, number: u32, part: &Database<'a>) -> Result<Option<PageNo>> {
        let (starts, order) = (self.starts()?, self.key_order());
        let number = PageNo(number).index();
        let mut cursor = part.cursor()?;
        let below = match (cursor.first()?, starts.get(number).filter(|_| number > 0)) {
            (Some(first), Some(start)) => first.key_item().compare(start, order)?.is_lt(),
            _ => false,
        };
        let above = match (cursor.last()?, starts.get(number.saturating_add(1))) {
            (Some(last), Some(end)) => last.key_item().compare(end, order)?.is_ge(),
            _ => false,
        };
        Ok(part.meta().root().filter(|_| below || above))
    }

    /// Those that were opened so far.
    pub(super) fn opened(&self) -> impl Iterator<Item = &Database<'a>> {
        self.opened.there.iter().filter_map(|there| there.database.get()?.as_ref().ok())
    }

    /// All that are there, or why they cannot be opened.
    pub(super) fn all(&self) -> Vec<Result<&Database<'a>>> {
        self.places()
            .into_iter()
            .map(|place| match place {
                PartitionPlace::There(number) => self.part(number),
                PartitionPlace::Missing(first, last) => Err(self.missing(first, last)),
            })
            .collect()
    }

    fn places(&self) -> Vec<PartitionPlace> {
        self.pages.partitions().map(|files| files.places(0, u32::MAX)).unwrap_or_default()
    }

    /// The keys with which partitions begin, if they are divided by ranges; the first is empty.
    ///
    /// # Errors
    ///
    /// They cannot be read, or are not as many as partitions.
    pub(super) fn starts(&self) -> Result<&[Vec<u8>]> {
        let starts = self.opened.starts.get_or_init(|| self.read_starts());
        starts.as_ref().map(Vec::as_slice).map_err(Error::clone)
    }

    fn read_starts(&self) -> Result<Vec<Vec<u8>>> {
        let Some(root) = self.meta.root().filter(|_| self.meta.partitioned_by_keys()) else {
            return Ok(Vec::new());
        };
        let tree = Tree::new(self.pages.clone(), self.meta.clone(), root);
        let mut pairs = TreePairs::all(&tree, Visited::new(&self.pages), true);
        let mut starts: Vec<Vec<u8>> = Vec::new();
        let wrong = |field, found: usize, expected| {
            let found = u64::try_from(found).unwrap_or(u64::MAX);
            Error::field(PageNo::META, self.meta.at(Field::Nparts), field, found, expected)
        };
        while let Some(pair) = pairs.step(true) {
            let key = pair?.key_item().read()?.into_owned();
            let order = self.key_order();
            if starts.last().is_some_and(|last| !order.compare(last, &key).is_lt() && starts.len() > 1) {
                return Err(wrong(
                    "order of the keys with which partitions begin",
                    starts.len(),
                    "ascending keys",
                ));
            }
            starts.push(key);
        }
        let count = self.meta.partitions().unwrap_or(0);
        if u32::try_from(starts.len()) != Ok(count) {
            let expected = "as many as keys of partitions in the main file";
            return Err(Error::field(PageNo::META, self.meta.at(Field::Nparts), "nparts", count, expected));
        }
        if starts.first().is_some_and(|first| !first.is_empty()) {
            return Err(wrong(
                "length of the first key of partitions",
                starts.first().map_or(0, Vec::len),
                "0",
            ));
        }
        Ok(starts)
    }

    /// The partition whose range a key is in.
    fn number_of(&self, key: &[u8]) -> Result<u32> {
        let order = self.key_order();
        let inner = self.starts()?.get(1..).unwrap_or(&[]);
        let behind = inner.partition_point(|start| order.compare(start, key).is_le());
        Ok(u32::try_from(behind).unwrap_or(u32::MAX))
    }

    /// The value of a key: the first one, if it has duplicates.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Item<'_>>> {
        let find = |number| {
            let found = self.part_for_keys(number)?.get_item(key);
            found.map_err(|error| self.named(number, error))
        };
        if self.meta.partitioned_by_keys() {
            return find(self.number_of(key)?);
        }
        for place in self.places() {
            match place {
                PartitionPlace::There(number) => {
                    if let Some(item) = find(number)? {
                        return Ok(Some(item));
                    }
                }
                PartitionPlace::Missing(first, last) => return Err(self.missing(first, last)),
            }
        }
        Ok(None)
    }

    /// All pairs, partition by partition.
    pub(super) fn pairs(&self) -> PartPairs<'_> {
        // Each partition can be read, whatever the main file says of its range.
        let wrong = self.starts().err();
        PartPairs::new(self, self.places(), Wanted::All, wrong)
    }

    /// Some pairs, in key order.
    ///
    /// # Errors
    ///
    /// The partitions of them are not known; HASH has no ranges.
    pub(super) fn some(&self, wanted: Wanted) -> Result<SomePairs<'_>> {
        let one_key = matches!(wanted, Wanted::Key(_));
        if self.meta.method() != Method::Btree && !one_key {
            return Err(Error::WrongMethod { asked: "give keys of a range", method: self.meta.method() });
        }
        if !self.meta.partitioned_by_keys() {
            return Ok(match one_key {
                true => SomePairs::Parts(Box::new(PartPairs::new(self, self.places(), wanted, None))),
                false => SomePairs::Merged(Box::new(Merged::new(self, self.places(), wanted))),
            });
        }
        let number = |bound: &Bound<Vec<u8>>, open| match bound {
            Bound::Included(key) | Bound::Excluded(key) => self.number_of(key),
            Bound::Unbounded => Ok(open),
        };
        let (start, end) = wanted.bounds(self.key_order());
        let (first, last) = (number(&start, 0)?, number(&end, u32::MAX)?);
        let places = self.files()?.places(first, last);
        Ok(SomePairs::Parts(Box::new(PartPairs::new(self, places, wanted, None))))
    }

    /// Keys, in ascending order, that divide the pairs into at most so many parts.
    pub(super) fn cuts(&self, parts: u32) -> Vec<Vec<u8>> {
        let order = self.key_order();
        let mut keys: Vec<_> = self.starts().unwrap_or(&[]).iter().skip(1).cloned().collect();
        for part in self.all().into_iter().flatten() {
            keys.extend(part.cuts(parts));
        }
        keys.sort_by(|a, b| order.compare(a, b));
        keys.dedup();
        let parts = PageNo(parts).index().max(1).min(keys.len().saturating_add(1));
        let at = |part: usize| part.saturating_mul(keys.len().saturating_add(1)).checked_div(parts);
        let cuts = (1..parts).filter_map(|part| keys.get(at(part)?.checked_sub(1)?).cloned());
        cuts.collect()
    }
}

/// Some pairs of a database.
pub(super) enum SomePairs<'d> {
    /// Of partitions in key order.
    Parts(Box<PartPairs<'d>>),
    /// Of all partitions at once.
    Merged(Box<Merged<'d>>),
}

impl Parts for Partitioned<'_> {
    fn pairs(&self, number: u32, wanted: &Wanted) -> Result<Pairs<'_>> {
        let entries = match wanted {
            Wanted::All => self.part(number)?.iter(),
            Wanted::Range(start, end) => self.part_for_keys(number)?.between(start.clone(), end.clone()),
            Wanted::Prefix(prefix) => self.part_for_keys(number)?.prefix(prefix),
            Wanted::Key(key) => self.part_for_keys(number)?.duplicates(key),
        };
        Ok(entries.pairs())
    }

    fn resume(&self, number: u32, parked: Parked) -> Result<Pairs<'_>> {
        let resumed = self.part(number)?.resume(parked);
        resumed.map_err(|error| self.named(number, error))
    }

    fn named(&self, number: u32, error: Error) -> Error {
        match (self.pages.partitions(), error) {
            (_, named @ (Error::Partition { .. } | Error::MissingPartition { .. } | Error::Open { .. })) => {
                named
            }
            (Some(files), error) => files.named(number, error),
            (None, error) => error,
        }
    }

    fn missing(&self, first: u32, last: u32) -> Error {
        self.pages.partitions().map_or(Error::NoFolder, |files| files.missing(first, last))
    }

    fn key_order(&self) -> KeyOrder<'_> {
        self.pages.file().key_order()
    }

    fn main(&self) -> &Pages<'_> {
        &self.pages
    }
}
