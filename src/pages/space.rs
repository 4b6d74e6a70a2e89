//! Page N of a file, or an error.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use byteorder::ByteOrder;

use super::allowance::Allowance;
use super::cipher::Cipher;
use super::codec::Codec;
use super::extents::Extents;
use super::file::File;
use super::kept::{Kept, Unread};
use super::overlay::Below;
use super::partitions::Partitions;
use super::place::Origin;
use crate::bits::AtomicBits;
use crate::error::{Defect, Error, Result, file_bytes};
use crate::format::generation::Generation;
use crate::format::heap;
use crate::format::meta::LENGTH;
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
    /// encrypted, or lie over others.
    in_place: u32,
    codec: Codec,
    /// What opens them, if they are encrypted.
    cipher: Option<Cipher>,
    /// The files beside the main file that hold all pages but page 0.
    extents: Option<Arc<Extents<'a>>>,
    /// The files beside the main file that hold the pairs.
    partitions: Option<Arc<Partitions>>,
    /// Whether this is itself such a file: then its first page is none of metadata.
    #[cfg_attr(not(feature = "upgrade"), allow(dead_code))] // only what changes files asks
    is_extent: bool,
    /// See [`Pages::body_order`].
    body: OnceLock<Endianness>,
    /// Pages of a HEAP that were checked: those that are right, and those that are not.
    right: AtomicBits,
    wrong: AtomicBits,
    /// Pages that had to be read or decrypted, if they are not all in memory as they are.
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
        let (mut first, mut cipher) = (Cow::Borrowed(file.source().head()), None);
        if let Some(kind) = meta::encrypted(file.kind(), &first) {
            let found = Cipher::of(file.password(), kind, &first, others(&file, kind.page_size))?;
            let tolerated = found.fits_but_for_mark(&first);
            first = first.get(..LENGTH).unwrap_or(&first).to_vec().into();
            found.open(first.to_mut(), PageNo::META);
            if !tolerated {
                Cipher::check(&first, PageNo::META)?;
            }
            cipher = Some(found);
        }
        let meta = meta::parse(file.kind(), &first)?;
        let extents = Extents::of(&file, &meta)?.map(Arc::new);
        let partitions = if file.is_alone() { None } else { Partitions::of(&file, &meta)? };
        let partitions = partitions.map(Arc::new);
        let whole = file.len().checked_div(meta.page_size().get().into()).unwrap_or(0);
        let count = u32::try_from(whole).unwrap_or(u32::MAX);
        let most = file.limits().max_kept;
        Ok(Pages { partitions, ..Pages::keeping(file, meta, cipher, extents, count, most) })
    }

    fn keeping(
        file: File<'a>,
        meta: Meta,
        cipher: Option<Cipher>,
        extents: Option<Arc<Extents<'a>>>,
        count: u32,
        most: u64,
    ) -> Self {
        let codec = Codec::new(meta.seal(), meta.endianness()).unsummed(file.is_unsummed());
        let keeps = cipher.is_some() || file.source().storage().is_some();
        let beside = extents.as_ref().map(|extents| extents.count().saturating_add(1));
        let all = beside.map_or(count, |all| u32::try_from(all).unwrap_or(u32::MAX));
        let kept = keeps.then(|| Kept::new(all, meta.page_size(), most));
        let in_place = if kept.is_none() && file.source().over().is_none() { count } else { 0 };
        let in_place = if extents.is_some() { in_place.min(1) } else { in_place };
        let (body, chain_lengths) = (OnceLock::new(), Mutex::default());
        let checked = || AtomicBits::new(if meta.heap().is_some() { count } else { 0 });
        let (right, wrong) = (checked(), checked());
        let (partitions, is_extent) = (None, false);
        Pages {
            file,
            meta,
            count,
            in_place,
            codec,
            cipher,
            extents,
            partitions,
            is_extent,
            body,
            right,
            wrong,
            kept,
            chain_lengths,
        }
    }

    /// The pages of one of the files beside a main file, numbered from 0.
    #[cfg(feature = "upgrade")]
    pub(crate) fn of_extent(bytes: &'a [u8], main: &Pages<'a>) -> Pages<'a> {
        let count = bytes.len().checked_div(main.size().bytes()).unwrap_or(0);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let file = File::of_extent(bytes, &main.file);
        let pages = Pages::keeping(file, main.meta.clone(), main.cipher, None, count, u64::MAX);
        Pages { is_extent: true, ..pages }
    }

    /// The number of a page for a cipher, which knows metadata by it: an extent has none.
    pub(crate) fn number_to_seal(&self, no: PageNo) -> PageNo {
        if self.is_extent { PageNo(no.0.saturating_add(1)) } else { no }
    }

    /// Whether this is one of the files beside a main file.
    #[cfg(feature = "upgrade")]
    pub(crate) fn is_extent(&self) -> bool {
        self.is_extent
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

    /// The same pages, with the bound of others for what is kept.
    pub(super) fn keeping_as(self, other: &Pages<'_>) -> Pages<'a> {
        match (&self.kept, &other.kept) {
            (Some(_), Some(kept)) => self.again(kept.most()),
            _ => self,
        }
    }

    fn again(&self, most: u64) -> Pages<'a> {
        let (file, meta, extents) = (self.file.clone(), self.meta.clone(), self.extents.clone());
        let (body, partitions) = (self.body.clone(), self.partitions.clone());
        Pages { body, partitions, ..Pages::keeping(file, meta, self.cipher, extents, self.count, most) }
    }

    /// Whether pages are read, or decrypted, when they are first needed.
    pub(crate) fn on_demand(&self) -> bool {
        self.kept.is_some()
    }

    /// Bytes of the pages that were read or decrypted, and are kept.
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

    /// The metadata of one of several databases, whose metadata page this is.
    ///
    /// # Errors
    ///
    /// What is wrong with the page.
    pub(crate) fn inner_meta(&self, no: PageNo) -> Result<Meta> {
        let page = self.raw(no).unwrap_or_default();
        if self.cipher.is_some() {
            Cipher::check(page, no)?;
        }
        meta::parse_inner(page, no, &self.meta)
    }

    pub(crate) fn order(&self) -> Endianness {
        self.meta.endianness()
    }

    pub(crate) fn size(&self) -> PageSize {
        self.meta.page_size()
    }

    /// The files beside the main file that hold all pages but page 0.
    pub(crate) fn extents(&self) -> Option<&Extents<'a>> {
        self.extents.as_deref()
    }

    /// The files beside the main file that hold the pairs, if the database is partitioned.
    pub(crate) fn partitions(&self) -> Option<&Partitions> {
        self.partitions.as_deref()
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
            if self.meta.generation().has_one_order() {
                return self.order();
            }
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

    /// Bytes that the records of the chunks on one page may give: as often as duplicates off
    /// the page give a key.
    pub(crate) fn unpacked_allowance(&self) -> Allowance {
        Allowance::unpacked(self.size().get(), self.limits().max_repeats)
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

    /// What opens the pages, if they are encrypted.
    #[cfg(feature = "upgrade")]
    pub(crate) fn cipher(&self) -> Option<Cipher> {
        self.cipher
    }

    /// The bytes of a page of a file in memory as they stand there, encrypted or not.
    #[cfg(feature = "upgrade")]
    pub(crate) fn stored(&self, no: PageNo) -> Option<&[u8]> {
        if self.cipher.is_none() {
            return self.raw(no);
        }
        let size = self.size().bytes();
        self.file.source().in_place().get(no.index().checked_mul(size)?..)?.get(..size)
    }

    /// The bytes of a page, unchecked.
    pub(crate) fn raw(&self, no: PageNo) -> Option<&[u8]> {
        if no.0 >= self.in_place {
            return self.elsewhere(no);
        }
        self.standing(no)
    }

    /// The bytes of a page that stands in the file as it is.
    #[inline]
    pub(super) fn standing(&self, no: PageNo) -> Option<&[u8]> {
        let size = self.size().bytes();
        self.file.source().in_place().get(no.index().checked_mul(size)?..)?.get(..size)
    }

    /// A page that does not stand in the file, or not in memory yet.
    #[cold]
    fn elsewhere(&self, no: PageNo) -> Option<&[u8]> {
        match (self.stands_beside(no), self.file.source().over()) {
            (Some(extents), _) => extents.raw(no),
            (None, Some(pages)) if self.cipher.is_none() => pages.page(no),
            _ => self.keep(no)?.ok(),
        }
    }

    /// The extents, if the page is one of theirs and stands there as it is.
    fn stands_beside(&self, no: PageNo) -> Option<&Extents<'a>> {
        self.extents().filter(|_| no != PageNo::META && self.cipher.is_none())
    }

    /// Where a page stands among all that are there; `None` if it is not.
    fn place(&self, no: PageNo) -> Option<usize> {
        match self.extents().filter(|_| no != PageNo::META) {
            Some(extents) => usize::try_from(extents.place(no)?.checked_add(1)?).ok(),
            None => (no.0 < self.count).then(|| no.index()),
        }
    }

    /// Reads a page as it stands in its file.
    fn read(&self, no: PageNo, page: &mut [u8]) -> io::Result<()> {
        let beside = self.extents().filter(|_| no != PageNo::META);
        let here = match (beside, self.file.source().storage()) {
            (Some(extents), _) => extents.raw(no),
            (None, Some(storage)) => return storage.read(page, file_bytes(no.0, self.size())),
            (None, None) if self.file.source().over().is_some() => {
                self.file.source().over().and_then(|pages| pages.page(no))
            }
            (None, None) => {
                let from = no.index().checked_mul(page.len());
                let rest = from.and_then(|from| self.file.source().in_place().get(from..));
                rest.and_then(|rest| rest.get(..page.len()))
            }
        };
        let here = here.filter(|here| here.len() == page.len());
        page.copy_from_slice(here.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    /// Reads a page, and decrypts it if need be.
    fn open(&self, no: PageNo, page: &mut [u8]) -> io::Result<()> {
        self.read(no, page)?;
        if let Some(cipher) = &self.cipher {
            cipher.open(page, self.number_to_seal(no));
        }
        Ok(())
    }

    /// A page that has to be read or decrypted, and is kept then; `None` if it is not there, or
    /// stands in memory as it is.
    fn keep(&self, no: PageNo) -> Option<Result<&[u8], Unread>> {
        let (kept, place) = (self.kept.as_ref()?, self.place(no)?);
        Some(kept.page(no, place, |page| self.open(no, page)))
    }

    /// Looks at the bytes of a page, unchecked, without keeping it.
    pub(crate) fn look<T>(&self, no: PageNo, look: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        self.glance(no, Pages::open, look)
    }

    /// As [`Pages::look`], for those who look at no more than the header, which is never encrypted.
    pub(crate) fn look_at_header<T>(&self, no: PageNo, look: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        self.glance(no, Pages::read, look)
    }

    fn glance<T>(
        &self,
        no: PageNo,
        read: impl FnOnce(&Self, PageNo, &mut [u8]) -> io::Result<()>,
        look: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let Some(kept) = self.kept.as_ref().filter(|_| self.stands_beside(no).is_none()) else {
            return self.raw(no).and_then(look);
        };
        let place = self.place(no)?;
        if let Some(page) = kept.made(place) {
            return look(page);
        }
        let mut page = vec![0; self.size().bytes()];
        read(self, no, &mut page).ok()?;
        look(&page)
    }

    /// Why a page that should be there is not.
    pub(crate) fn unread(&self, no: PageNo) -> Option<Error> {
        let extents = self.extents.as_ref().filter(|_| no != PageNo::META);
        if let Some(error) = extents.and_then(|extents| extents.unread_at(no)) {
            return Some(error.clone());
        }
        if self.stands_beside(no).is_some() {
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

    /// Whether the first page of a bucket may lie beyond the end of the file. Releases 2.x write
    /// it when the bucket gets its first key; later ones write all of a doubling at once, but
    /// those that upgrade such files can leave them one page short. From 4.6 on that one is then
    /// counted as if it was there.
    pub(crate) fn may_lack_bucket(&self, page: PageNo) -> bool {
        match self.meta.generation() {
            Generation::V1 | Generation::V2 => true,
            Generation::V30 | Generation::V31 => page.0 == self.count,
            Generation::V41 | Generation::V60 => self
                .meta
                .last_page()
                .is_some_and(|last| page > last || (page == last && page.0 == self.count)),
        }
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

/// So many pages are asked whether a password fits, if the first one does not tell.
const WITNESSES: u32 = 16;

/// Some pages of an encrypted file behind the first one, as they stand.
fn others<'f>(
    file: &'f File<'_>,
    size: Option<PageSize>,
) -> impl Iterator<Item = (PageNo, Cow<'f, [u8]>)> + use<'f> {
    let source = file.source();
    (1..=WITNESSES).map_while(move |no| {
        let (size, at) = (size?, file_bytes(no, size?));
        let page = match source.storage() {
            Some(storage) => {
                let mut page = vec![0; size.bytes()];
                storage.read(&mut page, at).ok()?;
                Cow::Owned(page)
            }
            None => {
                let rest = source.in_place().get(usize::try_from(at).ok()?..)?;
                Cow::Borrowed(rest.get(..size.bytes())?)
            }
        };
        Some((PageNo(no), page))
    })
}
