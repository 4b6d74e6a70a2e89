//! Pages in the other byte order (database-format, "Byte order conversion").

use crate::format::meta::at as meta_at;
use crate::format::page::{PageKind, at};
use crate::format::seal::is_metadata;
use crate::format::swap::{self, HeapOrders};
use crate::meta::is_database_magic;
use crate::method::Method;
use crate::order::Endianness;
use crate::pages::Pages;
use crate::types::PageNo;

/// The order that all pages of a file get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) to: Endianness,
    /// The number that the first page has in its database: not 0 in an extent.
    pub(crate) first: PageNo,
}

impl Turn {
    /// Gives a page the order. `None` if something on it does not fit it.
    pub(super) fn apply(self, pages: &Pages<'_>, no: PageNo, page: &mut [u8]) -> Option<()> {
        let (from, meta) = (pages.order(), pages.meta());
        let is_first = no == PageNo::META && !pages.is_extent();
        match meta.method() {
            Method::Heap if !is_first => {
                let body = pages.body_order();
                let always_one = meta.generation().has_one_order();
                swap::heap(page, pages.overhead(), HeapOrders { head: from, body, always_one }, self.to)
            }
            _ if from == self.to => Some(()),
            Method::Queue if !is_first => {
                // Release 3.2 wrote headers in the order of its machine.
                let expected = self.first.0.saturating_add(no.0);
                let is_turned = [from, self.to].map(|order| order.u32_at(page, at::PGNO) == Some(expected));
                if is_turned != [false, true] {
                    swap::queue(page);
                }
                Some(())
            }
            _ if is_first || holds_metadata(page, from) => swap::metadata(page, from),
            _ => swap::ordinary(page, pages.overhead(), from),
        }
    }
}

/// Whether a page behind the first one is the metadata of one of several databases.
fn holds_metadata(page: &[u8], order: Endianness) -> bool {
    let kind = page.get(at::TYPE).and_then(|&kind| PageKind::from_byte(kind));
    kind.is_some_and(is_metadata) && order.u32_at(page, meta_at::MAGIC).is_some_and(is_database_magic)
}
