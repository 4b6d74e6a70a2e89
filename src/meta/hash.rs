//! The buckets of a HASH database (database-format, annex A).

/// Where the buckets of a HASH database are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// The highest bucket number.
    pub(crate) max: u32,
    /// Pairs a bucket is to hold before the table grows; 0 if the library decides.
    pub(crate) fill_factor: u32,
    /// For each doubling, what is added to a bucket number to get its page.
    pub(crate) spares: [u32; 32],
    /// Number of keys as the file says: see [`Buckets::expects`].
    pub(crate) elements: u32,
}

impl Buckets {
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
            let buckets = Buckets { max, fill_factor, spares: [0; 32], elements: 0 };
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
            let buckets = Buckets { max, fill_factor, spares: [0; 32], elements: 0 };
            assert!(buckets.expects(bucket) >= missing, "bucket {bucket} of {buckets:?}");
        }
    }
}
