//! Where a record was found, and what led there.

use crate::types::PageNo;

/// Where a record stands: the page and slot of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provenance {
    /// The page, by its place in the file.
    pub page: PageNo,
    /// The number that the page carries, where that is another one: it is damaged, or not where
    /// it was written.
    pub says: Option<PageNo>,
    /// Where the item stands in the file, in bytes from its start; of a record that leads to
    /// other pages, the item that does.
    pub offset: u64,
    /// The slot on the page; for remains and for the values of HASH, the offset.
    pub place: Place,
    /// What led there.
    pub origin: Origin,
}

/// A page as a place in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) page: PageNo,
    pub(super) says: Option<PageNo>,
    /// Bytes before it.
    pub(super) start: u64,
}

impl Spot {
    /// A record on the page: the place of its value, and the offset of that in the page.
    #[inline(always)]
    pub(super) fn record(self, place: Place, at: u16, origin: Origin) -> Provenance {
        let offset = self.start.wrapping_add(at.into());
        Provenance { page: self.page, says: self.says, offset, place, origin }
    }
}

/// Where on its page a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The item of a slot (database-format, "Where the index array starts").
    Slot(u16),
    /// At an offset in bytes, where no slot leads.
    Offset(u16),
}

/// What led to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The tree of its database, or the buckets of HASH.
    Tree,
    /// Nothing: the page holds records, but no tree leads to it.
    Orphan,
    /// It stands on a free page (database-format, "Free list").
    Free,
    /// It is marked as deleted (database-format, "Leaves").
    Deleted,
    /// It stands in the unused space of a page.
    Unused,
}

impl Origin {
    /// The name, in small letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Origin::Tree => "tree",
            Origin::Orphan => "orphan",
            Origin::Free => "free",
            Origin::Deleted => "deleted",
            Origin::Unused => "unused",
        }
    }
}
