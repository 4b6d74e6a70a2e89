//! Files of the 1.x series (other-releases, "The 1.x series"): their structure, as far as it is
//! redundant.

mod hash;
mod tree;

use std::ops::Deref;

use super::finding::Rule;
use super::page::Context;
use crate::meta::Series1;
use crate::pages::Origin;
use crate::types::PageNo;

impl Context<'_, '_> {
    /// Checks a file of the series.
    pub(super) fn series1(&self, series1: &Series1) {
        match series1 {
            Series1::Tree(tree) => Check(self).tree(tree),
            Series1::Hash(header) => Check(self).table(header),
        }
    }
}

/// A check of a file of the series.
struct Check<'x, 'c, 'p>(&'x Context<'c, 'p>);

impl<'c, 'p> Deref for Check<'_, 'c, 'p> {
    type Target = Context<'c, 'p>;

    fn deref(&self) -> &Context<'c, 'p> {
        self.0
    }
}

impl Check<'_, '_, '_> {
    /// A last page that is not whole: a program that did not close the file leaves one.
    fn tail(&self, header: u64) {
        let (pages, tail) = (self.pages.count(), self.pages.tail());
        // Of a table that never got a key there is nothing but the header.
        if tail > 0 && (pages > 0 || tail != header) {
            let size = self.pages.size();
            let text = format!(
                "{tail} bytes behind the last whole page of {size}: the file was cut, or was not closed"
            );
            self.report.warning(Rule::FileSize, PageNo(pages), 0, text);
        }
    }

    /// Marks a page to which a link leads; whether it has no other place, and is in the file.
    fn reach(&self, no: PageNo, from: Origin) -> bool {
        let report = &self.report;
        if no.0 >= self.pages.count() || no == PageNo::META {
            report.reader(&self.pages.beyond_end(no, from));
            return false;
        }
        if !self.seen.mark(no) {
            let text = format!("{} {no} has another place already", from.what);
            report.error(Rule::Once, from.page, from.offset, text);
            return false;
        }
        true
    }
}
