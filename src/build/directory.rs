//! The list of several databases in a file (database-format, "Several databases in one file").

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use super::btree::Btree;
use super::error::{BuildError, Result};
use super::shape::KeyDuplicates;
use super::sink::Sink;
use crate::format::generation::Generation;
use crate::order::Endianness;
use crate::types::PageNo;

/// The names of databases, and their metadata pages.
#[derive(Default)]
pub(super) struct Directory {
    pages: BTreeMap<Vec<u8>, PageNo>,
}

impl Directory {
    /// Adds a database.
    ///
    /// # Errors
    ///
    /// [`BuildError::SameName`], [`BuildError::Names`].
    pub(super) fn add(&mut self, name: &[u8], page: PageNo) -> Result<()> {
        if name.is_empty() {
            return Err(BuildError::Names);
        }
        match self.pages.insert(name.to_vec(), page) {
            Some(_) => Err(BuildError::SameName),
            None => Ok(()),
        }
    }

    /// Writes it as a tree with this root.
    pub(super) fn write<W: Write + Seek>(&self, sink: &mut Sink<W>, root: PageNo) -> Result<()> {
        let mut tree = Btree::new(sink, KeyDuplicates::None, false, 0)?;
        // Target 3.0 has page numbers in the order of its machine, later ones in one order everywhere.
        let little = sink.generation == Generation::V30 && sink.order == Endianness::Little;
        for (name, page) in &self.pages {
            let number = if little { page.0.to_le_bytes() } else { page.0.to_be_bytes() };
            tree.put(sink, name, &number)?;
        }
        tree.finish(sink, root).map(drop)
    }
}
