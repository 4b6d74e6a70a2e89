//! A database: opened once, read by any number of cursors.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::sync::Arc;

use byteorder::ByteOrder;

use super::btree::cursor::{Cursor, Pair};
use super::btree::scan::PageScan;
use super::btree::search::{self, Proven};
use super::btree::walk::{Direction, Walk};
use super::entries::{Entries, Entry};
use super::item::Item;
use super::key_order::KeyOrder;
use super::stats::{FileStats, TreeStats, highest_lsn};
use crate::error::{Defect, Error, Result};
use crate::format::page::at;
use crate::limits::Limits;
use crate::meta::Shape;
use crate::meta::{self, Meta};
use crate::method::Method;
use crate::order::with_order;
use crate::pages::Source;
use crate::pages::{Content, Duplicates};
use crate::pages::{Origin, Pages};
use crate::types::{Lsn, PageNo};

/// How to open a database.
///
/// ```
/// use bdbkit::{Limits, OpenOptions};
///
/// let db = OpenOptions::new()
///     .limits(Limits::default().max_item(1 << 20))
///     .map(false)
///     .open("testdata/btree-v6-be-levels/data.db")?;
/// assert_eq!(db.meta().version(), 6);
/// # Ok::<(), bdbkit::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions<'f> {
    limits: Limits,
    order: KeyOrder<'f>,
    map: bool,
}

impl Default for OpenOptions<'_> {
    fn default() -> Self {
        OpenOptions { limits: Limits::DEFAULT, order: KeyOrder::Bytes, map: true }
    }
}

impl<'f> OpenOptions<'f> {
    /// The defaults: default limits, keys ordered as bytes, files mapped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds for memory.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The comparison that the writer of the database used for its keys.
    ///
    /// ```
    /// use bdbkit::{KeyOrder, OpenOptions};
    ///
    /// let reverse = |a: &[u8], b: &[u8]| b.cmp(a);
    /// let options = OpenOptions::new().key_order(KeyOrder::Custom(&reverse));
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn key_order(mut self, order: KeyOrder<'f>) -> Self {
        self.order = order;
        self
    }

    /// Whether to map the file (the default, where the feature `mmap` is on) or to
    /// read it into memory, which is safe even if others change it meanwhile.
    #[must_use]
    pub fn map(mut self, map: bool) -> Self {
        self.map = map;
        self
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// As [`Database::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<Database<'f>> {
        let accept = |head: &[u8]| meta::identify(head).map(drop);
        Database::new(self.source(path.as_ref(), accept)?, self)
    }

    pub(crate) fn bounds(self) -> Limits {
        self.limits
    }

    /// The bytes of a file, mapped or read as these options say.
    pub(crate) fn source(
        self,
        path: &Path,
        accept: impl FnOnce(&[u8]) -> Result<()>,
    ) -> Result<Source<'static>> {
        Source::open(path, self.map, self.limits, accept)
    }

    /// Opens a database in memory, borrowed or owned.
    ///
    /// # Errors
    ///
    /// As [`Database::from_bytes`].
    pub fn from_bytes<'a>(self, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Database<'a>>
    where
        'f: 'a,
    {
        Database::new(Source::Bytes(bytes.into()), self)
    }
}

/// A BTREE or RECNO database, in a file of its own or one of several in a file.
///
/// A HASH database can be one of several too; of such, [`Database::iter`] gives all
/// pairs, and nothing else is supported.
///
/// Opening reads the metadata page and nothing else. A database is `Send` and
/// `Sync`, and cheap to clone: clones share the file.
#[derive(Clone, Debug)]
pub struct Database<'a> {
    pages: Arc<Pages<'a>>,
    meta: Meta,
    name: Option<Vec<u8>>,
    /// Whether this is a file's list of its databases, to be read as a database.
    listing: bool,
    order: KeyOrder<'a>,
    proven: Arc<Proven>,
}

impl Database<'static> {
    /// Opens a file as a memory map (read into memory, without the feature `mmap`).
    ///
    /// Opening takes no lock and writes nothing. **The file must not be changed
    /// or cut while it is mapped**: another program that cuts it can end this one
    /// with `SIGBUS`. Where that may happen, open with [`OpenOptions::map`]`(false)`.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] from the operating system; an error that names what the file
    /// is if it is not a BTREE or RECNO file of versions 6 to 9; an error that
    /// names the field if its metadata is damaged.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/btree-v9-le-one/data.db")?;
    /// assert_eq!(db.get(b"key")?.as_deref(), Some(&b"data"[..]));
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open(path)
    }
}

impl<'a> Database<'a> {
    /// Opens a database in memory, borrowed (`&[u8]`) or owned (`Vec<u8>`).
    ///
    /// # Errors
    ///
    /// As [`Database::open`], without those of the operating system.
    ///
    /// ```
    /// let bytes = std::fs::read("testdata/btree-v6-be-one/data.db")?;
    /// let db = bdbkit::Database::from_bytes(&bytes[..])?;
    /// assert_eq!(db.iter().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_bytes(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        OpenOptions::new().from_bytes(bytes)
    }

    fn new(source: Source<'a>, options: OpenOptions<'a>) -> Result<Self> {
        let pages = Pages::new(source, options.limits)?;
        pages.expect_one()?;
        let meta = pages.meta().clone();
        let proven = Arc::new(Proven::new(&pages));
        Ok(Database {
            pages: Arc::new(pages),
            meta,
            name: None,
            listing: false,
            order: options.order,
            proven,
        })
    }

    /// The list of a file that holds several databases, as a database of its own: the keys
    /// are their names, the values the numbers of their metadata pages, four bytes each
    /// (big-endian but for version 7). `None` for any other file.
    ///
    /// [`Database::subdatabases`] gives the databases themselves.
    ///
    /// ```
    /// let file = bdbkit::Database::open("testdata/btree-v9-le-subdbs-removed/data.db")?;
    /// let list = file.directory().expect("several databases");
    /// assert_eq!(list.iter().count(), file.subdatabases().count());
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn directory(&self) -> Option<Database<'a>> {
        self.is_directory().then(|| Database { listing: true, ..self.clone() })
    }

    /// Refuses questions about pairs to a file that holds several databases.
    fn expect_one_database(&self) -> Result<()> {
        if !self.is_directory() {
            return Ok(());
        }
        let names = self.subdatabases().filter(Result::is_ok).count();
        Err(Error::SeveralDatabases { count: u32::try_from(names).unwrap_or(u32::MAX) })
    }

    /// A database of the same file, with its own metadata.
    pub(super) fn inner(&self, name: Vec<u8>, meta: Meta) -> Self {
        let proven = Arc::new(Proven::new(&self.pages));
        let (pages, name, order) = (self.pages.clone(), Some(name), self.order);
        Database { pages, meta, name, listing: false, order, proven }
    }

    /// What the metadata page says.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The name, if the database is one of several in its file: any bytes.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }

    /// Number of whole pages in the file.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.pages.count()
    }

    /// Bytes behind the last whole page: 0 in a healthy file.
    #[must_use]
    pub fn tail(&self) -> u64 {
        self.pages.tail()
    }

    pub(crate) fn pages(&self) -> &Pages<'a> {
        &self.pages
    }

    pub(super) fn key_order(&self) -> KeyOrder<'a> {
        self.order
    }

    pub(super) fn proven(&self) -> &Proven {
        &self.proven
    }

    pub(super) fn shape(&self) -> Shape {
        Shape::of(&self.meta)
    }

    /// Root page of the tree. HASH has none, and no walk starts there.
    pub(super) fn root(&self) -> PageNo {
        self.meta.root().unwrap_or(PageNo::META)
    }

    pub(super) fn root_origin(&self) -> Origin {
        Origin { page: self.meta.page(), offset: self.meta.root_at(), what: "root page" }
    }

    pub(super) fn walk(&self) -> Walk<'_> {
        let walk = Walk::new(self.pages(), self.shape(), self.root(), self.root_origin());
        match (self.expect_one_database(), self.meta.method()) {
            (Err(error), _) => walk.refuse(error),
            (_, Method::Hash) => {
                walk.refuse(Error::WrongMethod { asked: "move a cursor", method: Method::Hash })
            }
            _ => walk,
        }
    }

    /// Whether this is a file that holds several databases, rather than one of them.
    /// It has no pairs of its own: questions for them are answered by
    /// [`Error::SeveralDatabases`].
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.name.is_none() && self.meta.flags().several_databases() && !self.listing
    }

    /// A cursor before the first pair.
    #[must_use]
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor::new(self)
    }

    /// All pairs, in key order, duplicates in theirs.
    ///
    /// Of a file that holds several databases it gives one error, which says so.
    ///
    /// The iterator reports damage where it meets it and goes on behind it. At
    /// the end of a file's only database it also reports pages with records
    /// that nothing led to: whoever meets no error has read everything.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/btree-v6-be-dups-onpage/data.db")?;
    /// for entry in db.iter() {
    ///     let entry = entry?;
    ///     assert!(!entry.key().is_empty() && !entry.value().is_empty());
    /// }
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> Entries<'_> {
        Entries::all(self)
    }

    /// The pairs whose keys lie in a range.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/btree-v6-be-levels/data.db")?;
    /// let some = db.range(b"22".as_slice()..b"5").count();
    /// assert!(some > 0 && some < db.iter().count());
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn range<'k>(&self, keys: impl RangeBounds<&'k [u8]>) -> Entries<'_> {
        let own = |bound: Bound<&&[u8]>| bound.map(|key| key.to_vec());
        Entries::range(self, own(keys.start_bound()), own(keys.end_bound()))
    }

    /// The pairs whose keys start with some bytes.
    #[must_use]
    pub fn prefix(&self, prefix: &[u8]) -> Entries<'_> {
        Entries::prefix(self, prefix)
    }

    /// The pairs of one key: more than one if it has duplicates.
    #[must_use]
    pub fn duplicates(&self, key: &[u8]) -> Entries<'_> {
        Entries::range(self, Bound::Included(key.to_vec()), Bound::Included(key.to_vec()))
    }

    /// The value of a key: the first one, if it has duplicates.
    ///
    /// # Errors
    ///
    /// Damage on the way, or keys that are not in the database's [`KeyOrder`];
    /// [`Error::WrongMethod`] for RECNO, whose records [`Database::record`] gives;
    /// [`Error::SeveralDatabases`] for a file that holds several.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>> {
        match self.get_item(key)? {
            Some(item) => item.read().map(Some),
            None => Ok(None),
        }
    }

    /// As [`Database::get`], without reading an overflow value.
    ///
    /// # Errors
    ///
    /// As [`Database::get`].
    pub fn get_item(&self, key: &[u8]) -> Result<Option<Item<'_>>> {
        self.expect_keys()?;
        with_order!(self.pages.order(), O => self.get_in::<O>(key))
    }

    fn get_in<O: ByteOrder>(&self, key: &[u8]) -> Result<Option<Item<'_>>> {
        let found = search::find::<O>(self, key, |_| {})?;
        if !found.exact {
            if found.pair == 0 || found.pair == found.leaf.units() {
                let mut path = Vec::new();
                let found = search::find::<O>(self, key, |frame| path.push(frame))?;
                search::confirm::<O>(self, key, &found, &path)?;
            }
            return Ok(None);
        }
        let mut pair = found.pair;
        loop {
            let value = found.leaf.value::<O>(pair)?;
            match value.content {
                _ if value.deleted => {}
                Content::Duplicates(duplicates) => {
                    if let Some(content) = self.first_duplicate::<O>(duplicates)? {
                        return Ok(Some(Item::new(&self.pages, content)));
                    }
                }
                content => return Ok(Some(Item::new(&self.pages, content))),
            }
            pair = pair.saturating_add(1);
            if pair >= found.leaf.units() || !found.leaf.shares_key::<O>(pair) {
                return Ok(None);
            }
        }
    }

    fn first_duplicate<O: ByteOrder>(&self, duplicates: Duplicates) -> Result<Option<Content<'_>>> {
        if !self.meta.flags().duplicates() {
            return Err(self.unexpected_duplicates(duplicates));
        }
        let shape = Shape::of_duplicates(&self.meta);
        let mut walk = Walk::new(self.pages(), shape, duplicates.root, duplicates.origin());
        while walk.step::<O>(Direction::Forward, &mut None)? {
            if let Some(value) = walk.value::<O>().transpose()?.filter(|value| !value.deleted) {
                return Ok(Some(value.content));
            }
        }
        Ok(None)
    }

    /// A record by its number, which counts from 1: `None` if there is none, or
    /// if it is deleted.
    ///
    /// For RECNO databases, and BTREE databases that keep record numbers.
    ///
    /// # Errors
    ///
    /// Damage on the way; [`Error::WrongMethod`] if the database keeps no numbers.
    pub fn record(&self, number: u32) -> Result<Option<Entry<'_>>> {
        let pair = self.record_pair(number)?;
        pair.map(|pair| pair.read()).transpose()
    }

    fn record_pair(&self, number: u32) -> Result<Option<Pair<'_>>> {
        let pair = self.cursor().seek_record(number)?;
        Ok(pair.filter(|pair| pair.record_number().is_none_or(|found| found == number)))
    }

    /// The number of the first record with this key, in a BTREE that keeps record
    /// numbers.
    ///
    /// # Errors
    ///
    /// Damage on the way; [`Error::WrongMethod`] if the database keeps no numbers.
    pub fn record_number(&self, key: &[u8]) -> Result<Option<u32>> {
        self.expect_record_numbers()?;
        self.expect_keys()?;
        let mut cursor = self.cursor();
        let Some(pair) = cursor.seek(key)? else { return Ok(None) };
        if !pair.key().compare(key, self.order)?.is_eq() {
            return Ok(None);
        }
        let number = cursor.records_before().map(|before| before.saturating_add(1));
        // The way back checks all counts that were added up.
        let mut back = self.cursor();
        back.seek_record(number.unwrap_or(0))?;
        match cursor.compare(&back) {
            Some(Ordering::Equal) => Ok(number),
            _ => {
                let defect =
                    Defect::Count { found: number.unwrap_or(0), counted: back.records_before().unwrap_or(0) };
                Err(Error::corrupt(self.root(), at::PREV, defect))
            }
        }
    }

    /// The pages of the file in their order, with the entries on its leaves:
    /// faster than [`Database::iter`], and divisible among threads.
    ///
    /// The scan covers the whole file, so all databases in it.
    #[must_use]
    pub fn scan(&self) -> PageScan<'_> {
        PageScan::new(self)
    }

    /// The highest LSN of the file's pages: where in the log of its environment it was changed
    /// last. Pages on which an LSN means nothing are left out: free ones, and off-page
    /// duplicates of versions 6 and 7. Of all databases of the file.
    #[must_use]
    pub fn highest_lsn(&self) -> Lsn {
        highest_lsn(&self.pages)
    }

    /// Counts the pages of the file by their kind, reading the header of each.
    #[must_use]
    pub fn file_stats(&self) -> FileStats {
        FileStats::of(&self.pages)
    }

    /// Counts the records of the database, reading all its leaves; of all databases,
    /// in the order of their names, if this is a file's list of them.
    #[must_use]
    pub fn tree_stats(&self) -> Vec<TreeStats<'a>> {
        TreeStats::of(self)
    }

    pub(super) fn expect_keys(&self) -> Result<()> {
        self.expect_one_database()?;
        match self.meta.method() {
            Method::Btree => Ok(()),
            method => Err(Error::WrongMethod { asked: "look up a key", method }),
        }
    }

    pub(super) fn expect_record_numbers(&self) -> Result<()> {
        if self.shape().counted {
            return Ok(());
        }
        Err(Error::WrongMethod { asked: "look up a record number", method: self.meta.method() })
    }

    pub(super) fn unexpected_duplicates(&self, duplicates: Duplicates) -> Error {
        let defect =
            Defect::ItemKind { slot: 0, found: 2, expected: "1 or 3, as the flags exclude duplicates" };
        duplicates.place.corrupt(2, defect)
    }
}

impl<'d> IntoIterator for &'d Database<'_> {
    type Item = Result<Entry<'d>>;
    type IntoIter = Entries<'d>;

    fn into_iter(self) -> Entries<'d> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_can_be_shared_among_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Database<'_>>();
        shared::<Cursor<'_>>();
    }
}
