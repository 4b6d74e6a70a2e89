//! Step 5 → 6 of HASH: the fields of page 0 move, and the pages of all buckets are there
//! (upgrade-other, "4/5 → 6: page 0" and "4/5 → 6: length").

use super::profile::Profile;
use crate::edit::{Draft, Reason, Refusal, Result};
use crate::error::file_bytes;
use crate::format::generation::Generation;
use crate::format::meta::{Field, HASH_MAGIC, Layout};
use crate::format::page::PageKind;
use crate::meta::{Buckets, Meta};
use crate::order::Endianness;
use crate::types::{FileId, PageNo};

/// Bytes of page 0 that the step may change.
const CHANGED: usize = 208;

/// More keys than that for a table without a fill factor are taken for a number below 0.
const MOST_KEYS: u32 = 0x0800_0000;

/// A file may become so many times as long as it is, and so many bytes longer.
const TIMES: u64 = 64;
const LONGER: u64 = 16 << 20;

/// Brings page 0 into the form of version 6.
pub(super) fn metadata(draft: &mut Draft<'_>, meta: &Meta, id: FileId, profile: Profile) {
    let order = draft.pages().order();
    let image = draft.image(PageNo::META).unwrap_or_default();
    let (Some(old), Some(buckets)) = (image.get(..CHANGED), meta.buckets()) else { return };
    let Some([from, to]) = layouts(meta.version()) else { return };
    let mut new = vec![0; CHANGED];
    to.carry(&mut new, &from, old);
    to.put(&mut new, Field::Version, order, 6);
    to.put(&mut new, Field::Type, order, PageKind::HashMeta.byte().into());
    let number = |field| from.number(old, field, order).unwrap_or(0);
    let [fill, max, keys] = [Field::Ffactor, Field::MaxBucket, Field::Nelem].map(number);
    to.put(&mut new, Field::Nelem, order, believed(fill, max, keys));
    if let Some((at, _)) = to.place(Field::Uid) {
        crate::format::edit::put(&mut new, at, &id.0);
    }
    spares(&mut new, &to, order, buckets, profile);
    draft.replace(PageNo::META, 0, &new, Reason::Metadata);
}

/// The layouts before and after the step.
fn layouts(version: u32) -> Option<[Layout; 2]> {
    Some([Layout::of(HASH_MAGIC, version)?, Layout::of(HASH_MAGIC, 6)?])
}

/// The number of keys, if it is believed: releases 2.x may count below 0.
fn believed(fill: u32, max: u32, keys: u32) -> u32 {
    let none = match fill {
        0 => keys > MOST_KEYS,
        fill => fill.wrapping_mul(max) < keys.wrapping_mul(2),
    };
    if none { 0 } else { keys }
}

/// Puts down where the pages of each doubling are.
fn spares(new: &mut [u8], to: &Layout, order: Endianness, buckets: &Buckets, profile: Profile) {
    let Some((at, _)) = to.place(Field::Spares) else { return };
    let used = Buckets::doubling(buckets.max);
    let mut before = false;
    for (doubling, &spare) in buckets.spares.iter().enumerate() {
        // Release 3.0 takes over what stands for doublings to come, up to the first that is 0.
        let ended = before && spare == 1;
        before |= doubling > 0 && spare > 1;
        let keeps = match profile {
            Profile::V7 => doubling == 0 || !ended,
            _ => doubling <= used,
        };
        order.put_u32(new, at.saturating_add(doubling.saturating_mul(4)), if keeps { spare } else { 0 });
    }
}

/// Adds the pages of the buckets of the last doubling that are not there. The genuine tools
/// forget one that is the only one missing.
pub(super) fn lengthen(draft: &mut Draft<'_>, meta: &Meta, profile: Profile) -> Result<()> {
    let Some(buckets) = meta.buckets() else { return Ok(()) };
    let (pages, mask) = (draft.count(), buckets.high_mask);
    let doubling = Buckets::doubling(mask);
    // In the new form there is nothing for doublings to come.
    let spare = match meta.generation() == Generation::V2 && doubling > Buckets::doubling(buckets.max) {
        true => 0,
        false => buckets.spares.get(doubling).copied().unwrap_or(0),
    };
    let last = u64::from(mask).saturating_add(spare.into());
    let is_long = if profile.is_genuine() { last <= pages.into() } else { last < pages.into() };
    if is_long {
        return Ok(());
    }
    let wanted = last.saturating_add(1);
    let size = draft.pages().size();
    let most =
        u64::from(pages).saturating_mul(TIMES).saturating_mul(size.get().into()).saturating_add(LONGER);
    match u32::try_from(wanted) {
        Ok(wanted)
            if last <= u64::from(pages).saturating_add(mask.into()) && file_bytes(wanted, size) <= most =>
        {
            draft.lengthen(wanted);
            Ok(())
        }
        _ => {
            let (page, offset) = (meta.page(), meta.at(Field::HighMask));
            Err(Refusal::Growth { page, offset, wanted, pages }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What release 5.3 makes of the numbers of keys of files of version 5.
    #[test]
    fn a_number_of_keys_below_0_is_not_believed() {
        for (fill, max, keys, kept) in [
            (10, 4, 20, true),
            (10, 4, 21, false),
            (10, 4, 0, true),
            (1, 0, 1, false),
            (0, 4, 5, true),
            (0, 4, 0x0800_0000, true),
            (0, 4, 0x0800_0001, false),
            (0, 4, u32::MAX, false),
            // 2^32 keys, doubled, are none.
            (1, 4, 0x8000_0000, true),
            (0x8000_0000, 2, 1, false),
        ] {
            assert_eq!(believed(fill, max, keys), if kept { keys } else { 0 }, "{fill} {max} {keys}");
        }
    }
}
