//! A walk over buckets that lets go of the pages it stands on.

use super::Hash;
use super::buckets::BucketWalk;
use super::page::BucketPage;
use super::values::Values;
use crate::access::visited::Visited;
use crate::error::{Error, Result};
use crate::order::with_order;
use crate::pages::{Allowance, Pages};
use crate::types::PageNo;

/// A walk over buckets without the pages that it stands on, between two keys.
#[derive(Debug)]
pub(in crate::access) struct Parked {
    visited: Option<Visited>,
    level: u32,
    heads: std::ops::Range<u32>,
    spare: u32,
    /// The page, and the pair on it that comes next.
    page: Option<(PageNo, u16)>,
    allowance: Allowance,
    crowded: u32,
    keys: u32,
    empty: Option<(u64, PageNo)>,
    missed_from: Option<u32>,
    only: Option<Vec<u8>>,
    deleted: u64,
}

impl Parked {
    /// Goes on in the same table.
    ///
    /// # Errors
    ///
    /// A page that was good before cannot be read again.
    pub(in crate::access) fn resume<'a>(self, hash: &'a Hash<'a>) -> Result<BucketWalk<'a>> {
        let Parked { visited, level, heads, spare, page, allowance, crowded, keys, empty, .. } = self;
        let pages: &Pages<'_> = hash.pages();
        let again = |no| {
            with_order!(pages.order(), O => {
                BucketPage::new::<O>(pages, pages.page::<O>(no, hash.table())?, no)
            })
        };
        let pair = page.map_or(0, |(_, pair)| pair);
        let page = page.map(|(no, _)| again(no)).transpose()?;
        let (missed_from, only, deleted) = (self.missed_from, self.only, self.deleted);
        let walk = BucketWalk::new(hash, Visited::new(pages));
        let walk = BucketWalk { visited, level, heads, spare, page, pair, allowance, crowded, ..walk };
        Ok::<_, Error>(BucketWalk { keys, empty, missed_from, only, deleted, ..walk })
    }
}

impl BucketWalk<'_> {
    /// Whether it stands between two keys, where it can be parked.
    pub(in crate::access) fn rests(&self) -> bool {
        matches!(self.values, Values::None)
    }

    /// Lets go of the pages.
    pub(in crate::access) fn park(self) -> Parked {
        let BucketWalk { visited, level, heads, spare, page, pair, allowance, crowded, keys, .. } = self;
        let page = page.map(|page| (page.no(), pair));
        let (empty, missed_from, only, deleted) = (self.empty, self.missed_from, self.only, self.deleted);
        Parked {
            visited,
            level,
            heads,
            spare,
            page,
            allowance,
            crowded,
            keys,
            empty,
            missed_from,
            only,
            deleted,
        }
    }
}
