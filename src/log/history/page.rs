//! What the log has shown of the slots of a page.

use std::borrow::Cow;

use crate::types::{Lsn, PageNo};

/// More slots than any page has: two bytes each, on a page of 64 KiB.
const MOST: u32 = 32768;

/// What kind of items a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Keys in even slots, their data in the odd ones.
    Pairs,
    /// Duplicates of one key, in order: deleted by a mark first.
    Sorted,
    /// Records, or duplicates in no order: deleted at once.
    Records,
    /// Items of a HASH database: keys and data in turn, deleted at once.
    Hash,
    /// References to other pages.
    Inner,
}

impl Kind {
    /// By the type of a page.
    pub(super) fn of(page_type: u8) -> Option<Kind> {
        Some(match page_type {
            1 | 6 => Kind::Records,
            2 | 13 => Kind::Hash,
            3 | 4 => Kind::Inner,
            5 => Kind::Pairs,
            12 => Kind::Sorted,
            _ => return None,
        })
    }
}

/// An item, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Unknown,
    Plain(Cow<'a, [u8]>),
    /// An overflow chain.
    Chain {
        page: PageNo,
        len: u32,
    },
    /// Duplicates on other pages.
    Duplicates(PageNo),
    /// Duplicates of a HASH database on the same page: each with its length before it
    /// and behind it.
    Set(Cow<'a, [u8]>),
    /// A reference to a page of the level below.
    Inner,
}

/// A slot, and whether its item is marked as deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot<'a> {
    pub(super) item: Item<'a>,
    pub(super) deleted: bool,
    /// The change that deleted it: its key and value may become known later.
    pub(super) change: Option<usize>,
}

impl<'a> Slot<'a> {
    pub(super) fn of(item: Item<'a>) -> Slot<'a> {
        Slot { item, deleted: false, change: None }
    }

    fn unknown() -> Slot<'a> {
        Slot::of(Item::Unknown)
    }
}

/// The slots of a page, and how to take changes back: an abort undoes what a
/// transaction did to a page, and leaves no record but the LSN that the page had before.
#[derive(Clone, Debug, Default)]
pub(super) struct Page<'a> {
    lsn: Option<Lsn>,
    pub(super) kind: Option<Kind>,
    /// Slots that are known; further ones may follow.
    slots: Vec<Slot<'a>>,
    /// Whether there are no further ones.
    whole: bool,
    /// The database that changed the page last. Another may give it back.
    pub(super) database: Option<usize>,
    /// Whether the items were moved elsewhere: giving the page back deletes nothing.
    pub(super) moved: bool,
    /// The key whose duplicates the page holds.
    pub(super) owner: Option<Item<'a>>,
    undo: Vec<(Option<Lsn>, Undo<'a>)>,
}

#[derive(Clone, Debug)]
enum Undo<'a> {
    Nothing,
    Insert(usize, Slot<'a>),
    Remove(usize),
    Set(usize, Slot<'a>),
    Whole(Box<Page<'a>>),
}

impl<'a> Page<'a> {
    /// A page with these slots and no others.
    pub(super) fn whole(kind: Option<Kind>, slots: Vec<Slot<'a>>) -> Page<'a> {
        Page { kind, slots, whole: true, ..Page::default() }
    }

    /// A page of which nothing else is known.
    pub(super) fn unknown(kind: Option<Kind>) -> Page<'a> {
        Page { kind, ..Page::default() }
    }

    pub(super) fn lsn(&self) -> Option<Lsn> {
        self.lsn
    }

    pub(super) fn slots(&self) -> &[Slot<'a>] {
        &self.slots
    }

    pub(super) fn slot(&self, index: u32) -> Option<&Slot<'a>> {
        self.slots.get(usize::try_from(index).ok()?)
    }

    pub(super) fn item(&self, index: u32) -> &Item<'a> {
        self.slot(index).map_or(&Item::Unknown, |slot| &slot.item)
    }

    /// Brings the page to where it had this LSN, by undoing what has been aborted since.
    /// If that LSN is not known, something happened that the log does not show: then
    /// nothing is known about the page.
    pub(super) fn rewind(&mut self, before: Lsn) {
        if self.lsn.is_none_or(|lsn| lsn == before) {
            return;
        }
        let Some(depth) = self.undo.iter().rposition(|(lsn, _)| *lsn == Some(before)) else {
            let (kind, owner, database) = (self.kind, self.owner.take(), self.database);
            *self = Page { kind, owner, database, ..Page::default() };
            return;
        };
        while self.undo.len() > depth {
            let Some((lsn, undo)) = self.undo.pop() else { return };
            match undo {
                Undo::Nothing => {}
                Undo::Insert(index, slot) => self.slots.insert(index.min(self.slots.len()), slot),
                Undo::Remove(index) if index < self.slots.len() => drop(self.slots.remove(index)),
                Undo::Remove(_) => {}
                Undo::Set(index, slot) => {
                    self.slots.iter_mut().skip(index).take(1).for_each(|to| *to = slot.clone())
                }
                Undo::Whole(page) => {
                    let undo = std::mem::take(&mut self.undo);
                    *self = Page { undo, ..*page };
                }
            }
            self.lsn = lsn;
        }
    }

    /// The page takes the LSN of a record. If the change may still be undone, `undo`
    /// says how.
    fn done(&mut self, lsn: Lsn, undo: Option<Undo<'a>>) {
        match undo {
            Some(undo) => self.undo.push((self.lsn, undo)),
            None => self.undo.clear(),
        }
        self.lsn = Some(lsn);
    }

    /// A change that concerns no slot.
    pub(super) fn touch(&mut self, lsn: Lsn, settled: bool) {
        self.done(lsn, (!settled).then_some(Undo::Nothing));
    }

    /// Puts a slot before the one at `index`.
    pub(super) fn insert(&mut self, lsn: Lsn, index: u32, slot: Slot<'a>, settled: bool) {
        let Some(at) = self.reach(index) else { return };
        self.slots.insert(at, slot);
        self.done(lsn, (!settled).then_some(Undo::Remove(at)));
    }

    /// Takes the slot at `index` away.
    pub(super) fn remove(&mut self, lsn: Lsn, index: u32, settled: bool) {
        let Some(at) = self.reach(index.saturating_add(1)).and_then(|end| end.checked_sub(1)) else { return };
        if at < self.slots.len() {
            let slot = self.slots.remove(at);
            self.done(lsn, (!settled).then_some(Undo::Insert(at, slot)));
        }
    }

    /// Changes the slot at `index`.
    pub(super) fn set(&mut self, lsn: Lsn, index: u32, slot: Slot<'a>, settled: bool) {
        let Some(at) = self.reach(index.saturating_add(1)).and_then(|end| end.checked_sub(1)) else { return };
        if let Some(to) = self.slots.get_mut(at) {
            let old = std::mem::replace(to, slot);
            self.done(lsn, (!settled).then_some(Undo::Set(at, old)));
        }
    }

    /// Replaces everything.
    pub(super) fn replace(&mut self, lsn: Lsn, page: Page<'a>, settled: bool) {
        let undo = std::mem::take(&mut self.undo);
        let old = std::mem::replace(self, page);
        self.lsn = old.lsn;
        self.undo = undo;
        self.owner = self.owner.take().or_else(|| old.owner.clone());
        self.database = self.database.or(old.database);
        self.done(lsn, (!settled).then_some(Undo::Whole(Box::new(old))));
    }

    /// The page as it is now, without what could be undone.
    pub(super) fn now(&self) -> Page<'a> {
        let Page { lsn, kind, whole, moved, database, .. } = *self;
        let (slots, owner) = (self.slots.clone(), self.owner.clone());
        Page { lsn, kind, slots, whole, moved, owner, database, undo: Vec::new() }
    }

    /// An image shows the page as it was with this LSN.
    pub(super) fn show(&mut self, lsn: Lsn, mut image: Page<'a>) {
        self.rewind(lsn);
        image.keep_changes(self);
        (self.kind, self.slots, self.whole, self.lsn) = (image.kind, image.slots, image.whole, Some(lsn));
    }

    /// Adds the slots of another page behind its own.
    pub(super) fn append(&mut self, lsn: Lsn, other: &Page<'a>, settled: bool) {
        let known = self.whole && other.whole;
        let slots = if known { [self.slots(), other.slots()].concat() } else { Vec::new() };
        let page =
            Page { kind: self.kind, slots, whole: known, owner: self.owner.clone(), ..Page::default() };
        self.replace(lsn, page, settled);
    }

    /// An image does not tell which change deleted an item: the page, as it was followed
    /// until then, does.
    fn keep_changes(&mut self, followed: &Page<'a>) {
        if self.slots.len() == followed.slots.len() {
            for (slot, other) in self.slots.iter_mut().zip(&followed.slots) {
                slot.change = other.change;
            }
        }
    }

    /// Makes room for slots up to an index, which may be one behind the last: those
    /// between are not known. None if no page has as many.
    fn reach(&mut self, index: u32) -> Option<usize> {
        let at = usize::try_from(index).ok().filter(|_| index <= MOST)?;
        if self.slots.len() < at {
            self.slots.resize(at, Slot::unknown());
            self.whole = false;
        }
        Some(at)
    }
}
