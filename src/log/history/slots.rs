//! The slots of a page of which something is known, and what they cost to copy: nothing.
//!
//! Records that copy a page, split it or put slots before others are short, and pages hold
//! thousands of slots. So the slots are a tree balanced by weight whose parts are shared: a
//! copy is one reference, and a change makes anew what lies on its way, a number of nodes that
//! grows with the logarithm of the slots. Time and memory stay in proportion to the log.

use std::rc::Rc;

use super::page::Slot;

/// More slots than any page has: two of them and an item take 8 bytes at least, on a page
/// of 64 KiB.
pub(super) const MOST: u32 = 8192 * 2;

/// The slots of a page of which something is known, in their order: a log may show but
/// one of many.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots<'a> {
    known: Tree<'a>,
    /// How many there are in all, if that is known.
    len: Option<u32>,
}

impl<'a> Slots<'a> {
    /// These slots and no others.
    pub(super) fn all(slots: impl Iterator<Item = Slot<'a>>) -> Slots<'a> {
        let mut len = 0;
        let (mut known, mut gap) = (Vec::new(), 0u32);
        for (index, slot) in (0..MOST).zip(slots) {
            len = index.saturating_add(1);
            match slot.is_known() {
                true => known.push((std::mem::take(&mut gap), slot)),
                false => gap = gap.saturating_add(1),
            }
        }
        Slots { known: Tree::of(&known), len: Some(len) }
    }

    /// The known slots, and where they are.
    pub(super) fn iter(&self) -> Iter<'_, 'a> {
        let mut iter = Iter { way: Vec::new(), place: 0 };
        iter.descend(&self.known);
        iter
    }

    pub(super) fn get(&self, index: u32) -> Option<&Slot<'a>> {
        self.known.get(index)
    }

    pub(super) fn insert(&mut self, index: u32, slot: Option<Slot<'a>>) {
        let [low, high] = std::mem::take(&mut self.known).split(index);
        let gap = index.saturating_sub(low.width());
        self.known = match slot.filter(Slot::is_known) {
            Some(slot) => low.join(gap, slot, high),
            None => low.append(gap.saturating_add(1), high),
        };
        self.cut();
        self.len = self.len.filter(|len| index <= *len).map(|len| len.saturating_add(1));
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<Slot<'a>> {
        let slot = self.get(index).cloned();
        if index < self.known.width() {
            let [low, high] = std::mem::take(&mut self.known).split(index);
            let [_, high] = high.split(1);
            let gap = index.saturating_sub(low.width());
            self.known = low.append(gap, high);
        }
        self.len = self.len.filter(|len| index < *len).map(|len| len.saturating_sub(1));
        slot
    }

    pub(super) fn set(&mut self, index: u32, slot: Option<Slot<'a>>) -> Option<Slot<'a>> {
        let slot = slot.filter(Slot::is_known);
        match (self.known.at(index), slot) {
            (Some(old), Some(slot)) => Some(std::mem::replace(old, slot)),
            (old, slot) => {
                let old = old.cloned();
                if old.is_some() || slot.is_some() {
                    let [low, high] = std::mem::take(&mut self.known).split(index);
                    let [_, high] = high.split(1);
                    let gap = index.saturating_sub(low.width());
                    self.known = match slot {
                        Some(slot) => low.join(gap, slot, high),
                        None => low.append(gap.saturating_add(1), high),
                    };
                }
                old
            }
        }
    }

    /// The slot, if something is known of it, was deleted by this change.
    pub(super) fn mark(&mut self, index: u32, change: usize) {
        if let Some(slot) = self.known.at(index) {
            slot.change = Some(change);
        }
    }

    /// Those before an index, and those from it on.
    pub(super) fn split_at(&self, index: u32) -> [Slots<'a>; 2] {
        let [low, high] = self.known.clone().split(index);
        [
            Slots { known: low, len: self.len.map(|len| len.min(index)) },
            Slots { known: high, len: self.len.map(|len| len.saturating_sub(index)) },
        ]
    }

    /// These and others behind them: none is known where they begin if it is not known
    /// how many these are.
    pub(super) fn append(&self, other: &Slots<'a>) -> Slots<'a> {
        let Some(len) = self.len else { return Slots::default() };
        let [low, _] = self.known.clone().split(len);
        let gap = len.saturating_sub(low.width());
        let known = low.append(gap, other.known.clone());
        let mut both = Slots { known, len: other.len.map(|other| other.saturating_add(len)) };
        both.cut();
        both
    }

    /// No page has more slots.
    fn cut(&mut self) {
        if self.known.width() > MOST {
            let [low, _] = std::mem::take(&mut self.known).split(MOST);
            self.known = low;
        }
    }
}

/// Known slots in their order, and how many that are not known stand before each.
#[derive(Clone, Debug, Default)]
struct Tree<'a>(Option<Rc<Node<'a>>>);

#[derive(Clone, Debug)]
struct Node<'a> {
    left: Tree<'a>,
    /// How many slots that are not known stand between the one on the left and this one.
    gap: u32,
    slot: Slot<'a>,
    right: Tree<'a>,
    /// How many known slots there are.
    count: u32,
    /// How many slots there are up to the last known one.
    width: u32,
}

impl<'a> Tree<'a> {
    /// Neither side of a node has more than so many times the slots of the other.
    const DELTA: u32 = 3;
    /// Where a side is too heavy, its inner part moves alone if it has so many times the slots
    /// of the outer one.
    const RATIO: u32 = 2;

    /// A tree of these slots, each with the gap before it.
    fn of(slots: &[(u32, Slot<'a>)]) -> Tree<'a> {
        let (left, rest) = slots.split_at_checked(slots.len().div_euclid(2)).unwrap_or_default();
        match rest.split_first() {
            Some(((gap, slot), right)) => Tree::node(Tree::of(left), *gap, slot.clone(), Tree::of(right)),
            None => Tree::default(),
        }
    }

    fn node(left: Tree<'a>, gap: u32, slot: Slot<'a>, right: Tree<'a>) -> Tree<'a> {
        let count = left.count().saturating_add(right.count()).saturating_add(1);
        let width = left.width().saturating_add(gap).saturating_add(right.width()).saturating_add(1);
        Tree(Some(Rc::new(Node { left, gap, slot, right, count, width })))
    }

    fn count(&self) -> u32 {
        self.0.as_ref().map_or(0, |node| node.count)
    }

    fn width(&self) -> u32 {
        self.0.as_ref().map_or(0, |node| node.width)
    }

    /// The root apart from what is below it.
    fn open(self) -> Option<Node<'a>> {
        self.0.map(|node| Rc::try_unwrap(node).unwrap_or_else(|node| (*node).clone()))
    }

    fn get(&self, index: u32) -> Option<&Slot<'a>> {
        let (mut tree, mut index) = (self, index);
        loop {
            let node = tree.0.as_deref()?;
            let place = node.left.width();
            match index.checked_sub(place) {
                None => tree = &node.left,
                Some(behind) => match behind.checked_sub(node.gap)? {
                    0 => return Some(&node.slot),
                    behind => (tree, index) = (&node.right, behind.saturating_sub(1)),
                },
            }
        }
    }

    /// The slot, to be changed.
    fn at(&mut self, index: u32) -> Option<&mut Slot<'a>> {
        self.get(index)?;
        let (mut tree, mut index) = (self, index);
        loop {
            let node = Rc::make_mut(tree.0.as_mut()?);
            match index.checked_sub(node.left.width()) {
                None => tree = &mut node.left,
                Some(behind) => match behind.checked_sub(node.gap)? {
                    0 => return Some(&mut node.slot),
                    behind => (tree, index) = (&mut node.right, behind.saturating_sub(1)),
                },
            }
        }
    }

    /// The slots before an index, and those from it on.
    fn split(self, index: u32) -> [Tree<'a>; 2] {
        if index >= self.width() {
            return [self, Tree::default()];
        }
        let Some(Node { left, gap, slot, right, .. }) = self.open() else { return Default::default() };
        let place = left.width().saturating_add(gap);
        if index < left.width() {
            let [low, high] = left.split(index);
            [low, high.join(gap, slot, right)]
        } else if index <= place {
            let gap = place.saturating_sub(index);
            [left, Tree::default().join(gap, slot, right)]
        } else {
            let [low, high] = right.split(index.saturating_sub(place).saturating_sub(1));
            [left.join(gap, slot, low), high]
        }
    }

    /// These slots, a gap, a slot and others.
    fn join(self, gap: u32, slot: Slot<'a>, right: Tree<'a>) -> Tree<'a> {
        let light = |side: u32, other: u32| side.saturating_mul(Tree::DELTA) < other;
        if light(self.count(), right.count()) {
            let Some(node) = right.open() else { return Tree::node(self, gap, slot, Tree::default()) };
            self.join(gap, slot, node.left).balance(node.gap, node.slot, node.right)
        } else if light(right.count(), self.count()) {
            let Some(node) = self.open() else { return Tree::node(Tree::default(), gap, slot, right) };
            let right = node.right.join(gap, slot, right);
            node.left.balance(node.gap, node.slot, right)
        } else {
            Tree::node(self, gap, slot, right)
        }
    }

    /// A node of two sides that are balanced themselves, one of which may be somewhat too heavy.
    fn balance(self, gap: u32, slot: Slot<'a>, right: Tree<'a>) -> Tree<'a> {
        let heavy = |side: u32, other: u32| {
            side.saturating_add(other) >= 2 && side > other.saturating_mul(Tree::DELTA)
        };
        let inner_alone =
            |inner: &Tree<'a>, outer: &Tree<'a>| inner.count() >= outer.count().saturating_mul(Tree::RATIO);
        if heavy(right.count(), self.count()) {
            let Some(node) = right.open() else { return Tree::node(self, gap, slot, Tree::default()) };
            if !inner_alone(&node.left, &node.right) {
                let left = Tree::node(self, gap, slot, node.left);
                return Tree::node(left, node.gap, node.slot, node.right);
            }
            match node.left.open() {
                Some(inner) => {
                    let left = Tree::node(self, gap, slot, inner.left);
                    let right = Tree::node(inner.right, node.gap, node.slot, node.right);
                    Tree::node(left, inner.gap, inner.slot, right)
                }
                None => {
                    let left = Tree::node(self, gap, slot, Tree::default());
                    Tree::node(left, node.gap, node.slot, node.right)
                }
            }
        } else if heavy(self.count(), right.count()) {
            let Some(node) = self.open() else { return Tree::node(Tree::default(), gap, slot, right) };
            if !inner_alone(&node.right, &node.left) {
                let right = Tree::node(node.right, gap, slot, right);
                return Tree::node(node.left, node.gap, node.slot, right);
            }
            match node.right.open() {
                Some(inner) => {
                    let left = Tree::node(node.left, node.gap, node.slot, inner.left);
                    let right = Tree::node(inner.right, gap, slot, right);
                    Tree::node(left, inner.gap, inner.slot, right)
                }
                None => {
                    let right = Tree::node(Tree::default(), gap, slot, right);
                    Tree::node(node.left, node.gap, node.slot, right)
                }
            }
        } else {
            Tree::node(self, gap, slot, right)
        }
    }

    /// These slots, a gap, and others.
    fn append(self, gap: u32, right: Tree<'a>) -> Tree<'a> {
        match right.take_first() {
            Some((first, slot, rest)) => self.join(gap.saturating_add(first), slot, rest),
            None => self,
        }
    }

    /// The first slot with the gap before it, and the others.
    fn take_first(self) -> Option<(u32, Slot<'a>, Tree<'a>)> {
        let Node { left, gap, slot, right, .. } = self.open()?;
        match left.take_first() {
            Some((first, found, left)) => Some((first, found, left.join(gap, slot, right))),
            None => Some((gap, slot, right)),
        }
    }
}

/// The known slots of a page.
pub(super) struct Iter<'t, 'a> {
    /// Nodes whose left side was given, innermost last.
    way: Vec<&'t Node<'a>>,
    /// Where the next gap begins.
    place: u32,
}

impl<'t, 'a> Iter<'t, 'a> {
    fn descend(&mut self, tree: &'t Tree<'a>) {
        let mut next = tree;
        while let Some(node) = next.0.as_deref() {
            self.way.push(node);
            next = &node.left;
        }
    }
}

impl<'t, 'a> Iterator for Iter<'t, 'a> {
    type Item = (u32, &'t Slot<'a>);

    fn next(&mut self) -> Option<(u32, &'t Slot<'a>)> {
        let node = self.way.pop()?;
        let index = self.place.saturating_add(node.gap);
        self.place = index.saturating_add(1);
        self.descend(&node.right);
        Some((index, &node.slot))
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::log::history::page::{Bytes, Item};
    use proptest::prelude::*;

    /// What is done to slots.
    #[derive(Clone, Debug)]
    enum Step {
        Insert(u32, Option<u8>),
        Remove(u32),
        Set(u32, Option<u8>),
        Split(u32),
        Append,
    }

    fn step() -> impl Strategy<Value = Step> {
        let index = prop_oneof![4 => 0..40u32, 1 => 0..MOST];
        prop_oneof![
            4 => (index.clone(), any::<Option<u8>>()).prop_map(|(index, byte)| Step::Insert(index, byte)),
            2 => index.clone().prop_map(Step::Remove),
            2 => (index.clone(), any::<Option<u8>>()).prop_map(|(index, byte)| Step::Set(index, byte)),
            1 => index.prop_map(Step::Split),
            1 => Just(Step::Append),
        ]
    }

    fn slot(byte: u8) -> Slot<'static> {
        const BYTES: [u8; 512] = [7; 512];
        // Told apart by their length.
        Slot::of(Item::Plain(Bytes::Borrowed(&BYTES[..usize::from(byte)])))
    }

    /// Every node is balanced, and knows how much is below it.
    fn check(tree: &Tree<'_>) -> (u32, u32) {
        let Some(node) = tree.0.as_deref() else { return (0, 0) };
        let [(left, before), (right, behind)] = [check(&node.left), check(&node.right)];
        assert_eq!(node.count, left + right + 1);
        assert_eq!(node.width, before + node.gap + 1 + behind);
        assert!(left + right < 2 || left <= 3 * right + 1 && right <= 3 * left + 1, "{left} and {right}");
        (node.count, node.width)
    }

    proptest! {
        /// As a plain list of slots, known and unknown.
        #[test]
        fn slots_are_a_list(start in 0..50u8, steps in prop::collection::vec(step(), 0..80)) {
            let mut slots = Slots::all((0..start).map(slot));
            let mut list: Vec<Option<Slot<'_>>> = (0..start).map(|byte| Some(slot(byte))).collect();
            let mut len = Some(u32::from(start));
            let mut copies = Vec::new();
            for step in steps {
                let most = usize::try_from(MOST).unwrap();
                let grow = |list: &mut Vec<Option<Slot<'static>>>, index: usize| {
                    if list.len() < index { list.resize(index, None) }
                };
                copies.push((slots.clone(), list.clone()));
                match step {
                    Step::Insert(index, byte) => {
                        slots.insert(index, byte.map(slot));
                        let at = usize::try_from(index).unwrap();
                        grow(&mut list, at);
                        list.insert(at, byte.map(slot));
                        list.truncate(most);
                        len = len.filter(|len| index <= *len).map(|len| len + 1);
                    }
                    Step::Remove(index) => {
                        let at = usize::try_from(index).unwrap();
                        let expected = if at < list.len() { list.remove(at) } else { None };
                        prop_assert_eq!(slots.remove(index), expected);
                        len = len.filter(|len| index < *len).map(|len| len - 1);
                    }
                    Step::Set(index, byte) => {
                        let at = usize::try_from(index).unwrap();
                        grow(&mut list, at + 1);
                        let expected = std::mem::replace(&mut list[at], byte.map(slot));
                        prop_assert_eq!(slots.set(index, byte.map(slot)), expected);
                    }
                    Step::Split(index) => {
                        let [low, high] = slots.split_at(index);
                        let at = usize::try_from(index).unwrap().min(list.len());
                        let rest = list.split_off(at);
                        prop_assert_eq!(low.iter().count(), list.iter().flatten().count());
                        (slots, list) = (high, rest);
                        len = len.map(|len| len.saturating_sub(index));
                    }
                    Step::Append => {
                        let Some((other, others)) = copies.first().cloned() else { continue };
                        let both = slots.append(&other);
                        match len {
                            Some(len) => {
                                list.resize(usize::try_from(len).unwrap(), None);
                                list.extend(others);
                                list.truncate(most);
                            }
                            None => list.clear(),
                        }
                        len = both.len;
                        slots = both;
                    }
                }
                check(&slots.known);
                prop_assert_eq!(slots.len, len);
                let known = list.iter().enumerate().filter_map(|(at, slot)| {
                    Some((u32::try_from(at).unwrap(), slot.as_ref()?))
                });
                prop_assert!(slots.iter().eq(known));
            }
            // What was copied is as it was.
            for (slots, list) in copies {
                prop_assert!(slots.iter().map(|(_, slot)| slot).eq(list.iter().flatten()));
            }
        }
    }
}
