//! Pages that no tree, chain or list leads to.

use byteorder::ByteOrder;

use super::finding::Rule;
use super::page::Context;
use crate::format::page::{Page, PageKind, at, holds_records};
use crate::types::PageNo;

impl Context<'_, '_> {
    pub(super) fn rest<O: ByteOrder>(&self) {
        for no in (1..self.pages.count()).map(PageNo).filter(|no| !self.seen.has(*no)) {
            if self.report.sink.full() {
                return;
            }
            // A page of zeros was allocated, but never written.
            let page = self.pages.raw(no).and_then(Page::<O>::new).filter(|page| !page.is_hole());
            if let Some(page) = page {
                self.lost::<O>(no, page);
            }
        }
    }

    fn lost<O: ByteOrder>(&self, no: PageNo, page: Page<'_, O>) {
        let report = &self.report;
        if !self.look::<O>(no, page) {
            return;
        }
        match PageKind::from_byte(page.type_byte()) {
            None => {
                let text = format!("page type {}, which is none", page.type_byte());
                report.error(Rule::PageType, no, at::TYPE, text);
            }
            Some(PageKind::Invalid) => {
                report.warning(Rule::Unreferenced, no, at::TYPE, "a free page that is not on the free list");
            }
            Some(PageKind::BtreeMeta | PageKind::HashMeta) => {
                report.error(
                    Rule::Directory,
                    no,
                    at::TYPE,
                    "a metadata page that no list of databases names",
                );
            }
            Some(kind) if holds_records(kind) && page.entries() == 0 => {
                report.warning(
                    Rule::Unreferenced,
                    no,
                    at::TYPE,
                    format!("an empty {kind} page that nothing leads to"),
                );
            }
            Some(kind) => {
                report.error(
                    Rule::Unreferenced,
                    no,
                    at::TYPE,
                    format!("a {kind} page that nothing leads to"),
                );
            }
        }
    }
}
