//! A walk over buckets that lets go of the pages it stands on.

use byteorder::ByteOrder;

use super::Hash;
use super::buckets::{BucketWalk, State};
use super::page::{BucketPage, Found};
use super::values::{Set, Values};
use crate::access::btree::walk;
use crate::error::Result;
use crate::order::with_order;
use crate::pages::Pages;
use crate::types::PageNo;

/// A walk over buckets without the pages that it stands on.
#[derive(Debug)]
pub(in crate::access) struct Parked {
    page: Option<PageNo>,
    left: Left,
    state: State,
}

/// Values of a key that are still to come.
#[derive(Debug)]
enum Left {
    None,
    /// So many bytes of the set on the page.
    Set(usize),
    Walk(Box<walk::Parked>),
}

impl Parked {
    /// Goes on in the same table.
    ///
    /// # Errors
    ///
    /// A page that was good before cannot be read again.
    pub(in crate::access) fn resume<'a>(self, hash: &'a Hash<'a>) -> Result<BucketWalk<'a>> {
        with_order!(hash.pages().order(), O => self.resume_in::<O>(hash))
    }

    fn resume_in<'a, O: ByteOrder>(self, hash: &'a Hash<'a>) -> Result<BucketWalk<'a>> {
        let pages: &Pages<'_> = hash.pages();
        let again = |no| BucketPage::new::<O>(pages, pages.page::<O>(no, hash.table())?, no);
        let mut walk = BucketWalk::at(hash, self.page.map(again).transpose()?, self.state);
        // The pair whose values they are is the one before the next.
        let (Some(page), Some(pair)) = (walk.page, walk.state.pair.checked_sub(1)) else { return Ok(walk) };
        walk.values = match self.left {
            Left::None => return Ok(walk),
            Left::Walk(parked) => Values::Walk(Box::new(parked.resume(pages)?)),
            Left::Set(left) => match page.value::<O>(pair)? {
                Found::Set { set, place } => Values::Here(Set::last(set, left, place)),
                _ => Values::None,
            },
        };
        walk.key = page.key::<O>(pair)?;
        Ok(walk)
    }
}

impl BucketWalk<'_> {
    /// Lets go of the pages.
    pub(in crate::access) fn park(self) -> Parked {
        let left = match self.values {
            // One value is given at once.
            Values::None | Values::One(_) => Left::None,
            Values::Here(set) => Left::Set(set.left()),
            Values::Walk(walk) => Left::Walk(Box::new(walk.park())),
        };
        Parked { page: self.page.map(|page| page.no()), left, state: self.state }
    }
}
