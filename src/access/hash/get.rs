//! Finding a key: its bucket by its hash, and there by comparing.
//!
//! A look-up is right only if the pages of the bucket hold what they should. The first
//! look-up that comes by a page checks that: its items, and that its keys belong to the
//! bucket. One bit a page remembers it, another that its keys are in order, so that not each
//! has to be looked at.

use std::cmp::Ordering;

use byteorder::ByteOrder;

use super::Hash;
use super::others::Others;
use super::page::{BucketPage, Found};
use super::values::Values;
use crate::access::item::Item;
use crate::error::{Defect, Error, Result};
use crate::format::hash::sorted;
use crate::format::page::{PageKind, at};
use crate::meta::Buckets;
use crate::pages::{Content, Origin};
use crate::types::PageNo;

impl Hash<'_> {
    /// The value of a key: the first one, if it has duplicates.
    pub(in crate::access) fn get<O: ByteOrder>(&self, key: &[u8]) -> Result<Option<Item<'_>>> {
        let Some((page, pair)) = self.find::<O>(key)? else { return Ok(None) };
        let content = match page.value::<O>(pair)? {
            Found::One(content) => Some(content),
            several => {
                let mut allowance = self.pages().allowance();
                Values::of(self, several)?.next::<O>(0, &mut allowance, &mut None, &mut 0)?
            }
        };
        Ok(content.map(|content| Item::new(self.pages(), content)))
    }

    /// The page on which a key stands, and its pair there.
    pub(super) fn find<O: ByteOrder>(&self, key: &[u8]) -> Result<Option<(BucketPage<'_>, u16)>> {
        let Some(buckets) = self.meta().buckets() else { return Ok(None) };
        if !self.lookups {
            self.check_lookups()?;
        }
        let bucket = buckets.of_hash(self.hash(buckets, key));
        let (mut keys, mut others) = (false, Others::default());
        let found = self.pages_of::<O, _>(buckets, bucket, |page| {
            keys |= page.pairs() > 0;
            Ok(self.search::<O>(page, key, &mut others)?.map(|pair| (*page, pair)))
        })?;
        // An empty bucket may be one that there is not yet: its keys are still where they were
        // before it was split off. Keys that belong here are an error there.
        if found.is_none() && !keys && bucket > buckets.low_mask {
            self.pages_of::<O, ()>(buckets, bucket & buckets.low_mask, |_| Ok(None))?;
        }
        Ok(found)
    }

    /// Shows the pages of a bucket, proven, until one is what is looked for.
    #[inline]
    fn pages_of<'s, O: ByteOrder, T>(
        &'s self,
        buckets: &Buckets,
        bucket: u32,
        mut look: impl FnMut(&BucketPage<'s>) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let (mut no, mut prev, mut origin) = (buckets.page(bucket), PageNo::META, self.table());
        if !self.has_page::<O>(no, origin)? {
            return Ok(None);
        }
        loop {
            let page = self.open::<O>(buckets, bucket, no, origin)?;
            // By the links back no page comes twice.
            if page.prev() != prev.0 {
                let defect = Defect::Link { link: "previous", found: page.prev(), expected: prev.0 };
                return Err(Error::corrupt(no, at::PREV, defect));
            }
            if let Some(found) = look(&page)? {
                return Ok(Some(found));
            }
            // The page was proven, but perhaps on the way to another bucket.
            if let Some((pair, key)) = first_on_page::<O>(&page) {
                self.expect_bucket(buckets, bucket, &page, pair, key)?;
            }
            let Some(next) = PageNo::link(page.next()) else { return Ok(None) };
            origin = Origin { page: no, offset: at::NEXT, what: "next page of the bucket" };
            (prev, no) = (no, next);
        }
    }

    /// Whether a bucket has a page. One that was never written is empty.
    fn has_page<O: ByteOrder>(&self, head: PageNo, origin: Origin) -> Result<bool> {
        match self.pages().unchecked_page::<O>(head) {
            Some(page) => Ok(!page.is_hole()),
            None if head.0 >= self.pages().count() && self.pages().may_lack_bucket(head) => Ok(false),
            None => Err(self.pages().beyond_end(head, origin)),
        }
    }

    /// A page of a bucket, proven now or before.
    #[inline]
    fn open<O: ByteOrder>(
        &self,
        buckets: &Buckets,
        bucket: u32,
        no: PageNo,
        origin: Origin,
    ) -> Result<BucketPage<'_>> {
        let (pages, [proven, ordered]) = (self.pages(), &*self.proven);
        if proven.has(no) {
            if let Some(page) = pages.unchecked_page::<O>(no) {
                return BucketPage::new::<O>(pages, page, no);
            }
        }
        let page = BucketPage::new::<O>(pages, pages.page::<O>(no, origin)?, no)?;
        if self.prove::<O>(buckets, bucket, &page)? {
            ordered.mark(no);
        }
        proven.mark(no);
        Ok(page)
    }

    /// Checks the items of a page, and that its keys belong to the bucket; says whether they are
    /// in order. Keys in chains are left to the look-up that meets them.
    fn prove<O: ByteOrder>(&self, buckets: &Buckets, bucket: u32, page: &BucketPage<'_>) -> Result<bool> {
        let mut in_order = page.kind() == PageKind::Hash;
        let mut before: Option<&[u8]> = None;
        for pair in 0..page.pairs() {
            let key = page.key::<O>(pair)?;
            page.value::<O>(pair)?;
            let Content::Here(key) = key else {
                in_order = false;
                continue;
            };
            self.expect_bucket(buckets, bucket, page, pair, key)?;
            in_order &= before.is_none_or(|before| sorted(before, key).is_lt());
            before = Some(key);
        }
        Ok(in_order)
    }

    fn expect_bucket(
        &self,
        buckets: &Buckets,
        bucket: u32,
        page: &BucketPage<'_>,
        pair: u16,
        key: &[u8],
    ) -> Result<()> {
        let expected = buckets.of_hash(self.hash(buckets, key));
        if expected == bucket {
            return Ok(());
        }
        let slot = pair.wrapping_mul(2);
        Err(page.corrupt(pair, Defect::Bucket { slot, found: bucket, expected }))
    }

    /// The pair of a page that has the key.
    #[inline]
    fn search<O: ByteOrder>(
        &self,
        page: &BucketPage<'_>,
        key: &[u8],
        others: &mut Others,
    ) -> Result<Option<u16>> {
        let [_, ordered] = &*self.proven;
        if ordered.has(page.no()) {
            return Ok(binary_search::<O>(page, key));
        }
        for pair in 0..page.pairs() {
            match page.plain_key::<O>(pair) {
                Some((_, found)) if found == key => return Ok(Some(pair)),
                Some(_) => {}
                None if others.is_key(self.pages(), page.key::<O>(pair)?, key)? => return Ok(Some(pair)),
                None => {}
            }
        }
        Ok(None)
    }
}

fn first_on_page<'a, O: ByteOrder>(page: &BucketPage<'a>) -> Option<(u16, &'a [u8])> {
    (0..page.pairs()).find_map(|pair| page.plain_key::<O>(pair).map(|(_, key)| (pair, key)))
}

fn binary_search<O: ByteOrder>(page: &BucketPage<'_>, key: &[u8]) -> Option<u16> {
    let (mut low, mut high) = (0, page.pairs());
    while low < high {
        let middle = low.midpoint(high);
        let (_, found) = page.plain_key::<O>(middle)?;
        match sorted(found, key) {
            Ordering::Less => low = middle.saturating_add(1),
            Ordering::Greater => high = middle,
            Ordering::Equal => return Some(middle),
        }
    }
    None
}
