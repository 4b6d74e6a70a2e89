//! Entries that own what they hold, from an iterator that owns its database.

use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::ops::Bound;

use super::database::Database;
use super::entries::{Pairs, Parked};
use super::pair::Entry;
use super::ranges::KeyRange;
use crate::error::Result;

/// The pairs of a database, or those in a range, in key order: an iterator that owns its
/// database, and can go to another thread with it.
///
/// It gives the same as [`Entries`](super::Entries), errors in place too. Of a database that
/// [reads pages on demand](crate::OpenOptions::on_demand) it keeps no more than half of
/// [`Limits::max_kept`](crate::Limits::max_kept) before it lets go of all of them. Only where
/// that much lies between two pairs, as pages of deleted ones do, there is
/// [`Error::KeptPages`](crate::Error::KeptPages).
#[derive(Debug)]
pub struct IntoEntries<'a> {
    database: Database<'a>,
    /// Where to go on; `None` at the end.
    place: Option<Parked>,
    ready: VecDeque<Result<Entry<'static>>>,
    share: f64,
}

/// So many entries, and about so many bytes, are read at once.
const ENTRIES: usize = 512;
const BYTES: usize = 1 << 18;

impl<'a> Database<'a> {
    /// As [`Database::range`], from an iterator that owns the database.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/btree-v6-be-levels/data.db")?;
    /// let entries = db.clone().into_range("22"..);
    /// let counted = std::thread::spawn(move || entries.count()).join().expect("no panic");
    /// assert_eq!(counted, db.range("22"..).count());
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn into_range(self, keys: impl KeyRange) -> IntoEntries<'a> {
        let (start, end) = keys.bounds();
        self.into_between(start, end)
    }

    pub(super) fn into_between(self, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> IntoEntries<'a> {
        let place = self.between(start, end).pairs().park();
        IntoEntries::new(self, place)
    }
}

impl<'a> IntoIterator for Database<'a> {
    type Item = Result<Entry<'static>>;
    type IntoIter = IntoEntries<'a>;

    /// All pairs, as [`Database::iter`] gives them.
    fn into_iter(self) -> IntoEntries<'a> {
        let place = self.iter().pairs().park();
        IntoEntries::new(self, place)
    }
}

impl<'a> IntoEntries<'a> {
    fn new(database: Database<'a>, place: Parked) -> Self {
        IntoEntries { database, place: Some(place), ready: VecDeque::new(), share: 0.0 }
    }

    /// How much of the database was read: as [`Entries::share`](super::Entries::share), of some
    /// entries at once.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Reads on, as far as entries are read at once.
    fn read_on(&mut self) {
        let Some(place) = self.place.take() else { return };
        let most = self.database.pages().limits().max_kept >> 1;
        if self.database.kept() > most {
            self.database.release();
        }
        let mut pairs: Pairs<'_> = match self.database.resume(place) {
            Ok(pairs) => pairs,
            Err(error) => return self.ready.push_back(Err(error)),
        };
        let mut bytes = 0usize;
        loop {
            let Some(pair) = pairs.next() else {
                self.share = 1.0;
                return;
            };
            let entry = pair.and_then(|pair| pair.read()).map(Entry::into_owned);
            if let Ok(entry) = &entry {
                bytes = bytes.saturating_add(entry.key().len()).saturating_add(entry.value().len());
            }
            self.ready.push_back(entry);
            let enough = self.ready.len() >= ENTRIES || bytes >= BYTES || self.database.kept() > most;
            if enough {
                break;
            }
        }
        self.share = pairs.share();
        self.place = Some(pairs.park());
    }
}

impl Iterator for IntoEntries<'_> {
    type Item = Result<Entry<'static>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            self.read_on();
        }
        self.ready.pop_front()
    }
}

impl FusedIterator for IntoEntries<'_> {}
