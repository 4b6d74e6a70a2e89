//! A key or a value, wherever its bytes are.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use crate::error::Result;
use crate::key_order::KeyOrder;
use crate::pages::{Content, ItemReader, Pages, Pieces};
use crate::shown::Escaped;

/// A key or a value as it is stored: on a page, in an overflow chain, or in pieces on pages of a
/// HEAP.
///
/// Nothing is read of an overflow chain before its bytes are asked for.
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

    /// Length in bytes, as the item states it.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // an item is not a collection
    pub fn len(&self) -> u32 {
        match self.content {
            Content::Here(bytes) => u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            Content::Chain(chain) => chain.len,
            Content::Split(split) => split.len,
            Content::Long(long) => long.len,
            Content::Mended(mended) => u32::try_from(mended.len()).unwrap_or(u32::MAX),
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

    /// The bytes: borrowed from the page, or put together from the chain.
    ///
    /// # Errors
    ///
    /// A damaged chain, or an item longer than [`Limits`](crate::Limits) allow.
    #[inline]
    pub fn read(&self) -> Result<Cow<'a, [u8]>> {
        match self.content {
            Content::Here(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::Chain(chain) => chain.assemble(self.pages),
            Content::Split(split) => split.assemble(self.pages),
            Content::Long(long) => long.assemble(self.pages),
            Content::Mended(mended) => {
                Ok(Cow::Owned(Pieces::mended(mended).flatten().flatten().copied().collect()))
            }
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
            Content::Long(long) => Pieces::long(self.pages, long),
            Content::Mended(mended) => Pieces::mended(mended),
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
            (KeyOrder::Bytes, Content::Long(_) | Content::Mended(_)) => {
                compare_pieces(self.pieces(), Pieces::here(key))
            }
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
            None => write!(f, "{} bytes in a chain", self.len()),
        }
    }
}

/// Compares two items byte by byte, reading no further than the first difference.
fn compare_pieces(mut a: Pieces<'_>, mut b: Pieces<'_>) -> Result<Ordering> {
    let (mut left, mut right): (&[u8], &[u8]) = (&[], &[]);
    loop {
        if left.is_empty() {
            left = a.next().transpose()?.unwrap_or(&[]);
        }
        if right.is_empty() {
            right = b.next().transpose()?.unwrap_or(&[]);
        }
        let len = left.len().min(right.len());
        if len == 0 {
            return Ok(left.len().cmp(&right.len()));
        }
        let (head, rest) = left.split_at(len);
        let (other_head, other_rest) = right.split_at(len);
        match head.cmp(other_head) {
            Ordering::Equal => (left, right) = (rest, other_rest),
            unequal => return Ok(unequal),
        }
    }
}
