//! Ranges of keys.

use std::ops::{Bound, Range, RangeBounds, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// A range of keys: the ranges of the language, of whatever can be looked at as bytes, and a
/// pair of [`Bound`]s; also `..`, which says nothing of keys.
///
/// ```
/// let db = bdbkit::Database::open("testdata/btree-v6-be-levels/data.db")?;
/// assert_eq!(db.range(..).count(), db.range(.."22").count() + db.range(b"22"..).count());
/// # Ok::<(), bdbkit::Error>(())
/// ```
pub trait KeyRange: sealed::ToBounds {}

impl<R: sealed::ToBounds> KeyRange for R {}

/// The bounds of a range, with bytes of their own.
type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

mod sealed {
    pub trait ToBounds {
        fn bounds(&self) -> super::Bounds;
    }
}

impl sealed::ToBounds for RangeFull {
    fn bounds(&self) -> Bounds {
        (Bound::Unbounded, Bound::Unbounded)
    }
}

macro_rules! ranges_of_keys {
    ($($range:ty),*) => {$(
        impl<K: AsRef<[u8]>> sealed::ToBounds for $range {
            fn bounds(&self) -> Bounds {
                let own = |bound: Bound<&K>| bound.map(|key| key.as_ref().to_vec());
                (own(self.start_bound()), own(self.end_bound()))
            }
        }
    )*};
}

ranges_of_keys!(
    Range<K>,
    RangeFrom<K>,
    RangeInclusive<K>,
    RangeTo<K>,
    RangeToInclusive<K>,
    (Bound<K>, Bound<K>)
);
