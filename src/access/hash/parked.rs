//! A walk over buckets that lets go of the page it stands on.

use super::Hash;
use super::buckets::{BucketWalk, State};
use super::page::BucketPage;
use super::values::Values;
use crate::error::Result;
use crate::order::with_order;
use crate::pages::Pages;
use crate::types::PageNo;

/// A walk over buckets without the page that it stands on, between two keys.
#[derive(Debug)]
pub(in crate::access) struct Parked {
    page: Option<PageNo>,
    state: State,
}

impl Parked {
    /// Goes on in the same table.
    ///
    /// # Errors
    ///
    /// A page that was good before cannot be read again.
    pub(in crate::access) fn resume<'a>(self, hash: &'a Hash<'a>) -> Result<BucketWalk<'a>> {
        let pages: &Pages<'_> = hash.pages();
        let again = |no| {
            with_order!(pages.order(), O => {
                BucketPage::new::<O>(pages, pages.page::<O>(no, hash.table())?, no)
            })
        };
        Ok(BucketWalk::at(hash, self.page.map(again).transpose()?, self.state))
    }
}

impl BucketWalk<'_> {
    /// Whether it stands between two keys, where it can be parked.
    pub(in crate::access) fn rests(&self) -> bool {
        matches!(self.values, Values::None)
    }

    /// Lets go of the page.
    pub(in crate::access) fn park(self) -> Parked {
        Parked { page: self.page.map(|page| page.no()), state: self.state }
    }
}
