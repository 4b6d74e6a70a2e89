//! A key or a value, wherever its bytes are.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use crate::error::Result;
use crate::key_order::KeyOrder;
use crate::pages::{Content, ExternalFile, ItemReader, Pages, Pieces};
use crate::shown::Escaped;

/// A key or a value as it is stored: on a page, in an overflow chain, in pieces on pages of a HEAP, or
/// in an external file.
///
/// Nothing is read of an overflow chain or of an external file before its bytes are asked for.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    pages: &'a Pages<'a>,
    content: Content<'a>,
}

impl<'a> Item<'a> {
    pub(crate) fn new(pages: &'a Pages<'a>, content: Content<'a>) -> Self {
        Item { pages, content }
    }

    pub(crate) fn content(&self) -> Content<'a> {
        self.content
    }

    /// Length in bytes, as the item states it; `u32::MAX` if it is longer, as a value in an
    /// [external file](Item::external) may be.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // an item is not a collection
    pub fn len(&self) -> u32 {
        match self.content {
            Content::Here(bytes) => u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            Content::Chain(chain) => chain.len,
            Content::Split(split) => split.len,
            Content::External(external) => {
                u32::try_from(external.stated(self.pages).size).unwrap_or(u32::MAX)
            }
            Content::Duplicates(_) => 0,
        }
    }

    /// The bytes, if they stand on the page itself.
    #[must_use]
    #[inline]
    pub fn on_page(&self) -> Option<&'a [u8]> {
        match self.content {
            Content::Here(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The external file that has the bytes, if one has.
    #[must_use]
    pub fn external(&self) -> Option<ExternalFile> {
        match self.content {
            Content::External(external) => Some(external.file(self.pages)),
            _ => None,
        }
    }

    /// The bytes: borrowed from the page, put together from the chain, or read from their file.
    ///
    /// # Errors
    ///
    /// A damaged chain, an external file that cannot be read, or an item longer than [`Limits`](crate::Limits) allow.
    #[inline]
    pub fn read(&self) -> Result<Cow<'a, [u8]>> {
        match self.content {
            Content::Here(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::Chain(chain) => chain.assemble(self.pages),
            Content::Split(split) => split.assemble(self.pages),
            Content::External(external) => external.assemble(self.pages),
            Content::Duplicates(_) => Ok(Cow::Borrowed(&[])),
        }
    }

    /// The bytes as they stand on their pages, one piece after the other.
    #[must_use]
    pub fn pieces(&self) -> Pieces<'a> {
        match self.content {
            Content::Here(bytes) => Pieces::here(bytes),
            Content::Chain(chain) => Pieces::new(self.pages, chain),
            Content::Split(split) => Pieces::split(self.pages, split),
            Content::External(external) => Pieces::external(self.pages, external),
            Content::Duplicates(_) => Pieces::here(&[]),
        }
    }

    /// The bytes as a stream, of any length, in no memory of its own.
    #[must_use]
    pub fn reader(&self) -> ItemReader<'a> {
        ItemReader::new(self.pieces())
    }

    /// Where the item stands relative to a key.
    #[inline]
    pub(crate) fn compare(&self, key: &[u8], order: KeyOrder<'_>) -> Result<Ordering> {
        match (order, self.content) {
            (KeyOrder::Bytes, Content::Here(bytes)) => Ok(bytes.cmp(key)),
            (KeyOrder::Bytes, Content::Chain(chain)) => chain.compare(self.pages, key),
            _ => Ok(order.compare(self.read()?.as_ref(), key)),
        }
    }

    /// Where the item stands relative to another.
    #[inline]
    pub(crate) fn compare_to(&self, other: &Item<'_>, order: KeyOrder<'_>) -> Result<Ordering> {
        if let Some(bytes) = other.on_page() {
            return self.compare(bytes, order);
        }
        if let KeyOrder::Custom(_) = order {
            return Ok(order.compare(&self.read()?, &other.read()?));
        }
        if let Some(bytes) = self.on_page() {
            return Ok(other.compare(bytes, order)?.reverse());
        }
        compare_pieces(self.pieces(), other.pieces())
    }
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.on_page() {
            Some(bytes) => Escaped(bytes).fmt(f),
            None if self.external().is_some() => write!(f, "{} bytes in an external file", self.len()),
            None => write!(f, "{} bytes in a chain", self.len()),
        }
    }
}

/// What is left of a piece.
#[derive(Default)]
struct Rest<'a> {
    piece: Cow<'a, [u8]>,
    given: usize,
}

impl<'a> Rest<'a> {
    /// Some bytes; none at the end of all pieces.
    fn bytes(&mut self, pieces: &mut Pieces<'a>) -> Result<&[u8]> {
        if self.given >= self.piece.len() {
            (self.piece, self.given) = (pieces.next().transpose()?.unwrap_or_default(), 0);
        }
        Ok(self.piece.get(self.given..).unwrap_or(&[]))
    }
}

/// Compares two items byte by byte, reading no further than the first difference.
fn compare_pieces(mut a: Pieces<'_>, mut b: Pieces<'_>) -> Result<Ordering> {
    let (mut left, mut right) = (Rest::default(), Rest::default());
    loop {
        let (here, there) = (left.bytes(&mut a)?, right.bytes(&mut b)?);
        let len = here.len().min(there.len());
        if len == 0 {
            return Ok(here.len().cmp(&there.len()));
        }
        let order = here.iter().take(len).cmp(there.iter().take(len));
        if order != Ordering::Equal {
            return Ok(order);
        }
        left.given = left.given.saturating_add(len);
        right.given = right.given.saturating_add(len);
    }
}
