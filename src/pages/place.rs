//! Where things stand, for what is said about them.

use crate::error::{Defect, Error};
use crate::types::PageNo;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    page: PageNo,
    offset: u32,
}

impl Place {
    #[inline]
    pub(crate) fn new(page: PageNo, offset: usize) -> Place {
        Place { page, offset: u32::try_from(offset).unwrap_or(u32::MAX) }
    }

    /// The page.
    pub(crate) fn page(self) -> PageNo {
        self.page
    }

    /// The offset in the page, which has no more than 64 KiB.
    pub(crate) fn in_page(self) -> u16 {
        u16::try_from(self.offset).unwrap_or(u16::MAX)
    }

    /// The error for a field of the item.
    pub(crate) fn corrupt(self, field: u32, defect: Defect) -> Error {
        Error::corrupt(self.page, self.offset(field), defect)
    }

    /// The origin of a link in a field of the item.
    pub(crate) fn origin(self, field: u32, what: &'static str) -> Origin {
        Origin { page: self.page, offset: self.offset(field), what }
    }

    fn offset(self, field: u32) -> usize {
        PageNo(self.offset.saturating_add(field)).index()
    }
}

/// Where a link to a page stands, for the error if it leads nowhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) page: PageNo,
    pub(crate) offset: usize,
    pub(crate) what: &'static str,
}
