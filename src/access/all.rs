//! All pairs of a database, for who looks at one after the other.

use super::database::Database;
use super::entries::Parked;
use super::pair::Pair;
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
        let bounded = self.database.pages().on_demand();
        let most = self.database.pages().limits().max_kept >> 1;
        while let Some(place) = self.place.take() {
            if bounded && self.database.kept() > most {
                self.database.release();
            }
            let mut pairs = match self.database.resume(place) {
                Ok(pairs) => pairs,
                Err(error) => return look(Err(error)),
            };
            self.place = loop {
                let Some(pair) = pairs.next() else {
                    self.deleted = pairs.deleted();
                    self.visited = pairs.into_visited();
                    break None;
                };
                look(pair)?;
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
