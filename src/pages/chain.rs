//! Overflow chains: items that are longer than a page may hold.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::io;

use byteorder::ByteOrder;

use super::place::{Origin, Place};
use super::space::Pages;
use super::split::{Split, Step};
use crate::error::{Defect, Error, Result, file_bytes};
use crate::format::page::{Page, PageKind, at};
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
        let mut pieces = Pieces::new(pages, self);
        let Some(first) = pieces.next() else { return Ok(Cow::Borrowed(&[])) };
        let mut bytes = first?.to_vec();
        for piece in pieces {
            bytes.extend_from_slice(piece?);
        }
        Ok(Cow::Owned(bytes))
    }

    /// Compares with a key byte by byte, reading no further than the first difference.
    pub(crate) fn compare(self, pages: &Pages<'_>, key: &[u8]) -> Result<Ordering> {
        let mut rest = key;
        for piece in Pieces::new(pages, self) {
            let piece = piece?;
            let (head, tail) = rest.split_at(piece.len().min(rest.len()));
            match piece.cmp(head) {
                Ordering::Equal => rest = tail,
                unequal => return Ok(unequal),
            }
        }
        Ok(if rest.is_empty() { Ordering::Equal } else { Ordering::Less })
    }
}

/// The bytes of an item piece by piece, as they stand on its pages.
///
/// An item on a leaf is one piece, an overflow chain gives one piece a page.
/// After an error there are no more.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    state: State<'a>,
}

#[derive(Clone, Debug)]
enum State<'a> {
    Here(&'a [u8]),
    Chain { pages: &'a Pages<'a>, chain: Chain, next: u32, prev: u32, left: u32, from: Origin },
    Split { pages: &'a Pages<'a>, split: Split, step: Step },
    Done,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(pages: &'a Pages<'a>, chain: Chain) -> Self {
        let from = chain.origin();
        Pieces { state: State::Chain { pages, chain, next: chain.first.0, prev: 0, left: chain.len, from } }
    }

    pub(crate) fn split(pages: &'a Pages<'a>, split: Split) -> Self {
        Pieces { state: State::Split { pages, split, step: Step::first(split) } }
    }

    pub(crate) fn here(bytes: &'a [u8]) -> Self {
        Pieces { state: State::Here(bytes) }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Here(bytes) => Some(Ok(bytes)),
            State::Done => None,
            State::Split { pages, split, step } => {
                let piece = step.piece(pages, split).transpose()?;
                Some(piece.map(|(bytes, step)| {
                    self.state = State::Split { pages, split, step };
                    bytes
                }))
            }
            State::Chain { pages, chain, next, prev, left, from } => {
                let piece = with_order!(pages.order(), O => piece::<O>(pages, chain, next, prev, left, from));
                let (bytes, state) = match piece.transpose()? {
                    Ok(found) => found,
                    Err(error) => return Some(Err(error)),
                };
                self.state = state;
                Some(Ok(bytes))
            }
        }
    }
}

/// The next piece and what follows it, or `None` at the proper end.
fn piece<'a, O: ByteOrder>(
    pages: &'a Pages<'a>,
    chain: Chain,
    next: u32,
    prev: u32,
    left: u32,
    from: Origin,
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
    Ok(Some((bytes, State::Chain { pages, chain, next: page.next(), prev: next, left, from })))
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
    current: &'a [u8],
}

impl<'a> ItemReader<'a> {
    pub(crate) fn new(pieces: Pieces<'a>) -> Self {
        ItemReader { pieces, current: &[] }
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
        while self.current.is_empty() {
            match self.pieces.next() {
                Some(Ok(piece)) => self.current = piece,
                Some(Err(error)) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
                None => break,
            }
        }
        Ok(self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current = self.current.get(amount..).unwrap_or(&[]);
    }
}
