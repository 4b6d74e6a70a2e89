//! What the log has shown of a page.

use std::ops::Deref;
use std::rc::Rc;

use super::slots::{MOST, Slots};
use crate::log::facts::resolved::FileKey;
use crate::types::{Lsn, PageNo};

/// A page of a file.
pub(super) type PageKey = (FileKey, PageNo);

/// What kind of items a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Keys in even slots, their data in the odd ones.
    Pairs,
    /// Pairs, or duplicates of one key: the log does not tell which.
    Unclear,
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

/// What becomes of what an image shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    /// It is there from now on.
    Shown,
    /// It was there, and goes to other pages, of which images follow.
    Divided,
    /// It was there, and went with the page.
    Freed,
    /// It was there, and was deleted; the page stays.
    Truncated,
}

/// Bytes of the log, or bytes put together, which copies share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bytes<'a> {
    Borrowed(&'a [u8]),
    Shared(Rc<[u8]>),
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Borrowed(bytes) => bytes,
            Bytes::Shared(bytes) => bytes,
        }
    }
}

/// An item, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Unknown,
    Plain(Bytes<'a>),
    /// An overflow chain.
    Chain {
        page: PageNo,
        len: u32,
    },
    /// Duplicates on other pages.
    Duplicates(PageNo),
    /// Duplicates of a HASH database on the same page: each with its length before it
    /// and behind it.
    Set(Bytes<'a>),
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

    pub(super) fn is_known(&self) -> bool {
        self.item != Item::Unknown || self.deleted || self.change.is_some()
    }
}

/// The slots of a page, and how to take changes back: an abort undoes what a
/// transaction did to a page, and leaves no record but the LSN that the page had before.
#[derive(Clone, Debug, Default)]
pub(super) struct Page<'a> {
    lsn: Option<Lsn>,
    pub(super) kind: Option<Kind>,
    pub(super) slots: Slots<'a>,
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
    Insert(u32, Option<Slot<'a>>),
    Remove(u32),
    Set(u32, Option<Slot<'a>>),
    Whole(Box<Page<'a>>),
}

impl<'a> Page<'a> {
    /// A page with these slots.
    pub(super) fn of(kind: Option<Kind>, slots: Slots<'a>) -> Page<'a> {
        Page { kind, slots, ..Page::default() }
    }

    /// A page without slots.
    pub(super) fn empty(kind: Option<Kind>) -> Page<'a> {
        Page::of(kind, Slots::all(std::iter::empty()))
    }

    /// A page of which nothing else is known.
    pub(super) fn unknown(kind: Option<Kind>) -> Page<'a> {
        Page::of(kind, Slots::default())
    }

    pub(super) fn lsn(&self) -> Option<Lsn> {
        self.lsn
    }

    pub(super) fn slot(&self, index: u32) -> Option<&Slot<'a>> {
        self.slots.get(index)
    }

    pub(super) fn item(&self, index: u32) -> &Item<'a> {
        self.slot(index).map_or(&Item::Unknown, |slot| &slot.item)
    }

    /// Brings the page to where it had this LSN, by undoing what has been aborted since.
    /// If that LSN is not known, something happened that the log does not show: then
    /// nothing is known about the page, not even whose duplicates it holds.
    pub(super) fn rewind(&mut self, before: Lsn) {
        if self.lsn.is_none_or(|lsn| lsn == before) {
            return;
        }
        let Some(depth) = self.undo.iter().rposition(|(lsn, _)| *lsn == Some(before)) else {
            *self = Page::default();
            return;
        };
        while self.undo.len() > depth {
            let Some((lsn, undo)) = self.undo.pop() else { return };
            match undo {
                Undo::Nothing => {}
                Undo::Insert(index, slot) => self.slots.insert(index, slot),
                Undo::Remove(index) => drop(self.slots.remove(index)),
                Undo::Set(index, slot) => drop(self.slots.set(index, slot)),
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
        if index < MOST {
            self.slots.insert(index, Some(slot));
            self.done(lsn, (!settled).then_some(Undo::Remove(index)));
        }
    }

    /// Takes the slot at `index` away.
    pub(super) fn remove(&mut self, lsn: Lsn, index: u32, settled: bool) {
        if index < MOST {
            let slot = self.slots.remove(index);
            self.done(lsn, (!settled).then_some(Undo::Insert(index, slot)));
        }
    }

    /// Changes the slot at `index`.
    pub(super) fn set(&mut self, lsn: Lsn, index: u32, slot: Slot<'a>, settled: bool) {
        if index < MOST {
            let old = self.slots.set(index, Some(slot));
            self.done(lsn, (!settled).then_some(Undo::Set(index, old)));
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
        let Page { lsn, kind, moved, database, .. } = *self;
        let (slots, owner) = (self.slots.clone(), self.owner.clone());
        Page { lsn, kind, slots, moved, owner, database, undo: Vec::new() }
    }

    /// An image shows the page as it was with this LSN. It does not tell which change
    /// deleted an item: the page, as it was followed until then, does.
    pub(super) fn show(&mut self, lsn: Lsn, mut image: Page<'a>) {
        self.rewind(lsn);
        let change = |(index, _)| Some((index, self.slot(index)?.change?));
        let changes: Vec<(u32, usize)> = image.slots.iter().filter_map(change).collect();
        for (index, change) in changes {
            image.slots.mark(index, change);
        }
        (self.kind, self.slots, self.lsn) = (image.kind, image.slots, Some(lsn));
    }

    /// Adds the slots of another page behind its own.
    pub(super) fn append(&mut self, lsn: Lsn, other: &Page<'a>, settled: bool) {
        let page = Page::of(self.kind.or(other.kind), self.slots.append(&other.slots));
        self.replace(lsn, page, settled);
    }
}
