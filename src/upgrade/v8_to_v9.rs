//! Step 8 → 9, and what the genuine tools leave wrong in version 8 (upgrade, "Step 8 → 9"
//! and "Corrections in profiles v8 and v9").

use byteorder::ByteOrder;

use super::databases::Databases;
use super::profile::Profile;
use crate::edit::{Draft, Reason, Refusal, Result};
use crate::format::item::{self, KEYDATA};
use crate::format::meta::at;
use crate::format::page::Page;
use crate::meta;
use crate::order::Endianness;
use crate::types::PageNo;

/// Brings the metadata pages of a file whose pages are those of version 8 to the end.
pub(super) fn apply<O: ByteOrder>(
    draft: &mut Draft<'_>,
    databases: &Databases,
    profile: Profile,
) -> Result<()> {
    let count = draft.count();
    match profile {
        Profile::V7 | Profile::Genuine8a => {}
        Profile::Genuine8b => draft.replace_u32(PageNo::META, at::LAST_PGNO, count, Reason::Metadata),
        Profile::V8 | Profile::V9 => {
            let last = count.saturating_sub(1);
            draft.replace_u32(PageNo::META, at::LAST_PGNO, last, Reason::Metadata);
            for (no, offset, flags) in databases.needless_sorting() {
                draft.replace_u32(no, offset, flags, Reason::Metadata);
            }
            for no in databases.metadata_pages() {
                draft.replace_u32(no, at::VERSION, profile.version(), Reason::Metadata);
                clear_settings(draft, no);
            }
            list::<O>(draft, databases)?;
        }
    }
    Ok(())
}

/// Writes the numbers in the list of databases big-endian: release 3.0 wrote them in the
/// order of its machine, and no genuine upgrade converts them.
fn list<O: ByteOrder>(draft: &mut Draft<'_>, databases: &Databases) -> Result<()> {
    let (pages, version) = (draft.pages(), draft.pages().meta().version());
    let is_inner = |no: &PageNo| pages.raw(*no).is_some_and(|page| meta::is_inner(page, *no, pages.order()));
    for &leaf in databases.list_leaves() {
        let Some(page) = pages.raw(leaf).and_then(Page::<O>::new) else { continue };
        for slot in (1..page.entries()).step_by(2) {
            let Some((offset, rest)) = page.item(pages.overhead(), slot) else { continue };
            // A deleted item is no database any more.
            let plain = item::type_byte(rest) == Some(KEYDATA);
            let value = item::len::<O>(rest).filter(|_| plain).and_then(|len| item::keydata(rest, len));
            let readings = value.and_then(|value| meta::listed_readings(value, Endianness::Big));
            let Some(readings) = readings else { continue };
            let [big, little] = readings.map(|no| Some(no).filter(is_inner));
            let no = match (big, little) {
                // Only release 3.0 wrote them in its own order.
                (Some(big), Some(little)) if big != little && version == 7 => None,
                (big, little) => big.or(little),
            };
            let Some(no) = no else {
                return Err(Refusal::DatabaseList { page: leaf, offset }.into());
            };
            let at = offset.saturating_add(item::KEYDATA_HEAD);
            draft.replace(leaf, at, &no.0.to_be_bytes(), Reason::DatabaseList);
        }
    }
    Ok(())
}

/// Clears what older releases kept where later ones look for settings.
pub(super) fn clear_settings(draft: &mut Draft<'_>, no: PageNo) {
    // Bytes of maxkey, which 4.1 would take for an encryption algorithm.
    draft.replace(no, at::ENCRYPTION, &[0], Reason::Metadata);
    draft.replace(no, at::METAFLAGS, &[0, 0], Reason::Metadata);
    // Where release 3.1 kept half of an LSN, 4.8 looks for partitions.
    draft.replace_u32(no, at::NPARTS, 0, Reason::Metadata);
}
