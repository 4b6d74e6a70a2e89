//! Several databases in one file (database-format, "Several databases in one file").
//!
//! The tree of page 0 lists them: the key is a name, the value the number of a
//! metadata page, as four bytes.

use std::collections::BTreeSet;

use super::database::Database;
use super::entries::Entries;
use super::visited::Visited;
use crate::error::{Error, Result};
use crate::format::meta::at;
use crate::meta::{self, Meta, u32_at};
use crate::types::PageNo;

/// The databases of a file, in the order of their names.
///
/// Yields errors for entries of the list that cannot be read, and goes on.
#[derive(Debug)]
pub struct Subdatabases<'d, 'a> {
    file: &'d Database<'a>,
    list: Option<Entries<'d>>,
    pages: BTreeSet<PageNo>,
    roots: BTreeSet<PageNo>,
}

/// A database in a file's list.
#[derive(Clone, Debug)]
pub struct Subdatabase<'d, 'a> {
    file: &'d Database<'a>,
    name: Vec<u8>,
    meta: Meta,
}

impl<'a> Subdatabase<'_, 'a> {
    /// The name: any bytes.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What its metadata page says.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Opens it. It shares the file with the database it was found in.
    #[must_use]
    pub fn open(self) -> Database<'a> {
        self.file.inner(self.name, self.meta)
    }
}

impl<'a> Database<'a> {
    /// The databases in a file that holds several; nothing for any other.
    ///
    /// ```
    /// let file = bdbkit::Database::open("testdata/btree-v9-le-subdbs-removed/data.db")?;
    /// for database in file.subdatabases() {
    ///     let database = database?.open();
    ///     assert!(database.name().is_some() && database.iter().all(|entry| entry.is_ok()));
    /// }
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn subdatabases(&self) -> Subdatabases<'_, 'a> {
        let list = self.is_directory().then(|| self.iter());
        Subdatabases { file: self, list, pages: BTreeSet::new(), roots: BTreeSet::new() }
    }

    /// Opens one of several databases by its name.
    ///
    /// # Errors
    ///
    /// [`Error::NotMultiple`] if the file does not hold several,
    /// [`Error::NoSuchDatabase`] if none has this name, or damage to the list.
    pub fn subdatabase(&self, name: &[u8]) -> Result<Database<'a>> {
        if !self.is_directory() {
            return Err(Error::NotMultiple);
        }
        let mut damage = None;
        for found in self.subdatabases() {
            match found {
                Ok(found) if found.name == name => return Ok(found.open()),
                Ok(_) => {}
                Err(Error::Directory { name: bad, what }) if bad == name => {
                    return Err(Error::Directory { name: bad, what });
                }
                Err(error) => damage = damage.or(Some(error)),
            }
        }
        Err(damage.unwrap_or_else(|| Error::NoSuchDatabase { name: name.to_vec() }))
    }
}

impl<'d, 'a> Subdatabases<'d, 'a> {
    /// The pages that make up the list.
    pub(crate) fn into_visited(self) -> Option<Visited> {
        self.list?.into_visited()
    }

    fn find(&mut self, name: &[u8], value: &[u8]) -> Result<Subdatabase<'d, 'a>> {
        let bad = |what| Error::Directory { name: name.to_vec(), what };
        if value.len() != 4 {
            return Err(bad("its entry in the list is not four bytes long"));
        }
        // The right order first: some releases wrote, or left behind, the other.
        let order = self.file.meta().directory_order();
        let numbers = [order, order.other()].map(|order| u32_at(value, 0, order).unwrap_or(0));
        let Some(no) = numbers.into_iter().map(PageNo).find(|&no| self.is_metadata(no)) else {
            return Err(bad("its entry in the list does not lead to a metadata page"));
        };
        if !self.pages.insert(no) {
            return Err(bad("it has the metadata page of another database"));
        }
        let bytes = self.file.pages().raw(no).unwrap_or(&[]);
        let meta = meta::parse_inner(bytes, no, self.file.meta().endianness())?;
        if meta.root().is_some_and(|root| !self.roots.insert(root)) {
            return Err(bad("it has the root page of another database"));
        }
        Ok(Subdatabase { file: self.file, name: name.to_vec(), meta })
    }

    fn is_metadata(&self, no: PageNo) -> bool {
        let order = self.file.meta().endianness();
        let bytes = self.file.pages().raw(no).filter(|_| no != PageNo::META);
        let field = |offset| bytes.and_then(|bytes| u32_at(bytes, offset, order));
        let magic = field(at::MAGIC).is_some_and(meta::is_database_magic);
        magic && field(at::PGNO) == Some(no.0)
    }
}

impl<'d, 'a> Iterator for Subdatabases<'d, 'a> {
    type Item = Result<Subdatabase<'d, 'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.list.as_mut()?.next()?.and_then(|entry| self.find(entry.key(), entry.value())))
    }
}
