//! The values of one key (database-format, "Off-page duplicates").

use std::io::{Seek, Write};

use super::error::Result;
use super::overflow::{Kept, longest, store};
use super::shape::KeyDuplicates;
use super::sink::Sink;
use super::tree::Tree;
use crate::format::page::PageKind;
use crate::types::PageNo;

/// The values of one key: beside it, until there are too many.
pub(super) struct Set {
    sorted: bool,
    /// Those that stand beside the key.
    pub(super) values: Vec<Kept>,
    /// Pages of their own, if they are there.
    pages: Option<Tree>,
}

impl Set {
    pub(super) fn new(duplicates: KeyDuplicates) -> Set {
        Set { sorted: duplicates == KeyDuplicates::Sorted, values: Vec::new(), pages: None }
    }

    /// Adds a value, if it belongs to those on pages of their own; whether it did.
    pub(super) fn goes_elsewhere<W: Write + Seek>(
        &mut self,
        sink: &mut Sink<W>,
        value: &[u8],
    ) -> Result<bool> {
        let Some(tree) = &mut self.pages else { return Ok(false) };
        let item = store(sink, value, tree.longest)?;
        tree.put(sink, item, value)?;
        Ok(true)
    }

    /// Moves all to pages of their own. They fit the first of them, whose key nobody asks for: so those
    /// in chains need not be read again.
    pub(super) fn move_away<W: Write + Seek>(&mut self, sink: &mut Sink<W>) -> Result<()> {
        let kind = match (sink.generation.has_duplicate_trees(), self.sorted) {
            (false, _) => PageKind::Duplicate,
            (true, false) => PageKind::RecnoLeaf,
            (true, true) => PageKind::DuplicateLeaf,
        };
        let longest = longest(sink, 2)?;
        let mut tree = Tree::new(sink, kind, true, longest, sink.room())?;
        for value in std::mem::take(&mut self.values) {
            let item = match &value {
                Kept::Here(here) => store(sink, here, longest)?,
                Kept::Chain(..) => value.stored(),
            };
            tree.put(sink, item, &[])?;
        }
        self.pages = Some(tree);
        Ok(())
    }

    /// Ends the set: the page that its pages are found by, if it has such.
    pub(super) fn finish<W: Write + Seek>(&mut self, sink: &mut Sink<W>) -> Result<Option<PageNo>> {
        self.pages.take().map(|tree| tree.finish(sink, None)).transpose()
    }
}
