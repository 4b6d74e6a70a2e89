//! A BTREE: pairs in the order of their keys.

use std::cmp::Ordering;
use std::io::{Seek, Write};

use super::error::{BuildError, Result};
use super::overflow::{Stored, longest, store};
use super::set::Set;
use super::shape::KeyDuplicates;
use super::sink::Sink;
use super::tree::Tree;
use crate::format::item::REFERENCE;
use crate::format::page::PageKind;
use crate::types::PageNo;

/// A BTREE that is being built.
pub(super) struct Btree {
    tree: Tree,
    duplicates: KeyDuplicates,
    longest: usize,
    /// The key that was put last, and its last value where values are sorted.
    key: Option<Vec<u8>>,
    value: Vec<u8>,
    /// The values of that key, where there may be more than one, and what they take on a leaf.
    set: Set,
    space: usize,
}

impl Btree {
    pub(super) fn new<W: Write + Seek>(
        sink: &Sink<W>,
        duplicates: KeyDuplicates,
        record_numbers: bool,
        min_key: u32,
    ) -> Result<Btree> {
        let longest = longest(sink, min_key)?;
        Ok(Btree {
            tree: Tree::new(sink, PageKind::BtreeLeaf, record_numbers, longest, sink.filled())?,
            duplicates,
            longest,
            key: None,
            value: Vec::new(),
            set: Set::new(duplicates),
            space: 0,
        })
    }

    pub(super) fn put<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        key: &[u8],
        value: &[u8],
    ) -> Result<()> {
        let order = self.key.as_deref().map_or(Ordering::Greater, |last| key.cmp(last));
        match (order, self.duplicates) {
            (Ordering::Less, _) => return Err(BuildError::Order),
            (Ordering::Equal, KeyDuplicates::None) => return Err(BuildError::Repeated),
            (Ordering::Equal, KeyDuplicates::Sorted) => match value.cmp(&self.value) {
                Ordering::Less => return Err(BuildError::Order),
                Ordering::Equal => return Err(BuildError::Repeated),
                Ordering::Greater => {}
            },
            _ => {}
        }
        if order.is_gt() {
            self.end_of_key(sink)?;
            let last = self.key.get_or_insert_with(Vec::new);
            last.clear();
            last.extend_from_slice(key);
        }
        match self.duplicates {
            KeyDuplicates::None => return self.alone(sink, key, value),
            KeyDuplicates::Sorted => {
                self.value.clear();
                self.value.extend_from_slice(value);
            }
            KeyDuplicates::Unsorted => {}
        }
        if self.set.goes_elsewhere(sink, value)? {
            return Ok(());
        }
        let item = store(sink, value, self.longest)?;
        if order.is_gt() {
            let space = if key.len() > self.longest { REFERENCE } else { Stored::Here(key).space() };
            self.space = space.saturating_add(2);
        }
        self.space = self.space.saturating_add(item.space()).saturating_add(4);
        self.set.values.push(item.keep());
        // A quarter of a page: so two keys always fit one.
        if self.set.values.len() > 1 && self.space >= sink.size.bytes() >> 2 {
            self.set.move_away(sink)?;
        }
        Ok(())
    }

    /// Puts a pair whose key comes once.
    fn alone<W: Write + Seek>(&mut self, sink: &mut Sink<W>, key: &[u8], value: &[u8]) -> Result<()> {
        let item = store(sink, value, self.longest)?;
        self.pair(sink, key, item)
    }

    fn pair<W: Write + Seek>(&mut self, sink: &mut Sink<W>, key: &[u8], value: Stored<'_>) -> Result<()> {
        let item = store(sink, key, self.longest)?;
        let space = item.space().saturating_add(value.space()).saturating_add(4);
        self.tree.room(sink, space, key)?;
        self.tree.leaf.append(sink, item)?;
        self.tree.leaf.append(sink, value)?;
        self.tree.leaf.records = self.tree.leaf.records.saturating_add(1);
        Ok(())
    }

    /// Puts the key that was put last with its values.
    fn end_of_key<W: Write + Seek>(&mut self, sink: &mut Sink<W>) -> Result<()> {
        let Some(key) = self.key.take() else { return Ok(()) };
        if let Some(root) = self.set.finish(sink)? {
            self.pair(sink, &key, Stored::Duplicates(root))?;
        } else if let Some((first, others)) = std::mem::take(&mut self.set.values).split_first() {
            let item = store(sink, &key, self.longest)?;
            self.tree.room(sink, self.space.saturating_add(2), &key)?;
            self.tree.leaf.append(sink, item)?;
            self.tree.leaf.append(sink, first.stored())?;
            for value in others {
                self.tree.leaf.share(sink)?;
                self.tree.leaf.append(sink, value.stored())?;
            }
        }
        self.key = Some(key);
        Ok(())
    }

    /// Writes what is not written yet; the root.
    pub(super) fn finish<W: Write + Seek>(mut self, sink: &mut Sink<W>, root: PageNo) -> Result<PageNo> {
        self.end_of_key(sink)?;
        self.tree.finish(sink, Some(root))
    }
}
