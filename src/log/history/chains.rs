//! What the log has shown of overflow chains.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::page::PageKey;
use crate::types::PageNo;

/// What a page of a chain costs at least when it is put together with others.
const PART: usize = 64;

/// The outermost transaction of a change; none if it can no more be undone.
pub(super) type Pending = Option<usize>;

/// The pages of overflow chains. What a transaction wrote that was aborted later is
/// gone for the others: the page is again as it was.
#[derive(Default)]
pub(super) struct Chains<'a> {
    pages: HashMap<PageKey, Written<'a>>,
    /// First pages of chains to which no item refers yet.
    fresh: HashSet<PageKey>,
}

/// What was written to a page.
#[derive(Default)]
struct Written<'a> {
    /// What stays.
    settled: Option<Link<'a>>,
    /// What each transaction that may be undone has written since.
    pending: HashMap<usize, Link<'a>>,
}

/// A page of a chain, as somebody wrote it.
struct Link<'a> {
    data: &'a [u8],
    next: Option<PageNo>,
}

impl<'a> Written<'a> {
    /// The page as a transaction sees it: as it wrote it, or as it stays.
    fn seen(&mut self, by: Pending) -> Option<&mut Link<'a>> {
        by.and_then(|by| self.pending.get_mut(&by)).or(self.settled.as_mut())
    }
}

impl<'a> Chains<'a> {
    /// A page holds these bytes, or held them until it was given up just now.
    pub(super) fn write(&mut self, page: PageKey, data: &'a [u8], next: Option<PageNo>, by: Pending) {
        let link = Link { data, next };
        match by {
            Some(by) => drop(self.pages.entry(page).or_default().pending.insert(by, link)),
            None => drop(self.pages.insert(page, Written { settled: Some(link), ..Written::default() })),
        }
    }

    /// Records are missing: what they wrote and gave up is not known.
    pub(super) fn forget(&mut self) {
        *self = Chains::default();
    }

    /// A new chain begins with this page.
    pub(super) fn begin(&mut self, page: PageKey) {
        self.fresh.insert(page);
    }

    /// Whether a chain is new: no item has referred to it yet.
    pub(super) fn is_new(&mut self, page: PageKey) -> bool {
        self.fresh.remove(&page)
    }

    /// The page has another one behind it now.
    pub(super) fn join(&mut self, page: PageKey, next: PageNo, by: Pending) {
        if let Some(link) = self.pages.get_mut(&page).and_then(|written| written.seen(by)) {
            link.next = Some(next);
        }
    }

    /// The bytes of a chain as a transaction sees it, if the log shows all of its pages
    /// and they may be put together: `afford` is asked for each further page.
    pub(super) fn assemble(
        &mut self,
        (file, first): PageKey,
        len: u32,
        by: Pending,
        mut afford: impl FnMut(usize) -> bool,
    ) -> Option<Cow<'a, [u8]>> {
        let len = usize::try_from(len).ok()?;
        let mut parts = Vec::new();
        let mut passed = HashSet::new();
        let (mut next, mut total) = (Some(first), 0usize);
        while let Some(page) = next.filter(|_| total < len) {
            let link = self.pages.get_mut(&(file, page)).and_then(|written| written.seen(by))?;
            // Empty pages cost nothing, but time.
            let cost = link.data.len().max(PART);
            if !passed.insert(page) || !(parts.is_empty() || afford(cost)) {
                return None;
            }
            parts.push(link.data);
            total = total.saturating_add(link.data.len());
            next = link.next;
        }
        match parts.as_slice() {
            _ if total != len => None,
            [only] => Some(Cow::Borrowed(only)),
            _ => Some(Cow::Owned(parts.concat())),
        }
    }
}
