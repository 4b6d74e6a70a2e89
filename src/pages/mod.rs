//! Page N of a file, or an error; and what is the same of all pages with items: where items
//! stand, overflow chains, whether items fill their page.

mod chain;
mod content;
mod reversed;
mod source;
mod tiling;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use byteorder::ByteOrder;

use crate::error::{Defect, Error, Result, file_bytes};
use crate::format::checksum;
use crate::format::page::{HEADER, HEADER_CHECKSUMMED, Page, at};
use crate::limits::Limits;
use crate::meta::{self, Meta};
use crate::order::Endianness;
use crate::types::{PageNo, PageSize};

pub(crate) use chain::Chain;
#[cfg(feature = "upgrade")]
pub(crate) use chain::length as chain_length;
pub use chain::{ItemReader, Pieces};
pub(crate) use content::{Content, Duplicates, Stored, size_of_item};
pub(crate) use reversed::Reversible;
pub(crate) use source::Source;
#[cfg(all(unix, feature = "mmap", feature = "upgrade"))]
pub(crate) use source::map_overlay;
pub(crate) use tiling::Tiling;

/// A file as pages, with what all its databases share.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    source: Source<'a>,
    meta: Meta,
    count: u32,
    overhead: usize,
    limits: Limits,
    /// Lengths of overflow chains, as far as [`Pages::chain_length`] was asked.
    chain_lengths: Mutex<BTreeMap<PageNo, Option<u64>>>,
}

impl<'a> Pages<'a> {
    /// Reads the metadata page; touches no other.
    pub(crate) fn new(source: Source<'a>, limits: Limits) -> Result<Self> {
        let meta = meta::parse(source.bytes())?;
        let whole = source.bytes().len().checked_div(meta.page_size().bytes()).unwrap_or(0);
        let count = u32::try_from(whole).unwrap_or(u32::MAX);
        let overhead = if meta.checksummed() { HEADER_CHECKSUMMED } else { HEADER };
        let chain_lengths = Mutex::default();
        Ok(Pages { source, meta, count, overhead, limits, chain_lengths })
    }

    /// The metadata of page 0.
    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    pub(crate) fn order(&self) -> Endianness {
        self.meta.endianness()
    }

    pub(crate) fn size(&self) -> PageSize {
        self.meta.page_size()
    }

    /// Number of whole pages in the file.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Bytes behind the last whole page.
    pub(crate) fn tail(&self) -> u64 {
        self.len().saturating_sub(file_bytes(self.count, self.size()))
    }

    /// Bytes in the file.
    fn len(&self) -> u64 {
        u64::try_from(self.source.bytes().len()).unwrap_or(u64::MAX)
    }

    /// Whether the file has its first page: without it there is nothing to read.
    ///
    /// # Errors
    ///
    /// [`Error::Cut`].
    pub(crate) fn expect_one(&self) -> Result<()> {
        if self.count > 0 {
            return Ok(());
        }
        Err(Error::Cut { len: self.len(), page_size: self.size() })
    }

    /// Where index arrays start on ordinary pages.
    pub(crate) fn overhead(&self) -> usize {
        self.overhead
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Bytes that the pairs of one page may give.
    pub(crate) fn allowance(&self) -> Allowance {
        let page = u64::from(self.size().get());
        let repeats = page.saturating_mul(self.limits.max_repeats.into());
        Allowance { given: 0, most: page.saturating_add(repeats), repeats }
    }

    /// The length of the overflow chain that starts on a page: found out once, and
    /// remembered.
    pub(crate) fn chain_length(
        &self,
        first: PageNo,
        find: impl FnOnce(PageNo) -> Option<u64>,
    ) -> Option<u64> {
        let mut known = self.chain_lengths.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(first).or_insert_with(|| find(first))
    }

    /// The bytes of a page, unchecked.
    pub(crate) fn raw(&self, no: PageNo) -> Option<&[u8]> {
        if no.0 >= self.count {
            return None;
        }
        let size = self.size().bytes();
        self.source.bytes().get(no.index().checked_mul(size)?..)?.get(..size)
    }

    /// The error for a link to a page that the file does not have.
    pub(crate) fn beyond_end(&self, no: PageNo, from: Origin) -> Error {
        let defect = Defect::BeyondEnd { what: from.what, target: no.0, pages: self.count };
        Error::corrupt(from.page, from.offset, defect)
    }

    /// A page that was checked before.
    #[inline]
    pub(crate) fn unchecked_page<O: ByteOrder>(&self, no: PageNo) -> Option<Page<'_, O>> {
        self.raw(no).and_then(Page::new)
    }

    /// A page of this number which `from` refers to at byte `offset`: within the
    /// file, with the right checksum and its own number on it.
    pub(crate) fn page<O: ByteOrder>(&self, no: PageNo, from: Origin) -> Result<Page<'_, O>> {
        let page = self.raw(no).and_then(Page::<O>::new).ok_or_else(|| self.beyond_end(no, from))?;
        if self.meta.checksummed() && !page.is_hole() {
            meta::verify_checksum(page.bytes(), no, checksum::ON_PAGE, self.order())?;
        }
        if page.is_hole() && no != PageNo::META {
            let defect = Defect::Unwritten { page: from.page, offset: from.offset };
            return Err(Error::corrupt(no, at::TYPE, defect));
        }
        if page.pgno() != no.0 {
            return Err(Error::corrupt(no, at::PGNO, Defect::PageNumber { found: page.pgno() }));
        }
        Ok(page)
    }
}

/// What the pairs of one page give, and what they may: its own bytes, and some of them
/// again (see [`Limits::max_repeats`]).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowance {
    given: u64,
    most: u64,
    repeats: u64,
}

/// How much less the key of off-page duplicates weighs that is given with each of them. A
/// page of duplicates holds up to four times as many as may stand beside their key.
const DUPLICATE_WEIGHT: u32 = 16;

impl Allowance {
    /// Whether all that a page gives stays within it.
    pub(crate) fn covers(&self, bytes: u64) -> bool {
        bytes <= self.most
    }

    /// Counts bytes that a pair gives.
    ///
    /// # Errors
    ///
    /// [`Defect::Repeats`] if there were too many before it or are with it.
    pub(crate) fn give(&mut self, bytes: u64) -> Result<(), Defect> {
        self.given = self.given.saturating_add(bytes);
        if self.covers(self.given) { Ok(()) } else { Err(Defect::Repeats { limit: self.repeats }) }
    }

    /// As [`Allowance::give`], of a duplicate off the page and the key that is given with it.
    pub(crate) fn give_duplicate(&mut self, key: u32, value: u64) -> Result<(), Defect> {
        self.give(value.saturating_add(u64::from(key.div_ceil(DUPLICATE_WEIGHT))))
    }
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    page: PageNo,
    offset: u32,
}

impl Place {
    #[inline]
    pub(crate) fn new(page: PageNo, offset: usize) -> Place {
        Place { page, offset: u32::try_from(offset).unwrap_or(u32::MAX) }
    }

    /// The error for a field of the item.
    pub(crate) fn corrupt(self, field: u32, defect: Defect) -> Error {
        Error::corrupt(self.page, self.offset(field), defect)
    }

    /// The origin of a link in a field of the item.
    pub(crate) fn origin(self, field: u32, what: &'static str) -> Origin {
        Origin { page: self.page, offset: self.offset(field), what }
    }

    fn offset(self, field: u32) -> usize {
        PageNo(self.offset.saturating_add(field)).index()
    }
}

/// Where a link to a page stands, for the error if it leads nowhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) page: PageNo,
    pub(crate) offset: usize,
    pub(crate) what: &'static str,
}
