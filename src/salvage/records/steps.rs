//! Where the pages of a salvage come from: trees and buckets first, then what nothing
//! leads to.

use std::ops::Range;

use byteorder::ByteOrder;

use super::SalvagedRecords;
use crate::error::{Defect, Error};
use crate::format::meta as layout;
use crate::format::page::{PageKind, at, is_leaf, slot_offset};
use crate::method::Method;
use crate::salvage::leaf::Leaf;
use crate::salvage::page::Cursor;
use crate::salvage::place::{Origin, Place};
use crate::salvage::record::{Key, Recovered, Salvaged};
use crate::salvage::remains::{self, Known, Unused};
use crate::salvage::walk::{Of, Walk, inspect_internal};
use crate::types::PageNo;

/// Where pages come from.
#[derive(Debug)]
pub(super) enum Step {
    /// The tree of a database.
    Tree(usize, Walk),
    /// The buckets of a HASH database, and the page of the current one behind which more may come.
    Buckets(usize, std::iter::Flatten<std::vec::IntoIter<Range<u32>>>, Option<Behind>),
    /// Pages with keys that nothing leads to.
    Pairs(Range<u32>),
    /// Pages of values that nothing leads to.
    Values(Range<u32>),
    /// Overflow chains that no item leads to: from their first pages, and then what
    /// is left of those without one.
    Chains(Range<u32>, bool),
    /// Pages without records, for what is left on them.
    Remains(Range<u32>),
    /// The records of a QUEUE or a HEAP.
    Flat,
}

/// A page of a bucket, and the page and offset that lead to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    page: PageNo,
    link: (PageNo, usize),
}

/// What came next.
pub(super) enum Found<'s> {
    /// A page, or nothing yet.
    Page,
    Record(Box<Salvaged<'s>>),
}

impl<'s> SalvagedRecords<'s> {
    /// The next page; `None` at the end.
    pub(super) fn advance<O: ByteOrder>(&mut self) -> Option<Found<'s>> {
        let pages = self.work.file.numbers();
        match &mut self.step {
            Step::Tree(index, walk) => {
                let index = *index;
                match walk.next_leaf::<O>(&mut self.work, Of::Records) {
                    Some(leaf) => self.open::<O>(leaf.page, Some(leaf.records)),
                    None => self.start(index.saturating_add(1)),
                }
            }
            Step::Buckets(index, heads, next) => {
                let index = *index;
                self.heads_left = self.heads_left.saturating_sub(1);
                let head = || {
                    let head = heads.next().map(PageNo).filter(|_| self.heads_left > 0)?;
                    Some(Behind { page: head, link: (head, at::NEXT) })
                };
                match next.take().or_else(head) {
                    Some(next) => self.open_bucket::<O>(next),
                    None => self.start(index.saturating_add(1)),
                }
            }
            Step::Pairs(range) => match range.next() {
                Some(no) => self.open_orphan::<O>(PageNo(no)),
                None => self.step = Step::Values(pages),
            },
            Step::Values(range) => match range.next().map(PageNo) {
                Some(no) => {
                    use PageKind::{Duplicate, DuplicateLeaf, RecnoLeaf};
                    let kind = self.work.file.kind::<O>(no);
                    if matches!(kind, Some(Duplicate | DuplicateLeaf | RecnoLeaf))
                        && self.claim_orphan::<O>(no)
                    {
                        self.open::<O>(no, None);
                    }
                }
                None => self.step = Step::Chains(pages, true),
            },
            Step::Chains(range, heads) => match (range.next().map(PageNo), *heads) {
                (Some(no), heads) => {
                    if let Some(record) = self.lost_chain::<O>(no, heads) {
                        return Some(Found::Record(Box::new(record)));
                    }
                }
                (None, true) => self.step = Step::Chains(pages, false),
                (None, false) if !self.survey.deleted => return None,
                // Metadata has no records, but what lies behind it may.
                (None, false) => self.step = Step::Remains(self.work.file.geometry.first_page().0..pages.end),
            },
            Step::Remains(range) => {
                let no = PageNo(range.next()?);
                self.search_page_without_records::<O>(no);
            }
            Step::Flat => {
                let found = self.flat.as_mut()?.next(&mut self.work)?;
                let record = self.give(found.key, found.value, found.provenance, found.notes);
                return Some(record.map_or(Found::Page, |record| Found::Record(Box::new(record))));
            }
        }
        Some(Found::Page)
    }

    /// Looks for remains on a free page; behind metadata, or the last bytes of a long item; and
    /// on an internal page: a root that was a leaf keeps what stood on it when it was split.
    fn search_page_without_records<O: ByteOrder>(&mut self, no: PageNo) {
        use PageKind::{BtreeInternal, BtreeMeta, HashMeta, Invalid, Overflow, RecnoInternal};
        let Some(page) = self.work.file.page::<O>(no) else { return };
        let bytes = self.work.file.raw(no).unwrap_or(&[]);
        let overhead = self.work.file.overhead();
        let pairs = self.owner.method() != Method::Recno;
        let whole = Unused { start: overhead, end: bytes.len(), pairs, slot: None };
        let unused = match PageKind::from_byte(page.type_byte()) {
            // Releases 2.x gave no type to metadata.
            _ if no == PageNo::META => Unused { start: layout::LENGTH, ..whole },
            Some(BtreeMeta | HashMeta) => Unused { start: layout::LENGTH, ..whole },
            Some(Overflow) => Unused { start: overhead.saturating_add(page.hf_offset().into()), ..whole },
            Some(Invalid) if !self.work.seen.has(no) => Unused { slot: Some(0), ..whole },
            Some(kind @ (BtreeInternal | RecnoInternal)) => Unused {
                start: slot_offset(overhead, page.entries()),
                end: page.item_area(),
                pairs: kind == BtreeInternal,
                slot: Some(page.entries()),
            },
            _ => return,
        };
        let found = remains::find::<O>(&self.work, bytes, unused, &mut Known::new());
        (self.remains, self.remains_on) = (found.into_iter(), no);
    }

    fn open<O: ByteOrder>(&mut self, no: PageNo, before: Option<u32>) {
        self.before = before;
        self.page = Cursor::open::<O>(&mut self.work, no);
    }

    /// Opens a page of a bucket, and notes the one behind it.
    fn open_bucket<O: ByteOrder>(&mut self, Behind { page: no, link }: Behind) {
        let Some(page) = self.work.file.page::<O>(no) else {
            let defect = Defect::BeyondEnd { what: "bucket page", target: no.0, pages: self.work.file.pages };
            return self.work.report.problem(Error::corrupt(link.0, link.1, defect));
        };
        let kind = PageKind::from_byte(page.type_byte());
        // Reserved pages of buckets without records may never have been written.
        let is_empty = page.is_hole() || (kind == Some(PageKind::Invalid) && page.entries() == 0);
        if is_empty {
            return;
        }
        if !matches!(kind, Some(PageKind::Hash | PageKind::HashUnsorted)) {
            let defect = Defect::PageType { found: page.type_byte(), expected: "hash" };
            return self.work.report.problem(Error::corrupt(no, at::TYPE, defect));
        }
        if !self.work.seen.mark(no) {
            let defect = Defect::ReachedTwice { target: no.0 };
            return self.work.report.problem(Error::corrupt(no, at::PGNO, defect));
        }
        if let Step::Buckets(_, _, next) = &mut self.step {
            let link = (no, at::NEXT);
            *next = PageNo::link(page.next()).map(|page| Behind { page, link });
        }
        self.open::<O>(no, None);
    }

    /// Opens a page with keys if nothing led to it.
    fn open_orphan<O: ByteOrder>(&mut self, no: PageNo) {
        let Some(page) = self.work.file.page::<O>(no).filter(|_| !self.work.seen.has(no)) else { return };
        let wrong_type = || {
            let defect = Defect::PageType { found: page.type_byte(), expected: "one that fits the page" };
            Error::corrupt(no, at::TYPE, defect)
        };
        match PageKind::from_byte(page.type_byte()) {
            Some(PageKind::BtreeLeaf) => self.open_claimed::<O>(no),
            Some(kind) if is_leaf(kind) => {}
            Some(PageKind::BtreeInternal | PageKind::RecnoInternal)
                if page.level() > 1 && page.pgno() == no.0 =>
            {
                inspect_internal::<O>(&mut self.work, &page, no);
            }
            kind => {
                self.page = Cursor::open_disguised::<O>(&mut self.work, no);
                let told = self.work.typed.has(no);
                if self.page.is_some() {
                    self.work.seen.mark(no);
                    self.before = None;
                } else if matches!(kind, Some(PageKind::Hash | PageKind::HashUnsorted)) {
                    return self.open_claimed::<O>(no);
                }
                if !told && (self.page.is_some() || kind.is_none() || page.level() == 1) {
                    self.work.report.problem(wrong_type());
                }
            }
        }
    }

    fn open_claimed<O: ByteOrder>(&mut self, no: PageNo) {
        if self.claim_orphan::<O>(no) {
            self.open::<O>(no, None);
        }
    }

    /// Whether a page is to be given as one that nothing leads to.
    fn claim_orphan<O: ByteOrder>(&mut self, no: PageNo) -> bool {
        let Some(page) = self.work.file.page::<O>(no) else { return false };
        if !self.work.seen.mark(no) {
            return false;
        }
        if page.pgno() != no.0 && !Leaf::is_likely(&page, no, self.work.file.overhead()) {
            let defect = Defect::PageNumber { found: page.pgno() };
            self.work.report.problem(Error::corrupt(no, at::PGNO, defect));
            return false;
        }
        if page.entries() > 0 {
            let defect = Defect::Unreachable { entries: page.entries() };
            self.work.report.problem(Error::corrupt(no, at::TYPE, defect));
        }
        page.entries() > 0 || self.survey.deleted
    }

    /// An overflow chain that no item led to: a value without its key.
    fn lost_chain<O: ByteOrder>(&mut self, no: PageNo, heads: bool) -> Option<Salvaged<'s>> {
        let file = self.work.file;
        let page = file.page::<O>(no)?;
        let is_piece = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
        if !is_piece || self.work.chains.has(no) || (heads && page.prev() != 0) || page.pgno() != no.0 {
            return None;
        }
        self.work.report.problem(Error::corrupt(
            no,
            at::TYPE,
            Defect::Unreachable { entries: page.entries() },
        ));
        let (bytes, notes) = self.work.chains.rest::<O>(&file, no, &mut self.work.report);
        let provenance = file.spot::<O>(no).record(Place::Offset(0), 0, Origin::Orphan);
        let value = Recovered::Part { expected: u32::try_from(bytes.len()).unwrap_or(u32::MAX), bytes };
        self.give(Key::Bytes(Recovered::Missing), value, provenance, notes)
    }
}
