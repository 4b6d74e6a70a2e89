//! Items and records as they stand on their pages, before any chain is followed.

use byteorder::ByteOrder;

use super::external::External;
use super::note::Notes;
use super::place::Place;
use crate::format::external::Holder;
use crate::format::item::{self, Form};
use crate::types::PageNo;

/// An item on a page, before any chain is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'s> {
    Here(&'s [u8]),
    /// The first part of an item that reaches past its page.
    Part {
        bytes: &'s [u8],
        expected: u32,
    },
    Chain(Chain),
    External(External<'s>),
    /// The value of a key whose duplicates are on other pages.
    Duplicates {
        root: PageNo,
        /// Where the item stands on its page.
        at: u16,
    },
    Missing,
}

/// A record as it stands on its page. The key has an offset by which a shared one is known again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit<'s> {
    pub(super) place: Place,
    /// Where its value stands on the page.
    pub(super) at: u16,
    pub(super) key: Option<(u16, Item<'s>)>,
    pub(super) value: Item<'s>,
    pub(super) deleted: bool,
    pub(super) notes: Notes,
}

/// An item with what its type byte and length say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored<'s> {
    pub(super) item: Item<'s>,
    pub(super) deleted: bool,
    /// The space it takes on the page.
    pub(super) size: usize,
}

/// The item at an offset, if it is of a kind that can stand there and lies within
/// the page.
#[inline(always)]
pub(super) fn read<O: ByteOrder>(bytes: &[u8], offset: usize, duplicates: bool) -> Option<Stored<'_>> {
    let found = item::leaf::<O>(bytes.get(offset..)?).ok()?;
    let at = u16::try_from(offset).unwrap_or(0);
    let item = match found.form {
        Form::Data(bytes) => Item::Here(bytes),
        Form::Overflow { first, len } => Item::Chain(Chain { first: PageNo(first), len, at }),
        Form::External(item) if duplicates => Item::External(External { item, holder: Holder::Leaf, at }),
        Form::Duplicates { root } if duplicates => Item::Duplicates { root: PageNo(root), at },
        Form::Duplicates { .. } | Form::External(_) => return None,
    };
    Some(Stored { item, deleted: found.deleted, size: found.form.size() })
}

/// An overflow chain, as its item states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) first: PageNo,
    pub(super) len: u32,
    /// Where the item stands on its page.
    pub(super) at: u16,
}
