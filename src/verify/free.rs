//! The free list (database-format, "Free list").

use byteorder::ByteOrder;

use super::finding::Rule;
use super::page::Context;
use crate::format::meta::Field;
use crate::format::page::{Page, PageKind, at};
use crate::method::Method;
use crate::pages::Origin;
use crate::types::PageNo;

impl Context<'_, '_> {
    pub(super) fn free_list<O: ByteOrder>(&self) {
        let report = &self.report;
        let mut next = self.pages.meta().free();
        let (page, offset) = (PageNo::META, self.pages.meta().at(Field::Free));
        let mut from = Origin { page, offset, what: "free page" };
        while let Some(no) = next {
            let Some(page) = self.pages.raw(no).and_then(Page::<O>::new) else {
                self.absent(no, from, Rule::FreeLink);
                return;
            };
            if !self.seen.mark(no) {
                let text = format!("the free list leads to page {no} again");
                report.error(Rule::FreeCycle, from.page, from.offset, text);
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
                // Genuine tools carry over what release 2 leaves.
                match self.pages.meta().method() {
                    Method::Hash => report.warning(Rule::FreeType, no, at::ENTRIES, text),
                    _ => report.error(Rule::FreeType, no, at::ENTRIES, text),
                }
            }
            from = Origin { page: no, offset: at::NEXT, ..from };
            next = PageNo::link(page.next());
        }
    }
}
