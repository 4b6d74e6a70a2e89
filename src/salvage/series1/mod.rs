//! Files of the 1.x series (other-releases, "The 1.x series"): pages by themselves, in the order of
//! tree or buckets as far as these hold.

mod geometry;
mod hash;
mod tree;

use super::flat::{Flat, Found};
use super::geometry::{Forced, Geometry};
use super::note::{Note, Notes};
use super::owner::{Description, Dumped, Name, Owner};
use super::place::{Origin, Place, Provenance};
use super::record::{Bytes, Recovered};
use super::report::SalvageReport;
use crate::bits::Bits;
use crate::error::{Defect, Error};
use crate::format::series1::tree::{ROOT, meta_at};
use crate::meta::{self, FileKind, Flags};
use crate::method::Method;
use crate::types::PageNo;
use geometry::{Kind, Shape};

/// A file of the series as a salvage sees it.
#[derive(Debug)]
pub(in crate::salvage) struct Series1<'s> {
    file: Pages<'s>,
    kind: Kind,
    deleted: bool,
}

/// The pages of a file.
#[derive(Clone, Copy, Debug)]
struct Pages<'s> {
    bytes: &'s [u8],
    geometry: Geometry,
    /// One more than the highest page number.
    end: u32,
}

impl<'s> Pages<'s> {
    /// A page, which the end of the file may have cut.
    fn raw(&self, no: PageNo) -> Option<&'s [u8]> {
        let size = self.geometry.page_size().bytes();
        let place = no.0.checked_sub(self.geometry.first_page().0)?;
        let rest = self.bytes.get(PageNo(place).index().checked_mul(size)?..)?;
        Some(rest.get(..size).unwrap_or(rest)).filter(|page| !page.is_empty())
    }

    fn is_whole(&self, page: &[u8]) -> bool {
        page.len() == self.geometry.page_size().bytes()
    }

    fn none(&self) -> Bits {
        Bits::new(self.geometry.first_page(), self.end)
    }

    /// All pages but page 0.
    fn numbers(&self) -> std::ops::Range<u32> {
        self.geometry.first_page().0.max(1)..self.end
    }

    fn provenance(
        &self,
        no: PageNo,
        says: Option<u32>,
        place: Place,
        at: usize,
        origin: Origin,
    ) -> Provenance {
        let page = PageNo(no.0.saturating_sub(self.geometry.first_page().0));
        let start = u64::from(page.0).saturating_mul(self.geometry.page_size().get().into());
        let offset = start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        let says = says.map(PageNo).filter(|says| *says != no);
        Provenance { page, says, offset, place, origin }
    }
}

/// Finds out whether a file is one of the series, and how it is divided.
pub(in crate::salvage) fn find<'s>(
    bytes: &'s [u8],
    kind: &FileKind,
    forced: Forced,
    deleted: bool,
    report: &mut SalvageReport,
) -> Option<(Geometry, Flat<'s>, Owner)> {
    let meta = match kind {
        FileKind::Series1 { .. } => meta::parse(kind, bytes).map_err(|error| report.problem(error)).ok(),
        _ => None,
    };
    let Shape { geometry, kind } = geometry::find(bytes, kind, meta.as_ref(), forced)?;
    let there = bytes.len().div_ceil(geometry.page_size().bytes());
    let end = u32::try_from(there).unwrap_or(u32::MAX).saturating_add(geometry.first_page().0);
    let file = Pages { bytes, geometry, end };
    let method = match kind {
        Kind::Tree { recno: true, .. } => Method::Recno,
        Kind::Tree { .. } => Method::Btree,
        Kind::Table(_) => Method::Hash,
    };
    let described = |flags: Flags, fill_factor| Description {
        flags,
        record_length: 0,
        pad: 0,
        root: PageNo(ROOT),
        flags_at: meta_at::FLAGS,
        root_at: meta_at::FLAGS,
        dumped: Dumped { fill_factor, ..Dumped::default() },
        buckets: None,
    };
    let mut owner = Owner::without_page(Name::Only, method, None);
    owner.description = meta.map(|meta| described(meta.flags(), meta.series1_fill_factor().unwrap_or(0)));
    Some((geometry, Flat::Series1(Series1 { file, kind, deleted }), owner))
}

/// A walk over the records.
#[derive(Debug)]
pub(in crate::salvage) enum Walk<'s> {
    Tree(Box<tree::Walk<'s>>),
    Table(Box<hash::Walk<'s>>),
}

impl<'s> Walk<'s> {
    pub(in crate::salvage) fn new(series1: &'s Series1<'s>) -> Self {
        let (file, deleted) = (series1.file, series1.deleted);
        match &series1.kind {
            Kind::Tree { recno, free } => Walk::Tree(Box::new(tree::Walk::new(file, *recno, *free, deleted))),
            Kind::Table(table) => Walk::Table(Box::new(hash::Walk::new(file, table, deleted))),
        }
    }

    pub(in crate::salvage) fn next(&mut self, report: &mut SalvageReport) -> Option<Found<'s>> {
        match self {
            Walk::Tree(walk) => walk.next(report),
            Walk::Table(walk) => walk.next(report),
        }
    }
}

/// The pieces of a long item, as far as they were found.
struct Gathered<'s> {
    pieces: Vec<&'s [u8]>,
    /// How long it should be, if that is known and it is not.
    expected: Option<u32>,
}

impl<'s> Gathered<'s> {
    fn recovered(self) -> Recovered<'s> {
        let bytes = Bytes::many(self.pieces);
        match self.expected {
            None => Recovered::Whole(bytes),
            Some(_) if bytes.is_empty() => Recovered::Missing,
            Some(expected) => Recovered::Part { bytes, expected },
        }
    }
}

/// Pages of chains that were given, and how many may be given again.
#[derive(Debug)]
struct Chains {
    given: Bits,
    again: u32,
}

impl Chains {
    fn new(file: &Pages<'_>) -> Chains {
        Chains { given: file.none(), again: file.end }
    }

    /// Takes a page; whether it may be given.
    fn take(&mut self, no: PageNo, notes: &mut Notes) -> bool {
        if self.given.mark(no) {
            return true;
        }
        notes.add(Note::ChainShared);
        let left = self.again.checked_sub(1);
        self.again = left.unwrap_or(0);
        left.is_some()
    }
}

/// The error for a page that is not there.
fn beyond(file: &Pages<'_>, target: PageNo, page: PageNo, offset: usize, what: &'static str) -> Error {
    Error::corrupt(page, offset, Defect::BeyondEnd { what, target: target.0, pages: file.end })
}

fn small(offset: usize) -> u16 {
    u16::try_from(offset).unwrap_or(u16::MAX)
}
