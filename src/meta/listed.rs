//! What the list of a file with several databases leads to (database-format, "Several databases
//! in one file").

use byteorder::ByteOrder;

use super::page::is_database_magic;
use crate::format::meta::at;
use crate::order::{Endianness, with_order};
use crate::types::PageNo;

/// The page that the value of an entry leads to: the first of its readings of which this is true.
pub(crate) fn listed(value: &[u8], order: Endianness, is_inner: impl Fn(PageNo) -> bool) -> Option<PageNo> {
    readings(value, order)?.into_iter().find(|no| is_inner(*no))
}

/// What the value of an entry may say: a page number of four bytes, in the order that the
/// release should have used, and in the other, which some wrote or left behind.
pub(crate) fn readings(value: &[u8], order: Endianness) -> Option<[PageNo; 2]> {
    let value: &[u8; 4] = value.try_into().ok()?;
    let number = |order: Endianness| with_order!(order, O => PageNo(O::read_u32(value)));
    Some([number(order), number(order.other())])
}

/// Whether a page is the metadata page of one of several databases, and says that it has this
/// number. Page 0 is that of the list.
pub(crate) fn is_inner(page: &[u8], no: PageNo, order: Endianness) -> bool {
    let field = |offset| order.u32_at(page, offset);
    let own = field(at::PGNO) == Some(no.0) && no != PageNo::META;
    own && field(at::MAGIC).is_some_and(is_database_magic)
}
