//! The entries of one page of a bucket, for a scan of the whole file.

use byteorder::ByteOrder;

use super::page::{BucketPage, Found};
use super::values::Set;
use crate::access::item::Item;
use crate::access::scan::Scanned;
use crate::error::{Defect, Result};
use crate::order::with_order;
use crate::pages::{Allowance, Content};

/// The entries of one page of a bucket.
#[derive(Clone, Debug)]
pub(in crate::access) struct BucketItems<'a> {
    page: BucketPage<'a>,
    pair: u16,
    /// The key of the pair before, and its duplicates that are still to come.
    set: Option<(Item<'a>, Set<'a>)>,
    allowance: Allowance,
}

impl<'a> BucketItems<'a> {
    pub(in crate::access) fn new(page: BucketPage<'a>) -> Self {
        BucketItems { page, pair: 0, set: None, allowance: page.pages().allowance() }
    }

    #[inline(always)]
    fn plain<O: ByteOrder>(&mut self) -> Option<Scanned<'a>> {
        let plain = self.page.plain_pair::<O>(self.pair).filter(|_| self.set.is_none())?;
        if !self.allowance.may_give(plain.key.len().wrapping_add(plain.value.len())) {
            return None;
        }
        self.pair = self.pair.wrapping_add(1);
        let item = |bytes| Item::new(self.page.pages(), Content::Here(bytes));
        Some(Scanned::Pair { key: item(plain.key), value: item(plain.value) })
    }

    /// An entry of whatever form.
    #[inline(never)]
    fn any<O: ByteOrder>(&mut self) -> Result<Option<Scanned<'a>>> {
        let pages = self.page.pages();
        loop {
            if let Some((key, set)) = &mut self.set {
                if let Some(value) = set.next::<O>(key.len(), &mut self.allowance)? {
                    return Ok(Some(Scanned::Pair { key: key.clone(), value: Item::new(pages, value) }));
                }
                self.set = None;
            }
            if self.pair >= self.page.pairs() {
                return Ok(None);
            }
            let pair = self.pair;
            self.pair = pair.saturating_add(1);
            let content = self.page.key::<O>(pair)?;
            let key = Item::new(pages, content);
            match self.page.value::<O>(pair)? {
                Found::One(value) => {
                    let given = self.allowance.give(content.given(false).saturating_add(value.given(false)));
                    given.map_err(|defect| self.page.corrupt(pair, defect))?;
                    return Ok(Some(Scanned::Pair { key, value: Item::new(pages, value) }));
                }
                Found::Elsewhere(duplicates) => {
                    return Ok(Some(Scanned::Duplicates { key, root: duplicates.root }));
                }
                Found::Set { set: [], place } => {
                    let expected = "a set that is not empty";
                    return Err(
                        place.corrupt(0, Defect::Field { field: "set of duplicates", found: 0, expected })
                    );
                }
                Found::Set { set, place } => self.set = Some((key, Set::new(set, place))),
            }
        }
    }
}

impl<'a> Iterator for BucketItems<'a> {
    type Item = Result<Scanned<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        with_order!(self.page.pages().order(), O => match self.plain::<O>() {
            Some(entry) => Some(Ok(entry)),
            None => self.any::<O>().transpose(),
        })
    }
}
