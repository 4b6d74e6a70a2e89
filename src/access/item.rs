//! A key or a value, wherever its bytes are.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::key_order::KeyOrder;
use crate::pages::{Content, ExternalFile, ItemReader, Pages, Pieces};
use crate::shown::Escaped;

/// A key or a value as it is stored: on a page, in an overflow chain, in pieces on pages of a HEAP, or
/// in an external file.
///
/// Nothing is read of an overflow chain or of an external file before its bytes are asked for.
#[derive(Clone)]
pub struct Item<'a> {
    pages: &'a Pages<'a>,
    bytes: Bytes<'a>,
}

/// Where its bytes are.
#[derive(Clone)]
enum Bytes<'a> {
    /// In the file.
    Stored(Content<'a>),
    /// Nowhere in one piece: those of a compressed database are put together.
    Made(Arc<[u8]>),
}

impl<'a> Item<'a> {
    pub(crate) fn new(pages: &'a Pages<'a>, content: Content<'a>) -> Self {
        Item { pages, bytes: Bytes::Stored(content) }
    }

    /// A key or a value that was put together.
    pub(crate) fn made(pages: &'a Pages<'a>, bytes: Arc<[u8]>) -> Self {
        Item { pages, bytes: Bytes::Made(bytes) }
    }

    /// What stands in the file; `None` for what was put together.
    pub(crate) fn content(&self) -> Option<Content<'a>> {
        match self.bytes {
            Bytes::Stored(content) => Some(content),
            Bytes::Made(_) => None,
        }
    }

    /// Length in bytes, as the item states it; `u32::MAX` if it is longer, as a value in an
    /// [external file](Item::external) may be.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // an item is not a collection
    pub fn len(&self) -> u32 {
        let of = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        match &self.bytes {
            Bytes::Stored(Content::Here(bytes)) => of(bytes),
            Bytes::Stored(Content::Chain(chain)) => chain.len,
            Bytes::Stored(Content::Split(split)) => split.len,
            Bytes::Stored(Content::External(external)) => {
                u32::try_from(external.stated(self.pages).size).unwrap_or(u32::MAX)
            }
            Bytes::Stored(Content::Long(long)) => long.len(),
            Bytes::Stored(Content::Mended(mended)) => u32::try_from(mended.len()).unwrap_or(u32::MAX),
            Bytes::Stored(Content::Duplicates(_)) => 0,
            Bytes::Made(bytes) => of(bytes),
        }
    }

    /// The bytes, if they stand on the page itself.
    #[must_use]
    #[inline]
    pub fn on_page(&self) -> Option<&'a [u8]> {
        match self.bytes {
            Bytes::Stored(Content::Here(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// The bytes, if they are at hand.
    #[inline]
    fn at_hand(&self) -> Option<&[u8]> {
        match &self.bytes {
            Bytes::Stored(Content::Here(bytes)) => Some(bytes),
            Bytes::Made(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The external file that has the bytes, if one has.
    #[must_use]
    pub fn external(&self) -> Option<ExternalFile> {
        match self.bytes {
            Bytes::Stored(Content::External(external)) => Some(external.file(self.pages)),
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
        match &self.bytes {
            Bytes::Stored(Content::Here(bytes)) => Ok(Cow::Borrowed(bytes)),
            Bytes::Stored(Content::Chain(chain)) => chain.assemble(self.pages),
            Bytes::Stored(Content::Split(split)) => split.assemble(self.pages),
            Bytes::Stored(Content::External(external)) => external.assemble(self.pages),
            Bytes::Stored(Content::Long(long)) => long.assemble(self.pages),
            Bytes::Stored(Content::Mended(mended)) => Ok(Cow::Owned(mended.to_vec())),
            Bytes::Stored(Content::Duplicates(_)) => Ok(Cow::Borrowed(&[])),
            Bytes::Made(bytes) => Ok(Cow::Owned(bytes.to_vec())),
        }
    }

    /// The bytes as they stand on their pages, one piece after the other; those of a compressed
    /// database in one.
    #[must_use]
    pub fn pieces(&self) -> Pieces<'_> {
        match &self.bytes {
            Bytes::Stored(Content::Here(bytes)) => Pieces::here(bytes),
            Bytes::Stored(Content::Chain(chain)) => Pieces::new(self.pages, *chain),
            Bytes::Stored(Content::Split(split)) => Pieces::split(self.pages, *split),
            Bytes::Stored(Content::External(external)) => Pieces::external(self.pages, *external),
            Bytes::Stored(Content::Long(long)) => Pieces::long(self.pages, *long),
            Bytes::Stored(Content::Mended(mended)) => Pieces::mended(*mended),
            Bytes::Stored(Content::Duplicates(_)) => Pieces::here(&[]),
            Bytes::Made(bytes) => Pieces::here(bytes),
        }
    }

    /// The bytes as a stream, of any length, in no memory of its own.
    #[must_use]
    pub fn reader(&self) -> ItemReader<'_> {
        ItemReader::new(self.pieces())
    }

    /// Where the item stands relative to a key.
    #[inline]
    pub(crate) fn compare(&self, key: &[u8], order: KeyOrder<'_>) -> Result<Ordering> {
        match (order, &self.bytes) {
            (KeyOrder::Bytes, Bytes::Stored(Content::Here(bytes))) => Ok((*bytes).cmp(key)),
            (KeyOrder::Bytes, Bytes::Stored(Content::Chain(chain))) => chain.compare(self.pages, key),
            (KeyOrder::Bytes, Bytes::Stored(Content::Long(_) | Content::Mended(_))) => {
                compare_pieces(self.pieces(), Pieces::here(key))
            }
            (order, Bytes::Made(bytes)) => Ok(order.compare(bytes, key)),
            _ => Ok(order.compare(self.read()?.as_ref(), key)),
        }
    }

    /// Where the item stands relative to another.
    #[inline]
    pub(crate) fn compare_to(&self, other: &Item<'_>, order: KeyOrder<'_>) -> Result<Ordering> {
        if let Some(bytes) = other.at_hand() {
            return self.compare(bytes, order);
        }
        if let KeyOrder::Custom(_) = order {
            return Ok(order.compare(&self.read()?, &other.read()?));
        }
        if let Some(bytes) = self.at_hand() {
            return Ok(other.compare(bytes, order)?.reverse());
        }
        compare_pieces(self.pieces(), other.pieces())
    }
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at_hand() {
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
