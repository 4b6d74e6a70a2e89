//! What is left of items where no slot leads: on free pages, and in the unused space
//! of others.
//!
//! The library does not wipe what it deletes. Items are still known by their form: a
//! length, a type byte, and the next item right behind the padding.

use std::collections::HashSet;

use byteorder::ByteOrder;

use super::leaf::{self, Item, Stored, Unit};
use super::note::Notes;
use super::overflow::is_head;
use super::record::Place;
use super::work::Work;
use crate::format::item::KEYDATA_HEAD;

/// How far up an item is looked for that was moved, in units of four bytes.
const FURTHEST: usize = 256;

/// Pairs of a page by their bytes, to give none twice.
pub(super) type Known<'s> = HashSet<(Option<&'s [u8]>, &'s [u8])>;

/// Notes a record as given; whether it is new.
pub(super) fn learn<'s>(known: &mut Known<'s>, unit: &Unit<'s>) -> bool {
    let here = |item: Item<'s>| match item {
        Item::Here(bytes) => Some(bytes),
        _ => None,
    };
    match (unit.key.map(|(_, key)| here(key)), here(unit.value)) {
        (Some(Some(key)), Some(value)) => known.insert((Some(key), value)),
        (None, Some(value)) => known.insert((None, value)),
        _ => true,
    }
}

/// The remains on a page whose entries are gone, from an offset to another, behind what is left
/// of their index.
pub(super) fn find_behind_index<'s, O: ByteOrder>(
    work: &Work<'s>,
    bytes: &'s [u8],
    (start, end): (usize, usize),
    pairs: bool,
) -> Vec<Unit<'s>> {
    let is_slot = |slot: &[u8]| slot.first_chunk::<2>().is_some_and(|raw| is_offset(O::read_u16(raw), bytes));
    let slots = bytes.get(start..).unwrap_or(&[]).chunks(2).take_while(|slot| is_slot(slot)).count();
    let start = start.saturating_add(slots.saturating_mul(2));
    find::<O>(work, bytes, (start, end), pairs, &mut Known::new())
}

fn is_offset(offset: u16, bytes: &[u8]) -> bool {
    offset >= 28 && offset & 3 == 0 && usize::from(offset) < bytes.len()
}

/// The remains in a part of a page. `pairs`: whether keys and values took turns there.
pub(super) fn find<'s, O: ByteOrder>(
    work: &Work<'s>,
    bytes: &'s [u8],
    (start, end): (usize, usize),
    pairs: bool,
    known: &mut Known<'s>,
) -> Vec<Unit<'s>> {
    let Some(part) = bytes.get(..end) else { return Vec::new() };
    let mut found = Vec::new();
    let mut at = start.div_ceil(4).saturating_mul(4);
    while at < end {
        let run = run::<O>(part, at);
        let behind = run.last().map_or(at, |last| last.offset.saturating_add(last.stored.size));
        // One alone that does not end where an item must is an accident.
        if run.len() < 2 && behind != end {
            at = at.saturating_add(4);
            continue;
        }
        let units = if pairs { pair_up(&run) } else { run.iter().map(|one| one.unit(None)).collect() };
        for mut unit in units {
            forget_lost::<O>(work, &mut unit);
            if learn(known, &unit) {
                found.push(unit);
            }
        }
        at = behind.max(at.saturating_add(4));
    }
    found
}

/// An item that no slot leads to.
#[derive(Clone, Copy)]
struct Remnant<'s> {
    offset: usize,
    stored: Stored<'s>,
}

impl<'s> Remnant<'s> {
    fn unit(&self, key: Option<&Remnant<'s>>) -> Unit<'s> {
        let offset = |one: &Remnant<'_>| u16::try_from(one.offset).unwrap_or(0);
        Unit {
            place: Place::Offset(offset(self)),
            key: key.map(|key| (offset(key), key.stored.item)),
            value: self.stored.item,
            deleted: self.stored.deleted,
            notes: Notes::default(),
        }
    }
}

/// The items from an offset on that follow one another without a gap.
fn run<O: ByteOrder>(part: &[u8], mut at: usize) -> Vec<Remnant<'_>> {
    let mut run = Vec::new();
    while let Some(stored) = leaf::read::<O>(part, at, false) {
        let behind = at.saturating_add(stored.size);
        if part.get(at..behind).is_none_or(is_shadow) {
            break;
        }
        run.push(Remnant { offset: at, stored });
        at = behind;
    }
    run
}

/// Whether an item was moved a little further up the page, over its own end: its head
/// stands in it once more.
fn is_shadow(item: &[u8]) -> bool {
    let Some((head, _)) = item.split_first_chunk::<KEYDATA_HEAD>() else { return false };
    item.chunks(4).skip(1).take(FURTHEST).any(|quad| quad.starts_with(head))
}

/// A value lies below its key. Only values are marked as deleted, which may tell that
/// the topmost item is one.
fn pair_up<'s>(run: &[Remnant<'s>]) -> Vec<Unit<'s>> {
    let marked = |skip: usize| run.iter().rev().skip(skip).step_by(2).any(|one| one.stored.deleted);
    let topmost_is_value = marked(0) && !marked(1);
    let (pairs, top) = match run.split_last() {
        Some((top, rest)) if topmost_is_value => (rest, Some(top)),
        _ => (run, None),
    };
    let alone = top.map(|top| Unit { key: Some((0, Item::Missing)), ..top.unit(None) });
    let units = pairs.rchunks(2).filter_map(|two| match two {
        [value, key] => Some(value.unit(Some(key))),
        [value, ..] => Some(Unit { key: Some((0, Item::Missing)), ..value.unit(None) }),
        [] => None,
    });
    alone.into_iter().chain(units).collect()
}

/// Chains that are gone, or are in use.
fn forget_lost<O: ByteOrder>(work: &Work<'_>, unit: &mut Unit<'_>) {
    let forget = |item: &mut Item<'_>| {
        if let Item::Chain(chain) = item {
            if !is_head::<O>(&work.file, chain.first) || work.chains.has(chain.first) {
                *item = Item::Missing;
            }
        }
    };
    unit.key.iter_mut().for_each(|(_, key)| forget(key));
    forget(&mut unit.value);
}
