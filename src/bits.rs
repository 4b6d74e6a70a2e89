//! One bit a page.

use super::file::File;
use crate::types::PageNo;

/// A set of pages of a file.
#[derive(Clone, Debug)]
pub(super) struct Bits {
    first: PageNo,
    words: Vec<u64>,
}

impl Bits {
    pub(super) fn new(file: &File<'_>) -> Bits {
        let first = file.geometry.first_page();
        let pages = PageNo(file.pages).index().saturating_sub(first.index());
        Bits { first, words: vec![0; pages.div_ceil(64)] }
    }

    /// The word of a page, and its bit there.
    fn place(&self, no: PageNo) -> (usize, u64) {
        let index = no.index().wrapping_sub(self.first.index());
        (index >> 6, 1 << (index & 63))
    }

    pub(super) fn has(&self, no: PageNo) -> bool {
        let (at, bit) = self.place(no);
        self.words.get(at).is_some_and(|word| word & bit != 0)
    }

    /// Adds a page; whether it was new. One that is not in the file never is.
    pub(super) fn mark(&mut self, no: PageNo) -> bool {
        let (at, bit) = self.place(no);
        let Some(word) = self.words.get_mut(at) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}
