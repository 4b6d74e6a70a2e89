//! A file as a salvage sees it.

use super::file::File;
use super::flat::Flat;
use super::geometry::Geometry;
use super::overflow::Chains;
use super::owner::Owner;
use super::report::SalvageReport;
use crate::bits::Bits;
use crate::error::Error;
use crate::types::PageNo;

/// A file as a salvage sees it: its pages and its databases.
#[derive(Debug)]
pub struct SalvagedFile<'s> {
    pub(super) file: File<'s>,
    pub(super) databases: Vec<Owner>,
    /// To whom records belong that nothing leads to.
    pub(super) orphans: Owner,
    pub(super) deleted: bool,
    /// Pages of the list of databases, and what was wrong there.
    pub(super) seen: Bits,
    pub(super) chains: Chains,
    pub(super) report: SalvageReport,
    /// Whether pairs without a value say where partitions begin, and are no records.
    pub(super) bounds: bool,
    /// The records of a QUEUE or a HEAP.
    pub(super) flat: Option<Flat<'s>>,
}

impl SalvagedFile<'_> {
    /// How the file is divided into pages.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        self.file.geometry
    }

    /// Number of pages, the last of which may be cut.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.file.place(PageNo(self.file.pages)).0
    }

    /// The databases, in the order in which their records are given. In a file with
    /// several, records of [`Name::Other`](super::Name::Other) may follow.
    #[must_use]
    pub fn databases(&self) -> &[Owner] {
        &self.databases
    }

    /// To whom records belong that nothing leads to.
    pub(crate) fn unclaimed(&self) -> &Owner {
        &self.orphans
    }

    /// Whether records that were deleted are given too.
    #[must_use]
    pub fn deleted(&self) -> bool {
        self.deleted
    }

    /// What is wrong with the list of databases; and whether the file is half-written.
    #[must_use]
    pub fn problems(&self) -> &[Error] {
        self.report.problems()
    }
}
