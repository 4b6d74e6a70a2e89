//! What records do to single items of pages, and what that means for pairs.

use std::collections::HashMap;

use super::change::{ChangeKind, Known};
use super::image;
use super::middle::Middle;
use super::page::{Bytes, Item, Kind, Slot};
use super::replay::{RECNO, Replay, Vacated};
use crate::log::facts::resolved::Resolved;
use crate::log::record::event::ChangePlace;
use crate::types::PageNo;

impl<'a, 'q> Replay<'a, 'q> {
    pub(super) fn add(
        &mut self,
        step: &Resolved<'_, 'a>,
        place: &ChangePlace,
        head: &'a [u8],
        data: &'a [u8],
        vacated: Option<Vacated<'a>>,
    ) {
        let slot = match head {
            [] => Slot::of(Item::Plain(Bytes::Borrowed(data))),
            _ => image::item(head, data, step.around.items),
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
            Some(Vacated { deletion: Some(deletion), .. }) => self.changes.is_replaced(deletion, value),
            Some(Vacated { old, .. }) => {
                let key = self.content(step, &key);
                self.changes.emit(
                    step,
                    ChangeKind::Replace,
                    place.page,
                    place.index,
                    key,
                    Some(old),
                    Some(value),
                );
            }
            None => {
                let key = self.content(step, &key);
                let put =
                    self.changes.emit(step, ChangeKind::Put, place.page, place.index, key, None, Some(value));
                let of_key = matches!(kind, Some(Kind::Sorted | Kind::Records) | None);
                if unowned && of_key && step.binding.method != RECNO {
                    self.unowned.entry((step.file, place.page)).or_default().extend(put);
                }
            }
        }
    }

    /// A page holds the duplicates of a key. What was put there before that was known
    /// is a change of this key, unless it had stood beside the key: then it has moved.
    pub(super) fn own(&mut self, step: &Resolved<'_, 'a>, root: PageNo, key: &Item<'a>, moved: &[Known<'a>]) {
        self.page(step, root).owner = Some(key.clone());
        let key = self.content(step, key);
        let mut left: HashMap<&Known<'a>, usize> = HashMap::new();
        for value in moved {
            let count = left.entry(value).or_default();
            *count = count.saturating_add(1);
        }
        for change in self.unowned.remove(&(step.file, root)).unwrap_or_default() {
            match self.changes.new_value(change).and_then(|new| left.get_mut(new)) {
                Some(count @ 1..) => {
                    *count = count.saturating_sub(1);
                    self.changes.is_move(change);
                }
                _ => self.changes.learn_key(Some(change), &key),
            }
        }
    }

    pub(super) fn remove(
        &mut self,
        step: &Resolved<'_, 'a>,
        place: &ChangePlace,
        head: &'a [u8],
        data: &'a [u8],
        carried: Option<Item<'a>>,
    ) {
        let slot = image::item(head, data, step.around.items);
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
                self.changes.learn_value(deletion, &content);
            }
            Some(Kind::Pairs) if index % 2 == 0 => self.changes.learn_key(of_data, &content),
            Some(Kind::Pairs | Kind::Unclear) => {
                let page = (step.file, place.page);
                self.vacated.insert(step.txn, Vacated { page, index, old: content, deletion: None });
            }
            Some(Kind::Records) if carried.as_ref() == Some(&slot.item) => {}
            // References to the level below stand on pages whose kind is not known yet.
            Some(Kind::Records) if !matches!(slot.item, Item::Inner | Item::Unknown) => {
                let key = self.content(step, &owner.unwrap_or(Item::Unknown));
                let old = Some(self.changes.copy(&content));
                let deletion = self.changes.emit(step, ChangeKind::Delete, place.page, index, key, old, None);
                let page = (step.file, place.page);
                self.vacated.insert(step.txn, Vacated { page, index, old: content, deletion });
            }
            _ => {}
        }
    }

    pub(super) fn mark(&mut self, step: &Resolved<'_, 'a>, place: &ChangePlace) {
        let page = self.at(step, place);
        if page.kind == Some(Kind::Unclear) {
            page.touch(step.lsn, step.settled);
            let (key, old) = (Known::Unknown, Some(Known::Unknown));
            self.changes.emit(step, ChangeKind::Delete, place.page, place.index | 1, key, old, None);
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
        slot.change = self.changes.emit(step, ChangeKind::Delete, place.page, index, key, Some(old), None);
        self.page(step, place.page).set(step.lsn, index, slot, step.settled);
    }

    pub(super) fn replace(
        &mut self,
        step: &Resolved<'_, 'a>,
        place: &ChangePlace,
        deleted: bool,
        middle: Middle<'a>,
    ) {
        let page = self.at(step, place);
        let before = page.item(place.index).clone();
        let key = match page.kind {
            Some(Kind::Pairs) => {
                place.index.checked_sub(1).map_or(Item::Unknown, |key| page.item(key).clone())
            }
            _ => page.owner.clone().unwrap_or(Item::Unknown),
        };
        let (old, new) = middle.around(&before, &mut self.changes.budget);
        let page = self.page(step, place.page);
        page.set(step.lsn, place.index, Slot::of(new.clone()), step.settled);
        let key = self.content(step, &key);
        let content =
            |replay: &mut Replay<'a, 'q>, item: &Item<'a>, part: &'a [u8]| match replay.content(step, item) {
                Known::Unknown => middle.part(part),
                content => content,
            };
        let old = (!deleted).then(|| content(self, &old, middle.old));
        let new = content(self, &new, middle.new);
        let kind = if deleted { ChangeKind::Put } else { ChangeKind::Replace };
        self.changes.emit(step, kind, place.page, place.index, key, old, Some(new));
    }

    /// A key that several pairs share is put for a further one, or taken from it.
    pub(super) fn share(&mut self, step: &Resolved<'_, 'a>, place: &ChangePlace, copy: u32, add: bool) {
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
        self.changes.learn_key(of_data, &key);
    }
}
