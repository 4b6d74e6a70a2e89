//! All rows of all databases of a file, each with where it stands and how far it can be trusted.
//!
//! The reader gives what is there, and what salvage finds besides is added where it is asked for:
//! what was deleted, and what nothing leads to.

mod part;
mod remains;

use std::borrow::Cow;
use std::path::Path;

pub use part::PagePart;

use crate::access::{Database, Pair, Part, ValuePlace};
use crate::dump::Damage;
use crate::error::{Error, Result};
use crate::method::Method;
use crate::pages::File;
use crate::salvage::{Confidence, Notes, Origin, Place};
use crate::types::PageNo;

/// A row: a key with a value, or a record, and where it stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row<'r> {
    /// The name of its database, if the file holds several: any bytes.
    pub database: Option<&'r [u8]>,
    /// The key. `None` in a RECNO, a QUEUE or a HEAP, and where it is lost.
    pub key: Option<Cow<'r, [u8]>>,
    /// The value; `None` where it is lost.
    pub value: Option<Cow<'r, [u8]>>,
    /// The record number, from 1, in a RECNO or a QUEUE, where it is known.
    pub record_number: Option<u32>,
    /// The partition that it stands in, if the database is divided into files.
    pub partition: Option<&'r Path>,
    /// The page of the value: of one in a chain, that of the item which leads to it.
    pub page: PageNo,
    /// Where on that page.
    pub place: Place,
    /// What led to it: [`Origin::Tree`] for all that the reader gives.
    pub origin: Origin,
    /// How far it can be trusted.
    pub confidence: Confidence,
    /// What was wrong on the way to it.
    pub notes: Notes,
}

/// How many rows were given, and what was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowCounts {
    /// Rows that are there.
    pub live: u64,
    /// Rows that salvage found besides.
    pub remains: u64,
    /// How often damage was met: if not 0, something may be missing.
    pub damaged: u64,
}

/// The rows of all databases of a file.
///
/// ```
/// use bdbkit::OpenOptions;
/// use bdbkit::rows::Rows;
///
/// let file = OpenOptions::new().file("testdata/btree-v9-le-subdbs-removed/data.db")?;
/// let counts = Rows::of(&file).each(|row| {
///     let row = row.map_err(|damage| damage.error)?;
///     println!("{:?}: page {}: {}", row.database, row.page, row.origin.name());
///     Ok::<_, bdbkit::Error>(())
/// })?;
/// assert!(counts.live > 0 && counts.damaged == 0);
/// # Ok::<(), bdbkit::Error>(())
/// ```
///
/// Rows come one after the other, in key order where there is one. Of a file that is read
/// [on demand](crate::OpenOptions::on_demand), pages are let go of meanwhile.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    file: File<'a>,
    database: Option<Vec<u8>>,
    deleted: bool,
    part: PagePart,
}

impl<'a> Rows<'a> {
    /// The rows of a file that is open.
    #[must_use]
    pub fn of(file: &impl AsRef<File<'a>>) -> Self {
        Rows { file: file.as_ref().clone(), database: None, deleted: false, part: PagePart::WHOLE }
    }

    /// Only those of one of several databases in the file.
    #[must_use]
    pub fn database(self, name: impl Into<Vec<u8>>) -> Self {
        Rows { database: Some(name.into()), ..self }
    }

    /// Whether to give what [salvage](crate::salvage) finds besides: marked items, what stands on free
    /// pages and in unused space, and rows that nothing leads to. Of a file that cannot be opened as a
    /// database it is then all that can be found. Off by default. It takes the file as a whole, or a map.
    #[must_use]
    pub fn deleted(self, deleted: bool) -> Self {
        Rows { deleted, ..self }
    }

    /// Only those whose value stands in a part of the pages. All pages are walked for each part, but long
    /// values are read only for rows of it. All parts together give each row, and each damage, once.
    #[must_use]
    pub fn part(self, part: PagePart) -> Self {
        Rows { part, ..self }
    }

    /// Gives each row to somebody; damage is given in its place, and the walk goes on behind it.
    ///
    /// # Errors
    ///
    /// What they say.
    pub fn each<E>(
        &self,
        mut look: impl FnMut(std::result::Result<Row<'_>, Damage<'_>>) -> std::result::Result<(), E>,
    ) -> std::result::Result<RowCounts, E> {
        let mut job = Job { rows: self, pages: 0, counts: RowCounts::default(), look: &mut look };
        match self.open() {
            Ok(database) => {
                job.pages = pages_of(&database);
                job.live(&database)?;
                job.remains(false)?;
            }
            Err(error) => {
                job.damaged(None, error)?;
                job.remains(true)?;
            }
        }
        Ok(job.counts)
    }

    fn open(&self) -> Result<Database<'a>> {
        let database = self.file.database()?;
        match &self.database {
            Some(name) => database.subdatabase(name),
            None => Ok(database),
        }
    }
}

/// The highest number of pages of the files of a database.
fn pages_of(database: &Database<'_>) -> u32 {
    let parts = database.partitions().into_iter().flatten().map(|part| part.page_count());
    let extents = database.pages().extents().map(|extents| extents.end());
    parts.chain(extents).fold(database.page_count(), u32::max)
}

/// A walk in progress.
struct Job<'j, 'a, E> {
    rows: &'j Rows<'a>,
    /// How many pages are divided.
    pages: u32,
    counts: RowCounts,
    #[allow(clippy::type_complexity)] // it is what `each` is given
    look: &'j mut dyn FnMut(std::result::Result<Row<'_>, Damage<'_>>) -> std::result::Result<(), E>,
}

impl<E> Job<'_, '_, E> {
    /// Tells damage, if it belongs to the part.
    fn damaged(&mut self, database: Option<&[u8]>, error: Error) -> std::result::Result<(), E> {
        if !self.rows.part.has(error.page().unwrap_or(PageNo::META), self.pages) {
            return Ok(());
        }
        self.tell(database, error)
    }

    fn tell(&mut self, database: Option<&[u8]>, error: Error) -> std::result::Result<(), E> {
        self.counts.damaged = self.counts.damaged.saturating_add(1);
        (self.look)(Err(Damage { database, error }))
    }

    /// The rows that the reader gives.
    fn live(&mut self, file: &Database<'_>) -> std::result::Result<(), E> {
        file.walk_databases(|part| match part {
            Part::Database(database, pairs) => {
                let method = database.meta().method();
                pairs.each_placed(|pair| match pair {
                    Ok((pair, place)) if self.rows.part.has(place.page, self.pages) => {
                        self.pair(database, method, &pair, place)
                    }
                    Ok(_) => Ok(()),
                    Err(error) => self.damaged(database.name(), error),
                })
            }
            Part::Damage(error) => self.damaged(None, error),
        })
    }

    fn pair(
        &mut self,
        database: &Database<'_>,
        method: Method,
        pair: &Pair<'_>,
        place: ValuePlace,
    ) -> std::result::Result<(), E> {
        let partition = place.partition.and_then(|number| database.partition(number).ok());
        let keyed = matches!(method, Method::Btree | Method::Hash);
        let (key, value) = (pair.key_item(), pair.value_item());
        let key = keyed.then(|| key.read()).transpose();
        let (key, value) = match (key, value.read()) {
            (Ok(key), Ok(value)) => (key, value),
            // Wherever that is: who does not give the row does not read it.
            (Err(error), _) | (_, Err(error)) => return self.tell(database.name(), error),
        };
        self.counts.live = self.counts.live.saturating_add(1);
        (self.look)(Ok(Row {
            database: database.name(),
            key,
            value: Some(value),
            record_number: pair.record_number(),
            partition: partition.as_ref().and_then(|partition| partition.file().path()),
            page: place.page,
            place: Place::Slot(place.slot),
            origin: Origin::Tree,
            confidence: Confidence::High,
            notes: Notes::default(),
        }))
    }
}
