//! Long items on pages of their own (database-format, "Overflow chains").

use std::io::{Seek, Write};

use super::error::{BuildError, Result};
use super::sink::Sink;
use crate::format::edit::{put, put_u16, put_u32};
use crate::format::item::{DELETED, DUPLICATE, KEYDATA, KEYDATA_HEAD, OVERFLOW, REFERENCE, TYPE_AT, padded};
use crate::format::page::{PageKind, at};
use crate::order::{Endianness, with_order};
use crate::types::PageNo;

/// An item as it will stand on a page.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stored<'b> {
    /// The bytes themselves.
    Here(&'b [u8]),
    /// The first page of a chain, and the length of all.
    Chain(PageNo, u32),
    /// The root, or the first page, of duplicates.
    Duplicates(PageNo),
    /// A number without a record, and what its slot has.
    Nothing(&'b [u8]),
}

/// The same, with bytes of its own.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Here(Vec<u8>),
    Chain(PageNo, u32),
}

impl Kept {
    pub(super) fn stored(&self) -> Stored<'_> {
        match self {
            Kept::Here(bytes) => Stored::Here(bytes),
            Kept::Chain(first, len) => Stored::Chain(*first, *len),
        }
    }
}

impl Stored<'_> {
    /// The same, with bytes of its own; what only leaves have becomes nothing.
    pub(super) fn keep(self) -> Kept {
        match self {
            Stored::Here(bytes) => Kept::Here(bytes.to_vec()),
            Stored::Chain(first, len) => Kept::Chain(first, len),
            Stored::Duplicates(_) | Stored::Nothing(_) => Kept::Here(Vec::new()),
        }
    }

    /// The space that it takes on a leaf.
    pub(super) fn space(self) -> usize {
        match self {
            Stored::Here(bytes) | Stored::Nothing(bytes) => padded(KEYDATA_HEAD.saturating_add(bytes.len())),
            Stored::Chain(..) | Stored::Duplicates(_) => REFERENCE,
        }
    }

    /// The twelve bytes that stand for what is elsewhere.
    pub(super) fn reference(self, order: Endianness) -> Option<[u8; REFERENCE]> {
        let (kind, page, len) = match self {
            Stored::Here(_) | Stored::Nothing(_) => return None,
            Stored::Chain(first, len) => (OVERFLOW, first, len),
            Stored::Duplicates(root) => (DUPLICATE, root, 0),
        };
        let mut item = [0; REFERENCE];
        put(&mut item, TYPE_AT, &[kind]);
        with_order!(order, O => {
            put_u32::<O>(&mut item, 4, page.0);
            put_u32::<O>(&mut item, 8, len);
        });
        Some(item)
    }

    /// Writes it to a place of zeros that has its space.
    pub(super) fn write(self, place: &mut [u8], order: Endianness) {
        let (bytes, kind) = match (self, self.reference(order)) {
            (_, Some(item)) => return put(place, 0, &item),
            (Stored::Here(bytes), None) => (bytes, KEYDATA),
            (Stored::Nothing(bytes), None) => (bytes, KEYDATA | DELETED),
            (Stored::Chain(..) | Stored::Duplicates(_), None) => return,
        };
        // Longer ones are elsewhere.
        let len = u16::try_from(bytes.len()).unwrap_or(0);
        with_order!(order, O => put_u16::<O>(place, 0, len));
        put(place, TYPE_AT, &[kind]);
        put(place, KEYDATA_HEAD, bytes);
    }
}

/// The longest item that a page of a tree has itself (format, "Overflow thresholds").
///
/// # Errors
///
/// [`BuildError::MinKey`], if none has any.
pub(super) fn longest<W: Write + Seek>(sink: &Sink<W>, min_key: u32) -> Result<usize> {
    let keys = usize::try_from(min_key.max(2)).unwrap_or(usize::MAX);
    let each = sink.room().checked_div(keys.saturating_mul(2)).unwrap_or(0);
    let too_many = BuildError::MinKey { keys: min_key, page_size: sink.size.get() };
    each.checked_sub(10).filter(|&longest| longest > 0).ok_or(too_many)
}

/// An item as it will stand on a page that has bytes itself up to a length: longer ones are written.
pub(super) fn store<'b, W: Write + Seek>(
    sink: &mut Sink<W>,
    bytes: &'b [u8],
    longest: usize,
) -> Result<Stored<'b>> {
    if bytes.len() <= longest { Ok(Stored::Here(bytes)) } else { chain(sink, bytes) }
}

/// Writes a chain.
fn chain<'b, W: Write + Seek>(sink: &mut Sink<W>, bytes: &[u8]) -> Result<Stored<'b>> {
    let too_large = || BuildError::TooLarge("an item of 4 GiB or more");
    let len = u32::try_from(bytes.len()).map_err(|_| too_large())?;
    let (overhead, room) = (sink.overhead(), sink.room());
    let pages = u32::try_from(bytes.len().div_ceil(room.max(1))).map_err(|_| too_large())?;
    let first = sink.reserve(pages)?;
    let (mut prev, mut no) = (0, first);
    for piece in bytes.chunks(room.max(1)) {
        let is_last = no.0.saturating_sub(first.0) >= pages.saturating_sub(1);
        let next = if is_last { 0 } else { no.0.saturating_add(1) };
        let mut page = vec![0; sink.size.bytes()];
        with_order!(sink.order, O => {
            put_u32::<O>(&mut page, at::PGNO, no.0);
            put_u32::<O>(&mut page, at::PREV, prev);
            put_u32::<O>(&mut page, at::NEXT, next);
            put_u16::<O>(&mut page, at::ENTRIES, 1);
            // Less than a page: it has a header, too.
            put_u16::<O>(&mut page, at::HF_OFFSET, u16::try_from(piece.len()).unwrap_or(0));
        });
        put(&mut page, at::TYPE, &[PageKind::Overflow.byte()]);
        put(&mut page, overhead, piece);
        sink.write(no, page)?;
        (prev, no) = (no.0, PageNo(next));
    }
    Ok(Stored::Chain(first, len))
}
