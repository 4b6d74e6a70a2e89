//! The list of databases of release 3.0: the numbers in it are in the order of the machine that reads
//! them (upgrade, "Subdatabase page numbers").

use byteorder::ByteOrder;

use crate::edit::{Draft, Reason, Refusal, Result};
use crate::format::item::{self, KEYDATA};
use crate::format::page::Page;
use crate::meta;
use crate::order::Endianness;
use crate::types::PageNo;
use crate::upgrade::Databases;

/// Writes the numbers in the list of databases in the order of a machine.
pub(super) fn turn<O: ByteOrder>(
    draft: &mut Draft<'_>,
    databases: &Databases,
    machine: Endianness,
) -> Result<()> {
    let pages = draft.pages();
    let is_inner = |no: PageNo| pages.raw(no).is_some_and(|page| meta::is_inner(page, no, pages.order()));
    for &leaf in databases.list_leaves() {
        let Some(page) = pages.raw(leaf).and_then(Page::<O>::new) else { continue };
        for slot in (1..page.entries()).step_by(2) {
            let Some((offset, rest)) = page.item(pages.overhead(), slot) else { continue };
            // A deleted item is no database any more.
            let plain = item::type_byte(rest) == Some(KEYDATA);
            let value = item::len::<O>(rest).filter(|_| plain).and_then(|len| item::keydata(rest, len));
            let Some(value) = value else { continue };
            let Some(no) = meta::listed(value, pages.meta().directory_order(), is_inner) else {
                return Err(Refusal::DatabaseList { page: leaf, offset }.into());
            };
            let mut number = [0; 4];
            machine.put_u32(&mut number, 0, no.0);
            draft.replace(leaf, offset.saturating_add(item::KEYDATA_HEAD), &number, Reason::DatabaseList);
        }
    }
    Ok(())
}
