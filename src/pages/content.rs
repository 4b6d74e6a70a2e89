//! Where the bytes of a leaf's item are.

use super::chain::Chain;
use super::external::External;
use super::place::{Origin, Place};
use super::series1::Long;
use super::split::Split;
use crate::error::{Defect, Error};
use crate::format::item::{self, Form, KEYDATA_HEAD, REFERENCE};
use crate::format::series1::tree::Mended;
use crate::types::PageNo;

/// An item of a leaf, with its mark of deletion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'a> {
    pub(crate) content: Content<'a>,
    pub(crate) deleted: bool,
}

/// Where the bytes of an item are.
///
/// The tag is a whole word: a shorter one, copied together with what follows it,
/// would make the processor wait for its store. And it is small: it is copied with every item.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Content<'a> {
    /// On the page.
    Here(&'a [u8]),
    /// In an overflow chain.
    Chain(Chain),
    /// In pieces on pages of a HEAP.
    Split(Split),
    /// In a file of its own.
    External(External<'a>),
    /// The data of a pair whose key has off-page duplicates.
    Duplicates(Duplicates),
    /// On pages of its own, in a file of the 1.x series.
    Long(Long),
    /// On the page, with some of its bytes in another order.
    Mended(Mended<'a>),
}

const _: () = assert!(size_of::<Content<'_>>() == 24, "items are slower to copy");

impl<'a> Content<'a> {
    /// What an item of this form, which stands at `place`, holds.
    pub(crate) fn of(form: Form<'a>, place: Place) -> Content<'a> {
        match form {
            Form::Data(bytes) => Content::Here(bytes),
            Form::Overflow { first, len } => Content::Chain(Chain { first: PageNo(first), len, place }),
            Form::Duplicates { root } => Content::Duplicates(Duplicates { root: PageNo(root), place }),
            Form::External(item) => Content::External(External { item, place }),
        }
    }

    /// How many bytes a pair gives of a page and of what it leads to more than once. A chain
    /// is given by one item; `again` says that this is the key of the pair before.
    pub(crate) fn given(&self, again: bool) -> u64 {
        match self {
            Content::Here(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Content::Chain(chain) if again => chain.len.into(),
            Content::Mended(mended) => u64::try_from(mended.len()).unwrap_or(u64::MAX),
            Content::Chain(_)
            | Content::Split(_)
            | Content::External(_)
            | Content::Duplicates(_)
            | Content::Long(_) => 0,
        }
    }
}

/// The off-page duplicates of a key: where they are, and which item says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duplicates {
    pub(crate) root: PageNo,
    pub(crate) place: Place,
}

impl Duplicates {
    pub(crate) fn origin(&self) -> Origin {
        self.place.origin(4, "off-page duplicates on page")
    }

    /// The error for duplicates in a database that has none.
    pub(crate) fn unexpected(&self) -> Error {
        let expected = "1 or 3, as the flags exclude duplicates";
        self.place.corrupt(2, Defect::ItemKind { slot: 0, found: item::DUPLICATE, expected })
    }
}

/// The padded size of an item on its page.
#[inline(always)]
pub(crate) fn size_of_item(content: Content<'_>) -> usize {
    match content {
        Content::Here(bytes) => item::padded(KEYDATA_HEAD.saturating_add(bytes.len())),
        Content::External(external) => external.item.len(),
        Content::Chain(_)
        | Content::Split(_)
        | Content::Duplicates(_)
        | Content::Long(_)
        | Content::Mended(_) => REFERENCE,
    }
}
