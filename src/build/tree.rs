//! A tree from the bottom up, or a chain of pages without one.

use std::io::{Seek, Write};

use super::error::Result;
use super::leaf::Leaf;
use super::levels::{Child, Levels};
use super::overflow::{Kept, Stored, store};
use super::sink::Sink;
use crate::format::page::PageKind;
use crate::types::PageNo;

/// A tree that is being built.
pub(super) struct Tree {
    pub(super) leaf: Leaf,
    /// What is above; a chain has nothing.
    levels: Option<Levels>,
    /// The first page of a chain that has more.
    first: Option<PageNo>,
    /// The longest item that its pages have themselves.
    pub(super) longest: usize,
}

impl Tree {
    /// A tree of these leaves, each filled up to so many bytes, whose upper pages count records if that
    /// is asked for.
    pub(super) fn new<W: Write + Seek>(
        sink: &Sink<W>,
        kind: PageKind,
        counts: bool,
        longest: usize,
        most: usize,
    ) -> Result<Tree> {
        let levels = match kind {
            PageKind::Duplicate => None,
            PageKind::RecnoLeaf => Some(Levels::new(false, true)),
            _ => Some(Levels::new(true, counts)),
        };
        Ok(Tree { leaf: Leaf::new(sink, kind, most)?, levels, first: None, longest })
    }

    /// Makes room on the leaf for items and slots of so many bytes, the first of which is found by this
    /// key.
    pub(super) fn room<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        space: usize,
        key: &[u8],
    ) -> Result<()> {
        if !self.leaf.has_room(space) {
            let records = self.leaf.records;
            let no = self.leaf.turn(sink)?;
            self.first.get_or_insert(no);
            self.above(sink, no, records)?;
        }
        if self.leaf.is_empty() {
            self.leaf.key.clear();
            self.leaf.key.extend_from_slice(key);
        }
        Ok(())
    }

    /// Puts an item, alone in its slot, and found by these bytes.
    pub(super) fn put<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        item: Stored<'_>,
        key: &[u8],
    ) -> Result<()> {
        self.room(sink, item.space().saturating_add(2), key)?;
        self.leaf.append(sink, item)?;
        self.leaf.records = self.leaf.records.saturating_add(1);
        Ok(())
    }

    /// Tells the pages above of a leaf.
    fn above<W: Write + Seek>(&mut self, sink: &mut Sink<W>, no: PageNo, records: u32) -> Result<()> {
        let Some(levels) = &mut self.levels else { return Ok(()) };
        // Nobody asks for the key of the first.
        let key = match levels.has_keys() && !levels.is_empty() {
            true => store(sink, &self.leaf.key, self.longest)?.keep(),
            false => Kept::Here(Vec::new()),
        };
        levels.add(sink, 0, Child { no, records, key })
    }

    /// Writes what is not written yet; the number of the root, which is this one if it is given, or of
    /// the first page of a chain.
    pub(super) fn finish<W: Write + Seek>(
        mut self,
        sink: &mut Sink<W>,
        root: Option<PageNo>,
    ) -> Result<PageNo> {
        let alone = self.first.is_none();
        let records = self.leaf.records;
        let no = self.leaf.close(sink, root.filter(|_| alone))?;
        if alone {
            return Ok(no);
        }
        self.above(sink, no, records)?;
        match self.levels {
            Some(levels) => levels.finish(sink, root),
            None => Ok(self.first.unwrap_or(no)),
        }
    }
}
