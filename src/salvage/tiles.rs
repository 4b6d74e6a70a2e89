//! Whether the items of a page fill a part of it without gaps or overlaps.

/// One bit for four bytes of a page of 64 KiB, and one for its end.
const WORDS: usize = 257;

/// Items of a page, by where they start and end.
///
/// If no two items start in the same place, each ends where another starts (but the
/// last, at the end of the page), and their sizes add up to that of the part, they
/// fill it: those that follow one another from its start do already, and one more
/// would make the sum too large.
#[derive(Debug)]
pub(super) struct Tiles {
    starts: Box<[u64; WORDS]>,
    ends: Box<[u64; WORDS]>,
    count: u32,
    sum: usize,
}

impl Tiles {
    pub(super) fn new() -> Self {
        Tiles { starts: Box::new([0; WORDS]), ends: Box::new([0; WORDS]), count: 0, sum: 0 }
    }

    /// Begins anew, for a page of this length.
    pub(super) fn clear(&mut self, len: usize) {
        let words = (len >> 8).saturating_add(1);
        for bits in [&mut self.starts, &mut self.ends] {
            bits.iter_mut().take(words).for_each(|word| *word = 0);
        }
        (self.count, self.sum) = (0, 0);
    }

    /// Adds an item of at least one byte: both numbers are multiples of four.
    #[inline(always)]
    pub(super) fn add(&mut self, start: usize, size: usize) {
        flip(&mut self.ends, start.wrapping_add(size));
        let Some(word) = self.starts.get_mut(start >> 8) else { return };
        *word |= 1 << (start >> 2 & 63);
        self.count = self.count.wrapping_add(1);
        self.sum = self.sum.wrapping_add(size);
    }

    /// Whether the items fill the page from an offset on to its end.
    pub(super) fn fill(&mut self, area: usize, len: usize) -> bool {
        if self.count == 0 {
            return area == len;
        }
        // Now all starts but the first are ends as well, and the end is no start.
        flip(&mut self.ends, area);
        flip(&mut self.ends, len);
        let words = (len >> 8).saturating_add(1);
        let distinct = self.starts.iter().take(words).map(|word| word.count_ones()).sum::<u32>();
        let same = self.starts.iter().zip(self.ends.iter()).take(words).all(|(start, end)| start == end);
        same && distinct == self.count && self.sum == len.wrapping_sub(area)
    }
}

#[inline(always)]
fn flip(bits: &mut [u64; WORDS], offset: usize) {
    if let Some(word) = bits.get_mut(offset >> 8) {
        *word ^= 1 << (offset >> 2 & 63);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(items: &[(usize, usize)], area: usize, len: usize) -> bool {
        let mut tiles = Tiles::new();
        tiles.clear(len);
        items.iter().for_each(|&(start, size)| tiles.add(start, size));
        tiles.fill(area, len)
    }

    #[test]
    fn items_fill_a_page_or_they_do_not() {
        assert!(fill(&[(500, 12), (100, 200), (300, 200)], 100, 512));
        assert!(!fill(&[(500, 12), (100, 200)], 100, 512), "a gap");
        assert!(!fill(&[(500, 12), (100, 200), (300, 196)], 100, 512), "a smaller gap");
        assert!(!fill(&[(500, 12), (100, 200), (300, 212)], 100, 512), "an overlap");
        assert!(!fill(&[(500, 12), (100, 200), (300, 200), (300, 200)], 100, 512), "twice");
        assert!(!fill(&[(100, 200), (300, 200), (300, 212)], 100, 512), "two from one start");
        assert!(!fill(&[(500, 12), (104, 196), (300, 200)], 100, 512), "the area is larger");
        assert!(fill(&[(32768, 32768), (28, 32740)], 28, 65536));
        assert!(fill(&[], 512, 512) && !fill(&[], 500, 512));
    }
}
