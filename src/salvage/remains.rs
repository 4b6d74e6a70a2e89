//! What is left of items where no slot leads: on free pages, behind metadata, and in the unused
//! space of others.
//!
//! The library does not wipe what it deletes, nor what a page held before it was used anew.
//! Items are still known by their form: a length, a type byte, and the next item right behind
//! the padding. Those at the edges are torn: what was written over them begins or ends within
//! them. So each place where an item may start is looked at, and those that follow one another
//! are believed first.

use std::collections::HashSet;

use byteorder::ByteOrder;

use super::claims::Claims;
use super::item::{Item, Stored, Unit, read};
use super::note::{Note, Notes};
use super::overflow::is_head;
use super::place::Place;
use super::work::Work;
use crate::format::item::{self, DELETED, KEYDATA, KEYDATA_HEAD, OVERFLOW};
use crate::format::page::PageKind;
use crate::types::PageNo;

/// How far up an item is looked for that was moved, in units of four bytes.
const FURTHEST: usize = 256;
/// Bytes of an item that stands alone, between others that are torn.
const LEAST_ALONE: usize = 8;
/// How many items of a run may be passed that others have, to find its rest.
const PASSED: usize = 16;

/// Pairs of a page by their bytes, to give none twice.
pub(super) type Known<'s> = HashSet<(Option<&'s [u8]>, &'s [u8])>;

/// Notes a record as given; whether it is new.
pub(super) fn learn<'s>(known: &mut Known<'s>, unit: &Unit<'s>) -> bool {
    let here = |item: Item<'s>| match item {
        Item::Here(bytes) => Some(bytes),
        _ => None,
    };
    match (unit.key.map(|(_, key)| here(key)), here(unit.value)) {
        (Some(Some(key)), Some(value)) => {
            let turned = unit.notes.has(Note::Parts) && known.contains(&(Some(value), key));
            known.insert((Some(key), value)) && !turned
        }
        (None, Some(value)) => known.insert((None, value)),
        _ => true,
    }
}

/// A part of a page that nothing uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unused {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether keys and values took turns there.
    pub(super) pairs: bool,
    /// The number of the slot that would start there, if what is left of an index may.
    pub(super) slot: Option<u16>,
}

/// The remains in a part of a page.
pub(super) fn find<'s, O: ByteOrder>(
    work: &Work<'s>,
    bytes: &'s [u8],
    unused: Unused,
    known: &mut Known<'s>,
) -> Vec<Unit<'s>> {
    let Some(part) = bytes.get(..unused.end) else { return Vec::new() };
    let slots = old_slots::<O>(bytes, unused);
    let behind_slots = unused.start.saturating_add(slots.len().saturating_mul(2));
    let mut remnants = remnants::<O>(work, part, unused, behind_slots);
    let mut units = Vec::new();
    if unused.pairs {
        units = pairs_of_slots(&mut remnants, &slots, unused.slot.unwrap_or(0));
        for run in remnants.chunk_by(|below, above| !above.used && !below.used && below.end() == above.offset)
        {
            units.extend(pair_up(run));
        }
    } else {
        units.extend(remnants.iter().map(|one| one.unit(None, Notes::default())));
    }
    units.retain_mut(|unit| {
        forget_lost::<O>(work, unit);
        let is_key_lost = unit.key.is_none_or(|(_, key)| key == Item::Missing);
        !(is_key_lost && unit.value == Item::Missing) && learn(known, unit)
    });
    units.sort_by_key(|unit| unit.at);
    units
}

/// What is left of an index at the start of unused space: offsets of items.
fn old_slots<O: ByteOrder>(bytes: &[u8], unused: Unused) -> Vec<u16> {
    if unused.slot.is_none() {
        return Vec::new();
    }
    let part = bytes.get(unused.start..unused.end).unwrap_or(&[]);
    let slots = part.chunks_exact(2).filter_map(|raw| raw.first_chunk::<2>()).map(|raw| O::read_u16(raw));
    let slots: Vec<u16> = slots.take_while(|&slot| is_offset(slot, bytes)).collect();
    // One may as well be the length of an item.
    if slots.len() < 2 { Vec::new() } else { slots }
}

fn is_offset(offset: u16, bytes: &[u8]) -> bool {
    offset >= 28 && offset & 3 == 0 && usize::from(offset) < bytes.len()
}

/// An item that no slot leads to.
#[derive(Clone, Copy)]
struct Remnant<'s> {
    offset: usize,
    stored: Stored<'s>,
    /// Whether it was given.
    used: bool,
}

impl<'s> Remnant<'s> {
    fn end(&self) -> usize {
        self.offset.saturating_add(self.stored.size)
    }

    fn at(&self) -> u16 {
        u16::try_from(self.offset).unwrap_or(0)
    }

    fn unit(&self, key: Option<(u16, Item<'s>)>, notes: Notes) -> Unit<'s> {
        let (value, deleted) = (self.stored.item, self.stored.deleted);
        Unit { place: Place::Offset(self.at()), at: self.at(), key, value, deleted, notes }
    }

    /// As a value without its key.
    fn alone(&self, notes: Notes) -> Unit<'s> {
        self.unit(Some((0, Item::Missing)), notes)
    }
}

/// The item that may stand at an offset: none that was moved over its own end.
fn candidate<O: ByteOrder>(part: &[u8], at: usize, pairs: bool) -> Option<Stored<'_>> {
    let stored = read::<O>(part, at, pairs)?;
    let raw = part.get(at..at.checked_add(stored.size)?)?;
    (!is_shadow(raw)).then_some(stored)
}

/// Whether an item was moved a little further up the page, over its own end: its head
/// stands in it once more.
fn is_shadow(item: &[u8]) -> bool {
    let Some((head, _)) = item.split_first_chunk::<KEYDATA_HEAD>() else { return false };
    item.chunks(4).skip(1).take(FURTHEST).any(|quad| quad.starts_with(head))
}

/// What is known of a place where an item may start.
#[derive(Clone, Copy, Default)]
struct Start {
    /// Items that follow one another from here.
    count: u16,
    /// Whether another item ends here.
    follows: bool,
}

/// The items in unused space, by their offsets: of those that overlap, the ones with the most
/// behind them.
fn remnants<'s, O: ByteOrder>(
    work: &Work<'_>,
    part: &'s [u8],
    unused: Unused,
    behind_slots: usize,
) -> Vec<Remnant<'s>> {
    let (first, end) = (unused.start.div_ceil(4), part.len());
    let mut starts = vec![Start::default(); (end >> 2).saturating_sub(first)];
    let index = |offset: usize| (offset >> 2).wrapping_sub(first);
    for unit in (first..end >> 2).rev() {
        let Some(stored) = candidate::<O>(part, unit << 2, unused.pairs) else { continue };
        let next = starts.get_mut(index((unit << 2).saturating_add(stored.size)));
        let more = next.map_or(0, |next| {
            next.follows |= next.count > 0;
            next.count
        });
        if let Some(start) = starts.get_mut(unit.wrapping_sub(first)) {
            start.count = more.saturating_add(1);
        }
    }
    let is_first = |(_, start): &(usize, &Start)| start.count > 0 && !start.follows;
    let mut heads: Vec<(u16, usize)> = starts
        .iter()
        .enumerate()
        .filter(is_first)
        .map(|(unit, start)| (start.count, unit.saturating_add(first) << 2))
        .collect();
    drop(starts);
    // Of equal runs the first.
    heads.sort_unstable_by_key(|&(count, at)| (std::cmp::Reverse(count), at));
    let (mut claims, mut taken, mut found) = (Claims::new(), Claims::new(), Vec::new());
    for doubtful in [false, true] {
        for &(_, head) in &heads {
            let run = run::<O>(part, head, unused.pairs, &claims, &taken);
            let Some(last) = run.last() else { continue };
            let sure = run.len() > 1 || last.end() == end || is_torn::<O>(part, last.end());
            let enough = last.stored.size >= LEAST_ALONE.saturating_add(KEYDATA_HEAD)
                && !leads_down::<O>(work, part, last.offset);
            if sure == doubtful || !(sure || enough) || (run.len() == 1 && last.offset < behind_slots) {
                continue;
            }
            for one in run {
                claims.claim(one.offset, one.stored.size);
                taken.claim(one.offset, 1);
                found.push(one);
            }
        }
    }
    found.sort_unstable_by_key(|one| one.offset);
    found
}

/// The items from an offset on that follow one another, up to one that is taken. The first ones
/// may have bytes of others, and are passed.
fn run<'s, O: ByteOrder>(
    part: &'s [u8],
    mut at: usize,
    pairs: bool,
    claims: &Claims,
    taken: &Claims,
) -> Vec<Remnant<'s>> {
    let (mut run, mut passed) = (Vec::new(), 0);
    while let Some(stored) =
        candidate::<O>(part, at, pairs).filter(|_| taken.is_free(at, at.saturating_add(1)))
    {
        let behind = at.saturating_add(stored.size);
        if claims.is_free(at, behind) {
            run.push(Remnant { offset: at, stored, used: false });
        } else if !run.is_empty() || passed == PASSED {
            break;
        } else {
            passed = passed.saturating_add(1);
        }
        at = behind;
    }
    run
}

/// Whether the item at an offset is rather one of an internal page: it has a page of a tree where
/// these have their child.
fn leads_down<O: ByteOrder>(work: &Work<'_>, part: &[u8], at: usize) -> bool {
    use PageKind::{BtreeInternal, BtreeLeaf, DuplicateLeaf, RecnoInternal, RecnoLeaf};
    let child = part.get(at..).and_then(item::btree_internal::<O>).map(|item| PageNo(item.child));
    let kind = child.filter(|child| *child != PageNo::META).and_then(|child| work.file.kind::<O>(child));
    kind.is_some_and(|kind| {
        [BtreeInternal, BtreeLeaf, DuplicateLeaf, RecnoInternal, RecnoLeaf].contains(&kind)
    })
}

/// Whether the head of an item stands at an offset that reaches past the unused space.
fn is_torn<O: ByteOrder>(part: &[u8], at: usize) -> bool {
    let raw = part.get(at..).unwrap_or(&[]);
    let len = usize::from(item::len::<O>(raw).unwrap_or(0));
    match item::type_byte(raw).map(|kind| kind & !DELETED) {
        Some(KEYDATA) => len.saturating_add(KEYDATA_HEAD) > raw.len() && len <= usize::from(u16::MAX) >> 1,
        Some(OVERFLOW) => raw.len() < item::REFERENCE,
        _ => false,
    }
}

/// Pairs that the old index tells: of a key in an even slot and a value in the one behind it,
/// which was put below it. An index from which slots were taken one by one may have the same item
/// in both, and tells nothing.
fn pairs_of_slots<'s>(remnants: &mut [Remnant<'s>], slots: &[u16], first: u16) -> Vec<Unit<'s>> {
    let (mut units, mut values) = (Vec::new(), HashSet::new());
    let at = |remnants: &[Remnant<'s>], slot: u16| {
        remnants.binary_search_by_key(&usize::from(slot), |one| one.offset).ok()
    };
    let slots = slots.get(usize::from(first & 1)..).unwrap_or(&[]);
    let keys: HashSet<u16> = slots.iter().step_by(2).copied().collect();
    if slots.iter().skip(1).step_by(2).any(|value| keys.contains(value)) {
        return units;
    }
    for two in slots.chunks_exact(2) {
        let [key, value] = *two else { continue };
        let (key_at, value_at) = (at(remnants, key), at(remnants, value));
        if key < value || !values.insert(value) {
            continue;
        }
        let mut use_it = |index: Option<usize>| {
            let one = remnants.get_mut(index?)?;
            let as_it_was = *one;
            one.used = true;
            Some(as_it_was)
        };
        match (use_it(key_at), use_it(value_at)) {
            (Some(key), Some(value)) => {
                units.push(value.unit(Some((key.at(), key.stored.item)), Notes::default()));
            }
            (None, Some(value)) => units.push(value.alone(Notes::default())),
            // A key that duplicates share is given once without them.
            (Some(key), None) if !key.used => {
                let item = Some((key.at(), key.stored.item));
                units.push(Unit { value: Item::Missing, ..key.unit(item, Notes::default()) });
            }
            _ => {}
        }
    }
    units
}

/// Pairs of items that follow one another: a value lies below its key. Only values are marked as
/// deleted, which may tell what the topmost item is; if nothing does, it is taken for a key, and
/// that this is not known is noted.
fn pair_up<'s>(run: &[Remnant<'s>]) -> Vec<Unit<'s>> {
    if run.iter().any(|one| one.used) {
        return Vec::new();
    }
    let marked = |skip: usize| run.iter().rev().skip(skip).step_by(2).any(|one| one.stored.deleted);
    let mut notes = Notes::default();
    if marked(0) == marked(1) {
        notes.add(Note::Parts);
    }
    let topmost_is_value = marked(0) && !marked(1);
    let (pairs, top) = match run.split_last() {
        Some((top, rest)) if topmost_is_value => (rest, Some(top)),
        _ => (run, None),
    };
    let units = pairs.rchunks(2).filter_map(|two| match two {
        [value, key] => Some(value.unit(Some((key.at(), key.stored.item)), notes)),
        [value, ..] => Some(value.alone(notes)),
        [] => None,
    });
    top.map(|top| top.alone(notes)).into_iter().chain(units).collect()
}

/// Chains that are gone, or are in use.
fn forget_lost<O: ByteOrder>(work: &Work<'_>, unit: &mut Unit<'_>) {
    let forget = |item: &mut Item<'_>| match item {
        Item::Chain(chain) if !is_head::<O>(&work.file, chain.first) || work.chains.has(chain.first) => {
            *item = Item::Missing;
        }
        Item::Duplicates { .. } => *item = Item::Missing,
        _ => {}
    };
    unit.key.iter_mut().for_each(|(_, key)| forget(key));
    forget(&mut unit.value);
}
