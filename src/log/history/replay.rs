//! Follows the slots of pages through the log, and tells changes of pairs from changes
//! of pages.
//!
//! A pair is put with its key and then its data; deleted with a mark on the data, and
//! taken from the page later; moved by putting whole items elsewhere. RECNO databases
//! and unsorted duplicates know no mark: there an item taken away is deleted, unless
//! another takes its place at once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::budget::Budget;
use super::chains::{Chains, Pending};
use super::image;
use super::page::{Bytes, Item, Kind, Page, Slot};
use super::{Change, ChangeKind, Content};
use crate::log::event::{Event, Place};
use crate::log::files::{Binding, Files};
use crate::log::record::{Record, Value};
use crate::log::transactions::{Fate, Transactions};
use crate::order::Endianness::{self, Big, Little};
use crate::types::{FileId, Lsn, PageNo};

/// Access methods in register records.
const HASH: u32 = 2;
const RECNO: u32 = 3;

/// A file: by its id, or a database without a file by its binding.
pub(super) type FileKey = (Option<FileId>, usize);
pub(super) type PageKey = (FileKey, PageNo);

/// What a log does to the pages of some databases.
pub(super) struct Replay<'a, 'q> {
    files: &'q Files<'a>,
    transactions: &'q Transactions<'a>,
    wanted: &'q [bool],
    wanted_files: HashSet<FileKey>,
    pages: HashMap<PageKey, Page<'a>>,
    chains: Chains<'a>,
    /// What each transaction took away with its last record.
    vacated: HashMap<Option<usize>, Vacated<'a>>,
    /// An item that each transaction just put somewhere as a whole: it may be one that
    /// moves.
    carried: HashMap<Option<usize>, Item<'a>>,
    /// The key whose duplicates stood on the page that was split last.
    divided: Option<(FileKey, Item<'a>)>,
    /// Changes on pages of duplicates whose key is not known yet.
    unowned: HashMap<PageKey, Vec<usize>>,
    /// Changes that turned out to be moves.
    moves: HashSet<usize>,
    pub(super) budget: Budget,
    changes: Vec<Change<'a>>,
}

/// What becomes of what an image shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contents {
    /// It is there from now on.
    Shown,
    /// It was there, and goes to other pages, of which images follow.
    Divided,
    /// It was there, and went with the page.
    Freed,
    /// It was there, and was deleted; the page stays.
    Truncated,
}

/// An item that was taken away without a mark: if another takes its place at once, it
/// was replaced.
struct Vacated<'a> {
    page: PageKey,
    index: u32,
    old: Content<'a>,
    deletion: Option<usize>,
}

/// The record at hand.
#[derive(Clone, Copy)]
pub(super) struct Step<'q, 'a> {
    pub(super) lsn: Lsn,
    txn: Option<usize>,
    /// Whether the change can no more be undone; if it can, the outermost transaction.
    pub(super) settled: bool,
    pending: Pending,
    database: usize,
    binding: &'q Binding<'a>,
    file: FileKey,
    pub(super) items: Endianness,
    images: Endianness,
}

impl<'a, 'q> Replay<'a, 'q> {
    pub(super) fn new(
        files: &'q Files<'a>,
        transactions: &'q Transactions<'a>,
        wanted: &'q [bool],
        budget: Budget,
    ) -> Replay<'a, 'q> {
        let all = files.bindings().enumerate().zip(wanted).filter(|(_, wanted)| **wanted);
        let wanted_files = all.map(|((place, binding), _)| file_key(binding, place)).collect();
        Replay {
            files,
            transactions,
            wanted,
            wanted_files,
            pages: HashMap::new(),
            chains: Chains::default(),
            vacated: HashMap::new(),
            carried: HashMap::new(),
            divided: None,
            unowned: HashMap::new(),
            moves: HashSet::new(),
            budget,
            changes: Vec::new(),
        }
    }

    /// Records are missing here. Pages tell by their LSNs what that concerns.
    pub(super) fn gap(&mut self) {
        self.chains.forget();
        self.vacated.clear();
        self.carried.clear();
        self.unowned.clear();
        self.divided = None;
    }

    pub(super) fn take(&mut self, record: &Record<'a>) {
        if record.debug() {
            return;
        }
        self.budget.come_to(record.lsn());
        let event = record.event();
        let Some(number) = record.field("fileid").and_then(Value::signed) else { return };
        let Some(step) = self.step(record, number) else { return };
        let vacated = self.vacated.remove(&step.txn);
        let carried = self.carried.remove(&step.txn);
        match event {
            Event::Item { place, add: true, head, data } => self.add(&step, &place, head, data, vacated),
            Event::Item { place, add: false, head, data } => self.remove(&step, &place, head, data, carried),
            Event::Delete { place } => self.mark(&step, &place),
            Event::Replace { place, deleted, old, new, prefix, suffix } => {
                self.replace(&step, &place, deleted, Middle { prefix, suffix, old, new });
            }
            Event::Slot { place, copy, add } => self.share(&step, &place, copy, add),
            Event::Overflow { place, add, prev, next, data } => {
                let page = (step.file, place.page);
                self.chains.write(page, data, next, step.pending);
                match prev {
                    Some(prev) if add => self.chains.join((step.file, prev), place.page, step.pending),
                    None if add => self.chains.begin(page),
                    _ => {}
                }
                self.touch_all(&step, record);
                self.keep(&step, vacated);
            }
            Event::Split { image, left, right, slots, .. } => {
                self.split(&step, image, [left, right], slots);
                self.touch_all(&step, record);
            }
            Event::Collapse { child, root, image, .. } => self.collapse(&step, child, root, image),
            Event::Image { place, image, tail, emptied } => {
                let fate = match record.name() {
                    _ if !emptied => Contents::Shown,
                    name if name.ends_with("pg_init") => Contents::Truncated,
                    name if name.ends_with("pg_freedata") => Contents::Freed,
                    _ => Contents::Divided,
                };
                self.image(&step, &place, [image, tail], fate);
            }
            Event::Allocate { place, kind } => {
                let kind = u8::try_from(kind).ok().and_then(Kind::of);
                let page = self.page(&step, place.page);
                page.rewind(place.before);
                page.replace(step.lsn, Page::empty(kind), step.settled);
                page.owner = None;
                page.database = Some(step.database);
                self.keep(&step, vacated);
            }
            Event::Free { place, .. } => {
                self.give_back(&step, &place);
                self.keep(&step, vacated);
            }
            Event::Merge { place, from, head, tail, copy } => {
                let before = record.field("nlsn").and_then(Value::lsn);
                self.merge(&step, &place, (from, before), [head, tail], copy);
            }
            Event::Move { beside, to, .. } => {
                if let Some(prev) = beside[0] {
                    self.chains.join((step.file, prev), to, step.pending);
                }
                self.touch_all(&step, record);
            }
            Event::Refer { place, from, to } => self.refer(&step, &place, from, to),
            Event::Pair { place, add, key, data } => self.pair(&step, &place, add, key, data),
            Event::HashReplace { place, whole, offset, old, new } => {
                self.hash_replace(&step, &place, whole, offset, [old, new]);
            }
            Event::QueuePut { record, data, old, .. } => {
                let kind = if old.is_empty() { ChangeKind::Put } else { ChangeKind::Replace };
                let old = (!old.is_empty()).then_some(known(old));
                self.emit(&step, kind, PageNo(0), 0, Content::Record(record), old, Some(known(data)));
            }
            Event::QueueDelete { record, data, .. } => {
                let old = data.map_or(Content::Unknown, known);
                let (kind, key) = (ChangeKind::Delete, Content::Record(record));
                self.emit(&step, kind, PageNo(0), 0, key, Some(old), None);
            }
            _ => {
                self.touch_all(&step, record);
                self.keep(&step, vacated);
            }
        }
    }

    fn keep(&mut self, step: &Step<'_, 'a>, vacated: Option<Vacated<'a>>) {
        self.vacated.extend(vacated.map(|vacated| (step.txn, vacated)));
    }

    /// The changes, in the order of the log.
    pub(super) fn changes(self) -> Vec<Change<'a>> {
        let moves = &self.moves;
        let kept = self.changes.into_iter().enumerate().filter(|(index, _)| !moves.contains(index));
        kept.map(|(_, change)| change).collect()
    }

    fn step(&self, record: &Record<'a>, number: i32) -> Option<Step<'q, 'a>> {
        let lsn = record.lsn();
        let database = self.files.place_at(lsn, number)?;
        let binding = self.files.place(database)?;
        let file = file_key(binding, database);
        let txn = record.txn().and_then(|id| self.transactions.index_of(id, lsn));
        let own = binding.big_endian.map_or(record.endianness(), |big| if big { Big } else { Little });
        let (items, images) = match record.version() {
            ..14 => (record.endianness(), record.endianness()),
            14..17 => (self.files.machine().unwrap_or(Little), Little),
            _ => (own, own),
        };
        let settled = txn.is_none_or(|txn| matches!(self.transactions.fate(txn), Fate::Committed { .. }));
        let pending = txn.filter(|_| !settled).map(|txn| self.transactions.outermost(txn));
        let wanted = self.wanted_files.contains(&file);
        wanted.then_some(Step { lsn, txn, settled, pending, database, binding, file, items, images })
    }

    pub(super) fn page(&mut self, step: &Step<'_, '_>, page: PageNo) -> &mut Page<'a> {
        self.pages.entry((step.file, page)).or_default()
    }

    /// The page of a change, as it was before the change.
    pub(super) fn at(&mut self, step: &Step<'_, '_>, place: &Place) -> &mut Page<'a> {
        let kind = place.kind.and_then(Kind::of).or(match step.binding.method {
            RECNO => Some(Kind::Records),
            HASH => None,
            // The root of a database that has its file to itself.
            _ if place.page == PageNo(1) && step.binding.meta == PageNo::META => Some(Kind::Pairs),
            _ if self.files.has_duplicates(step.binding) => Some(Kind::Unclear),
            _ => Some(Kind::Pairs),
        });
        let page = self.page(step, place.page);
        page.rewind(place.before);
        page.kind = page.kind.or(kind);
        page.database = Some(step.database);
        page
    }

    fn add(
        &mut self,
        step: &Step<'_, 'a>,
        place: &Place,
        head: &'a [u8],
        data: &'a [u8],
        vacated: Option<Vacated<'a>>,
    ) {
        let slot = match head {
            [] => Slot::of(Item::Plain(Bytes::Borrowed(data))),
            _ => image::item(head, data, step.items),
        };
        // What is moved is put elsewhere as a whole item; a long one is new if its chain is.
        let new = head.is_empty()
            || matches!(slot.item, Item::Chain { page, .. } if self.chains.is_new((step.file, page)));
        let page = self.at(step, place);
        if slot.item == Item::Inner {
            page.kind = Some(Kind::Inner);
        }
        let kind = page.kind;
        let key = place.index.checked_sub(1).map_or(Item::Unknown, |before| page.item(before).clone());
        let owner = page.owner.clone();
        page.insert(step.lsn, place.index, slot.clone(), step.settled);
        if let Item::Duplicates(root) = slot.item {
            self.own(step, root, &key, &[]);
        }
        let unowned = owner.is_none();
        let key = match (kind, owner) {
            (Some(Kind::Inner), _) => return,
            (Some(Kind::Pairs | Kind::Unclear), _) if place.index % 2 == 0 => return,
            (Some(Kind::Pairs), _) => key,
            (_, owner) => owner.unwrap_or(Item::Unknown),
        };
        if !new {
            self.carried.insert(step.txn, slot.item);
            return;
        }
        let value = self.content(step, &slot.item);
        let same_place = |old: &Vacated<'a>| (old.page, old.index) == ((step.file, place.page), place.index);
        match vacated.filter(same_place) {
            Some(Vacated { deletion: Some(change), .. }) => {
                if let Some(change) = self.changes.get_mut(change) {
                    (change.kind, change.new) = (ChangeKind::Replace, Some(value));
                }
            }
            Some(Vacated { old, .. }) => {
                let key = self.content(step, &key);
                self.emit(step, ChangeKind::Replace, place.page, place.index, key, Some(old), Some(value));
            }
            None => {
                let key = self.content(step, &key);
                let put = self.emit(step, ChangeKind::Put, place.page, place.index, key, None, Some(value));
                let of_key = matches!(kind, Some(Kind::Sorted | Kind::Records) | None);
                if unowned && of_key && step.binding.method != RECNO {
                    self.unowned.entry((step.file, place.page)).or_default().extend(put);
                }
            }
        }
    }

    /// A page holds the duplicates of a key. What was put there before that was known
    /// is a change of this key, unless it had stood beside the key: then it has moved.
    pub(super) fn own(&mut self, step: &Step<'_, 'a>, root: PageNo, key: &Item<'a>, moved: &[Content<'a>]) {
        self.page(step, root).owner = Some(key.clone());
        let key = self.content(step, key);
        let mut left: HashMap<&Content<'a>, usize> = HashMap::new();
        for value in moved {
            let count = left.entry(value).or_default();
            *count = count.saturating_add(1);
        }
        for change in self.unowned.remove(&(step.file, root)).unwrap_or_default() {
            let new = self.changes.get(change).and_then(|change| change.new.as_ref());
            match new.and_then(|new| left.get_mut(new)) {
                Some(count @ 1..) => {
                    *count = count.saturating_sub(1);
                    self.moves.insert(change);
                }
                _ => self.learn_key(Some(change), &key),
            }
        }
    }

    fn remove(
        &mut self,
        step: &Step<'_, 'a>,
        place: &Place,
        head: &'a [u8],
        data: &'a [u8],
        carried: Option<Item<'a>>,
    ) {
        let slot = image::item(head, data, step.items);
        let index = place.index;
        let page = self.at(step, place);
        let (kind, owner) = (page.kind, page.owner.clone());
        let deletion = page.slot(index).and_then(|slot| slot.change);
        let of_data = page.slot(index.saturating_add(1)).and_then(|slot| slot.change);
        page.remove(step.lsn, index, step.settled);
        let content = self.content(step, &slot.item);
        match kind {
            // The key goes first: then its data is where it was.
            Some(Kind::Pairs | Kind::Sorted | Kind::Records) if slot.deleted || deletion.is_some() => {
                self.learn_value(deletion, &content);
            }
            Some(Kind::Pairs) if index % 2 == 0 => self.learn_key(of_data, &content),
            Some(Kind::Pairs | Kind::Unclear) => {
                let page = (step.file, place.page);
                self.vacated.insert(step.txn, Vacated { page, index, old: content, deletion: None });
            }
            Some(Kind::Records) if carried.as_ref() == Some(&slot.item) => {}
            // References to the level below stand on pages whose kind is not known yet.
            Some(Kind::Records) if !matches!(slot.item, Item::Inner | Item::Unknown) => {
                let key = self.content(step, &owner.unwrap_or(Item::Unknown));
                let old = Some(self.copy(&content));
                let deletion = self.emit(step, ChangeKind::Delete, place.page, index, key, old, None);
                let page = (step.file, place.page);
                self.vacated.insert(step.txn, Vacated { page, index, old: content, deletion });
            }
            _ => {}
        }
    }

    fn mark(&mut self, step: &Step<'_, 'a>, place: &Place) {
        let page = self.at(step, place);
        if page.kind == Some(Kind::Unclear) {
            page.touch(step.lsn, step.settled);
            let (key, old) = (Content::Unknown, Some(Content::Unknown));
            self.emit(step, ChangeKind::Delete, place.page, place.index | 1, key, old, None);
            return;
        }
        let index = if page.kind == Some(Kind::Pairs) { place.index.saturating_add(1) } else { place.index };
        let mut slot = page.slot(index).cloned().unwrap_or(Slot::of(Item::Unknown));
        let key = match page.kind {
            Some(Kind::Pairs) => page.item(place.index).clone(),
            _ => page.owner.clone().unwrap_or(Item::Unknown),
        };
        let (key, old) = (self.content(step, &key), self.content(step, &slot.item));
        slot.deleted = true;
        slot.change = self.emit(step, ChangeKind::Delete, place.page, index, key, Some(old), None);
        self.page(step, place.page).set(step.lsn, index, slot, step.settled);
    }

    fn replace(&mut self, step: &Step<'_, 'a>, place: &Place, deleted: bool, middle: Middle<'a>) {
        let page = self.at(step, place);
        let before = page.item(place.index).clone();
        let key = match page.kind {
            Some(Kind::Pairs) => {
                place.index.checked_sub(1).map_or(Item::Unknown, |key| page.item(key).clone())
            }
            _ => page.owner.clone().unwrap_or(Item::Unknown),
        };
        let (old, new) = middle.around(&before, &mut self.budget);
        let page = self.page(step, place.page);
        page.set(step.lsn, place.index, Slot::of(new.clone()), step.settled);
        let key = self.content(step, &key);
        let content =
            |replay: &mut Replay<'a, 'q>, item: &Item<'a>, part: &'a [u8]| match replay.content(step, item) {
                Content::Unknown => middle.part(part),
                content => content,
            };
        let old = (!deleted).then(|| content(self, &old, middle.old));
        let new = content(self, &new, middle.new);
        let kind = if deleted { ChangeKind::Put } else { ChangeKind::Replace };
        self.emit(step, kind, place.page, place.index, key, old, Some(new));
    }

    /// A key that several pairs share is put for a further one, or taken from it.
    fn share(&mut self, step: &Step<'_, 'a>, place: &Place, copy: u32, add: bool) {
        let page = self.at(step, place);
        // Only pairs share keys.
        page.kind = page.kind.map(|kind| if kind == Kind::Unclear { Kind::Pairs } else { kind });
        if add {
            let slot = Slot::of(page.item(copy).clone());
            page.insert(step.lsn, place.index, slot, step.settled);
            return;
        }
        let key = page.item(place.index).clone();
        let of_data = page.slot(place.index.saturating_add(1)).and_then(|slot| slot.change);
        page.remove(step.lsn, place.index, step.settled);
        let key = self.content(step, &key);
        self.learn_key(of_data, &key);
    }

    fn split(&mut self, step: &Step<'_, 'a>, image: &'a [u8], halves: [PageNo; 2], slots: u32) {
        let Some((number, lsn, image)) = image::page(image, &[], step.images) else { return };
        let page = self.page(step, number);
        page.show(lsn, image);
        let before = page.now();
        for (page, slots) in halves.into_iter().zip(before.slots.split_at(slots)) {
            let mut half = Page::of(before.kind, slots);
            (half.owner, half.database) = (before.owner.clone(), Some(step.database));
            self.page(step, page).replace(step.lsn, half, step.settled);
        }
        if !halves.contains(&number) {
            let root = Page::unknown(Some(Kind::Inner));
            self.page(step, number).replace(step.lsn, root, step.settled);
        }
    }

    fn collapse(&mut self, step: &Step<'_, 'a>, child: PageNo, root: PageNo, image: &'a [u8]) {
        let Some((_, lsn, image)) = image::page(image, &[], step.images) else { return };
        let page = self.page(step, child);
        page.show(lsn, image);
        let page = page.now();
        self.page(step, root).replace(step.lsn, page, step.settled);
        self.vacate(step, child);
    }

    /// The items of a page are elsewhere now.
    fn vacate(&mut self, step: &Step<'_, 'a>, page: PageNo) {
        let mut empty = Page::empty(None);
        empty.moved = true;
        self.page(step, page).replace(step.lsn, empty, step.settled);
    }

    fn merge(
        &mut self,
        step: &Step<'_, 'a>,
        place: &Place,
        (from, before): (PageNo, Option<Lsn>),
        [head, tail]: [&'a [u8]; 2],
        copy: bool,
    ) {
        if let Some(before) = before {
            self.page(step, from).rewind(before);
        }
        if let Some(next) = image::overflow_next(head, step.images) {
            self.chains.write((step.file, place.page), tail, next, step.pending);
            self.vacate(step, from);
            return;
        }
        if let Some((_, lsn, image)) = image::page(head, tail, step.images).filter(|_| copy) {
            self.page(step, from).show(lsn, image);
        }
        let other = self.page(step, from).now();
        let page = self.at(step, place);
        match copy {
            true => page.replace(step.lsn, other, step.settled),
            false => page.append(step.lsn, &other, step.settled),
        }
        self.vacate(step, from);
    }

    /// An item's chain or duplicates begin on another page now.
    fn refer(&mut self, step: &Step<'_, 'a>, place: &Place, from: PageNo, to: PageNo) {
        let page = self.at(step, place);
        let slot = page.slot(place.index).cloned().unwrap_or(Slot::of(Item::Unknown));
        let item = match slot.item {
            Item::Chain { page, len } if page == from => Item::Chain { page: to, len },
            Item::Duplicates(page) if page == from => Item::Duplicates(to),
            item => item,
        };
        page.set(step.lsn, place.index, Slot { item, ..slot }, step.settled);
    }

    fn image(
        &mut self,
        step: &Step<'_, 'a>,
        place: &Place,
        [image, tail]: [&'a [u8]; 2],
        contents: Contents,
    ) {
        let Some((_, lsn, image)) = image::page(image, tail, step.images) else { return };
        let divided = self.divided.take();
        let page = self.page(step, place.page);
        if contents == Contents::Shown {
            page.replace(step.lsn, image, step.settled);
            if let Some((_, key)) = divided.filter(|(file, _)| *file == step.file) {
                page.owner.get_or_insert(key.clone());
                self.divided = Some((step.file, key));
            }
            return;
        }
        page.show(lsn, image);
        let page = page.now();
        // What leaves a page of a HASH database when it is freed went to another one.
        let stays = !page.moved && page.kind != Some(Kind::Hash);
        match contents {
            Contents::Divided => {
                self.divided = page.owner.clone().map(|key| (step.file, key));
                self.vacate(step, place.page);
                return;
            }
            Contents::Freed if !stays => {}
            _ => self.delete_all(step, place.page, &page),
        }
        // A root that is emptied is a leaf afterwards, whatever it was before.
        let kind = page.kind.filter(|_| contents != Contents::Truncated);
        self.page(step, place.page).replace(step.lsn, Page::empty(kind), step.settled);
    }

    fn give_back(&mut self, step: &Step<'_, 'a>, place: &Place) {
        if let Some(page) = self.pages.get(&(step.file, place.page)).map(Page::now) {
            // A page with another LSN was undone since, and is given back empty.
            let stays = !page.moved && page.kind != Some(Kind::Hash);
            if stays && page.lsn() == Some(place.before) {
                self.delete_all(step, place.page, &page);
            }
            self.vacate(step, place.page);
        }
    }

    /// A page is given up with the pairs that are on it.
    fn delete_all(&mut self, step: &Step<'_, 'a>, number: PageNo, page: &Page<'a>) {
        let step = &Step { database: page.database.unwrap_or(step.database), ..*step };
        let owner = page.owner.clone().unwrap_or(Item::Unknown);
        let mut key = Item::Unknown;
        let mut behind = None;
        for (index, slot) in page.slots.iter() {
            // Not the data of the key before it, if that is not known.
            if behind != Some(index) {
                key = Item::Unknown;
            }
            behind = index.checked_add(1);
            // A page may be given back, and the giving back undone, over and over.
            if !self.budget.afford(size_of::<Change<'_>>()) {
                return;
            }
            match page.kind {
                Some(Kind::Pairs | Kind::Hash) if index % 2 == 0 => {
                    key = slot.item.clone();
                    continue;
                }
                Some(Kind::Hash) => {
                    self.data_changed(step, number, index, &key, [&slot.item, &Item::Inner]);
                    continue;
                }
                Some(Kind::Pairs) => {}
                Some(Kind::Sorted | Kind::Records) => key = owner.clone(),
                _ => return,
            }
            let kept = slot.deleted || matches!(slot.item, Item::Duplicates(_) | Item::Inner);
            if !kept {
                let (key, old) = (self.content(step, &key), self.content(step, &slot.item));
                self.emit(step, ChangeKind::Delete, number, index, key, Some(old), None);
            }
        }
    }

    /// A record that changes pages but not their slots: they take its LSN.
    fn touch_all(&mut self, step: &Step<'_, 'a>, record: &Record<'a>) {
        const PAGES: [(&str, &[&str]); 3] = [
            ("pgno new_pgno", &["lsn", "pagelsn", "page_lsn", "prevlsn"]),
            ("prev prev_pgno", &["lsn_prev", "prevlsn"]),
            ("next next_pgno npgno nextpgno", &["lsn_next", "nextlsn", "nlsn"]),
        ];
        for (pages, lsns) in PAGES {
            let page = pages.split(' ').find_map(|name| record.field(name)).and_then(Value::unsigned);
            let before = lsns.iter().find_map(|name| record.field(name)).and_then(Value::lsn);
            if let (Some(page), Some(before)) = (page.and_then(PageNo::link), before) {
                if let Some(page) = self.pages.get_mut(&(step.file, page)) {
                    page.rewind(before);
                    page.touch(step.lsn, step.settled);
                }
            }
        }
    }

    fn learn_key(&mut self, change: Option<usize>, key: &Content<'a>) {
        let Some(change) = change.and_then(|change| self.changes.get_mut(change)) else { return };
        if change.key == Content::Unknown {
            change.key = copied(key, &mut self.budget);
        }
    }

    fn learn_value(&mut self, change: Option<usize>, old: &Content<'a>) {
        let Some(change) = change.and_then(|change| self.changes.get_mut(change)) else { return };
        if !matches!(change.old, Some(Content::Bytes(_))) {
            change.old = Some(copied(old, &mut self.budget));
        }
    }

    #[allow(clippy::too_many_arguments)] // the fields of a change
    pub(super) fn emit(
        &mut self,
        step: &Step<'_, '_>,
        kind: ChangeKind,
        page: PageNo,
        index: u32,
        key: Content<'a>,
        old: Option<Content<'a>>,
        new: Option<Content<'a>>,
    ) -> Option<usize> {
        if self.wanted.get(step.database) != Some(&true) {
            return None;
        }
        let Step { lsn, txn, database, .. } = *step;
        self.changes.push(Change { lsn, kind, key, old, new, page, index, database, txn });
        self.changes.len().checked_sub(1)
    }

    pub(super) fn copy(&mut self, content: &Content<'a>) -> Content<'a> {
        copied(content, &mut self.budget)
    }

    pub(super) fn content(&mut self, step: &Step<'_, '_>, item: &Item<'a>) -> Content<'a> {
        match item {
            Item::Plain(Bytes::Borrowed(bytes)) => Content::Bytes(Cow::Borrowed(bytes)),
            Item::Plain(Bytes::Shared(bytes)) if self.budget.afford(bytes.len()) => {
                Content::Bytes(Cow::Owned(bytes.to_vec()))
            }
            Item::Chain { page, len } => {
                let (page, len) = (*page, *len);
                let budget = &mut self.budget;
                let bytes =
                    self.chains.assemble((step.file, page), len, step.pending, |len| budget.afford(len));
                bytes.map_or(Content::Chain { page, len }, Content::Bytes)
            }
            _ => Content::Unknown,
        }
    }
}

/// A copy, if the bytes of it stand in the log or may be put together once more.
fn copied<'a>(content: &Content<'a>, budget: &mut Budget) -> Content<'a> {
    match content {
        Content::Bytes(Cow::Owned(bytes)) if !budget.afford(bytes.len()) => Content::Unknown,
        content => content.clone(),
    }
}

/// What a record tells of an item that was replaced.
#[derive(Clone, Copy)]
struct Middle<'a> {
    prefix: u32,
    suffix: u32,
    old: &'a [u8],
    new: &'a [u8],
}

impl<'a> Middle<'a> {
    /// The item before and afterwards, if it was known, or if the middle is all of it.
    fn around(&self, before: &Item<'a>, budget: &mut Budget) -> (Item<'a>, Item<'a>) {
        if self.prefix == 0 && self.suffix == 0 {
            return (Item::Plain(Bytes::Borrowed(self.old)), Item::Plain(Bytes::Borrowed(self.new)));
        }
        let Item::Plain(bytes) = before else { return (Item::Unknown, Item::Unknown) };
        let [prefix, suffix] = [self.prefix, self.suffix].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let parts = bytes.split_at_checked(prefix).and_then(|(head, rest)| {
            let tail = rest.strip_prefix(self.old)?;
            (tail.len() == suffix && budget.afford(bytes.len().saturating_add(self.new.len())))
                .then_some((head, tail))
        });
        match parts {
            Some((head, tail)) => {
                let after = Rc::from([head, self.new, tail].concat());
                (before.clone(), Item::Plain(Bytes::Shared(after)))
            }
            None => (Item::Unknown, Item::Unknown),
        }
    }

    fn part(&self, middle: &'a [u8]) -> Content<'a> {
        Content::Part { prefix: self.prefix, middle, suffix: self.suffix }
    }
}

fn file_key(binding: &Binding<'_>, place: usize) -> FileKey {
    (binding.id, if binding.id.is_some() { 0 } else { place })
}

fn known(bytes: &[u8]) -> Content<'_> {
    Content::Bytes(Cow::Borrowed(bytes))
}
