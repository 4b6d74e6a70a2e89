//! Step 8 → 9, and what the genuine tools leave wrong in version 8 (upgrade, "Step 8 → 9"
//! and "Corrections in profiles v8 and v9").

use byteorder::ByteOrder;

use super::databases::Databases;
use super::profile::Profile;
use crate::edit::{Draft, Reason, Result, list};
use crate::format::meta::at;
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
            // Release 3.0 wrote them in the order of its machine, and no genuine upgrade converts them.
            list::<O>(draft, databases.list_leaves(), Endianness::Big)?;
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
