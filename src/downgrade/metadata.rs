//! Metadata pages in the form of an earlier version: fields go back to where they were.

use crate::edit::{Draft, Reason};
use crate::format::edit;
use crate::format::meta::{Field, Layout, at};
use crate::meta::{Buckets, Meta};
use crate::method::Method;
use crate::order::Endianness;
use crate::types::PageNo;

/// Brings the metadata page of a database to a version, if it has a later one.
pub(super) fn apply(draft: &mut Draft<'_>, meta: &Meta, version: u32) {
    let (no, order, count) = (meta.page(), meta.endianness(), draft.count());
    let layouts = (Layout::of(meta.magic(), meta.version()), Layout::of(meta.magic(), version));
    let (Some(from), Some(to)) = layouts else { return };
    let Some(old) = draft.pages().raw(no).filter(|_| meta.version() > version) else { return };
    let end = end(&from);
    let mut new = old.get(..end).unwrap_or_default().to_vec();
    if from.place(Field::Flags) != to.place(Field::Flags) {
        // Nothing is left of fields that move.
        edit::put(&mut new, at::ENCRYPTION, &vec![0; end.saturating_sub(at::ENCRYPTION)]);
    }
    from.put(&mut new, Field::Threshold, order, 0);
    to.carry(&mut new, &from, old);
    to.put(&mut new, Field::Threshold, order, 0);
    to.put(&mut new, Field::Version, order, version);
    let flags = from.number(old, Field::Flags, order).unwrap_or(0) & known_flags(meta.method(), version);
    to.put(&mut new, Field::Flags, order, flags);
    if let (Some(buckets), Some((at, _))) = (meta.buckets(), to.place(Field::Spares)) {
        if let Some((_, point)) = to.place(Field::OvflPoint).zip(Some(Buckets::doubling(buckets.high_mask))) {
            to.put(&mut new, Field::OvflPoint, order, u32::try_from(point).unwrap_or(0));
            overflow_pages(&mut new, at, order, buckets, count);
        }
    }
    if let (Some((first, next)), Some(_)) = (meta.record_range(), to.place(Field::Start)) {
        // The next number becomes the last one that was given.
        to.put(&mut new, Field::Start, order, 1);
        to.put(&mut new, Field::FirstRecno, order, first);
        to.put(&mut new, Field::CurRecno, order, next.wrapping_sub(1));
    }
    draft.replace(no, 0, &new, Reason::Metadata);
}

/// Lets page 0 lead to another free list; it has this version by now.
pub(super) fn lead_to_free(draft: &mut Draft<'_>, version: u32, first: Option<PageNo>) {
    let meta = draft.pages().meta();
    let place = Layout::of(meta.magic(), version).and_then(|layout| layout.place(Field::Free));
    if let Some((at, _)) = place {
        draft.replace_u32(PageNo::META, at, first.unwrap_or_default().0, Reason::Metadata);
    }
}

/// Where the fields of a version end that stand before those of checksums.
fn end(layout: &Layout) -> usize {
    let entries = layout.entries().filter(|(_, at, _)| *at < at::CRYPTO_MAGIC);
    entries.map(|(_, at, len)| at.saturating_add(len)).max().unwrap_or(0)
}

/// The flags that a version knows: that duplicates are sorted is told from version 8 of BTREE on, and
/// from version 7 of HASH.
fn known_flags(method: Method, version: u32) -> u32 {
    match (method, version) {
        (Method::Btree | Method::Recno, 6) => 0x1f,
        (Method::Btree | Method::Recno, 7) => 0x3f,
        (Method::Btree | Method::Recno, 8) => 0x7f,
        (Method::Hash, 5) => 0x01,
        (Method::Hash, 6) => 0x03,
        _ => u32::MAX,
    }
}

/// Puts down, as release 2 does, how many overflow pages are before the buckets of each doubling; those
/// behind the last one count as its own.
fn overflow_pages(new: &mut [u8], at: usize, order: Endianness, buckets: &Buckets, pages: u32) {
    let point = Buckets::doubling(buckets.high_mask);
    let spare = |doubling: usize| buckets.spares.get(doubling).copied().unwrap_or(0);
    let last = buckets.high_mask.saturating_add(spare(point));
    let behind = pages.saturating_sub(1).saturating_sub(last);
    for place in 0..buckets.spares.len() {
        let number = match place.cmp(&point) {
            std::cmp::Ordering::Less => spare(place.saturating_add(1)).saturating_sub(1),
            std::cmp::Ordering::Equal => spare(point).saturating_sub(1).saturating_add(behind),
            std::cmp::Ordering::Greater => 0,
        };
        order.put_u32(new, at.saturating_add(place.saturating_mul(4)), number);
    }
}
