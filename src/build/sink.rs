//! Where pages go: numbered, sealed, and written one after the other.

use std::io::{self, Seek, SeekFrom, Write};

use super::error::{BuildError, Result};
use super::form::{FileForm, random};
use crate::crypt::{Keys, Secret};
use crate::format::checksum;
use crate::format::edit::{PageError, PageHeader, PageMut, put};
use crate::format::generation::Generation;
use crate::format::meta::LENGTH;
use crate::format::page::PageKind;
use crate::format::seal::{Places, Seal};
use crate::order::Endianness;
use crate::types::{Lsn, PageNo, PageSize};

/// As much as is written at once, in bytes.
const AT_ONCE: usize = 1 << 20;

/// The pages of a file that is built.
pub(super) struct Sink<W> {
    out: W,
    pub(super) order: Endianness,
    pub(super) size: PageSize,
    pub(super) generation: Generation,
    pub(super) fill: u8,
    seal: Seal,
    keys: Option<Keys>,
    lsn: Lsn,
    /// The first page that nobody has yet.
    next: u32,
    /// Pages that follow one another, and are not written yet: the place of the first, and their bytes.
    start: u64,
    run: Vec<u8>,
}

impl<W: Write + Seek> Sink<W> {
    pub(super) fn new(out: W, form: &FileForm) -> Result<Sink<W>> {
        let seal = form.seal()?;
        let keys = match &form.password {
            Some(password) => {
                let [keys, _] = Secret::of(password).ok_or(BuildError::NoCipher)?.keys(form.order);
                Some(keys)
            }
            None => None,
        };
        Ok(Sink {
            out,
            order: form.order,
            size: form.page_size,
            generation: form.release.generation(),
            fill: form.fill,
            seal,
            keys,
            lsn: form.release.lsn(),
            next: 0,
            start: 0,
            run: Vec::new(),
        })
    }

    /// Where index arrays begin.
    pub(super) fn overhead(&self) -> usize {
        self.seal.overhead()
    }

    /// Where records of a QUEUE begin.
    pub(super) fn queue_header(&self) -> usize {
        self.seal.queue_header()
    }

    /// Bytes that items and their slots may take on a page.
    pub(super) fn room(&self) -> usize {
        self.size.bytes().saturating_sub(self.overhead())
    }

    /// The same, where pages are not made full.
    pub(super) fn filled(&self) -> usize {
        let percent = usize::from(self.fill.clamp(1, 100));
        self.room().saturating_mul(percent).checked_div(100).unwrap_or(0)
    }

    pub(super) fn seal(&self) -> Seal {
        self.seal
    }

    /// The next number.
    pub(super) fn allocate(&mut self) -> Result<PageNo> {
        self.reserve(1)
    }

    /// The first of so many numbers.
    pub(super) fn reserve(&mut self, pages: u32) -> Result<PageNo> {
        let first = self.next;
        self.next = first.checked_add(pages).ok_or(BuildError::TooLarge("more than 2^32 pages"))?;
        Ok(PageNo(first))
    }

    /// The last number that was given.
    pub(super) fn last(&self) -> PageNo {
        PageNo(self.next.saturating_sub(1))
    }

    /// A page of items without any.
    pub(super) fn empty(&self, header: PageHeader) -> Result<Vec<u8>> {
        let mut page = vec![0; self.size.bytes()];
        self.page(&mut page)?.init(header);
        Ok(page)
    }

    /// A page of items, to be changed.
    pub(super) fn page<'p>(&self, bytes: &'p mut [u8]) -> Result<PageMut<'p>> {
        PageMut::new(bytes, self.order, self.overhead()).map_err(unfit)
    }

    /// Writes a page at the place of its number.
    pub(super) fn write(&mut self, no: PageNo, mut page: Vec<u8>) -> Result<()> {
        self.put_lsn(&mut page);
        match (self.seal, &self.keys) {
            (Seal::Checksum, _) => {
                let sum = checksum::sum(&page, checksum::ON_PAGE);
                self.order.put_u32(&mut page, checksum::ON_PAGE, sum);
            }
            (Seal::Encrypted, Some(keys)) => encrypt(keys, &mut page, false),
            _ => {}
        }
        self.put_page(no, &page)
    }

    /// Writes a metadata page.
    pub(super) fn write_meta(&mut self, no: PageNo, mut page: Vec<u8>) -> Result<()> {
        self.put_lsn(&mut page);
        match (self.seal, &self.keys) {
            (Seal::Checksum, _) => {
                let sum = checksum::sum(page.get(..LENGTH).unwrap_or(&[]), checksum::ON_META);
                self.order.put_u32(&mut page, checksum::ON_META, sum);
            }
            (Seal::Encrypted, Some(keys)) => encrypt(keys, &mut page, true),
            _ => {}
        }
        self.put_page(no, &page)
    }

    fn put_lsn(&self, page: &mut [u8]) {
        self.order.put_u32(page, 0, self.lsn.file);
        self.order.put_u32(page, 4, self.lsn.offset);
    }

    fn put_page(&mut self, no: PageNo, page: &[u8]) -> Result<()> {
        let place = u64::from(no.0).saturating_mul(self.size.get().into());
        let end = self.start.saturating_add(u64::try_from(self.run.len()).unwrap_or(u64::MAX));
        if place != end || self.run.len() >= AT_ONCE {
            self.flush()?;
            self.start = place;
        }
        self.run.extend_from_slice(page);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.run.is_empty() {
            self.out.seek(SeekFrom::Start(self.start))?;
            self.out.write_all(&self.run)?;
            self.run.clear();
        }
        Ok(())
    }

    /// Writes what is not written yet, and gives back where it went.
    pub(super) fn finish(mut self) -> Result<W> {
        self.flush()?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Encrypts a page and gives it its code (database-format, "Encrypted files").
fn encrypt(keys: &Keys, page: &mut [u8], is_metadata: bool) {
    let places = Places::of(is_metadata, page.len());
    let mut iv = [0; 16];
    for word in iv.chunks_mut(4) {
        // Four words, none of them 0.
        let [low, more, _, _, other, high, ..] = random().to_le_bytes();
        word.iter_mut().zip([low | 1, more, other, high]).for_each(|(place, byte)| *place = byte);
    }
    if let Some(hidden) = page.get_mut(places.hidden) {
        keys.encrypt(&iv, hidden);
    }
    put(page, places.iv.start, &iv);
    put(page, places.code.start, &[0; crate::crypt::CODE]);
    let code = keys.code(&[page.get(places.covered).unwrap_or(&[])]);
    put(page, places.code.start, &code);
}

/// What pages are asked for here they can do: what does not fit is sent elsewhere before.
pub(super) fn unfit(error: PageError) -> BuildError {
    BuildError::Io(io::Error::other(error))
}

/// The header of a page without links, which get known later.
pub(super) fn header(kind: PageKind, level: u8) -> PageHeader {
    PageHeader { no: PageNo::META, prev: 0, next: 0, level, kind }
}
