//! Step 6 → 7: the fields of page 0 move, and get a page type, an id and a root
//! (upgrade, "Step 6 → 7").

use super::choices::RecordForm;
use super::profile::Profile;
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
    let mut put = |at: usize, bytes: &[u8]| {
        new.iter_mut().skip(at).zip(bytes).for_each(|(place, byte)| *place = *byte);
    };
    let field = |at: usize, len: usize| old.get(at..).and_then(|rest| rest.get(..len)).unwrap_or_default();
    // Genuine tools leave bytes of maxkey around the page type.
    if !profile.is_genuine() {
        put(24, &[0; 4]);
    }
    put(25, &[9]);
    put(28, field(32, 4)); // free
    put(32, field(36, 4)); // flags
    put(36, &id.0);
    put(56, field(24, 8)); // maxkey, minkey
    put(64, field(40, 8)); // re_len, re_pad
    if let Some(RecordForm { length, pad }) = records {
        order.put_u32(&mut new, 64, length);
        order.put_u32(&mut new, 68, pad.into());
    }
    order.put_u32(&mut new, 16, 7);
    order.put_u32(&mut new, 72, 1); // root
    new
}
