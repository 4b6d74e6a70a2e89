//! Page N of a file, as far as there is one.

use std::ops::Range;

use byteorder::ByteOrder;

use super::external::Externals;
use super::geometry::Geometry;
use super::note::{Note, Notes};
use super::place::Spot;
use super::report::SalvageReport;
use crate::bits::Bits;
use crate::error::{Defect, Error};
use crate::format::page::{Page, PageKind, at};
use crate::types::PageNo;

/// The bytes of a file, divided into pages. The last one may be cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'s> {
    bytes: &'s [u8],
    pub(super) geometry: Geometry,
    /// One more than the highest page number.
    pub(super) pages: u32,
    pub(super) externals: Externals<'s>,
}

impl<'s> File<'s> {
    pub(super) fn new(bytes: &'s [u8], geometry: Geometry, externals: Externals<'s>) -> Self {
        let there = bytes.len().div_ceil(geometry.page_size().bytes());
        let pages = u32::try_from(there).unwrap_or(u32::MAX).saturating_add(geometry.first_page().0);
        File { bytes, geometry, pages, externals }
    }

    /// A set of its pages, with none in it yet.
    pub(super) fn no_pages(&self) -> Bits {
        Bits::new(self.geometry.first_page(), self.pages)
    }

    /// The numbers of all pages but page 0.
    pub(super) fn numbers(&self) -> Range<u32> {
        self.geometry.first_page().0.max(1)..self.pages
    }

    pub(super) fn overhead(&self) -> usize {
        self.geometry.overhead()
    }

    /// Where a page stands in the file, by its number.
    pub(super) fn place(&self, no: PageNo) -> PageNo {
        PageNo(no.0.saturating_sub(self.geometry.first_page().0))
    }

    /// The offset in a page of a byte of the file.
    pub(super) fn offset_in(&self, no: PageNo, offset: u64) -> usize {
        let size = u64::from(self.geometry.page_size().get());
        let start = u64::from(self.place(no).0).saturating_mul(size);
        usize::try_from(offset.saturating_sub(start)).unwrap_or(0)
    }

    /// A page as a place in the file.
    pub(super) fn spot<O: ByteOrder>(&self, no: PageNo) -> Spot {
        let page = self.place(no);
        let says = self.page::<O>(no).map(|header| PageNo(header.pgno())).filter(|says| *says != page);
        let size = u64::from(self.geometry.page_size().get());
        Spot { page, says, start: u64::from(page.0).saturating_mul(size) }
    }

    /// The bytes of a page: fewer than the page size if the file ends within it.
    pub(super) fn raw(&self, no: PageNo) -> Option<&'s [u8]> {
        let size = self.geometry.page_size().bytes();
        let place = no.index().checked_sub(self.geometry.first_page().index())?;
        let rest = self.bytes.get(place.checked_mul(size)?..)?;
        Some(rest.get(..size).unwrap_or(rest))
    }

    /// A page whose header is there.
    #[inline]
    pub(super) fn page<O: ByteOrder>(&self, no: PageNo) -> Option<Page<'s, O>> {
        Page::new(self.raw(no)?)
    }

    pub(super) fn kind<O: ByteOrder>(&self, no: PageNo) -> Option<PageKind> {
        PageKind::from_byte(self.page::<O>(no)?.type_byte())
    }

    /// What is wrong with a page as a whole, in the report and as notes on its records.
    pub(super) fn inspect<O: ByteOrder>(
        &self,
        page: &Page<'s, O>,
        no: PageNo,
        level: u8,
        report: &mut SalvageReport,
    ) -> Notes {
        let mut notes = Notes::default();
        let mut found = |note, error| {
            notes.add(note);
            report.problem(error);
        };
        if page.bytes().len() < self.geometry.page_size().bytes() {
            let len = u64::try_from(page.bytes().len()).unwrap_or(u64::MAX);
            found(Note::Cut, Error::field(no, 0, "length", len, "a whole page"));
        }
        if page.pgno() != no.0 {
            let defect = Defect::PageNumber { found: page.pgno() };
            found(Note::PageNumber, Error::corrupt(no, at::PGNO, defect));
        }
        if page.level() != level {
            let defect = Defect::Level { found: page.level(), expected: level };
            found(Note::Header, Error::corrupt(no, at::LEVEL, defect));
        }
        match self.geometry.codec().check(page.bytes(), no) {
            // Named when all pages were opened.
            Err(Error::Authentication { .. }) => notes.add(Note::Checksum),
            Err(error) => found(Note::Checksum, error),
            Ok(()) => {}
        }
        notes
    }
}
