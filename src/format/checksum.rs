//! The checksum of version 9 pages and of log records: `h = h × 33 + c` over all
//! bytes (database-format, "Checksums and encryption"; log-format, "Checksum").

/// Offset of the checksum on an ordinary page.
pub(crate) const ON_PAGE: usize = 28;
/// Offset of the checksum on a metadata page.
pub(crate) const ON_META: usize = 492;

/// Words of four bytes that are summed side by side.
const LANES: usize = 8;

/// 33 to the power of `n`.
const fn power(n: u32) -> u32 {
    33u32.wrapping_pow(n)
}

/// The sum of `bytes`.
pub(crate) fn plain(bytes: &[u8]) -> u32 {
    update(0, bytes)
}

/// The sum of `bytes`, with the four bytes at `field`, where the sum itself is
/// stored, taken as zero.
pub(crate) fn sum(bytes: &[u8], field: usize) -> u32 {
    let (before, rest) = bytes.split_at_checked(field).unwrap_or((bytes, &[]));
    let (_, after) = rest.split_at_checked(4).unwrap_or((rest, &[]));
    update(update(update(0, before), &[0; 4]), after)
}

/// Goes on with a sum. Many words at a time: their sums do not depend on one another,
/// which one multiplication after the other would.
pub(crate) fn update(start: u32, bytes: &[u8]) -> u32 {
    let mut lanes = [0; LANES];
    let [.., last] = &mut lanes;
    *last = start;
    let blocks = bytes.chunks_exact(4 * LANES);
    let behind = blocks.remainder().chunks_exact(4);
    let tail = behind.remainder();
    for block in blocks {
        for (lane, quad) in lanes.iter_mut().zip(block.chunks_exact(4)) {
            *lane = lane.wrapping_mul(const { power(32) }).wrapping_add(word(quad));
        }
    }
    let four = |sum: u32, word: u32| sum.wrapping_mul(const { power(4) }).wrapping_add(word);
    let sum = lanes.into_iter().fold(0, four);
    let sum = behind.map(word).fold(sum, four);
    tail.iter().fold(sum, |sum, &c| sum.wrapping_mul(33).wrapping_add(u32::from(c)))
}

/// The sum of four bytes: of both halves side by side, then of the two.
#[inline]
fn word(quad: &[u8]) -> u32 {
    let word = quad.first_chunk().map_or(0, |quad| u32::from_le_bytes(*quad));
    let halves = (word & 0xff_00ff).wrapping_mul(33).wrapping_add(word >> 8 & 0xff_00ff);
    (halves & 0xffff).wrapping_mul(const { power(2) }).wrapping_add(halves >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(bytes: &[u8]) -> u32 {
        bytes.iter().fold(0u32, |h, &c| h.wrapping_mul(33).wrapping_add(u32::from(c)))
    }

    #[test]
    fn blocks_give_the_sum_of_single_steps() {
        let scrambled = |i: u32| i.wrapping_mul(2_654_435_761).to_be_bytes()[0];
        let bytes: Vec<u8> = (0..600).map(scrambled).collect();
        for len in [0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 63, 64, 71, 512, 600] {
            for field in [0, 1, 28, 492] {
                let mut zeroed = bytes[..len].to_vec();
                zeroed.iter_mut().skip(field).take(4).for_each(|b| *b = 0);
                if field + 4 <= len {
                    assert_eq!(sum(&bytes[..len], field), slow(&zeroed), "{len} {field}");
                }
            }
        }
    }
}
