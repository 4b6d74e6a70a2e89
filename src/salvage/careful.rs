//! The items of a leaf whose page is not sound, one by one: a damaged one spoils itself
//! only.

use std::collections::BTreeMap;

use byteorder::ByteOrder;

use super::claims::Claims;
use super::item::{Chain, Item, Stored, Unit, read};
use super::leaf::Leaf;
use super::note::{Note, Notes};
use super::place::Place;
use crate::error::{Defect, Error};
use crate::format::item::{self, DELETED, KEYDATA, KEYDATA_HEAD, OVERFLOW, REFERENCE};
use crate::format::page::{at, slot_offset};
use crate::types::PageNo;

/// How often a page may be given again, in items that overlap.
const REPEATS: usize = 4;

/// All records of a page that is not sound, and what is wrong with it.
pub(super) struct Careful<'s> {
    pub(super) units: Vec<Unit<'s>>,
    pub(super) problems: Vec<Error>,
}

/// Reads a page item by item, and believes of its header only what the items confirm.
///
/// `is_head` tells whether an overflow chain can start on a page.
pub(super) fn with_care<'s, O: ByteOrder>(
    leaf: &Leaf<'s>,
    claims: &mut Claims,
    is_head: impl Fn(PageNo) -> bool,
) -> Careful<'s> {
    claims.clear(leaf.bytes.len());
    let spare = leaf.bytes.len().saturating_mul(REPEATS);
    let mut reader =
        Reader { leaf, claims, problems: Vec::new(), offsets: Vec::new(), starts: Vec::new(), spare };
    reader.collect::<O>();
    let mut units = reader.units::<O>(is_head);
    reader.fill_gap::<O>(&mut units);
    reader.add_uncounted::<O>(&mut units);
    Careful { units, problems: reader.problems }
}

struct Reader<'r, 's> {
    leaf: &'r Leaf<'s>,
    claims: &'r mut Claims,
    problems: Vec<Error>,
    /// The offset in each slot, where it can be one.
    offsets: Vec<Option<usize>>,
    /// All of these, ascending.
    starts: Vec<usize>,
    /// How many bytes may be given that were given before.
    spare: usize,
}

impl<'s> Reader<'_, 's> {
    /// Reads the index: as many slots as can be, if the header cannot be right.
    fn collect<O: ByteOrder>(&mut self) {
        let leaf = self.leaf;
        let plausible = leaf.is_plausible();
        let mut lowest = leaf.bytes.len();
        // Behind the index may be slots and items that were in use once. Where the item
        // area can be relied on, the index ends when its items fill it.
        let area = Some(leaf.area).filter(|_| !plausible && self.is_slot::<O>(leaf.area));
        let mut left = area.map(|area| lowest.saturating_sub(area));
        let least = match area {
            Some(area) => area,
            None if plausible => leaf.index_end(),
            None => slot_offset(leaf.overhead, 1),
        };
        for slot in 0..leaf.entries {
            let behind = slot_offset(leaf.overhead, slot.saturating_add(1));
            let unused = !plausible && leaf.slot::<O>(slot) == Some(0);
            if behind > lowest || unused || left == Some(0) {
                let defect = Defect::Entries { found: leaf.entries, why: "more than fit the page" };
                self.problems.push(Error::corrupt(leaf.no, at::ENTRIES, defect));
                break;
            }
            let offset = self.offset::<O>(slot, least.max(behind));
            let stored = offset.and_then(|offset| Some((offset, read::<O>(leaf.bytes, offset, true)?)));
            if let Some((offset, stored)) = stored {
                lowest = lowest.min(offset);
                if let Some(left) = left.as_mut().filter(|_| self.claims.claim(offset, stored.size)) {
                    *left = left.saturating_sub(stored.size);
                }
            }
            self.offsets.push(offset);
        }
        if leaf.pairs && self.offsets.len() & 1 != 0 {
            let defect = Defect::Entries { found: leaf.entries, why: "keys and data come in pairs" };
            self.problems.push(Error::corrupt(leaf.no, at::ENTRIES, defect));
            let slot = u16::try_from(self.offsets.len()).unwrap_or(u16::MAX);
            let behind = slot_offset(leaf.overhead, slot.saturating_add(1));
            self.offsets.push(self.offset::<O>(slot, least.max(behind)));
        }
        self.claims.clear(leaf.bytes.len());
        self.starts = self.offsets.iter().flatten().copied().collect();
        self.starts.sort_unstable();
        self.starts.dedup();
    }

    /// Whether a slot that may be one leads to an offset.
    fn is_slot<O: ByteOrder>(&self, offset: usize) -> bool {
        let mut slots =
            (0..self.leaf.entries).take_while(|&slot| slot_offset(self.leaf.overhead, slot) < offset);
        slots.any(|slot| self.leaf.slot::<O>(slot) == Some(offset))
    }

    /// The slots behind the last one that lead to items of which nobody knows: the
    /// header counts too few.
    fn add_uncounted<O: ByteOrder>(&mut self, units: &mut Vec<Unit<'s>>) {
        let leaf = self.leaf;
        let counted = units.len();
        let gaps = self.claims.gaps(leaf.area, leaf.bytes.len());
        let free = |offset: &usize| {
            let gap = gaps.partition_point(|(start, _)| start <= offset).checked_sub(1);
            gap.and_then(|gap| gaps.get(gap)).is_some_and(|(_, end)| offset < end)
        };
        let step = if leaf.pairs { 2 } else { 1 };
        for first in (leaf.entries..u16::MAX).step_by(step) {
            let last = first.saturating_add(u16::from(leaf.pairs));
            if gaps.is_empty() || !leaf.is_plausible() || slot_offset(leaf.overhead, last) >= leaf.area {
                break;
            }
            let read = |slot, duplicates| {
                let offset = self.offset::<O>(slot, leaf.area).filter(free)?;
                Some((offset, read::<O>(leaf.bytes, offset, duplicates)?))
            };
            let Some((key, value)) = read(first, false).zip(read(last, leaf.pairs)) else { break };
            let ((key_at, key), (at, value)) = (key, value);
            let new = !leaf.pairs || self.claims.claim(key_at, key.size);
            if !self.claims.claim(at, value.size) || !new {
                break;
            }
            let key = leaf.pairs.then_some((u16::try_from(key_at).unwrap_or(0), key.item));
            let (place, deleted) = (Place::Slot(last), value.deleted);
            let at = u16::try_from(at).unwrap_or(0);
            let mut notes = Notes::default();
            notes.add(Note::Header);
            units.push(Unit { place, at, key, value: value.item, deleted, notes });
        }
        if units.len() > counted {
            let defect = Defect::Entries { found: leaf.entries, why: "fewer than stand on the page" };
            self.problems.push(Error::corrupt(leaf.no, at::ENTRIES, defect));
        }
    }

    fn offset<O: ByteOrder>(&self, slot: u16, least: usize) -> Option<usize> {
        let fits = |&at: &usize| at & 3 == 0 && at >= least && at < self.leaf.bytes.len();
        self.leaf.slot::<O>(slot).filter(fits)
    }

    /// Bytes from an item to the next one, or to the end of the page.
    fn space(&self, offset: usize) -> usize {
        let next = self.starts.get(self.starts.partition_point(|&start| start <= offset));
        next.copied().unwrap_or(self.leaf.bytes.len()).saturating_sub(offset)
    }

    fn units<O: ByteOrder>(&mut self, is_head: impl Fn(PageNo) -> bool) -> Vec<Unit<'s>> {
        let leaf = self.leaf;
        let offsets = std::mem::take(&mut self.offsets);
        let step = if leaf.pairs { 2 } else { 1 };
        let sharers = if leaf.pairs { sharers(&offsets) } else { BTreeMap::new() };
        let mut units = Vec::new();
        let mut key_before: Option<(u16, Item<'s>, Notes)> = None;
        for (index, slots) in offsets.chunks(step).enumerate() {
            let first = u16::try_from(index.saturating_mul(step)).unwrap_or(u16::MAX);
            let mut notes = Notes::default();
            let key = leaf.pairs.then(|| {
                let offset = slots.first().copied().flatten();
                let at = u16::try_from(offset.unwrap_or(0)).unwrap_or(0);
                if let Some((before, item, key_notes)) =
                    key_before.filter(|(before, ..)| at != 0 && *before == at)
                {
                    notes = key_notes;
                    return (before, item);
                }
                let even = offset.is_some_and(|offset| sharers.get(&offset).is_some_and(|n| n & 1 == 0));
                let reversed =
                    offset.filter(|_| even).and_then(|offset| self.reversed::<O>(offset, &is_head));
                let item = match reversed {
                    Some(stored) => {
                        self.claims.claim(offset.unwrap_or(0), stored.size);
                        stored.item
                    }
                    None => self.item::<O>(first, offset, false, &mut notes).0,
                };
                key_before = Some((at, item, notes));
                (at, item)
            });
            let slot = first.saturating_add(u16::from(leaf.pairs));
            let offset = slots.last().copied().flatten();
            let (value, deleted) = self.item::<O>(slot, offset, leaf.pairs, &mut notes);
            let at = u16::try_from(offset.unwrap_or(slot_offset(leaf.overhead, slot))).unwrap_or(0);
            units.push(Unit { place: Place::Slot(slot), at, key, value, deleted, notes });
        }
        units
    }

    fn item<O: ByteOrder>(
        &mut self,
        slot: u16,
        offset: Option<usize>,
        duplicates: bool,
        notes: &mut Notes,
    ) -> (Item<'s>, bool) {
        let (no, end) = (self.leaf.no, self.leaf.bytes.len());
        let Some(offset) = offset else {
            let found = self.leaf.slot::<O>(slot).and_then(|found| u16::try_from(found).ok()).unwrap_or(0);
            let defect = Defect::ItemOffset { slot, found, lowest: self.leaf.index_end(), end };
            let at = slot_offset(self.leaf.overhead, slot);
            self.problems.push(Error::corrupt(no, at, defect));
            return (Item::Missing, false);
        };
        if let Some(stored) = read::<O>(self.leaf.bytes, offset, duplicates) {
            if !self.claims.claim(offset, stored.size) {
                notes.add(Note::Overlap);
                let field =
                    Defect::Field { field: "slot", found: slot.into(), expected: "an item of its own" };
                self.problems.push(Error::corrupt(no, offset, field));
                let Some(spare) = self.spare.checked_sub(stored.size) else { return (Item::Missing, false) };
                self.spare = spare;
            }
            return (stored.item, stored.deleted);
        }
        let raw = self.leaf.bytes.get(offset..).unwrap_or(&[]);
        let type_byte = item::type_byte(raw).unwrap_or(0);
        if type_byte & !DELETED == KEYDATA {
            // Too long for the page: what there is up to the next item.
            let expected = u32::from(item::len::<O>(raw).unwrap_or(0));
            let bytes = raw.get(KEYDATA_HEAD..self.space(offset)).unwrap_or(&[]);
            self.claims.claim(offset, self.space(offset));
            self.problems.push(Error::corrupt(no, offset, Defect::ItemLength { slot, len: expected, end }));
            return (Item::Part { bytes, expected }, type_byte & DELETED != 0);
        }
        let expected = if duplicates { "1, 2 or 3" } else { "1 or 3" };
        let offset = offset.saturating_add(item::TYPE_AT);
        self.problems.push(Error::corrupt(no, offset, Defect::ItemKind { slot, found: type_byte, expected }));
        (Item::Missing, false)
    }

    /// A shared key in the opposite byte order, if that is what it is (database-format,
    /// "The version-6 parity defect"). The version is not asked: no other key passes.
    fn reversed<O: ByteOrder>(&self, offset: usize, is_head: impl Fn(PageNo) -> bool) -> Option<Stored<'s>> {
        let raw = self.leaf.bytes.get(offset..)?;
        match item::type_byte(raw)? & !DELETED {
            KEYDATA => {
                let len = item::len::<O>(raw)?;
                let space = self.space(offset);
                let fills = |len: u16| item::padded(KEYDATA_HEAD.saturating_add(len.into())) == space;
                let bytes = item::keydata(raw, len.swap_bytes())?;
                let wrong = !fills(len) && fills(len.swap_bytes());
                wrong.then_some(Stored { item: Item::Here(bytes), deleted: false, size: space })
            }
            OVERFLOW => {
                let (first, len) = item::reference::<O>(raw)?;
                let at = u16::try_from(offset).unwrap_or(0);
                let chain = Chain { first: PageNo(first.swap_bytes()), len: len.swap_bytes(), at };
                let wrong = !is_head(PageNo(first)) && is_head(chain.first);
                wrong.then_some(Stored { item: Item::Chain(chain), deleted: false, size: REFERENCE })
            }
            _ => None,
        }
    }

    /// If one item is missing, and one stands where no slot leads, it is that.
    fn fill_gap<O: ByteOrder>(&mut self, units: &mut [Unit<'s>]) {
        let leaf = self.leaf;
        let is_missing = |unit: &Unit<'s>| {
            let key = unit.key.is_some_and(|(_, key)| key == Item::Missing);
            usize::from(key).saturating_add(usize::from(unit.value == Item::Missing))
        };
        if !leaf.is_plausible() || units.iter().map(is_missing).sum::<usize>() != 1 {
            return;
        }
        let gaps = self.claims.gaps(leaf.area, leaf.bytes.len());
        let [(start, end)] = gaps.as_slice() else { return };
        let found = read::<O>(leaf.bytes, *start, leaf.pairs);
        let Some(found) = found.filter(|found| start.saturating_add(found.size) == *end) else { return };
        let Some(unit) = units.iter_mut().find(|unit| is_missing(unit) > 0) else { return };
        unit.notes.add(Note::Slot);
        self.claims.claim(*start, found.size);
        match &mut unit.key {
            Some((at, key)) if *key == Item::Missing => {
                (*at, *key) = (u16::try_from(*start).unwrap_or(0), found.item);
            }
            _ => {
                unit.at = u16::try_from(*start).unwrap_or(0);
                (unit.value, unit.deleted) = (found.item, found.deleted);
            }
        }
    }
}

/// For each key, how many slots one after the other lead to it.
fn sharers(offsets: &[Option<usize>]) -> BTreeMap<usize, usize> {
    let mut sharers = BTreeMap::new();
    for offset in offsets.iter().step_by(2).flatten() {
        let count: &mut usize = sharers.entry(*offset).or_default();
        *count = count.saturating_add(1);
    }
    sharers
}
