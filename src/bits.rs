//! One bit a page.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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

    /// How many pages there are.
    pub(crate) fn count(&self) -> u32 {
        self.words.iter().fold(0, |sum, word| sum.saturating_add(word.count_ones()))
    }

    /// Adds all pages of another set of the same file.
    pub(crate) fn merge(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }
}

/// A set of pages of a file that threads share. It takes room where it has pages.
#[derive(Debug)]
pub(crate) struct AtomicBits {
    pages: u32,
    pieces: Box<[OnceLock<Box<[AtomicU64]>>]>,
}

/// Words of a piece, as a power of two.
const WORDS: u32 = 9;

impl AtomicBits {
    /// No page yet, of so many.
    pub(crate) fn new(pages: u32) -> AtomicBits {
        let pieces = PageNo(pages.div_ceil(64 << WORDS)).index();
        AtomicBits { pages, pieces: std::iter::repeat_with(OnceLock::new).take(pieces).collect() }
    }

    /// The piece of a page, the word there, and its bit in it.
    fn place(no: PageNo) -> (usize, usize, u64) {
        let word = no.0 >> 6;
        (PageNo(word >> WORDS).index(), PageNo(word & ((1 << WORDS) - 1)).index(), 1 << (no.0 & 63))
    }

    #[inline]
    pub(crate) fn has(&self, no: PageNo) -> bool {
        let (piece, word, bit) = AtomicBits::place(no);
        let word = self.pieces.get(piece).and_then(|piece| piece.get()?.get(word));
        word.is_some_and(|word| word.load(Relaxed) & bit != 0)
    }

    /// Adds a page; whether it was new. One that is not in the file never is.
    pub(crate) fn mark(&self, no: PageNo) -> bool {
        let make = || std::iter::repeat_with(AtomicU64::default).take(1 << WORDS).collect();
        let (piece, word, bit) = AtomicBits::place(no);
        let piece = self.pieces.get(piece).filter(|_| no.0 < self.pages);
        let word = piece.and_then(|piece| piece.get_or_init(make).get(word));
        word.is_some_and(|word| word.fetch_or(bit, Relaxed) & bit == 0)
    }
}
