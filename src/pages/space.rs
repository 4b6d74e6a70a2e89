//! Page N of a file, or an error.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use byteorder::ByteOrder;

use super::allowance::Allowance;
use super::codec::Codec;
use super::extents::Extents;
use super::file::File;
use super::kept::{Kept, Unread};
use super::overlay::Below;
use super::place::Origin;
use crate::bits::AtomicBits;
use crate::error::{Defect, Error, Result, file_bytes};
use crate::format::heap;
use crate::format::page::{Page, at};
use crate::limits::Limits;
use crate::meta::{self, Meta};
use crate::order::Endianness;
use crate::types::{PageNo, PageSize};

/// So many pages of a HEAP, from all over the file, are asked for the order of their bodies.
const ASKED: usize = 1024;

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
    /// The files beside the main file that hold all pages but page 0.
    extents: Option<Arc<Extents>>,
    /// See [`Pages::body_order`].
    body: OnceLock<Endianness>,
    /// Pages of a HEAP that were checked: those that are right, and those that are not.
    right: AtomicBits,
    wrong: AtomicBits,
    /// Pages that had to be read, if the file is not in memory as a whole.
    kept: Option<Kept>,
    /// Lengths of overflow chains, as far as [`Pages::chain_length`] was asked.
    chain_lengths: Mutex<BTreeMap<PageNo, Option<u64>>>,
}

impl Below for Pages<'_> {
    fn size(&self) -> PageSize {
        Pages::size(self)
    }

    fn raw(&self, no: PageNo) -> Option<&[u8]> {
        Pages::raw(self, no)
    }
}

impl<'a> Pages<'a> {
    /// Reads the metadata page; touches no other, but opens the files that hold the rest.
    pub(crate) fn new(file: File<'a>) -> Result<Self> {
        let meta = meta::parse(file.kind(), file.source().head())?;
        let extents = Extents::of(file.path(), &meta, file.maps(), file.limits())?.map(Arc::new);
        let whole = file.len().checked_div(meta.page_size().get().into()).unwrap_or(0);
        let count = u32::try_from(whole).unwrap_or(u32::MAX);
        let most = file.limits().max_kept;
        Ok(Pages::keeping(file, meta, extents, count, most))
    }

    fn keeping(file: File<'a>, meta: Meta, extents: Option<Arc<Extents>>, count: u32, most: u64) -> Self {
        let codec = Codec::new(meta.checksummed(), meta.endianness());
        let kept = file.source().storage().map(|_| Kept::new(count, meta.page_size(), most));
        let in_place = if kept.is_none() && file.source().over().is_none() { count } else { 0 };
        let in_place = if extents.is_some() { in_place.min(1) } else { in_place };
        let (body, chain_lengths) = (OnceLock::new(), Mutex::default());
        let checked = || AtomicBits::new(if meta.heap().is_some() { count } else { 0 });
        let (right, wrong) = (checked(), checked());
        Pages { file, meta, count, in_place, codec, extents, body, right, wrong, kept, chain_lengths }
    }

    /// The same pages, with none of them kept.
    pub(crate) fn afresh(&self) -> Pages<'a> {
        self.again(self.limits().max_kept)
    }

    /// The same pages, with none of them kept and no bound for it: for what ends soon, or has to
    /// see all.
    pub(crate) fn unbounded(&self) -> Pages<'a> {
        self.again(u64::MAX)
    }

    fn again(&self, most: u64) -> Pages<'a> {
        let (file, meta, extents) = (self.file.clone(), self.meta.clone(), self.extents.clone());
        Pages { body: self.body.clone(), ..Pages::keeping(file, meta, extents, self.count, most) }
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

    /// The files beside the main file that hold all pages but page 0.
    pub(crate) fn extents(&self) -> Option<&Extents> {
        self.extents.as_deref()
    }

    /// The numbers of all pages behind page 0 that are there, ascending.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Range<u32>> {
        let main = self.extents.is_none().then_some(1..self.count.max(1));
        main.into_iter().chain(self.extents.iter().flat_map(|extents| extents.runs()))
    }

    /// The first page behind page 0, of this number or behind it, that is there.
    pub(crate) fn page_from(&self, from: u32) -> Option<u32> {
        match &self.extents {
            Some(extents) => extents.page_from(from),
            None => Some(from.max(1)).filter(|&no| no < self.count),
        }
    }

    /// The order of the bodies of the pages of a HEAP: that of the machine that wrote them.
    pub(crate) fn body_order(&self) -> Endianness {
        *self.body.get_or_init(|| {
            let step = PageNo(self.count).index().div_euclid(ASKED).max(1);
            let vote = |no| self.look(PageNo(no), |page| heap::body(page, self.overhead(), self.order()));
            let order = |step| heap::most((1..self.count).step_by(step).filter_map(vote));
            order(step).or_else(|| order(1)).unwrap_or(self.order())
        })
    }

    /// Checks a page of a HEAP once: many pieces may stand on it.
    ///
    /// # Errors
    ///
    /// Those of the check.
    pub(super) fn check_once<T>(&self, no: PageNo, check: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
        if self.right.has(no) {
            return Ok(None);
        }
        let checked = check();
        if checked.is_ok() {
            self.right.mark(no)
        } else {
            self.wrong.mark(no)
        };
        checked.map(Some)
    }

    /// Whether a check of the page failed.
    pub(super) fn is_wrong(&self, no: PageNo) -> bool {
        self.wrong.has(no)
    }

    /// Number of whole pages in the main file.
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
        // Of a table of the 1.x series that never got a key there is nothing but its header.
        if self.count > 0 || self.series1_table().is_some() {
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
        match (self.extents.as_ref().filter(|_| no != PageNo::META), self.file.source().over()) {
            (Some(extents), _) => extents.raw(no),
            (None, Some(pages)) => pages.page(no),
            (None, None) if no.0 < self.count => self.keep(no)?.ok(),
            (None, None) => None,
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
        let beside = self.extents.is_some() && no != PageNo::META;
        let Some(storage) = self.file.source().storage().filter(|_| !beside) else {
            return self.raw(no).and_then(look);
        };
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
