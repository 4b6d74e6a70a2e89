//! What records do to pages as a whole, and what that means for the pairs on them.

use super::change::{ChangeKind, PairChange};
use super::image;
use super::page::{Contents, Item, Kind, Page, Slot};
use super::replay::Replay;
use crate::log::facts::resolved::Resolved;
use crate::log::record::decoded::{Decoded, Touched};
use crate::log::record::event::ChangePlace;
use crate::log::schema::{Op, Part};
use crate::types::{Lsn, PageNo};

impl<'a> Replay<'a, '_> {
    pub(super) fn split(
        &mut self,
        step: &Resolved<'_, 'a>,
        image: &'a [u8],
        halves: [PageNo; 2],
        slots: u32,
    ) {
        let Some((number, lsn, image)) = image::page(image, &[], step.around.images) else { return };
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

    pub(super) fn collapse(&mut self, step: &Resolved<'_, 'a>, child: PageNo, root: PageNo, image: &'a [u8]) {
        let Some((_, lsn, image)) = image::page(image, &[], step.around.images) else { return };
        let page = self.page(step, child);
        page.show(lsn, image);
        let page = page.now();
        self.page(step, root).replace(step.lsn, page, step.settled);
        self.vacate(step, child);
    }

    /// The items of a page are elsewhere now.
    fn vacate(&mut self, step: &Resolved<'_, 'a>, page: PageNo) {
        let mut empty = Page::empty(None);
        empty.moved = true;
        self.page(step, page).replace(step.lsn, empty, step.settled);
    }

    pub(super) fn merge(
        &mut self,
        step: &Resolved<'_, 'a>,
        place: &ChangePlace,
        (from, before): (PageNo, Option<Lsn>),
        [head, tail]: [&'a [u8]; 2],
        copy: bool,
    ) {
        if let Some(before) = before {
            self.page(step, from).rewind(before);
        }
        if let Some(next) = image::overflow_next(head, step.around.images) {
            self.chains.write((step.file, place.page), tail, next, step.pending);
            self.vacate(step, from);
            return;
        }
        if let Some((_, lsn, image)) = image::page(head, tail, step.around.images).filter(|_| copy) {
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
    pub(super) fn refer(&mut self, step: &Resolved<'_, 'a>, place: &ChangePlace, from: PageNo, to: PageNo) {
        let page = self.at(step, place);
        let slot = page.slot(place.index).cloned().unwrap_or(Slot::of(Item::Unknown));
        let item = match slot.item {
            Item::Chain { page, len } if page == from => Item::Chain { page: to, len },
            Item::Duplicates(page) if page == from => Item::Duplicates(to),
            item => item,
        };
        page.set(step.lsn, place.index, Slot { item, ..slot }, step.settled);
    }

    pub(super) fn image(
        &mut self,
        step: &Resolved<'_, 'a>,
        place: &ChangePlace,
        [image, tail]: [&'a [u8]; 2],
        contents: Contents,
    ) {
        let Some((_, lsn, image)) = image::page(image, tail, step.around.images) else { return };
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

    pub(super) fn give_back(&mut self, step: &Resolved<'_, 'a>, place: &ChangePlace) {
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
    fn delete_all(&mut self, step: &Resolved<'_, 'a>, number: PageNo, page: &Page<'a>) {
        let step = &Resolved { database: page.database.unwrap_or(step.database), ..*step };
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
            if !self.changes.budget.afford(size_of::<PairChange<'_>>()) {
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
                self.changes.emit(step, ChangeKind::Delete, number, index, key, Some(old), None);
            }
        }
    }

    /// A record that changes pages but not their slots: they take its LSN. What it does to a
    /// page of its own was told already if it splits one.
    pub(super) fn touch_all(&mut self, step: &Resolved<'_, 'a>, decoded: &Decoded<'a>) {
        for Touched { part, page, before } in decoded.touched(step.around) {
            let touches = match part {
                Part::Own => decoded.op() != Op::Split,
                Part::Neighbour => true,
                Part::Source | Part::Parent | Part::Meta | Part::Free | Part::Record => false,
            };
            let known = self.pages.get_mut(&(step.file, page)).filter(|_| touches && page != PageNo::META);
            if let (Some(page), Some(before)) = (known, before) {
                page.rewind(before);
                page.touch(step.lsn, step.settled);
            }
        }
    }
}
