//! Pages of chains that become leaves of trees (upgrade, "convert_chain"): of all that an
//! upgrade changes these are the most, and all change in the same way. So one bit a page
//! says it.

use crate::bits::Bits;
use crate::format::edit;
use crate::format::page::{PageKind, at};
use crate::types::PageNo;

/// The pages, those of sorted duplicates apart.
#[derive(Debug)]
pub(super) struct Leaves {
    all: Bits,
    sorted: Bits,
    any: bool,
}

impl Leaves {
    /// None yet, in a file of so many pages.
    pub(super) fn new(pages: u32) -> Leaves {
        let none = Bits::new(PageNo::META, pages);
        Leaves { all: none.clone(), sorted: none, any: false }
    }

    /// Adds a page; says whether it is new.
    pub(super) fn add(&mut self, no: PageNo, sorted: bool) -> bool {
        self.any = true;
        if sorted {
            self.sorted.mark(no);
        }
        self.all.mark(no)
    }

    pub(super) fn has(&self, no: PageNo) -> bool {
        self.all.has(no)
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any
    }

    /// Makes a page of a chain a leaf, if it is one of these.
    pub(super) fn apply(&self, no: PageNo, page: &mut [u8]) {
        if !self.has(no) {
            return;
        }
        let kind = if self.sorted.has(no) { PageKind::DuplicateLeaf } else { PageKind::RecnoLeaf };
        // The LSN means nothing in files that were written without a log.
        edit::put(page, 0, &[0; 8]);
        edit::put(page, at::LEVEL, &[1, kind.byte()]);
    }
}
