//! What the two bench programs share: the sum that shows that bytes were read.

/// The wrapping sum of all bytes, as `sum` of `libdb_peer.c` gives it.
///
/// Reads every byte. All passes that are compared with each other use this one
/// function, so that it favours none of them.
#[inline]
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    match bytes.last_chunk::<16>() {
        Some(last) => wide::sum(bytes, last),
        None => bytes.iter().fold(0, |total, &byte| total.wrapping_add(byte.into())),
    }
}

/// Blocks of 16 bytes, and what the last 16 bytes have behind the last whole
/// block: one loop and no branches, as the lengths of values are hard to predict.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, clippy::as_conversions)]
mod wide {
    use std::arch::x86_64::*;

    /// From byte N on, a mask that keeps the last N of 16 bytes.
    #[allow(clippy::indexing_slicing)] // when it is compiled
    static KEEP: [u8; 32] = {
        let mut keep = [0; 32];
        let mut i = 16;
        while i < keep.len() {
            keep[i] = 0xff;
            i += 1;
        }
        keep
    };

    #[inline]
    pub(super) fn sum(bytes: &[u8], last: &[u8; 16]) -> u64 {
        let blocks = bytes.chunks_exact(16);
        let behind = blocks.remainder().len();
        let mask = KEEP.get(behind..).and_then(|mask| mask.first_chunk()).unwrap_or(&[0; 16]);
        // SAFETY: every x86-64 has SSE2; loads are of arrays and slices of 16
        // bytes, at any address.
        unsafe {
            let load = |block: *const u8| _mm_loadu_si128(block.cast());
            let zero = _mm_setzero_si128();
            let end = _mm_and_si128(load(last.as_ptr()), load(mask.as_ptr()));
            let total = blocks.fold(_mm_sad_epu8(end, zero), |total, block| {
                _mm_add_epi64(total, _mm_sad_epu8(load(block.as_ptr()), zero))
            });
            // Never negative.
            _mm_cvtsi128_si64(_mm_add_epi64(total, _mm_unpackhi_epi64(total, total))) as u64
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod wide {
    #[inline]
    pub(super) fn sum(bytes: &[u8], _: &[u8; 16]) -> u64 {
        // 256 bytes fit a sum of 16 bits, whatever they are.
        let part = |part: &[u8]| part.iter().fold(0u16, |sum, &byte| sum.wrapping_add(byte.into()));
        bytes.chunks(256).fold(0, |total, bytes| total.wrapping_add(part(bytes).into()))
    }
}
