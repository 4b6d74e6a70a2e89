//! The buckets of a HASH database (database-format, annex A).

use std::ops::Range;

use crate::format::hash::HashFunction;
#[cfg(feature = "build")]
use crate::format::hash::PROBE;
use crate::format::meta::Field;
use crate::types::PageNo;

/// Where the buckets of a HASH database are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// The highest bucket number.
    pub(crate) max: u32,
    /// What is taken of a hash to get a bucket, and what of it if that is not there yet.
    pub(crate) high_mask: u32,
    pub(crate) low_mask: u32,
    /// Pairs a bucket is to hold before the table grows; 0 if the library decides.
    pub(crate) fill_factor: u32,
    /// For each doubling, what is added to a bucket number to get its page.
    pub(crate) spares: [u32; 32],
    /// Number of keys as the file says: see [`Buckets::expects`].
    pub(crate) elements: u32,
    /// The function of the release, and what the database's own gives of
    /// [`PROBE`](crate::format::hash::PROBE).
    pub(crate) function: HashFunction,
    pub(crate) probe: u32,
}

impl Buckets {
    /// The bucket of keys with this hash.
    #[inline]
    pub(crate) fn of_hash(&self, hash: u32) -> u32 {
        let bucket = hash & self.high_mask;
        if bucket > self.max { bucket & self.low_mask } else { bucket }
    }

    /// Whether the function that placed the keys is one that releases use if a program gives none.
    #[cfg(feature = "build")]
    pub(crate) fn has_known_function(&self) -> bool {
        HashFunction::ALL.iter().any(|function| function.hash(PROBE) == self.probe)
    }

    /// The first page of a bucket, by the table.
    #[inline]
    pub(crate) fn page(&self, bucket: u32) -> PageNo {
        let spare = self.spares.get(Buckets::doubling(bucket)).copied().unwrap_or(0);
        PageNo(bucket.saturating_add(spare))
    }

    /// The first pages of the buckets that came with a doubling, and are in use; `None` for one behind
    /// the last.
    pub(crate) fn heads(&self, doubling: u32) -> Option<Range<u32>> {
        let &spare = self.spares.get(PageNo(doubling).index())?;
        let first =
            if doubling == 0 { 0 } else { 1u32.checked_shl(doubling.wrapping_sub(1)).unwrap_or(u32::MAX) };
        if first > self.max {
            return None;
        }
        let last = first.saturating_mul(2).saturating_sub(1).max(first).min(self.max);
        Some(first.saturating_add(spare)..last.saturating_add(spare).saturating_add(1))
    }

    /// What decides where the pages of the buckets are, and which of them a key is in.
    #[cfg(feature = "upgrade")]
    pub(crate) fn places(&self) -> ([u32; 5], &[u32]) {
        let used = Buckets::doubling(self.max).saturating_add(1);
        let Buckets { max, high_mask, low_mask, fill_factor, probe, .. } = *self;
        ([max, high_mask, low_mask, fill_factor, probe], self.spares.get(..used).unwrap_or(&self.spares))
    }

    /// The doubling of the table by which a bucket came to it: 0 for the first one.
    #[inline]
    pub(crate) fn doubling(bucket: u32) -> usize {
        PageNo(32u32.saturating_sub(bucket.leading_zeros())).index()
    }

    /// The number that cannot be, and what would be, if keys cannot be looked up by these.
    pub(crate) fn objection(&self) -> Option<(Field, u32, &'static str)> {
        let Buckets { max, high_mask, low_mask, .. } = *self;
        if high_mask & high_mask.wrapping_add(1) != 0 {
            Some((Field::HighMask, high_mask, "a power of two less one"))
        } else if low_mask != high_mask >> 1 {
            Some((Field::LowMask, low_mask, "half of high_mask"))
        } else if max > high_mask || (max < low_mask && max > 0) {
            Some((Field::MaxBucket, max, "from low_mask to high_mask"))
        } else {
            None
        }
    }

    /// Up to how many missing keys tell that a bucket whose page is empty was in use: with
    /// more of them the page may be one that was never written.
    ///
    /// What release 5.3 does, by experiment: it counts keys, not duplicates, and counts down
    /// for deleted ones. To the count of a new table it adds what its maker expected (the
    /// hint that `h_nelem=` in a dump is, too), with which and the fill factor the
    /// table starts at a power of two of buckets that are not written before a key goes
    /// there or they are split; without a fill factor it starts with two. Every bucket
    /// that came later is written when it is made. A count of 0 (releases 3.0 and 3.1, and
    /// package managers that set it) tells nothing.
    pub(crate) fn expects(&self, bucket: u32) -> u64 {
        let (bucket, max, fill) = (u64::from(bucket), u64::from(self.max), u64::from(self.fill_factor));
        // The smallest table to start with in which the bucket was, and is not split since.
        let start = bucket.max(max.saturating_sub(bucket)).saturating_add(1).next_power_of_two().max(2);
        match start {
            _ if start > max.saturating_add(1) => u64::MAX,
            2 => 0,
            _ if fill == 0 => u64::MAX,
            _ => fill.saturating_mul(start >> 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(max: u32, fill_factor: u32) -> Buckets {
        let high_mask = u32::MAX >> max.leading_zeros().min(31);
        Buckets {
            max,
            high_mask,
            low_mask: high_mask >> 1,
            fill_factor,
            spares: [1; 32],
            elements: 0,
            function: HashFunction::Fnv,
            probe: 0,
        }
    }

    #[test]
    fn keys_are_found_where_a_bucket_was_split() {
        let table = table(9, 0);
        assert_eq!((table.high_mask, table.low_mask, table.objection()), (15, 7, None));
        assert_eq!([8, 9, 10, 15, 16].map(|hash| table.of_hash(hash)), [8, 9, 2, 7, 0]);
        assert_eq!(table.page(9), PageNo(10));
        let odd = [
            Buckets { high_mask: 14, ..table },
            Buckets { high_mask: 31, ..table },
            Buckets { max: 6, ..table },
            Buckets { max: 16, ..table },
        ];
        let fields = odd.map(|table| table.objection().unwrap().0);
        assert_eq!(fields, [Field::HighMask, Field::LowMask, Field::MaxBucket, Field::MaxBucket]);
    }

    /// Tables that release 5.3 made, with buckets that it left empty: what was hinted is what
    /// would be missing.
    #[test]
    fn a_bucket_that_was_never_written_is_not_missed() {
        for (hint, fill_factor, max, empty) in [
            (1000, 0, 1, &[0][..]),
            (1000, 4, 255, &[0, 100, 254]),
            (64, 1, 63, &[0, 1, 62]),
            (64, 1, 77, &[14, 23, 58, 62]),
            (33, 2, 31, &[0, 5, 16, 30]),
            (2, 1, 1, &[0]),
            (3, 1, 3, &[0, 1, 2]),
            (5, 1, 7, &[0, 6]),
        ] {
            let buckets = table(max, fill_factor);
            for &bucket in empty {
                assert!(buckets.expects(bucket) < hint, "bucket {bucket} of {buckets:?}");
            }
        }
    }

    #[test]
    fn a_bucket_that_was_split_or_came_later_is_missed() {
        for (missing, fill_factor, max, bucket) in
            [(1000, 0, 49, 0), (9, 0, 49, 31), (1, 1, 77, 3), (4, 4, 255, 200), (64, 1, 77, 70)]
        {
            let buckets = table(max, fill_factor);
            assert!(buckets.expects(bucket) >= missing, "bucket {bucket} of {buckets:?}");
        }
    }
}
