//! Page N of a file, or an error.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use byteorder::ByteOrder;

use super::allowance::Allowance;
use super::codec::Codec;
use super::file::File;
use super::kept::{Kept, Unread};
use super::place::Origin;
use crate::error::{Defect, Error, Result, file_bytes};
use crate::format::page::{Page, at};
use crate::limits::Limits;
use crate::meta::{self, Meta};
use crate::order::Endianness;
use crate::types::{PageNo, PageSize};

/// A file as pages, with what all its databases share.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    file: File<'a>,
    meta: Meta,
    count: u32,
    /// How many of them stand in memory as they are in the file: none, if they are read on demand,
    /// or lie over others.
    in_place: u32,
    codec: Codec,
    /// Pages that had to be read, if the file is not in memory as a whole.
    kept: Option<Kept>,
    /// Lengths of overflow chains, as far as [`Pages::chain_length`] was asked.
    chain_lengths: Mutex<BTreeMap<PageNo, Option<u64>>>,
}

impl<'a> Pages<'a> {
    /// Reads the metadata page; touches no other.
    pub(crate) fn new(file: File<'a>) -> Result<Self> {
        let meta = meta::parse(file.kind(), file.source().head())?;
        let whole = file.len().checked_div(meta.page_size().get().into()).unwrap_or(0);
        let count = u32::try_from(whole).unwrap_or(u32::MAX);
        let most = file.limits().max_kept;
        Ok(Pages::keeping(file, meta, count, most))
    }

    fn keeping(file: File<'a>, meta: Meta, count: u32, most: u64) -> Self {
        let codec = Codec::new(meta.checksummed(), meta.endianness());
        let kept = file.source().storage().map(|_| Kept::new(count, meta.page_size(), most));
        let in_place = if kept.is_none() && file.source().over().is_none() { count } else { 0 };
        Pages { file, meta, count, in_place, codec, kept, chain_lengths: Mutex::default() }
    }

    /// The same pages, with none of them kept.
    pub(crate) fn afresh(&self) -> Pages<'a> {
        Pages::keeping(self.file.clone(), self.meta.clone(), self.count, self.limits().max_kept)
    }

    /// The same pages, with none of them kept and no bound for it: for what ends soon, or has to
    /// see all.
    pub(crate) fn unbounded(&self) -> Pages<'a> {
        Pages::keeping(self.file.clone(), self.meta.clone(), self.count, u64::MAX)
    }

    /// Whether pages are read when they are first needed.
    pub(crate) fn on_demand(&self) -> bool {
        self.kept.is_some()
    }

    /// Bytes of the pages that were read and are kept.
    pub(crate) fn kept(&self) -> u64 {
        self.kept.as_ref().map_or(0, Kept::bytes)
    }

    /// The file.
    pub(crate) fn file(&self) -> &File<'a> {
        &self.file
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
        self.file.len().saturating_sub(file_bytes(self.count, self.size()))
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
        Err(Error::Cut { len: self.file.len(), page_size: self.size() })
    }

    /// Where index arrays start on ordinary pages.
    pub(crate) fn overhead(&self) -> usize {
        self.codec.overhead()
    }

    /// How ordinary pages are sealed.
    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    pub(crate) fn limits(&self) -> Limits {
        self.file.limits()
    }

    /// Bytes that the pairs of one page may give.
    pub(crate) fn allowance(&self) -> Allowance {
        let page = u64::from(self.size().get());
        let repeats = page.saturating_mul(self.limits().max_repeats.into());
        Allowance::new(page.saturating_add(repeats), repeats)
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
        if no.0 >= self.in_place {
            return self.elsewhere(no);
        }
        let size = self.size().bytes();
        self.file.source().in_place().get(no.index().checked_mul(size)?..)?.get(..size)
    }

    /// A page that does not stand in the file, or not in memory yet.
    #[cold]
    fn elsewhere(&self, no: PageNo) -> Option<&[u8]> {
        match self.file.source().over() {
            Some(pages) => pages.page(no),
            None if no.0 < self.count => self.keep(no)?.ok(),
            None => None,
        }
    }

    /// A page that has to be read, and is kept then; `None` if the file is in memory.
    fn keep(&self, no: PageNo) -> Option<Result<&[u8], Unread>> {
        let storage = self.file.source().storage()?;
        let at = file_bytes(no.0, self.size());
        Some(self.kept.as_ref()?.page(no, |page| storage.read(page, at)))
    }

    /// Looks at the bytes of a page, unchecked, without keeping it.
    pub(crate) fn look<T>(&self, no: PageNo, look: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let Some(storage) = self.file.source().storage() else { return self.raw(no).and_then(look) };
        let mut page = vec![0; self.size().bytes()];
        let there = no.0 < self.count;
        there.then(|| storage.read(&mut page, file_bytes(no.0, self.size())).ok())??;
        look(&page)
    }

    /// Why a page of the file is not there, if it should be.
    pub(crate) fn unread(&self, no: PageNo) -> Option<Error> {
        if no.0 >= self.count {
            return None;
        }
        self.keep(no)?.err().map(|why| why.error(no))
    }

    /// The first page of the file that could not be had so far.
    pub(crate) fn failed(&self) -> Option<Error> {
        let (no, why) = self.kept.as_ref()?.failed()?;
        Some(why.clone().error(*no))
    }

    /// The error for a link to a page that the file does not have, or does not give.
    pub(crate) fn beyond_end(&self, no: PageNo, from: Origin) -> Error {
        if let Some(error) = self.unread(no) {
            return error;
        }
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
        if !page.is_hole() {
            self.codec.check(page.bytes(), no)?;
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
