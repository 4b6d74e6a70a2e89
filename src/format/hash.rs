//! Hash functions of HASH databases, and the order of keys on their sorted pages
//! (database-format, "Hash function" and "Bucket pages").

use std::cmp::Ordering;

use byteorder::ByteOrder;

use super::checksum;
use super::page::{Page, slot_offset};

/// The bytes whose hash a metadata page keeps, by which its function is known.
pub(crate) const PROBE: &[u8] = b"%$sniglet^&\0";

/// A function that releases use if a program gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashFunction {
    /// Of version 4: that of checksums.
    Times33,
    /// Of version 5 and later.
    Fnv,
}

impl HashFunction {
    /// Each of them.
    #[cfg(feature = "build")]
    pub(crate) const ALL: [HashFunction; 2] = [HashFunction::Times33, HashFunction::Fnv];

    /// That of a version.
    pub(crate) fn of(version: u32) -> HashFunction {
        if version < 5 { HashFunction::Times33 } else { HashFunction::Fnv }
    }

    /// The hash of a key.
    #[inline]
    pub(crate) fn hash(self, key: &[u8]) -> u32 {
        match self {
            HashFunction::Times33 => checksum::plain(key),
            HashFunction::Fnv => {
                key.iter().fold(0, |hash: u32, &byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte))
            }
        }
    }
}

/// The order of two keys that stand on a sorted page: as bytes, but the longer first of two of
/// which one is the start of the other.
#[inline]
pub(crate) fn sorted(a: &[u8], b: &[u8]) -> Ordering {
    let len = a.len().min(b.len());
    match (a.get(..len), b.get(..len)) {
        (Some(head), Some(other)) => head.cmp(other).then(b.len().cmp(&a.len())),
        _ => a.cmp(b),
    }
}

/// The item of a slot on a page of a bucket, and its offset: items lie one below the other, in
/// slot order. `None` if there is no such slot, or its item has no bytes.
#[cfg_attr(not(feature = "upgrade"), allow(dead_code))] // only what changes files asks
pub(crate) fn item<'p, O: ByteOrder>(
    page: &Page<'p, O>,
    overhead: usize,
    number: u16,
) -> Option<(usize, &'p [u8])> {
    let end = match number.checked_sub(1) {
        Some(before) => usize::from(page.slot(overhead, before)?),
        None => page.bytes().len(),
    };
    let start = usize::from(page.slot(overhead, number).filter(|_| number < page.entries())?);
    let item = page.bytes().get(start..end).filter(|_| start >= slot_offset(overhead, page.entries()))?;
    Some((start, item)).filter(|_| !item.is_empty())
}

/// Where the library puts a key among those that it has put on a sorted page before, as `compare`
/// says how the key stands to one of them. Where long keys are among them that is no order, so
/// the very search counts (upgrade-other, "Order of pairs on a type 13 page").
pub(crate) fn insertion<T, E>(
    list: &[T],
    mut compare: impl FnMut(&T) -> Result<Ordering, E>,
) -> Result<usize, E> {
    let (mut base, mut left, mut at, mut found) = (0usize, list.len(), 0usize, Ordering::Equal);
    while left > 0 {
        at = base.saturating_add(left >> 1);
        let Some(probe) = list.get(at) else { break };
        found = compare(probe)?;
        match found {
            Ordering::Equal => break,
            Ordering::Greater => {
                base = at.saturating_add(1);
                left = left.saturating_sub(1);
            }
            Ordering::Less => {}
        }
        left >>= 1;
    }
    Ok(if found.is_gt() { at.saturating_add(1) } else { at }.min(list.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_keys_with_one_start_the_longer_comes_first() {
        let mut keys: Vec<&[u8]> = vec![b"", b"a", b"ab", b"abc", b"b", b"ac"];
        keys.sort_by(|a, b| sorted(a, b));
        assert_eq!(keys, [&b"abc"[..], b"ab", b"ac", b"a", b"b", b""]);
    }

    #[test]
    fn the_probe_has_the_hash_that_genuine_files_keep() {
        // h_charkey of every genuine file of versions 5 to 9.
        assert_eq!(HashFunction::of(5).hash(PROBE), 0x5e68_8dd1);
        assert_eq!(HashFunction::of(9), HashFunction::Fnv);
        assert_eq!(HashFunction::of(4).hash(b"ab"), 97 * 33 + 98);
    }
}
