//! Several databases in one file (database-format, "Several databases in one file").
//!
//! The tree of page 0 lists them: the key is a name, the value the number of a
//! metadata page, as four bytes.

use std::collections::BTreeMap;
use std::iter::FusedIterator;

use super::all::AllPairs;
use super::database::Database;
use super::pair::Entry;
use super::visited::Visited;
use crate::error::{Error, Result};
use crate::meta::{self, Meta};
use crate::types::PageNo;

/// The databases of a file, in the order of their names.
///
/// Yields errors for entries of the list that cannot be read, and goes on.
#[derive(Clone, Debug)]
pub struct Subdatabases<'d, 'a> {
    list: std::vec::IntoIter<Result<Subdatabase<'d, 'a>>>,
    visited: Option<Visited>,
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
        let Some(directory) = self.directory() else {
            return Subdatabases { list: Vec::new().into_iter(), visited: None };
        };
        let mut entries = directory.iter();
        let find = |entry: Result<Entry<'_>>| self.find(entry?);
        let mut list: Vec<_> = entries.by_ref().map(find).collect();
        self.reject_shared(&mut list);
        Subdatabases { list: list.into_iter(), visited: entries.into_visited() }
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

impl<'a> Database<'a> {
    /// The database that an entry of the list leads to.
    fn find(&self, entry: Entry<'_>) -> Result<Subdatabase<'_, 'a>> {
        let bad = |what| Error::Directory { name: entry.key().to_vec(), what };
        if entry.value().len() != 4 {
            return Err(bad("its entry in the list is not four bytes long"));
        }
        let order = self.meta().endianness();
        let is_inner = |no| self.pages().raw(no).is_some_and(|page| meta::is_inner(page, no, order));
        let Some(no) = meta::listed(entry.value(), self.meta().directory_order(), is_inner) else {
            let orders = [u32::from_be_bytes, u32::from_le_bytes];
            let raw = entry.value().first_chunk().copied().unwrap_or_default();
            let unread = orders.iter().find_map(|number| self.pages().unread(PageNo(number(raw))));
            return Err(
                unread.unwrap_or_else(|| bad("its entry in the list does not lead to a metadata page"))
            );
        };
        let meta = self.pages().inner_meta(no)?;
        Ok(Subdatabase { file: self, name: entry.key().to_vec(), meta })
    }

    /// Turns databases that share a metadata page or a root, with one another or
    /// with the list, into errors: one of them is wrong, and nothing tells which.
    fn reject_shared(&self, list: &mut [Result<Subdatabase<'_, 'a>>]) {
        let mut owners: BTreeMap<PageNo, u32> = BTreeMap::new();
        let pages = |meta: &Meta| [Some(meta.page()), meta.root()].into_iter().flatten();
        let all = list.iter().flatten().map(|found| &found.meta);
        for page in all.chain([self.meta()]).flat_map(pages) {
            let owner = owners.entry(page).or_default();
            *owner = owner.saturating_add(1);
        }
        for entry in list {
            let shared = |page| owners.get(&page).is_some_and(|&n| n > 1);
            if let Ok(found) = entry {
                if pages(&found.meta).any(shared) {
                    let what = "it has the metadata page or the root of another database";
                    *entry = Err(Error::Directory { name: std::mem::take(&mut found.name), what });
                }
            }
        }
    }
}

/// What a walk over all databases of a file comes by.
pub(crate) enum Part<'w, 'a> {
    /// A database, and all its pairs.
    Database(&'w Database<'a>, &'w mut AllPairs<'a>),
    /// Damage that belongs to none of them.
    Damage(Error),
}

impl<'a> Database<'a> {
    /// Visits this database, or all databases if it is a file's list of them. It is
    /// one walk: no page may belong to two databases, and none with records to none.
    pub(crate) fn walk_databases<E>(
        &self,
        mut visit: impl FnMut(Part<'_, 'a>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        if !self.is_directory() {
            let mut pairs = AllPairs::new(self, Visited::new(self.pages()));
            return visit(Part::Database(self, &mut pairs));
        }
        let mut list = self.subdatabases();
        let mut found = Vec::new();
        for database in list.by_ref() {
            match database {
                Ok(database) => found.push(database.open()),
                Err(error) => visit(Part::Damage(error))?,
            }
        }
        let mut seen = list.into_visited();
        for database in &found {
            let seen_before = seen.unwrap_or_else(|| Visited::new(self.pages()));
            let mut pairs = AllPairs::new(database, seen_before);
            visit(Part::Database(database, &mut pairs))?;
            seen = pairs.into_visited();
        }
        let mut from = 0;
        while let Some((no, error)) = seen.as_ref().and_then(|seen| seen.unreached(self.pages(), from)) {
            visit(Part::Damage(error))?;
            from = no.saturating_add(1);
        }
        Ok(())
    }
}

impl Subdatabases<'_, '_> {
    /// The pages that make up the list.
    pub(crate) fn into_visited(self) -> Option<Visited> {
        self.visited
    }
}

impl<'d, 'a> Iterator for Subdatabases<'d, 'a> {
    type Item = Result<Subdatabase<'d, 'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.list.next()
    }
}

impl FusedIterator for Subdatabases<'_, '_> {}
