//! Overflow chains: items that are longer than a page may hold.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::io;
use std::iter::FusedIterator;
use std::sync::Arc;

use byteorder::ByteOrder;

use super::external::External;
use super::place::{Origin, Place};
use super::series1::{Long, LongStep};
use super::space::Pages;
use super::split::{Split, Step};
use super::storage::Storage;
use crate::error::{Defect, Error, Result, file_bytes};
use crate::format::page::{Page, PageKind, at};
use crate::format::series1::tree::Mended;
use crate::order::with_order;
use crate::types::PageNo;

/// An overflow chain as its item states it, and where the item stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    pub(crate) first: PageNo,
    pub(crate) len: u32,
    pub(crate) place: Place,
}

impl Chain {
    /// Where its first page is named.
    pub(crate) fn origin(self) -> Origin {
        self.place.origin(4, "overflow page")
    }

    /// All bytes in memory, if the limits allow it.
    pub(crate) fn assemble<'a>(self, pages: &'a Pages<'a>) -> Result<Cow<'a, [u8]>> {
        let limit = pages.limits().max_item;
        if self.len > limit {
            return Err(Error::LimitExceeded { page: self.first, len: self.len, limit });
        }
        if pages.on_demand() {
            return self.copy(pages).map(Cow::Owned);
        }
        let mut pieces = Pieces::new(pages, self);
        let Some(first) = pieces.next() else { return Ok(Cow::Borrowed(&[])) };
        let mut bytes = first?.into_owned();
        for piece in pieces {
            bytes.extend_from_slice(&piece?);
        }
        Ok(Cow::Owned(bytes))
    }

    /// All bytes, of pages that are not kept.
    fn copy(self, pages: &Pages<'_>) -> Result<Vec<u8>> {
        let (mut bytes, mut link) = (Vec::new(), Link::first(self));
        while let Some(rest) = self.read_on(pages, link, &mut bytes)? {
            link = rest;
        }
        Ok(bytes)
    }

    /// Copies the bytes of some more pages, which are not kept; gives what follows them, or
    /// `None` at the proper end.
    fn read_on(self, pages: &Pages<'_>, link: Link, bytes: &mut Vec<u8>) -> Result<Option<Link>> {
        let apart = pages.unbounded();
        let mut pieces = Pieces { state: State::Chain { pages: &apart, chain: self, link } };
        for piece in pieces.by_ref().take(AT_ONCE) {
            bytes.extend_from_slice(&piece?);
        }
        Ok(match pieces.state {
            State::Chain { link, .. } => Some(link),
            _ => None,
        })
    }

    /// Compares with a key byte by byte, reading no further than the first difference.
    pub(crate) fn compare(self, pages: &Pages<'_>, key: &[u8]) -> Result<Ordering> {
        let mut rest = key;
        for piece in Pieces::new(pages, self) {
            let piece = piece?;
            let (head, tail) = rest.split_at(piece.len().min(rest.len()));
            match piece.as_ref().cmp(head) {
                Ordering::Equal => rest = tail,
                unequal => return Ok(unequal),
            }
        }
        Ok(if rest.is_empty() { Ordering::Equal } else { Ordering::Less })
    }
}

/// The bytes of an item piece by piece, as they stand on its pages.
///
/// An item on a leaf is one piece, an overflow chain gives one piece a page, an external file is read
/// piece by piece.
/// After an error there are no more.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    state: State<'a>,
}

#[derive(Clone, Debug)]
enum State<'a> {
    Here(&'a [u8]),
    Chain { pages: &'a Pages<'a>, chain: Chain, link: Link },
    Split { pages: &'a Pages<'a>, split: Split, step: Step },
    External { pages: &'a Pages<'a>, external: External<'a>, from: Option<Reading> },
    Long { pages: &'a Pages<'a>, long: Long, step: LongStep },
    Mended { mended: Mended<'a>, given: usize },
    Done,
}

/// A link to a page of a chain, the page before, and the bytes that are still to come.
#[derive(Clone, Copy, Debug)]
struct Link {
    next: u32,
    prev: u32,
    left: u32,
    from: Origin,
}

impl Link {
    fn first(chain: Chain) -> Link {
        Link { next: chain.first.0, prev: 0, left: chain.len, from: chain.origin() }
    }
}

/// An external file that is open, and where to read on.
#[derive(Clone, Debug)]
struct Reading {
    storage: Arc<Storage>,
    at: u64,
}

/// Bytes of an external file that are read at once.
const PIECE: u64 = 64 << 10;

/// Pages of a chain that are in memory at once if they are read on demand.
const AT_ONCE: usize = 16;

impl<'a> Pieces<'a> {
    pub(crate) fn new(pages: &'a Pages<'a>, chain: Chain) -> Self {
        Pieces { state: State::Chain { pages, chain, link: Link::first(chain) } }
    }

    pub(crate) fn split(pages: &'a Pages<'a>, split: Split) -> Self {
        Pieces { state: State::Split { pages, split, step: Step::first(split) } }
    }

    pub(crate) fn external(pages: &'a Pages<'a>, external: External<'a>) -> Self {
        Pieces { state: State::External { pages, external, from: None } }
    }

    pub(crate) fn long(pages: &'a Pages<'a>, long: Long) -> Self {
        Pieces { state: State::Long { pages, long, step: LongStep::first(long, pages) } }
    }

    pub(crate) fn mended(mended: Mended<'a>) -> Self {
        Pieces { state: State::Mended { mended, given: 0 } }
    }

    pub(crate) fn here(bytes: &'a [u8]) -> Self {
        Pieces { state: State::Here(bytes) }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Cow<'a, [u8]>>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Here(bytes) => Some(Ok(Cow::Borrowed(bytes))),
            State::Done => None,
            State::Split { pages, split, step } => {
                let piece = step.piece(pages, split).transpose()?;
                Some(piece.map(|(bytes, step)| {
                    self.state = State::Split { pages, split, step };
                    Cow::Borrowed(bytes)
                }))
            }
            State::Long { pages, long, step } => {
                let piece = step.piece(pages, long).transpose()?;
                Some(piece.map(|(bytes, step)| {
                    self.state = State::Long { pages, long, step };
                    Cow::Borrowed(bytes)
                }))
            }
            State::Mended { mended, given } => {
                let bytes = mended.piece(given)?;
                self.state = State::Mended { mended, given: given.saturating_add(bytes.len()) };
                Some(Ok(Cow::Borrowed(bytes)))
            }
            State::Chain { pages, chain, link } => {
                let piece = with_order!(pages.order(), O => piece::<O>(pages, chain, link));
                let (bytes, state) = match piece.transpose()? {
                    Ok(found) => found,
                    Err(error) => return Some(Err(error)),
                };
                self.state = state;
                Some(Ok(Cow::Borrowed(bytes)))
            }
            State::External { pages, external, from } => {
                match read_file(pages, external, from).transpose()? {
                    Ok((bytes, from)) => {
                        self.state = State::External { pages, external, from: Some(from) };
                        Some(Ok(Cow::Owned(bytes)))
                    }
                    Err(error) => Some(Err(error)),
                }
            }
        }
    }
}

impl FusedIterator for Pieces<'_> {}

/// Some more bytes of an external file, or `None` at its end.
fn read_file(
    pages: &Pages<'_>,
    external: External<'_>,
    from: Option<Reading>,
) -> Result<Option<(Vec<u8>, Reading)>> {
    let Reading { storage, at } = match from {
        Some(from) => from,
        None => Reading { storage: Arc::new(external.open(pages)?), at: 0 },
    };
    let len = storage.len().saturating_sub(at).min(PIECE);
    if len == 0 {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    storage.read(&mut bytes, at).map_err(|cause| external.unread(pages, cause))?;
    Ok(Some((bytes, Reading { storage, at: at.saturating_add(len) })))
}

/// The next piece and what follows it, or `None` at the proper end.
fn piece<'a, O: ByteOrder>(
    pages: &'a Pages<'a>,
    chain: Chain,
    Link { next, prev, left, from }: Link,
) -> Result<Option<(&'a [u8], State<'a>)>> {
    let file = file_bytes(pages.count(), pages.size());
    if u64::from(chain.len) > file {
        return Err(chain.place.corrupt(8, Defect::LengthBeyondFile { found: chain.len, file }));
    }
    let wrong_length = |found: u32| {
        let found = u64::from(chain.len.saturating_sub(left)).saturating_add(found.into());
        Err(chain.place.corrupt(8, Defect::ChainLength { found, expected: chain.len }))
    };
    match (next, left) {
        (0, 0) if prev != 0 => return Ok(None),
        (0, _) if prev != 0 => return wrong_length(0),
        _ => {}
    }
    let no = PageNo(next);
    let page = pages.page::<O>(no, from)?;
    if PageKind::from_byte(page.type_byte()) != Some(PageKind::Overflow) {
        let defect = Defect::PageType { found: page.type_byte(), expected: "overflow" };
        return Err(Error::corrupt(no, at::TYPE, defect));
    }
    if page.level() != 0 {
        let defect = Defect::Level { found: page.level(), expected: 0 };
        return Err(Error::corrupt(no, at::LEVEL, defect));
    }
    if page.prev() != prev {
        let defect = Defect::Link { link: "previous", found: page.prev(), expected: prev };
        return Err(Error::corrupt(no, at::PREV, defect));
    }
    let len = page.hf_offset();
    let bytes = page.bytes().get(pages.overhead()..).and_then(|data| data.get(..len.into()));
    let Some(bytes) = bytes.filter(|b| !b.is_empty()) else {
        let highest = page.bytes().len().saturating_sub(pages.overhead());
        let defect = Defect::Field {
            field: "bytes of overflow data",
            found: len.into(),
            expected: if usize::from(len) > highest { "no more than fit the page" } else { "at least 1" },
        };
        return Err(Error::corrupt(no, at::HF_OFFSET, defect));
    };
    let Some(left) = left.checked_sub(len.into()) else { return wrong_length(len.into()) };
    let from = Origin { page: no, offset: at::NEXT, what: "next overflow page" };
    let link = Link { next: page.next(), prev: next, left, from };
    Ok(Some((bytes, State::Chain { pages, chain, link })))
}

/// The length of the chain that starts on a page, if it is a chain.
pub(crate) fn length(pages: &Pages<'_>, first: PageNo) -> Option<u64> {
    with_order!(pages.order(), O => {
        let (mut next, mut prev, mut sum) = (first.0, 0, 0u64);
        while next != 0 {
            let page = pages.raw(PageNo(next)).and_then(Page::<O>::new)?;
            let is_piece = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
            // Back links that fit and no empty pages: so it ends.
            if !is_piece || page.pgno() != next || page.prev() != prev || page.hf_offset() == 0 {
                return None;
            }
            sum = sum.saturating_add(page.hf_offset().into());
            (prev, next) = (next, page.next());
        }
        Some(sum)
    })
}

/// Reads an item as a stream, without putting it together in memory.
#[derive(Debug)]
pub struct ItemReader<'a> {
    pieces: Pieces<'a>,
    current: Cow<'a, [u8]>,
    /// How many of these were given.
    given: usize,
}

impl<'a> ItemReader<'a> {
    pub(crate) fn new(pieces: Pieces<'a>) -> Self {
        ItemReader { pieces, current: Cow::Borrowed(&[]), given: 0 }
    }

    /// The bytes that come next: of pages that are not kept, if they are read on demand.
    pub(crate) fn piece(&mut self) -> Option<Result<Cow<'a, [u8]>>> {
        match self.pieces.state {
            State::Chain { pages, chain, link } if pages.on_demand() => {
                let mut bytes = Vec::new();
                let rest = chain.read_on(pages, link, &mut bytes);
                self.pieces.state = match rest {
                    Ok(Some(link)) => State::Chain { pages, chain, link },
                    _ => State::Done,
                };
                Some(rest.map(|_| Cow::Owned(bytes)))
            }
            _ => self.pieces.next(),
        }
    }
}

impl io::Read for ItemReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = io::Read::read(&mut io::BufRead::fill_buf(self)?, buffer)?;
        io::BufRead::consume(self, read);
        Ok(read)
    }
}

impl io::BufRead for ItemReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.given >= self.current.len() {
            match self.piece() {
                Some(Ok(piece)) => (self.current, self.given) = (piece, 0),
                Some(Err(error)) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
                None => break,
            }
        }
        Ok(self.current.get(self.given..).unwrap_or(&[]))
    }

    fn consume(&mut self, amount: usize) {
        self.given = self.given.saturating_add(amount).min(self.current.len());
    }
}
