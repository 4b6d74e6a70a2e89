//! Best-effort reading of damaged files: every record that can be found, with where it
//! was found and how far it can be trusted.
//!
//! Salvage uses nothing of the strict reader but the layouts of pages and items, and
//! believes no page about another:
//!
//! - `geometry`: page size and byte order, by votes of the pages
//! - `opened`: the pages of an encrypted file
//! - `catalog`: the databases, as far as metadata pages can be read
//! - `walk`: leaves in tree order, as far as the tree holds
//! - `page`, `leaf`, `careful`, `bucket`: the records of a page
//! - `overflow`, `external`: the bytes of long items
//! - `flat`, `queue`, `heap`: databases without trees and buckets
//! - `series1`: files of the 1.x series
//! - `compressed`: the records in an entry of a compressed database
//! - `remains`: what was deleted, on free pages and in unused space
//! - `records`: all of it, each page once

mod bucket;
mod careful;
mod catalog;
mod claims;
mod compressed;
mod external;
mod file;
mod flat;
mod geometry;
mod heap;
mod item;
mod leaf;
mod note;
mod opened;
mod overflow;
mod owner;
mod page;
mod place;
mod queue;
mod record;
mod records;
mod remains;
mod report;
mod series1;
mod survey;
mod tiles;
mod walk;
mod work;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use geometry::Geometry;
pub use note::{Confidence, Note, Notes};
pub use owner::{Name, Owner};
pub use place::{Origin, Place, Provenance};
pub use record::{Bytes, Key, Recovered, Salvaged};
pub use records::SalvagedRecords;
pub use report::SalvageReport;
pub use survey::SalvagedFile;

use crate::error::{Error, Result};
use crate::format::meta::{HALF_WRITTEN, at};
use crate::meta::{self, FileKind};
use crate::order::{Endianness, with_order};
use crate::pages::{self, Extent, Extents, OpenOptions, PartitionPlace, Partitions};
use crate::types::{PageNo, PageSize};
use external::Externals;
use file::File;
use flat::Flat;
use geometry::Forced;
use opened::Opened;
use work::Work;

/// Whether a salvage may find the records of a file that is refused with this error everywhere
/// else: an extent of a QUEUE, or one of a version that is newer than all that are supported.
#[must_use]
pub fn may_read(error: &Error) -> bool {
    match error {
        Error::UnsupportedVersion { method, version, .. } => *version > method.newest_version(),
        Error::Extent => true,
        _ => false,
    }
}

/// A salvage of a file: what to look for, and what is known of it.
///
/// ```
/// // A file whose first page is lost.
/// let mut bytes = std::fs::read("testdata/btree-v6-be-levels/data.db")?;
/// bytes[..512].fill(0);
///
/// let salvage = bdbkit::salvage::Salvage::from_bytes(bytes);
/// let survey = salvage.survey()?;
/// assert_eq!(survey.geometry().page_size().get(), 512);
/// for record in survey.records() {
///     let found = record.provenance;
///     println!("page {}, {}: {:?}", found.page, found.origin.name(), record.confidence());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Salvage<'a> {
    file: pages::File<'a>,
    forced: Forced,
    deleted: bool,
    /// Files beside it that hold records of a QUEUE, and what was wrong with others.
    extents: OnceLock<(Vec<Extent<'static>>, Vec<Error>)>,
    /// A copy that is decrypted, if the file is encrypted and its password known.
    opened: OnceLock<Option<Opened>>,
}

impl<'f> OpenOptions<'f> {
    /// Opens a file to find what can be found in it, mapped or read as these options say.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] from the operating system.
    pub fn salvage(self, path: impl AsRef<Path>) -> Result<Salvage<'f>> {
        self.file(path).map(|file| Salvage::new(&file))
    }
}

impl Salvage<'static> {
    /// Opens a file and reads it into memory: what is to be salvaged may be on a bad disk or a
    /// network mount, or held open by others. [`OpenOptions::salvage`] maps it.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] from the operating system.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().map(false).salvage(path)
    }
}

impl<'a> Salvage<'a> {
    /// A file in memory, borrowed or owned.
    pub fn from_bytes(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Salvage::new(&pages::File::from_bytes(bytes))
    }

    /// A file that is open.
    #[must_use]
    pub fn new(file: &impl AsRef<pages::File<'a>>) -> Self {
        Salvage {
            file: file.as_ref().clone(),
            forced: Forced::default(),
            deleted: false,
            extents: OnceLock::new(),
            opened: OnceLock::new(),
        }
    }

    /// The page size, where it is known better than the file tells it.
    #[must_use]
    pub fn page_size(mut self, size: PageSize) -> Self {
        self.forced.page_size = Some(size);
        self
    }

    /// The byte order, where it is known better than the file tells it.
    #[must_use]
    pub fn byte_order(mut self, order: Endianness) -> Self {
        self.forced.endianness = Some(order);
        self
    }

    /// Whether to give what was deleted too: items that are marked, free pages, and
    /// remains in the unused space of pages. Off by default.
    ///
    /// Of remains it is not known what is a key and what a value, nor where they
    /// start: what looks like a pair is given as one, with low confidence.
    #[must_use]
    pub fn deleted(mut self, deleted: bool) -> Self {
        self.deleted = deleted;
        self
    }

    /// Finds out how the file is divided into pages, and which databases it holds.
    ///
    /// Reads page 0, the list of databases if there is one, and some other pages; the
    /// header of every page if page 0 does not tell what the file is.
    ///
    /// # Errors
    ///
    /// What the file is instead, if no page speaks for a database; [`Error::Encrypted`] and
    /// [`Error::Password`], if its pages cannot be decrypted.
    pub fn survey(&self) -> Result<SalvagedFile<'_>> {
        if let FileKind::Series1 { .. } = self.file.kind() {
            if let Some(survey) = self.series1()? {
                return Ok(survey);
            }
        }
        let (bytes, _, forced) = self.content()?;
        let geometry = match geometry::find(bytes, forced) {
            Err(Error::Encrypted { .. }) => Err(self.locked()),
            found => found,
        };
        if let Err(error @ (Error::Encrypted { .. } | Error::Password)) = geometry {
            return Err(error);
        }
        if geometry.as_ref().map_or(true, Geometry::assumed) {
            if let Some(survey) = self.flat()? {
                return Ok(survey);
            }
        }
        if geometry.is_err() {
            if let Some(survey) = self.series1()? {
                return Ok(survey);
            }
        }
        let geometry = geometry?;
        let file = File::new(bytes, geometry, Externals::of(&self.file));
        let mut work = Work::new(file);
        self.wrong(geometry).for_each(|error| work.report.problem(error));
        let (databases, orphans) =
            with_order!(geometry.endianness(), O => catalog::databases::<O>(&mut work));
        let Work { seen, chains, mut report, .. } = work;
        if geometry.endianness().u32_at(bytes, at::VERSION) == Some(HALF_WRITTEN) {
            report.problem(Error::Interrupted);
        }
        let bounds = geometry.told() && self.is_partitioned();
        let deleted = self.deleted;
        Ok(SalvagedFile { file, databases, orphans, deleted, seen, chains, report, bounds, flat: None })
    }

    /// Whether page 0 says that the pairs are in other files.
    fn is_partitioned(&self) -> bool {
        self.file.kind().database().is_some_and(|kind| kind.partitions.is_some_and(|count| count > 1))
    }

    /// The files beside this one that hold the pairs of a partitioned database, each to be salvaged
    /// on its own, or why one cannot be; none, if page 0 tells that the database is not
    /// partitioned. Their records belong to the database of this file.
    ///
    /// ```
    /// let salvage = bdbkit::salvage::Salvage::open("testdata/partitioned/btree-v9-le-partitioned-keys/data.db")?;
    /// let mut records = 0;
    /// for (path, part) in salvage.partitions() {
    ///     records += part?.survey()?.records().count();
    /// }
    /// assert_eq!(records, bdbkit::Database::open("testdata/partitioned/btree-v9-le-partitioned-keys/data.db")?.iter().count());
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn partitions(&self) -> Vec<(PathBuf, Result<Salvage<'a>>)> {
        let Some(main) = self.file.path() else { return Vec::new() };
        let kind = self.file.kind().database();
        if kind.is_some_and(|kind| kind.partition_count() < 2) {
            return Vec::new();
        }
        let files = match Partitions::beside(main, kind.map(|kind| kind.partition_count())) {
            Ok(Some(files)) => files,
            Ok(None) => return Vec::new(),
            Err(error) => return vec![(main.to_owned(), Err(error))],
        };
        let open = |number| {
            let part = files.file(number, &self.file);
            part.map(|file| Salvage {
                file,
                forced: self.forced,
                deleted: self.deleted,
                extents: OnceLock::new(),
                opened: OnceLock::new(),
            })
        };
        let place = |place| match place {
            PartitionPlace::There(number) => (files.path(number), open(number)),
            PartitionPlace::Missing(first, last) => (files.path(first), Err(files.missing(first, last))),
        };
        files.places(0, u32::MAX).into_iter().map(place).collect()
    }

    /// The bytes of the file and the files beside it, decrypted if they have to be, and what is known
    /// of them.
    fn content(&self) -> Result<(&[u8], &[Extent<'static>], Forced)> {
        let bytes = self.file.bytes()?;
        let (extents, _) = self.beside();
        let opened = self.opened.get_or_init(|| {
            let kind = self.file.kind().database();
            let order = kind.map_or(Endianness::Little, |kind| kind.order);
            Opened::of(bytes, extents, kind, self.file.password().ciphers(order)?, self.forced)
        });
        Ok(match opened {
            Some(opened) => (&opened.bytes, &opened.extents, opened.forced(self.forced)),
            None => (bytes, extents, self.forced),
        })
    }

    /// The pages of the file whose code is wrong.
    fn wrong(&self, geometry: Geometry) -> impl Iterator<Item = Error> {
        let opened = self.opened.get().and_then(Option::as_ref).into_iter();
        opened.flat_map(move |opened| opened.wrong(geometry))
    }

    /// The files beside it that hold records of a QUEUE, and what was wrong with others.
    fn beside(&self) -> &(Vec<Extent<'static>>, Vec<Error>) {
        self.extents.get_or_init(|| Extents::beside(self.file.path(), self.file.maps(), self.file.limits()))
    }

    /// Why pages that are encrypted cannot be decrypted.
    fn locked(&self) -> Error {
        let error = self.file.kind().database().map(|kind| self.file.password().error(kind));
        error.unwrap_or(Error::Password)
    }

    /// The file as one of the 1.x series, if it is such.
    fn series1(&self) -> Result<Option<SalvagedFile<'_>>> {
        let (bytes, deleted) = (self.file.bytes()?, self.deleted);
        let mut report = SalvageReport::new(PageNo::META);
        let found = series1::find(bytes, self.file.kind(), self.forced, deleted, &mut report);
        Ok(found.map(|(geometry, flat, owner)| self.of_flat(bytes, geometry, flat, owner, report)))
    }

    /// The file as a QUEUE or a HEAP, if it is one.
    fn flat(&self) -> Result<Option<SalvagedFile<'_>>> {
        let (bytes, extents, forced) = self.content()?;
        let (_, errors) = self.beside();
        let mut report = SalvageReport::new(PageNo::META);
        let Some((geometry, flat, owner)) = flat::find(bytes, extents, forced, &mut report) else {
            return Ok(None);
        };
        if !forced.opened && self.file.kind().database().is_some_and(|kind| kind.encrypted) {
            return Err(self.locked());
        }
        errors.iter().cloned().for_each(|error| report.problem(error));
        if let Err(error) = meta::parse(self.file.kind(), bytes) {
            report.problem(error);
        }
        // Those of a QUEUE are named as they are read, with their numbers.
        let named = |error: &Error| error.page() == Some(PageNo::META) || matches!(flat, Flat::Heap(_));
        self.wrong(geometry).filter(named).for_each(|error| report.problem(error));
        Ok(Some(self.of_flat(bytes, geometry, flat, owner, report)))
    }

    fn of_flat<'s>(
        &'s self,
        bytes: &'s [u8],
        geometry: Geometry,
        flat: Flat<'s>,
        owner: Owner,
        report: SalvageReport,
    ) -> SalvagedFile<'s> {
        let file = File::new(bytes, geometry, Externals::of(&self.file));
        let Work { seen, chains, .. } = Work::new(file);
        let (databases, deleted) = (vec![owner.clone()], self.deleted);
        SalvagedFile {
            file,
            databases,
            orphans: owner,
            deleted,
            seen,
            chains,
            report,
            bounds: false,
            flat: Some(flat),
        }
    }
}
