//! The free list of a file, as it will be (database-format, "Free list").

use byteorder::ByteOrder;

use super::draft::Draft;
use super::reason::Reason;
use crate::format::page::{PageKind, at};
use crate::order::with_order;
use crate::types::PageNo;

/// The free list of a file, to which pages are added at its head.
#[derive(Debug)]
pub(crate) struct FreeList {
    first: Option<PageNo>,
    reason: Reason,
}

impl FreeList {
    /// A list that begins so, and why pages change by coming to it.
    pub(crate) fn new(first: Option<PageNo>, reason: Reason) -> FreeList {
        FreeList { first, reason }
    }

    /// The first of its pages, which page 0 names.
    pub(crate) fn first(&self) -> Option<PageNo> {
        self.first
    }

    /// Adds a page that nothing leads to any more.
    pub(crate) fn push(&mut self, draft: &mut Draft<'_>, no: PageNo) {
        let order = draft.pages().order();
        let size = draft.pages().size().bytes();
        let mut links = [0; 8];
        order.put_u32(&mut links, 4, self.first.unwrap_or_default().0);
        let (mut number, mut end) = ([0; 4], [0; 2]);
        order.put_u32(&mut number, 0, no.0);
        // 65536 is stored as 0.
        with_order!(order, O => O::write_u16(&mut end, u16::try_from(size).unwrap_or(0)));
        let parts: [(usize, &[u8]); 5] = [
            (at::PGNO, &number),
            (at::PREV, &links),
            (at::ENTRIES, &[0; 2]),
            (at::HF_OFFSET, &end),
            (at::LEVEL, &[0, PageKind::Invalid.byte()]),
        ];
        draft.replace_all(no, parts, self.reason);
        self.first = Some(no);
    }
}
