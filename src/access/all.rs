//! All pairs of a database, for who looks at one after the other.

use super::database::Database;
use super::entries::{Pairs, Parked};
use super::pair::{Pair, ValuePlace};
use super::visited::Visited;
use crate::error::Result;

/// All pairs of a database. Of its pages, if they had to be read or decrypted, no more than half of
/// [`Limits::max_kept`](crate::Limits::max_kept) are kept before all are let go of.
#[derive(Debug)]
pub(crate) struct AllPairs<'a> {
    database: Database<'a>,
    /// Where to go on; `None` at the end.
    place: Option<Parked>,
    deleted: u64,
    visited: Option<Visited>,
    failed: bool,
}

impl<'a> AllPairs<'a> {
    /// Those on pages that are not in `seen`.
    pub(super) fn new(database: &Database<'a>, seen: Visited) -> Self {
        let mut database = database.clone();
        database.release();
        let place = Some(database.all_pairs(seen).park());
        AllPairs { database, place, deleted: 0, visited: None, failed: false }
    }

    /// Gives each to somebody.
    ///
    /// # Errors
    ///
    /// What they say; damage is given to them.
    pub(crate) fn each<E>(
        &mut self,
        mut look: impl FnMut(Result<Pair<'_>>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.walk(|pair, _| look(pair))
    }

    /// As [`AllPairs::each`], with where each stands.
    ///
    /// # Errors
    ///
    /// As those.
    pub(crate) fn each_placed<E>(
        &mut self,
        mut look: impl FnMut(Result<(Pair<'_>, ValuePlace)>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.walk(|pair, pairs| {
            look(pair.map(|pair| {
                let place = pairs.map(|pairs| pairs.value_place(&pair));
                (pair, place.unwrap_or_default())
            }))
        })
    }

    /// Gives each, with the walk that came by it.
    fn walk<E>(
        &mut self,
        mut look: impl FnMut(Result<Pair<'_>>, Option<&Pairs<'_>>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let bounded = self.database.pages().on_demand();
        let most = self.database.pages().limits().max_kept >> 1;
        while let Some(place) = self.place.take() {
            if bounded && self.database.kept() > most {
                self.database.release();
            }
            let mut pairs = match self.database.resume(place) {
                Ok(pairs) => pairs,
                Err(error) => return look(Err(error), None),
            };
            self.place = loop {
                let Some(pair) = pairs.next() else {
                    self.deleted = pairs.deleted();
                    self.visited = pairs.into_visited();
                    break None;
                };
                look(pair, Some(&pairs))?;
                if bounded && self.database.kept() > most {
                    break Some(pairs.park());
                }
            };
            self.failed |= self.database.pages().failed().is_some();
        }
        Ok(())
    }

    /// Pairs that were skipped because they are marked as deleted.
    pub(crate) fn deleted(&self) -> u64 {
        self.deleted
    }

    /// The pages that were come by, if none of them could not be read: that may have led to more.
    pub(super) fn into_visited(self) -> Option<Visited> {
        self.visited.filter(|_| !self.failed)
    }
}
