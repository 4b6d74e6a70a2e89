//! Overflow chains, and chains of off-page duplicates (database-format, "Overflow
//! chains" and "Off-page duplicates").

use byteorder::ByteOrder;

use super::finding::Rule;
use super::page::{Context, Held};
use super::seen::Referrer;
use crate::error::file_bytes;
use crate::format::page::{Page, PageKind, at};
use crate::pages::Origin;
use crate::types::PageNo;

impl<'c> Context<'c, '_> {
    /// Checks the overflow chain of an item, the first time that an item leads to it.
    pub(super) fn overflow<O: ByteOrder>(&self, first: PageNo, len: u32, from: Origin, by: Referrer) {
        let report = &self.report;
        if self.seen.has(first) {
            // Keys of internal pages may refer to a chain as well, if it counts them.
            let page = self.pages.raw(first).and_then(Page::<O>::new);
            let head = page.filter(|page| PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow));
            match head.filter(|page| page.prev() == 0) {
                Some(page) => {
                    if !self.seen.refer(first, page.entries(), true, by) {
                        let text = format!("{} {first} is that of another item already", from.what);
                        report.error(Rule::Once, from.page, from.offset, text);
                    }
                    let total = self.seen.length(first, || self.chain_length::<O>(first));
                    self.expect_length(total, len, from);
                }
                None => {
                    let text = format!("{} {first} has another place already", from.what);
                    report.error(Rule::Once, from.page, from.offset, text);
                }
            }
            return;
        }
        let most = file_bytes(self.pages.count(), self.pages.size());
        if len == 0 || u64::from(len) > most {
            let text =
                format!("an item of {len} bytes in a chain, expected 1 to {most}, the size of the file");
            report.error(Rule::OverflowItem, from.page, from.offset.saturating_add(4), text);
        }
        let room = self.pages.size().bytes().saturating_sub(self.pages.overhead());
        let (mut next, mut prev, mut total) = (Some(first), PageNo(0), 0u64);
        let mut link = Origin { what: "overflow page", ..from };
        while let Some(no) = next {
            let Some(page) = self.reach::<O>(no, link) else { return };
            if !self.is::<O>(no, page, PageKind::Overflow, 0) {
                return;
            }
            if page.prev() != prev.0 {
                let text = format!("previous page is {}, expected {prev}", page.prev());
                report.error(Rule::OverflowLink, no, at::PREV, text);
            }
            let here = usize::from(page.hf_offset());
            if here == 0 || here > room {
                let text = format!("{here} bytes on an overflow page, expected 1 to {room}");
                report.error(Rule::OverflowLength, no, at::HF_OFFSET, text);
            }
            if no == first {
                self.seen.refer(first, page.entries(), false, by);
            }
            total = total.saturating_add(u64::try_from(here).unwrap_or(u64::MAX));
            if total >= u64::from(len) {
                if total == u64::from(len) && page.next() != 0 {
                    // What comes behind is not this item's.
                    let text = format!("next page is {}, but the chain has its {len} bytes", page.next());
                    report.error(Rule::OverflowLength, no, at::NEXT, text);
                }
                break;
            }
            link = Origin { page: no, offset: at::NEXT, what: "next overflow page" };
            (next, prev) = (PageNo::link(page.next()), no);
        }
        self.expect_length(total, len, from);
    }

    fn expect_length(&self, total: u64, len: u32, from: Origin) {
        if total != u64::from(len) {
            let more = if total > len.into() { "or more" } else { "in all" };
            let text = format!("the overflow chain has {total} bytes {more}, its item says {len}");
            self.report.error(Rule::OverflowLength, from.page, from.offset.saturating_add(4), text);
        }
    }

    /// Bytes in a chain, as far as it holds.
    fn chain_length<O: ByteOrder>(&self, first: PageNo) -> u64 {
        let (mut next, mut prev, mut total) = (Some(first), PageNo(0), 0u64);
        for _ in 0..self.pages.count() {
            let page = next.and_then(|no| self.pages.raw(no)).and_then(Page::<O>::new);
            // By the links back no two chains have a page in common.
            let follows = |page: &Page<'_, O>| {
                PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow) && page.prev() == prev.0
            };
            let (Some(no), Some(page)) = (next, page.filter(follows)) else { break };
            total = total.saturating_add(page.hf_offset().into());
            (next, prev) = (PageNo::link(page.next()), no);
        }
        total
    }

    /// Checks a chain of off-page duplicates of versions 6 and 7.
    pub(super) fn duplicate_chain<O: ByteOrder>(&self, first: PageNo, from: Origin, key: u32) {
        let report = &self.report;
        let (mut next, mut prev) = (Some(first), PageNo(0));
        let mut link = from;
        while let Some(no) = next {
            let Some(page) = self.reach::<O>(no, link) else { return };
            if !self.is::<O>(no, page, PageKind::Duplicate, 0) {
                return;
            }
            if page.prev() != prev.0 {
                let text = format!("previous page is {}, expected {prev}", page.prev());
                report.error(Rule::LeafChain, no, at::PREV, text);
            }
            if page.entries() == 0 {
                report.error(Rule::DuplicateType, no, at::ENTRIES, "a page of duplicates without any");
            }
            self.leaf::<O>(no, page, PageKind::Duplicate, key, |_, offset, held, _| {
                if let Held::Chain { first, len } = held {
                    let from = Origin { page: no, offset: offset.saturating_add(4), what: "overflow page" };
                    self.overflow::<O>(first, len, from, Referrer::Owner);
                }
            });
            link = Origin { page: no, offset: at::NEXT, what: "next page of duplicates" };
            (next, prev) = (PageNo::link(page.next()), no);
        }
    }
}
