//! The free list (database-format, "Free list").

use byteorder::ByteOrder;

use super::finding::Rule;
use super::page::Context;
use crate::format::meta::Field;
use crate::format::page::{Page, PageKind, at};
use crate::types::PageNo;

impl Context<'_, '_> {
    pub(super) fn free_list<O: ByteOrder>(&self) {
        let report = &self.report;
        let mut next = self.pages.meta().free();
        let mut from = (PageNo::META, self.pages.meta().at(Field::Free));
        while let Some(no) = next {
            let Some(page) = self.pages.raw(no).and_then(Page::<O>::new) else {
                match self.pages.unread(no) {
                    Some(error) => report.reader(&error),
                    None => {
                        let count = self.pages.count();
                        let text = format!("free page {no} lies beyond the end: the file has {count} pages");
                        report.error(Rule::FreeLink, from.0, from.1, text);
                    }
                }
                return;
            };
            if !self.seen.mark(no) {
                report.error(
                    Rule::FreeCycle,
                    from.0,
                    from.1,
                    format!("the free list leads to page {no} again"),
                );
                return;
            }
            if !self.look::<O>(no, page) {
                return;
            }
            let kind = PageKind::from_byte(page.type_byte());
            if kind != Some(PageKind::Invalid) {
                let name = kind.map_or("unknown", PageKind::name);
                let text = format!("page type {} ({name}) on the free list, expected 0", page.type_byte());
                report.error(Rule::FreeType, no, at::TYPE, text);
                return;
            }
            if page.entries() != 0 && !self.pages.meta().free_pages_may_be_stale() {
                let text = format!("{} entries on a free page, expected 0", page.entries());
                report.error(Rule::FreeType, no, at::ENTRIES, text);
            }
            from = (no, at::NEXT);
            next = PageNo::link(page.next());
        }
    }
}
