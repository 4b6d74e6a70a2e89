//! Overflow chains, as far as they go (database-format, "Overflow chains").

use byteorder::ByteOrder;

use super::file::File;
use super::note::{Note, Notes};
use super::record::{Bytes, Recovered};
use super::report::Report;
use crate::bits::Bits;
use crate::error::{Defect, Error};
use crate::format::page::{PageKind, at};
use crate::types::PageNo;

/// Which overflow pages were given with a record: once, or twice.
///
/// A damaged item may lead into the chain of a sound one, so a page may be given a
/// second time, with a note. Never a third time: so all chains of a file together
/// take linear time.
#[derive(Clone, Debug)]
pub(super) struct Chains {
    once: Bits,
    twice: Bits,
    /// Pages of chains that belong to internal pages. Releases up to 4.4 let them
    /// share the chain of a key on a leaf.
    internal: Bits,
}

/// An overflow chain, as its item states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) first: PageNo,
    pub(super) len: u32,
    /// Where the item stands on its page.
    pub(super) at: u16,
}

impl Chains {
    pub(super) fn new(file: &File<'_>) -> Self {
        let none = file.no_pages();
        Chains { once: none.clone(), twice: none.clone(), internal: none }
    }

    /// Whether the page is known to belong to an item.
    pub(super) fn has(&self, no: PageNo) -> bool {
        self.once.has(no) || self.internal.has(no)
    }

    /// The bytes of a chain that an item on a page leads to.
    pub(super) fn follow<'s, O: ByteOrder>(
        &mut self,
        file: &File<'s>,
        page: PageNo,
        chain: Chain,
        notes: &mut Notes,
        report: &mut Report,
    ) -> Recovered<'s> {
        let expected = u64::from(chain.len);
        let (mut pieces, mut sum) = (Vec::new(), 0u64);
        let (mut from, mut next) = (0, chain.first.0);
        let (holder, at) = (page, usize::from(chain.at));
        let mut link = (holder, at.saturating_add(4));
        while next != 0 {
            let no = PageNo(next);
            let Some(page) = file.page::<O>(no) else {
                let defect = Defect::BeyondEnd { what: "overflow page", target: next, pages: file.pages };
                report.problem(Error::corrupt(link.0, link.1, defect));
                break;
            };
            if PageKind::from_byte(page.type_byte()) != Some(PageKind::Overflow) {
                let defect = Defect::PageType { found: page.type_byte(), expected: "overflow" };
                report.problem(Error::corrupt(no, at::TYPE, defect));
                break;
            }
            // A link that the page confirms: so it is no loop, and no way into
            // another chain.
            let confirmed = page.pgno() == next && page.prev() == from;
            if !confirmed && (self.once.has(no) || sum >= expected) {
                let defect = Defect::Link { link: "previous", found: page.prev(), expected: from };
                report.problem(Error::corrupt(no, at::PREV, defect));
                break;
            }
            if !self.once.mark(no) {
                notes.add(Note::ChainShared);
                if !self.twice.mark(no) {
                    report.problem(Error::corrupt(no, at::PGNO, Defect::ReachedTwice { target: next }));
                    break;
                }
                if from == 0 {
                    report.problem(Error::corrupt(no, at::PGNO, Defect::ReachedTwice { target: next }));
                }
            }
            let page_notes = file.inspect(&page, no, 0, report);
            let data = page.bytes().get(file.overhead()..).unwrap_or(&[]);
            let len = usize::from(page.hf_offset());
            let piece = data.get(..len).unwrap_or(data);
            if !confirmed || !page_notes.is_empty() || piece.len() != len || len == 0 {
                notes.add(Note::ChainPage);
            }
            if piece.len() != len || len == 0 {
                let defect = Defect::Field {
                    field: "bytes of overflow data",
                    found: u64::from(page.hf_offset()),
                    expected: "at least 1 and no more than fit the page",
                };
                report.problem(Error::corrupt(no, at::HF_OFFSET, defect));
            }
            pieces.push(piece);
            sum = sum.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            link = (no, at::NEXT);
            (from, next) = (next, page.next());
        }
        if sum != expected {
            let defect = Defect::ChainLength { found: sum, expected: chain.len };
            report.problem(Error::corrupt(holder, at.saturating_add(8), defect));
        }
        match sum.cmp(&expected) {
            std::cmp::Ordering::Less if sum == 0 => Recovered::Missing,
            std::cmp::Ordering::Less => Recovered::Part { bytes: Bytes::many(pieces), expected: chain.len },
            std::cmp::Ordering::Equal => Recovered::Whole(Bytes::many(pieces)),
            std::cmp::Ordering::Greater => {
                notes.add(Note::ChainLength);
                Recovered::Whole(Bytes::many(pieces))
            }
        }
    }

    /// The bytes of a chain that no item leads to, from a page on.
    pub(super) fn rest<'s, O: ByteOrder>(
        &mut self,
        file: &File<'s>,
        first: PageNo,
        report: &mut Report,
    ) -> (Bytes<'s>, Notes) {
        let (mut pieces, mut notes) = (Vec::new(), Notes::default());
        let (mut from, mut next) = (None, first);
        while let Some(page) = file.page::<O>(next) {
            let is_piece = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
            let confirmed = from.is_none_or(|from: PageNo| page.prev() == from.0);
            if !is_piece || !confirmed || self.has(next) || !self.once.mark(next) {
                break;
            }
            notes = notes.with(file.inspect(&page, next, 0, report));
            let data = page.bytes().get(file.overhead()..).unwrap_or(&[]);
            pieces.push(data.get(..usize::from(page.hf_offset())).unwrap_or(data));
            (from, next) = (Some(next), PageNo(page.next()));
        }
        (Bytes::many(pieces), notes)
    }

    /// Marks the chain of a key on an internal page.
    pub(super) fn mark_internal<O: ByteOrder>(&mut self, file: &File<'_>, first: PageNo) {
        let (mut from, mut next) = (0, first.0);
        while let Some(page) = PageNo::link(next).and_then(|no| file.page::<O>(no)) {
            let is_piece = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
            if !is_piece || page.prev() != from || !self.internal.mark(PageNo(next)) {
                return;
            }
            (from, next) = (next, page.next());
        }
    }
}

/// Whether an overflow chain can start on a page.
pub(super) fn is_head<O: ByteOrder>(file: &File<'_>, no: PageNo) -> bool {
    file.page::<O>(no).is_some_and(|page| {
        let is_piece = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
        is_piece && page.pgno() == no.0 && page.prev() == 0
    })
}
