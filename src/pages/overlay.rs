//! A file as it would be: pages that change or are added, over those that are there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use crate::types::{PageNo, PageSize};

/// What pages lie over.
pub(crate) trait Below: Sync {
    /// Length of each page in bytes.
    fn size(&self) -> PageSize;

    /// The bytes of a page, unchecked.
    fn raw(&self, no: PageNo) -> Option<&[u8]>;
}

/// What makes a changed page.
type Make<'a> = dyn Fn(PageNo) -> Option<Vec<u8>> + Send + Sync + 'a;

/// Pages over those of a file. Memory is taken for those that change, when they are first
/// asked for.
pub(crate) struct Overlay<'a> {
    below: &'a dyn Below,
    count: u32,
    changed: BTreeMap<PageNo, OnceLock<Option<Vec<u8>>>>,
    make: Box<Make<'a>>,
    /// All pages as one, if somebody asks for that.
    whole: OnceLock<Vec<u8>>,
}

impl<'a> Overlay<'a> {
    /// A file of so many pages, those of `below` but for the changed ones.
    pub(crate) fn new(
        below: &'a dyn Below,
        count: u32,
        changed: impl IntoIterator<Item = PageNo>,
        make: impl Fn(PageNo) -> Option<Vec<u8>> + Send + Sync + 'a,
    ) -> Overlay<'a> {
        let changed = changed.into_iter().map(|no| (no, OnceLock::new())).collect();
        Overlay { below, count, changed, make: Box::new(make), whole: OnceLock::new() }
    }

    /// Number of pages.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Length of each in bytes.
    pub(super) fn size(&self) -> PageSize {
        self.below.size()
    }

    /// The bytes of a page.
    pub(super) fn page(&self, no: PageNo) -> Option<&[u8]> {
        if no.0 >= self.count {
            return None;
        }
        match self.changed.get(&no) {
            Some(page) => page.get_or_init(|| (self.make)(no)).as_deref(),
            None => self.below.raw(no),
        }
    }

    /// The bytes of all pages: copied for that.
    pub(super) fn whole(&self) -> &[u8] {
        self.whole.get_or_init(|| {
            let missing = vec![0; self.size().bytes()];
            (0..self.count).flat_map(|no| self.page(PageNo(no)).unwrap_or(&missing)).copied().collect()
        })
    }
}

impl fmt::Debug for Overlay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay").field("count", &self.count).field("changed", &self.changed.len()).finish()
    }
}
