//! Best-effort reading of damaged files: every record that can be found, with where it
//! was found and how far it can be trusted.
//!
//! Salvage uses nothing of the strict reader but the layouts of pages and items, and
//! believes no page about another:
//!
//! - `geometry`: page size and byte order, by votes of the pages
//! - `catalog`: the databases, as far as metadata pages can be read
//! - `walk`: leaves in tree order, as far as the tree holds
//! - `page`, `leaf`, `careful`, `bucket`: the records of a page
//! - `overflow`: the bytes of long items
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
mod file;
mod flat;
mod geometry;
mod heap;
mod item;
mod leaf;
mod note;
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
use std::path::Path;
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
use crate::meta::{self, DatabaseKind, FileKind};
use crate::method::Feature;
use crate::order::{Endianness, with_order};
use crate::pages::{self, Extent, Extents, OpenOptions};
use crate::types::{PageNo, PageSize};
use file::File;
use flat::Flat;
use geometry::Forced;
use work::Work;

/// Whether a salvage may find the records of a file that is refused with this error everywhere
/// else: compressed, an extent of a QUEUE, or of a version that is newer than all that are supported.
#[must_use]
pub fn may_read(error: &Error) -> bool {
    match error {
        Error::UnsupportedVersion { method, version, .. } => *version > method.newest_version(),
        Error::UnsupportedFeature { feature, .. } => *feature == Feature::Compressed,
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
    extents: OnceLock<(Vec<Extent>, Vec<Error>)>,
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
    /// What the file is instead, if no page speaks for a database;
    /// [`Error::UnsupportedFeature`] if it is encrypted.
    pub fn survey(&self) -> Result<SalvagedFile<'_>> {
        let bytes = self.file.bytes()?;
        if let FileKind::Series1 { .. } = self.file.kind() {
            if let Some(survey) = self.series1()? {
                return Ok(survey);
            }
        }
        let geometry = geometry::find(bytes, self.forced);
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
        let file = File::new(bytes, geometry);
        let mut work = Work::new(file);
        let (databases, orphans) =
            with_order!(geometry.endianness(), O => catalog::databases::<O>(&mut work));
        let Work { seen, chains, mut report, .. } = work;
        if geometry.endianness().u32_at(bytes, at::VERSION) == Some(HALF_WRITTEN) {
            report.problem(Error::Interrupted);
        }
        Ok(SalvagedFile { file, databases, orphans, deleted: self.deleted, seen, chains, report, flat: None })
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
        let bytes = self.file.bytes()?;
        let (extents, errors) = self
            .extents
            .get_or_init(|| Extents::beside(self.file.path(), self.file.maps(), self.file.limits()));
        let mut report = SalvageReport::new(PageNo::META);
        let Some((geometry, flat, owner)) = flat::find(bytes, extents, self.forced, &mut report) else {
            return Ok(None);
        };
        if let Some(DatabaseKind { encrypted: true, method, version, order, .. }) =
            self.file.kind().database()
        {
            let (method, version, order, feature) = (*method, *version, *order, Feature::Encrypted);
            return Err(Error::UnsupportedFeature { method, version, order, feature });
        }
        errors.iter().cloned().for_each(|error| report.problem(error));
        if let Err(error) = meta::parse(self.file.kind(), bytes) {
            report.problem(error);
        }
        Ok(Some(self.of_flat(bytes, geometry, flat, owner, report)))
    }

    fn of_flat<'s>(
        &self,
        bytes: &'s [u8],
        geometry: Geometry,
        flat: Flat<'s>,
        owner: Owner,
        report: SalvageReport,
    ) -> SalvagedFile<'s> {
        let file = File::new(bytes, geometry);
        let Work { seen, chains, .. } = Work::new(file);
        let (databases, deleted, flat) = (vec![owner.clone()], self.deleted, Some(flat));
        SalvagedFile { file, databases, orphans: owner, deleted, seen, chains, report, flat }
    }
}
