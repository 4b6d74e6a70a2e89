//! What the tables say of the pages that records touch.

use super::name::Name;

/// One of the pages that records of a type touch, or several that stand in a list. A layout
/// that lacks its fields lacks the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageOf {
    pub(crate) part: Part,
    pub(crate) number: Number,
    pub(crate) before: Before,
}

/// What a record does to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It is the page of the change itself.
    Own,
    /// Its items go to other pages.
    Source,
    /// It stands beside the page in a chain, and a link of it changes.
    Neighbour,
    /// It refers to the pages of the change.
    Parent,
    /// It is a metadata page, or another in its place: the head of the list of free pages may be
    /// the free page before.
    Meta,
    /// It is a page of the list of free ones.
    Free,
    /// It is a page of a QUEUE, which recovery does not judge by equality of LSNs.
    Record,
}

/// Where the number of a page comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// A field.
    At(Name),
    /// A field, or this page where the layout has no such field.
    AtOr(Name, u32),
    /// A field, or the metadata page of the database where the layout has no such field.
    AtOrOfDatabase(Name),
    /// This page of the file.
    File(u32),
    /// The metadata page of the database.
    OfDatabase,
    /// The page in an image says it.
    OfImage(Name),
    /// The last of some pages: a field is the first, another their number.
    LastOf(Name, Name),
    /// The first page of a new bucket, among those that were made for it.
    Bucket,
    /// Each entry of a list.
    Listed(Name),
}

/// Where the LSN that a page had before comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// A field.
    Lsn(Name),
    /// The first bytes of an image.
    Image(Name),
    /// The entry of the list.
    InList,
    /// It is not recorded.
    Unrecorded,
}
