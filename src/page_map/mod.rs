//! What each page of a file is, how full, and whose: for pictures of files.
//!
//! ```
//! use bdbkit::page_map::PageMap;
//! use bdbkit::{Database, PageKind};
//!
//! let db = Database::open("testdata/btree-v9-le-levels/data.db")?;
//! let map = PageMap::of(&db);
//! let leaves = map.cells().iter().filter(|cell| cell.kind == Some(PageKind::BtreeLeaf));
//! assert!(leaves.clone().count() > 20 && leaves.clone().all(|leaf| leaf.database == Some(0)));
//! # Ok::<(), bdbkit::Error>(())
//! ```

mod cell;
mod owners;

pub use cell::Cell;

use crate::access::Database;
use crate::method::Method;
use crate::types::PageNo;

/// A database of a file: its pages are those that can be reached from its first one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MappedDatabase {
    /// Its name; `None` of one alone in its file, and of the list of databases of a file of several.
    pub name: Option<Vec<u8>>,
    /// Its access method.
    pub method: Method,
    /// Its metadata page.
    pub page: PageNo,
}

/// A file page by page. It judges nothing: [`verify`](crate::verify) does.
#[derive(Debug)]
pub struct PageMap<'d, 'a> {
    file: &'d Database<'a>,
    cells: Vec<Cell>,
    databases: Vec<MappedDatabase>,
}

impl<'d, 'a> PageMap<'d, 'a> {
    /// Looks at each page of the file of a database, and follows all that leads from one to another.
    /// Of what a database has in other files (extents, partitions) nothing is looked at.
    #[must_use]
    pub fn of(file: &'d Database<'a>) -> PageMap<'d, 'a> {
        let pages = file.pages();
        let size = u64::from(pages.size().get());
        let count = file.file().len().checked_div(size).unwrap_or(0);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let mut cells: Vec<Cell> = (0..count).map(|no| Cell::of(pages, PageNo(no))).collect();
        let databases = owners::find(file, &mut cells);
        PageMap { file, cells, databases }
    }

    /// The pages, from page 0 on.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The databases of the file, as [`Cell::database`] counts them.
    #[must_use]
    pub fn databases(&self) -> &[MappedDatabase] {
        &self.databases
    }

    /// Where the index of an ordinary page starts, in bytes.
    #[must_use]
    pub fn overhead(&self) -> usize {
        self.file.pages().overhead()
    }

    /// The bytes of a page, decrypted where that is possible; `None`, if the file has no such page.
    #[must_use]
    pub fn bytes(&self, page: PageNo) -> Option<Vec<u8>> {
        self.file.pages().look(page, |bytes| Some(bytes.to_vec()))
    }
}
