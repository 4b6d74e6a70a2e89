//! Which bytes of an unsound page belong to an item: one bit for four bytes, as items start
//! at multiples of four (database-format, "Alignment and packing").

/// Words for a page of 64 KiB.
const WORDS: usize = 256;

/// The claimed bytes of one page.
#[derive(Debug)]
pub(super) struct Claims {
    words: Box<[u64; WORDS]>,
}

impl Claims {
    pub(super) fn new() -> Self {
        Claims { words: Box::new([0; WORDS]) }
    }

    /// Forgets what was claimed, for a page of this length.
    pub(super) fn clear(&mut self, len: usize) {
        self.words.iter_mut().take((len >> 8).saturating_add(1)).for_each(|word| *word = 0);
    }

    /// Claims bytes, and says whether nobody else had.
    #[inline(always)]
    pub(super) fn claim(&mut self, offset: usize, size: usize) -> bool {
        let (mut at, end) = (offset >> 2, offset.wrapping_add(size).wrapping_add(3) >> 2);
        let mut free = true;
        while at < end {
            let Some(word) = self.words.get_mut(at >> 6) else { return false };
            let count = end.wrapping_sub(at).min(64usize.wrapping_sub(at & 63));
            let mask = (u64::MAX >> (64usize.wrapping_sub(count) & 63)) << (at & 63);
            free &= *word & mask == 0;
            *word |= mask;
            at = at.wrapping_add(count);
        }
        free
    }

    /// Whether nobody claimed any of these bytes.
    pub(super) fn is_free(&self, start: usize, end: usize) -> bool {
        let (mut at, end) = (start >> 2, end.div_ceil(4));
        while at < end {
            let Some(word) = self.words.get(at >> 6) else { return false };
            let count = end.wrapping_sub(at).min(64usize.wrapping_sub(at & 63));
            let mask = (u64::MAX >> (64usize.wrapping_sub(count) & 63)) << (at & 63);
            if word & mask != 0 {
                return false;
            }
            at = at.wrapping_add(count);
        }
        true
    }

    fn has(&self, unit: usize) -> bool {
        self.words.get(unit >> 6).is_some_and(|word| word >> (unit & 63) & 1 != 0)
    }

    /// The ranges in between that nobody claimed.
    pub(super) fn gaps(&self, start: usize, end: usize) -> Vec<(usize, usize)> {
        let mut gaps = Vec::new();
        let mut open = None;
        for unit in start.div_ceil(4)..=end >> 2 {
            let free = unit < end >> 2 && !self.has(unit);
            match (open, free) {
                (None, true) => open = Some(unit),
                (Some(from), false) => {
                    gaps.push((from << 2, unit << 2));
                    open = None;
                }
                _ => {}
            }
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_and_the_gaps_between_them() {
        let mut claims = Claims::new();
        assert!(claims.claim(500, 12));
        assert!(claims.claim(100, 300));
        assert!(!claims.claim(396, 8));
        assert!(claims.claim(0, 26));
        assert!(claims.is_free(28, 100) && !claims.is_free(28, 101) && !claims.is_free(26, 100));
        assert_eq!(claims.gaps(26, 512), [(28, 100), (404, 500)]);
        claims.clear(512);
        assert_eq!(claims.gaps(0, 512), [(0, 512)]);
        assert!(claims.claim(0, 65536) && !claims.claim(65532, 4));
        claims.clear(65536);
        assert!(claims.claim(0, 8) && !claims.claim(4, 300), "claimed at its start, not at its end");
    }
}
