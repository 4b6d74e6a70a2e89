//! Changes of HASH databases: their records hold whole pairs, or parts of an item that
//! may be a set of duplicates.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use super::change::{ChangeKind, Known, PairChange};
use super::image;
use super::page::{Bytes, Item, Slot};
use super::replay::Replay;
use crate::log::facts::resolved::Resolved;
use crate::log::record::event::{ChangePlace, HashItem};
use crate::order::Endianness;
use crate::types::PageNo;

/// No page is larger, and no item on one.
const PAGE: usize = 1 << 16;

impl<'a, 'q> Replay<'a, 'q> {
    pub(super) fn pair(
        &mut self,
        step: &Resolved<'_, 'a>,
        place: &ChangePlace,
        add: bool,
        key: HashItem<'a>,
        data: HashItem<'a>,
    ) {
        let [key, data] = [key, data].map(|item| hash_item(item, step.around.items));
        let page = self.at(step, place);
        let behind = place.index.saturating_add(1);
        if add {
            page.insert(step.lsn, place.index, Slot::of(key.clone()), step.settled);
            page.insert(step.lsn, behind, Slot::of(data.clone()), step.settled);
        } else {
            page.remove(step.lsn, behind, step.settled);
            page.remove(step.lsn, place.index, step.settled);
        }
        self.data_changed(
            step,
            place.page,
            behind,
            &key,
            if add { [&Item::Inner, &data] } else { [&data, &Item::Inner] },
        );
    }

    pub(super) fn hash_replace(
        &mut self,
        step: &Resolved<'_, 'a>,
        place: &ChangePlace,
        whole: Option<HashItem<'a>>,
        offset: u32,
        [old, new]: [&'a [u8]; 2],
    ) {
        let page = self.at(step, place);
        let key = place.index.checked_sub(1).map_or(Item::Unknown, |key| page.item(key).clone());
        let before = page.item(place.index).clone();
        let budget = &mut self.changes.budget;
        let mut patch = |bytes: &[u8]| {
            let affordable = bytes.len() <= PAGE && budget.afford(bytes.len().saturating_add(new.len()));
            patched(bytes, offset, old, new)
                .filter(|_| affordable)
                .map(|bytes| Bytes::Shared(Rc::from(bytes)))
        };
        let after = match (&before, whole) {
            (_, Some(item)) => hash_item(item, step.around.items),
            (Item::Plain(bytes), _) => patch(bytes).map_or(Item::Unknown, Item::Plain),
            (Item::Set(bytes), _) => patch(bytes).map_or(Item::Unknown, Item::Set),
            _ => Item::Unknown,
        };
        self.page(step, place.page).set(step.lsn, place.index, Slot::of(after.clone()), step.settled);
        if after == Item::Unknown && matches!(before, Item::Unknown | Item::Set(_)) {
            let key = self.content(step, &key);
            let part = |middle| Some(Known::Part { prefix: offset, middle, suffix: 0 });
            self.changes.emit(step, ChangeKind::Replace, place.page, place.index, key, part(old), part(new));
            return;
        }
        self.data_changed(step, place.page, place.index, &key, [&before, &after]);
    }

    /// The data of a key in a HASH database changed: there may be several duplicates,
    /// before and afterwards. Those that moved to pages of their own are still there.
    pub(super) fn data_changed(
        &mut self,
        step: &Resolved<'_, 'a>,
        page: PageNo,
        index: u32,
        key: &Item<'a>,
        [before, after]: [&Item<'a>; 2],
    ) {
        let values = |replay: &mut Replay<'a, 'q>, item: &Item<'a>| match item {
            Item::Inner => Vec::new(),
            Item::Set(Bytes::Borrowed(set)) => {
                let element = |element| Known::Bytes(Cow::Borrowed(element));
                image::elements(set, step.around.items).into_iter().map(element).collect()
            }
            Item::Set(Bytes::Shared(set)) => {
                let owned = |element: &[u8]| Known::Bytes(Cow::Owned(element.to_vec()));
                image::elements(set, step.around.items).into_iter().map(owned).collect()
            }
            item => vec![replay.content(step, item)],
        };
        let mut old = values(self, before);
        if let Item::Duplicates(root) = after {
            self.own(step, *root, key, &old);
            return;
        }
        if matches!(before, Item::Duplicates(_)) {
            return;
        }
        let mut new = values(self, after);
        keep_different(&mut old, &mut new);
        let key = self.content(step, key);
        let several = old.len().max(new.len()) > 1;
        let (mut old, mut new) = (old.into_iter(), new.into_iter());
        loop {
            let kind = match (old.len(), new.len()) {
                (0, 0) => break,
                (0, _) => ChangeKind::Put,
                (_, 0) => ChangeKind::Delete,
                _ => ChangeKind::Replace,
            };
            let (old, new) = (old.next(), new.next());
            // A short record may change thousands of duplicates.
            let owned = [&old, &new].into_iter().flatten().filter_map(Known::bytes).map(<[u8]>::len);
            let cost = owned.sum::<usize>().saturating_add(size_of::<PairChange<'_>>());
            if several && !self.changes.budget.afford(cost) {
                break;
            }
            let key = self.changes.copy(&key);
            self.changes.emit(step, kind, page, index, key, old, new);
        }
    }
}

fn hash_item(item: HashItem<'_>, order: Endianness) -> Item<'_> {
    match item {
        HashItem::Plain(bytes) => Item::Plain(Bytes::Borrowed(bytes)),
        HashItem::Set(bytes) => Item::Set(Bytes::Borrowed(bytes)),
        HashItem::Reference(bytes) => image::hash_reference(bytes, order),
    }
}

/// Takes away what both have, as often as both have it.
fn keep_different<'a>(old: &mut Vec<Known<'a>>, new: &mut Vec<Known<'a>>) {
    let same = old.iter().zip(&*new).take_while(|(old, new)| old == new).count();
    old.drain(..same);
    new.drain(..same);
    let differ = |values: &[Known<'a>], others: &[Known<'a>]| -> Vec<bool> {
        let mut counts: HashMap<_, usize> = HashMap::new();
        for other in others {
            let count = counts.entry(other).or_default();
            *count = count.saturating_add(1);
        }
        let mut take = |value| match counts.get_mut(value) {
            Some(count @ 1..) => {
                *count = count.saturating_sub(1);
                false
            }
            _ => true,
        };
        values.iter().map(&mut take).collect()
    };
    let mut kept = [differ(old, new), differ(new, old)].map(Vec::into_iter);
    for (values, kept) in [old, new].into_iter().zip(&mut kept) {
        values.retain(|_| kept.next() == Some(true));
    }
}

/// Bytes with a part at an offset replaced, if it stands there.
fn patched(bytes: &[u8], offset: u32, old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = bytes.split_at_checked(usize::try_from(offset).ok()?)?;
    let tail = rest.strip_prefix(old)?;
    Some([head, new, tail].concat())
}
