//! Which pages a walk has seen: one bit a page.

use std::collections::BTreeSet;

use crate::bits::Bits;
use crate::error::{Defect, Error, Result};
use crate::format::external::Numbers;
use crate::format::page::{Page, PageKind, at, holds_records};
use crate::order::with_order;
use crate::pages::{Content, External, Origin, Pages};
use crate::types::PageNo;

/// The pages that one walk over a file has reached.
#[derive(Clone, Debug)]
pub(crate) struct Visited {
    bits: Bits,
    /// Pages of the file.
    count: u32,
    /// How many more pages may be looked at that have another place already: for walks
    /// that number pages, where no link leads to each.
    again: u32,
    files: ExternalFiles,
}

/// External files that a walk has met, as items state them: of two lengths of one file one is wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct ExternalFiles(BTreeSet<Numbers>);

impl ExternalFiles {
    /// Notes the file of an item: each belongs to one.
    ///
    /// # Errors
    ///
    /// [`Defect::ExternalTwice`].
    #[inline(never)]
    pub(super) fn reach(&mut self, pages: &Pages<'_>, external: External<'_>) -> Result<()> {
        // What cannot be is said when it is read.
        let Ok(numbers) = external.numbers(pages) else { return Ok(()) };
        if self.0.insert(numbers) {
            return Ok(());
        }
        Err(external.place.corrupt(0, Defect::ExternalTwice { id: numbers.id }))
    }
}

impl Visited {
    pub(crate) fn new(pages: &Pages<'_>) -> Self {
        let count = pages.count();
        Visited { bits: Bits::new(PageNo::META, count), count, again: count, files: ExternalFiles::default() }
    }

    /// Marks a page, and says whether this is the first time. Pages beyond the
    /// end count as new: reading them fails anyway.
    pub(super) fn mark(&mut self, no: PageNo) -> bool {
        no.0 >= self.count || self.bits.mark(no)
    }

    /// Marks a page that a link leads to.
    ///
    /// # Errors
    ///
    /// [`Defect::ReachedTwice`] if the walk was there before.
    pub(crate) fn reach(&mut self, no: PageNo, from: Origin) -> Result<()> {
        if self.mark(no) {
            return Ok(());
        }
        Err(Error::corrupt(from.page, from.offset, Defect::ReachedTwice { target: no.0 }))
    }

    /// Marks the overflow chain or the external file of an item, if it has one: each belongs to one
    /// item.
    ///
    /// # Errors
    ///
    /// As [`Visited::reach`], and [`Defect::ExternalTwice`].
    #[inline(always)]
    pub(crate) fn reach_bytes(&mut self, pages: &Pages<'_>, content: Content<'_>) -> Result<()> {
        match content {
            Content::Chain(chain) => self.reach(chain.first, chain.origin()),
            Content::External(external) => self.files.reach(pages, external),
            _ => Ok(()),
        }
    }

    /// Counts one more page that has another place; says whether it may be passed over.
    pub(super) fn pass_over(&mut self) -> bool {
        let left = self.again.checked_sub(1);
        self.again = left.unwrap_or(0);
        left.is_some()
    }

    pub(super) fn has(&self, no: PageNo) -> bool {
        self.bits.has(no)
    }

    /// Adds the pages of another walk over the same file.
    pub(crate) fn merge(&mut self, other: &Visited) {
        self.bits.merge(&other.bits);
        self.files.0.extend(&other.files.0);
    }

    /// Pages with records that the walk did not reach, from `start` on: what
    /// stands there is missing from its result. None, if a page could not be read: that may lead
    /// to them.
    pub(crate) fn unreached(&self, pages: &Pages<'_>, start: u32) -> Option<(u32, Error)> {
        if pages.failed().is_some() {
            return None;
        }
        let unseen = |no: &u32| !self.has(PageNo(*no));
        (start.max(1)..pages.count()).filter(unseen).find_map(|no| {
            let entries = with_order!(pages.order(), O => pages.look_at_header(PageNo(no), |page| {
                let page = Page::<O>::new(page)?;
                let kind = PageKind::from_byte(page.type_byte())?;
                (holds_records(kind) && page.pgno() == no).then(|| page.entries())
            }))?;
            let defect = Defect::Unreachable { entries };
            (entries > 0).then(|| (no, Error::corrupt(PageNo(no), at::ENTRIES, defect)))
        })
    }
}
