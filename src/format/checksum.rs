//! The checksum of version 9 pages and of log records: `h = h × 33 + c` over all
//! bytes (database-format, "Checksums and encryption"; log-format, "Checksum").

/// Offset of the checksum on an ordinary page.
pub(crate) const ON_PAGE: usize = 28;
/// Offset of the checksum on a metadata page.
pub(crate) const ON_META: usize = 492;

/// The powers of 33.
#[allow(clippy::indexing_slicing)] // evaluated when compiled
const POWERS: [u32; 17] = {
    let mut powers = [1u32; 17];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1].wrapping_mul(33);
        i += 1;
    }
    powers
};

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

/// Goes on with a sum. Sixteen bytes at a time: their products do not depend
/// on one another, which one multiplication after the other would.
fn update(start: u32, bytes: &[u8]) -> u32 {
    let [.., ahead] = POWERS;
    let blocks = bytes.chunks_exact(16);
    let tail = blocks.remainder();
    let sum = blocks.fold(start, |sum, block| {
        let weighted = block.iter().zip(POWERS.iter().take(16).rev());
        let part = weighted.fold(0u32, |s, (&c, &p)| s.wrapping_add(u32::from(c).wrapping_mul(p)));
        sum.wrapping_mul(ahead).wrapping_add(part)
    });
    tail.iter().fold(sum, |sum, &c| sum.wrapping_mul(33).wrapping_add(u32::from(c)))
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
        for len in [0, 1, 3, 4, 15, 16, 17, 31, 33, 512, 600] {
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
