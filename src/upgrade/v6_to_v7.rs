//! Step 6 → 7: the fields of page 0 move, and get a page type, an id and a root
//! (upgrade, "Step 6 → 7").

use super::choices::RecordForm;
use super::profile::Profile;
use crate::format::edit;
use crate::format::meta::{BTREE_MAGIC, Field, Layout, at};
use crate::format::page::PageKind;
use crate::order::Endianness;
use crate::types::FileId;

/// Bytes of page 0 that the step may change.
pub(super) const LENGTH: usize = 76;

/// The first bytes of page 0 in the form of version 7.
pub(super) fn metadata(
    old: &[u8; LENGTH],
    order: Endianness,
    id: FileId,
    profile: Profile,
    records: Option<RecordForm>,
) -> [u8; LENGTH] {
    let mut new = *old;
    let Some([from, to]) = layouts() else { return new };
    // Genuine tools leave bytes of maxkey around the page type.
    if !profile.is_genuine() {
        edit::put(&mut new, at::ENCRYPTION, &[0; 4]);
    }
    to.carry(&mut new, &from, old);
    to.put(&mut new, Field::Version, order, 7);
    to.put(&mut new, Field::Type, order, PageKind::BtreeMeta.byte().into());
    to.put(&mut new, Field::Root, order, 1);
    if let Some((at, _)) = to.place(Field::Uid) {
        edit::put(&mut new, at, &id.0);
    }
    if let Some(RecordForm { length, pad }) = records {
        to.put(&mut new, Field::ReLen, order, length);
        to.put(&mut new, Field::RePad, order, pad.into());
    }
    new
}

/// The layouts before and after the step.
fn layouts() -> Option<[Layout; 2]> {
    Some([Layout::of(BTREE_MAGIC, 6)?, Layout::of(BTREE_MAGIC, 7)?])
}
