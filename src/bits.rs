//! One bit a page.

use crate::types::PageNo;

/// A set of pages of a file.
#[derive(Clone, Debug)]
pub(crate) struct Bits {
    first: PageNo,
    words: Vec<u64>,
}

impl Bits {
    /// No page yet, of a file whose first one has this number and whose last one is before
    /// `end`.
    pub(crate) fn new(first: PageNo, end: u32) -> Bits {
        let pages = PageNo(end).index().saturating_sub(first.index());
        Bits { first, words: vec![0; pages.div_ceil(64)] }
    }

    /// The word of a page, and its bit there.
    fn place(&self, no: PageNo) -> (usize, u64) {
        let index = no.index().wrapping_sub(self.first.index());
        (index >> 6, 1 << (index & 63))
    }

    pub(crate) fn has(&self, no: PageNo) -> bool {
        let (at, bit) = self.place(no);
        self.words.get(at).is_some_and(|word| word & bit != 0)
    }

    /// Adds a page; whether it was new. One that is not in the file never is.
    pub(crate) fn mark(&mut self, no: PageNo) -> bool {
        let (at, bit) = self.place(no);
        let Some(word) = self.words.get_mut(at) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}
