//! What the list of a file with several databases leads to (database-format, "Several databases
//! in one file").

use super::page::is_database_magic;
use crate::format::meta::at;
use crate::order::Endianness;
use crate::types::PageNo;

/// The metadata page that the value of an entry leads to: four bytes, in the order that the
/// release should have used, or otherwise in the other, which some wrote or left behind. `page`
/// gives the pages of the file, whose own order is `file`.
pub(crate) fn listed<'p>(
    value: &[u8],
    order: Endianness,
    file: Endianness,
    page: impl Fn(PageNo) -> Option<&'p [u8]>,
) -> Option<PageNo> {
    let number = |order: Endianness| order.u32_at(value, 0).filter(|_| value.len() == 4).map(PageNo);
    let is_inner =
        |no: &PageNo| *no != PageNo::META && page(*no).is_some_and(|page| is_inner(page, *no, file));
    [order, order.other()].into_iter().filter_map(number).find(is_inner)
}

/// Whether a page is the metadata page of one of several databases, and says that it has this
/// number.
pub(crate) fn is_inner(page: &[u8], no: PageNo, order: Endianness) -> bool {
    let field = |offset| order.u32_at(page, offset);
    field(at::MAGIC).is_some_and(is_database_magic) && field(at::PGNO) == Some(no.0)
}
