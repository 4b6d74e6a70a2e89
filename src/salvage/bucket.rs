//! Pages of HASH databases (database-format, annex A): their records, and which pages
//! the buckets of a database start on.

use std::ops::Range;

use byteorder::ByteOrder;

use super::external::External;
use super::item::{Chain, Item, Unit};
use super::note::Notes;
use super::place::Place;
use crate::error::{Defect, Error};
use crate::format::external::{self, Holder};
use crate::format::item::{self, DUPLICATE, HASH_EXTERNAL, KEYDATA, OFFDUP, OVERFLOW, REFERENCE};
use crate::format::page::{Page, slot as slot_of, slot_offset};
use crate::types::PageNo;

/// The first pages of all buckets: ranges of pages, as far as the file has them.
pub(super) fn heads(max: u32, spares: &[u32], pages: &Range<u32>) -> Vec<Range<u32>> {
    let mut heads = Vec::new();
    for (level, &spare) in (0u32..).zip(spares) {
        let first = if level == 0 { 0 } else { 1u32.checked_shl(level.wrapping_sub(1)).unwrap_or(u32::MAX) };
        if first > max {
            break;
        }
        let last = first.saturating_mul(2).saturating_sub(1).max(first).min(max);
        let page = |bucket: u32| bucket.saturating_add(spare).clamp(pages.start, pages.end);
        heads.push(page(first)..page(last.saturating_add(1)));
    }
    heads
}

/// The records of a page, and what is wrong with it.
pub(super) fn units<'s, O: ByteOrder>(
    page: &Page<'s, O>,
    no: PageNo,
    overhead: usize,
) -> (Vec<Unit<'s>>, Vec<Error>) {
    let mut bucket =
        Bucket { bytes: page.bytes(), no, overhead, left: page.bytes().len(), problems: Vec::new() };
    let most = bucket.bytes.len().saturating_sub(overhead) >> 1;
    let entries = page.entries().min(u16::try_from(most).unwrap_or(u16::MAX));
    let mut units = Vec::new();
    for slot in (0..entries).step_by(2) {
        bucket.pair::<O>(slot, slot.saturating_add(1) < entries, &mut units);
    }
    (units, bucket.problems)
}

struct Bucket<'s> {
    bytes: &'s [u8],
    no: PageNo,
    overhead: usize,
    /// Bytes of the page not yet given: items that overlap must not multiply them.
    left: usize,
    problems: Vec<Error>,
}

impl<'s> Bucket<'s> {
    fn pair<O: ByteOrder>(&mut self, slot: u16, has_value: bool, units: &mut Vec<Unit<'s>>) {
        let key = self.item::<O>(slot);
        let value_slot = slot.saturating_add(1);
        let value = if has_value { self.item::<O>(value_slot) } else { None };
        let slot_at = |slot| slot_offset(self.overhead, slot);
        let (key_at, value_at) = (slot_at(slot), slot_at(value_slot));
        let at = key.map_or(key_at, |(at, _)| at);
        let key = match key.and_then(|(at, raw)| simple::<O>(raw, at)) {
            Some(item) => item,
            None => self.bad(slot, at),
        };
        let (at, raw) = value.unwrap_or((value_at, &[]));
        let unit = |place, at: usize, value| Unit {
            place,
            at: u16::try_from(at).unwrap_or(0),
            key: Some((slot, key)),
            value,
            deleted: false,
            notes: Notes::default(),
        };
        let place = Place::Slot(value_slot);
        match raw.split_first() {
            Some((&DUPLICATE, set)) => {
                let mut rest = set;
                while let Some((value, behind)) = item::hash_duplicate::<O>(rest) {
                    let offset = at.saturating_add(raw.len().saturating_sub(rest.len()));
                    let place = Place::Offset(u16::try_from(offset).unwrap_or(0));
                    units.push(unit(place, offset, Item::Here(value)));
                    rest = behind;
                }
                if !rest.is_empty() {
                    self.bad(value_slot, at);
                    // What is behind the damage is found from the end.
                    let (mut torn, mut behind) = (rest, Vec::new());
                    while let Some((value, before)) = item::last_hash_duplicate::<O>(torn) {
                        let offset = at.saturating_add(1).saturating_add(set.len());
                        let offset = offset.saturating_sub(rest.len()).saturating_add(before.len());
                        let place = Place::Offset(u16::try_from(offset).unwrap_or(0));
                        behind.push(unit(place, offset, Item::Here(value)));
                        torn = before;
                    }
                    if !torn.is_empty() {
                        let expected = u32::try_from(torn.len()).unwrap_or(u32::MAX);
                        let whole = item::torn_hash_duplicate::<O>(torn);
                        let value = whole.map_or(Item::Part { bytes: torn, expected }, Item::Here);
                        units.push(unit(place, at, value));
                    }
                    units.extend(behind.into_iter().rev());
                }
            }
            Some((&OFFDUP, rest)) if rest.len() >= 7 => {
                let root =
                    rest.get(3..).and_then(|raw| raw.first_chunk::<4>()).map_or(0, |raw| O::read_u32(raw));
                let holder = u16::try_from(at).unwrap_or(0);
                units.push(unit(place, at, Item::Duplicates { root: PageNo(root), at: holder }));
            }
            _ => {
                let external = Some(raw).filter(|raw| raw.first() == Some(&HASH_EXTERNAL));
                let external = external.filter(|raw| raw.len() == external::LENGTH).and_then(external::item);
                let external = external.map(|item| {
                    let at = u16::try_from(at).unwrap_or(0);
                    Item::External(External { item, holder: Holder::Bucket, at })
                });
                let value = match external.or_else(|| simple::<O>(raw, at)) {
                    Some(item) => item,
                    None => self.bad(value_slot, at),
                };
                units.push(unit(place, at, value));
            }
        }
    }

    /// An item and its offset: items lie one below the other, in slot order.
    fn item<O: ByteOrder>(&mut self, slot: u16) -> Option<(usize, &'s [u8])> {
        let (bytes, overhead) = (self.bytes, self.overhead);
        let index = bytes.get(overhead..)?;
        let offset = |number| slot_of::<O>(index, number).map(usize::from);
        let start = offset(slot)?;
        let end = match slot.checked_sub(1) {
            Some(before) => offset(before)?,
            None => self.bytes.len(),
        };
        let own = slot_offset(self.overhead, slot.saturating_add(1));
        let item = self.bytes.get(start..end).filter(|_| start >= own)?;
        self.left = self.left.checked_sub(item.len())?;
        Some((start, item))
    }

    fn bad(&mut self, slot: u16, at: usize) -> Item<'s> {
        let found = self.bytes.get(at).copied().unwrap_or(0);
        let defect = Defect::ItemKind { slot, found, expected: "1 to 5" };
        self.problems.push(Error::corrupt(self.no, at, defect));
        Item::Missing
    }
}

fn simple<O: ByteOrder>(raw: &[u8], at: usize) -> Option<Item<'_>> {
    match raw.split_first()? {
        (&KEYDATA, bytes) => Some(Item::Here(bytes)),
        (&OVERFLOW, _) if raw.len() >= REFERENCE => {
            let (first, len) = item::reference::<O>(raw)?;
            Some(Item::Chain(Chain { first: PageNo(first), len, at: u16::try_from(at).unwrap_or(0) }))
        }
        _ => None,
    }
}
