//! A database: opened once, read by any number of cursors.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::btree::cursor::Cursor;
use super::btree::rows::{self, TreePairs};
use super::btree::tree::Tree;
use super::entries::{Entries, Pairs, Parked, ParkedRows, Rows};
use super::hash::Hash;
use super::hash::buckets::BucketWalk;
use super::heap::{Heap, HeapWalk};
use super::item::Item;
use super::pair::{Entry, Pair};
use super::partitions::{Partitioned, SomePairs, Wanted};
use super::queue::{Queue, QueueWalk};
use super::ranges::KeyRange;
use super::scan::{Compressed, FileScan, PageScan};
use super::series1::Series1;
use super::visited::Visited;
use crate::error::{Defect, Error, Result};
use crate::format::page::at;
use crate::key_order::KeyOrder;
use crate::meta::{self, Meta};
use crate::order::with_order;
use crate::pages::{File, OpenOptions, Pages};
use crate::types::RecordId;

impl<'f> OpenOptions<'f> {
    /// Opens a database.
    ///
    /// # Errors
    ///
    /// As [`Database::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<Database<'f>> {
        let accept = |head: &[u8]| meta::identify(head).map(drop);
        self.file_if(path.as_ref(), accept)?.database()
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
        self.file_from_bytes(bytes).database()
    }
}

impl<'a> File<'a> {
    /// The database that it holds, or the list of several.
    ///
    /// # Errors
    ///
    /// As [`Database::open`], without those of the operating system.
    pub fn database(&self) -> Result<Database<'a>> {
        let pages = Pages::new(self.clone())?;
        pages.expect_one()?;
        Ok(Database::new(pages))
    }
}

impl<'a> AsRef<File<'a>> for Database<'a> {
    fn as_ref(&self) -> &File<'a> {
        self.pages().file()
    }
}

/// A database of any method, in a file of its own or, but for QUEUE and HEAP, one of several in a
/// file.
///
/// What a method cannot do is answered by [`Error::WrongMethod`]: the keys of HASH have no
/// order, so no ranges, no cursor, and no way back; a QUEUE has numbers instead of keys, and a
/// HEAP places. Files of the 1.x series (1.85, 1.86) are read forwards, by key, range or number; a
/// cursor, a way back and a scan of pages are answered by [`Error::ForwardsOnly`]. Where such a
/// BTREE has keys too long for a page, these stand in no order: a range then goes through all
/// pairs, and gives them as they stand.
///
/// Opening reads the metadata page and nothing else, but for a QUEUE with extents, which are
/// opened, too. A database is `Send` and
/// `Sync`, and cheap to clone: clones share the file.
#[derive(Clone, Debug)]
pub struct Database<'a> {
    of: Of<'a>,
    name: Option<Vec<u8>>,
    /// Whether this is a file's list of its databases, to be read as a database.
    listing: bool,
}

/// What each access method reads with.
#[derive(Clone, Debug)]
enum Of<'a> {
    Tree(Tree<'a>),
    Hash(Hash<'a>),
    Queue(Queue<'a>),
    Heap(Heap<'a>),
    Parts(Partitioned<'a>),
    Series1(Series1<'a>),
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
    /// is if it is not a database of a release up to 18.1; an error that names the field if its
    /// metadata is damaged; [`Error::Encrypted`] if it needs a [password](OpenOptions::password); for
    /// a QUEUE with extents, what keeps one from being opened.
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

    pub(super) fn new(pages: Pages<'a>) -> Self {
        let meta = pages.meta().clone();
        Database::of(Arc::new(pages), meta, None)
    }

    fn of(pages: Arc<Pages<'a>>, meta: Meta, name: Option<Vec<u8>>) -> Self {
        if let Some(parts) = Partitioned::of(&pages, &meta) {
            return Database { of: Of::Parts(parts), name, listing: false };
        }
        let of = match (meta.root(), meta.queue(), meta.heap()) {
            _ if meta.is_series1() => Of::Series1(Series1::new(pages)),
            (Some(root), ..) => Of::Tree(Tree::new(pages, meta, root)),
            (_, Some(&numbers), _) => Of::Queue(Queue::new(pages, numbers)),
            (.., Some(_)) => Of::Heap(Heap::new(pages)),
            _ => Of::Hash(Hash::new(pages, meta)),
        };
        Database { of, name, listing: false }
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
        let mut count = 0u32;
        for found in self.subdatabases() {
            match found {
                Ok(_) => count = count.saturating_add(1),
                Err(error @ (Error::Read { .. } | Error::KeptPages { .. })) => return Err(error),
                Err(_) => {}
            }
        }
        Err(Error::SeveralDatabases { count })
    }

    /// A database of the same file, with its own metadata.
    pub(super) fn inner(&self, name: Vec<u8>, meta: Meta) -> Self {
        Database::of(self.shared_pages().clone(), meta, Some(name))
    }

    /// Bytes of the pages that were read or decrypted and are kept: 0, unless they are read
    /// [on demand](OpenOptions::on_demand), or encrypted. Clones share them.
    #[must_use]
    pub fn kept(&self) -> u64 {
        let parts = match &self.of {
            Of::Parts(parts) => parts.opened().map(Database::kept).fold(0, u64::saturating_add),
            _ => 0,
        };
        self.pages().kept().saturating_add(parts)
    }

    /// Lets go of the pages that were read [on demand](OpenOptions::on_demand), or decrypted; they
    /// will be again when they are needed. Does nothing if the file is in memory as it is. Clones keep theirs.
    ///
    /// ```
    /// use bdbkit::{Limits, OpenOptions};
    ///
    /// let options = OpenOptions::new().on_demand(true).limits(Limits::default().max_kept(16 << 10));
    /// let mut db = options.open("testdata/btree-v6-be-levels/data.db")?;
    /// let mut leaves = 0;
    /// let parts: Vec<_> = db.scan().split(20).iter().map(|part| part.pages()).collect();
    /// for pages in parts {
    ///     leaves += db.scan().within(pages).filter(|leaf| leaf.is_ok()).count();
    ///     db.release();
    /// }
    /// assert_eq!(leaves, bdbkit::Database::open("testdata/btree-v6-be-levels/data.db")?.scan().count());
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    pub fn release(&mut self) {
        if self.pages().on_demand() {
            *self = self.over(self.pages().afresh());
        }
    }

    /// The same database, over other pages of its file.
    fn over(&self, pages: Pages<'a>) -> Database<'a> {
        let database = Database::of(Arc::new(pages), self.meta().clone(), self.name.clone());
        Database { listing: self.listing, ..database }
    }

    /// Goes on with pairs that were parked.
    pub(super) fn resume(&self, parked: Parked) -> Result<Pairs<'_>> {
        Pairs::resume(self.pages(), parked, |rows| {
            Ok(match (rows, &self.of) {
                (ParkedRows::Tree(pairs), Of::Tree(tree)) => Rows::Tree(pairs.resume(tree)?),
                (ParkedRows::Hash(walk), Of::Hash(hash)) => Rows::Hash(Box::new(walk.resume(hash)?)),
                (ParkedRows::Queue(walk), Of::Queue(queue)) => {
                    Rows::Queue(Box::new(walk.resume(queue.reader())?))
                }
                (ParkedRows::Heap(walk), Of::Heap(heap)) => Rows::Heap(Box::new(walk.resume(heap)?)),
                (ParkedRows::Parts(pairs), Of::Parts(parts)) => Rows::Parts(Box::new(pairs.resume(parts)?)),
                (ParkedRows::Merged(pairs), Of::Parts(parts)) => Rows::Merged(Box::new(pairs.resume(parts)?)),
                (ParkedRows::Series1(walk), Of::Series1(series1)) => match walk.resume(series1) {
                    Some(walk) => Rows::Series1(Box::new(walk)),
                    None => Rows::Refused(None),
                },
                (ParkedRows::Refused(error), _) => Rows::Refused(error),
                _ => Rows::Refused(None),
            })
        })
    }

    fn shared_pages(&self) -> &Arc<Pages<'a>> {
        match &self.of {
            Of::Tree(tree) => tree.pages(),
            Of::Hash(hash) => hash.pages(),
            Of::Queue(queue) => queue.pages(),
            Of::Heap(heap) => heap.pages(),
            Of::Parts(parts) => parts.pages(),
            Of::Series1(series1) => series1.pages(),
        }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File<'a> {
        self.pages().file()
    }

    /// What the metadata page says.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        match &self.of {
            Of::Tree(tree) => tree.meta(),
            Of::Hash(hash) => hash.meta(),
            Of::Queue(queue) => queue.meta(),
            Of::Heap(heap) => heap.meta(),
            Of::Parts(parts) => parts.meta(),
            Of::Series1(series1) => series1.meta(),
        }
    }

    /// Its tree, for a question that only trees answer.
    pub(super) fn tree(&self, asked: &'static str) -> Result<&Tree<'a>> {
        self.expect_one_database()?;
        match &self.of {
            Of::Tree(tree) => Ok(tree),
            Of::Parts(_) => Err(Error::InPartitions { asked }),
            Of::Series1(_) => Err(Error::ForwardsOnly { asked }),
            _ => Err(Error::WrongMethod { asked, method: self.meta().method() }),
        }
    }

    /// The name, if the database is one of several in its file: any bytes.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }

    /// The files beside this one that hold the records of a QUEUE, with the number of whole
    /// pages in each; empty, if all are in this one.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/queue-v4-le-extents/data.db")?;
    /// let extents = db.extents();
    /// assert!(extents[0].0.ends_with("__dbq.data.db.1") && extents.len() == 4);
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn extents(&self) -> Vec<(PathBuf, u32)> {
        let extents = self.pages().extents().into_iter();
        let found = extents.flat_map(|all| all.found().map(|(path, extent)| (path, all.whole_pages(extent))));
        found.collect()
    }

    /// The keys with which the partitions of a database begin that is divided by ranges of keys,
    /// but for the first partition, which begins before all keys; empty for any other.
    ///
    /// # Errors
    ///
    /// They cannot be read, or are not as many as there are partitions.
    pub fn partition_keys(&self) -> Result<&[Vec<u8>]> {
        match &self.of {
            Of::Parts(parts) => Ok(parts.starts()?.get(1..).unwrap_or(&[])),
            _ => Ok(&[]),
        }
    }

    /// One of the partitions, which count from 0, as a database of its own.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/partitioned/btree-v9-le-partitioned-keys/data.db")?;
    /// let last = db.partition(3)?;
    /// assert!(last.file().path().expect("a file").ends_with("__dbp.data.db.003"));
    /// assert!(last.iter().all(|entry| entry.is_ok_and(|entry| entry.key() >= &db.partition_keys().unwrap()[2][..])));
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::MissingPartition`]; [`Error::Partition`] if it is no partition of this database.
    pub fn partition(&self, number: u32) -> Result<Database<'a>> {
        match &self.of {
            Of::Parts(parts) => parts.part(number).cloned(),
            _ => Err(Error::NotPartitioned),
        }
    }

    /// The files beside this one that hold the pairs of a partitioned database; empty, if all
    /// are in this one. An error names those that are missing, or what one is instead.
    #[must_use]
    pub fn partitions(&self) -> Vec<Result<Database<'a>>> {
        self.parts().into_iter().map(|part| part.cloned()).collect()
    }

    pub(super) fn parts(&self) -> Vec<Result<&Database<'a>>> {
        self.partitioned().map(Partitioned::all).unwrap_or_default()
    }

    pub(super) fn partitioned(&self) -> Option<&Partitioned<'a>> {
        match &self.of {
            Of::Parts(parts) => Some(parts),
            _ => None,
        }
    }

    /// Number of whole pages in the file: in the main file, if the others are in files beside it.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.pages().count()
    }

    /// Bytes behind the last whole page: 0 in a healthy file.
    #[must_use]
    pub fn tail(&self) -> u64 {
        self.pages().tail()
    }

    pub(crate) fn pages(&self) -> &Pages<'a> {
        self.shared_pages()
    }

    /// Whether this is a file that holds several databases, rather than one of them.
    /// It has no pairs of its own: questions for them are answered by
    /// [`Error::SeveralDatabases`].
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.name.is_none() && self.meta().flags().several_databases() && !self.listing
    }

    /// A cursor before the first pair.
    ///
    /// # Errors
    ///
    /// [`Error::WrongMethod`] for HASH, whose pairs have no order; [`Error::SeveralDatabases`]
    /// for a file that holds several.
    pub fn cursor(&self) -> Result<Cursor<'_>> {
        self.tree("move a cursor").map(Cursor::new)
    }

    /// All pairs, in key order, duplicates in theirs; those of HASH bucket by bucket.
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
        Entries::new(self.all_pairs(Visited::new(self.pages())))
    }

    /// The pairs whose keys lie in a range.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/btree-v6-be-levels/data.db")?;
    /// let some = db.range("22".."5").count();
    /// assert!(some > 0 && some < db.iter().count());
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn range(&self, keys: impl KeyRange) -> Entries<'_> {
        let (start, end) = keys.bounds();
        self.between(start, end)
    }

    /// The pairs whose keys start with some bytes.
    #[must_use]
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Entries<'_> {
        if let Of::Parts(parts) = &self.of {
            return self.some_of(parts, Wanted::Prefix(prefix.as_ref().to_vec()));
        }
        if let Of::Series1(_) = &self.of {
            let prefix = prefix.as_ref();
            return match self.file().key_order() {
                KeyOrder::Bytes => {
                    let (start, end) = rows::prefix_bounds(prefix, KeyOrder::Bytes);
                    self.between(start, end)
                }
                KeyOrder::Custom(_) => {
                    let asked = "give keys with a prefix in an order of their own";
                    Entries::new(Pairs::refused(self.pages(), Error::ForwardsOnly { asked }))
                }
            };
        }
        self.pairs_of(|tree| TreePairs::prefix(tree, prefix.as_ref()))
    }

    pub(super) fn between(&self, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Entries<'_> {
        if let Of::Parts(parts) = &self.of {
            return self.some_of(parts, Wanted::Range(start, end));
        }
        if let Of::Series1(series1) = &self.of {
            return Entries::new(match series1.between(start, end) {
                Ok(walk) => Pairs::new(self.pages(), Rows::Series1(Box::new(walk))),
                Err(error) => Pairs::refused(self.pages(), error),
            });
        }
        self.pairs_of(|tree| TreePairs::range(tree, start, end))
    }

    fn some_of<'d>(&'d self, parts: &'d Partitioned<'a>, wanted: Wanted) -> Entries<'d> {
        Entries::new(match parts.some(wanted) {
            Ok(SomePairs::Parts(pairs)) => Pairs::new(self.pages(), Rows::Parts(pairs)),
            Ok(SomePairs::Merged(pairs)) => Pairs::new(self.pages(), Rows::Merged(pairs)),
            Err(error) => Pairs::refused(self.pages(), error),
        })
    }

    /// Some pairs of the tree; an error in their place if it is none.
    fn pairs_of<'d>(&'d self, pairs: impl FnOnce(&'d Tree<'a>) -> TreePairs<'d>) -> Entries<'d> {
        Entries::new(match self.tree("give keys of a range") {
            Ok(tree) => Pairs::new(self.pages(), Rows::Tree(pairs(tree))),
            Err(error) => Pairs::refused(self.pages(), error),
        })
    }

    /// All pairs, on pages that are not in `seen`: those are of other databases of the file.
    pub(super) fn all_pairs(&self, seen: Visited) -> Pairs<'_> {
        let alone = self.name().is_none() && !self.meta().flags().several_databases();
        let rows = match (self.expect_one_database(), &self.of) {
            (Err(error), _) => Rows::Refused(Some(error)),
            (_, Of::Tree(tree)) => Rows::Tree(TreePairs::all(tree, seen, alone)),
            (_, Of::Hash(hash)) => Rows::Hash(Box::new(BucketWalk::all(hash, seen, alone))),
            (_, Of::Queue(queue)) => Rows::Queue(Box::new(QueueWalk::new(queue.reader()))),
            (_, Of::Heap(heap)) => Rows::Heap(Box::new(HeapWalk::new(heap))),
            (_, Of::Parts(parts)) => Rows::Parts(Box::new(parts.pairs())),
            (_, Of::Series1(series1)) => Rows::Series1(Box::new(series1.all(seen))),
        };
        Pairs::new(self.pages(), rows)
    }

    /// The pairs of one key: more than one if it has duplicates.
    #[must_use]
    pub fn duplicates(&self, key: impl AsRef<[u8]>) -> Entries<'_> {
        let key = key.as_ref();
        if let Of::Series1(series1) = &self.of {
            return Entries::new(match series1.of_key(key) {
                Ok(walk) => Pairs::new(self.pages(), Rows::Series1(Box::new(walk))),
                Err(error) => Pairs::refused(self.pages(), error),
            });
        }
        let hash = match &self.of {
            Of::Hash(hash) => hash,
            Of::Parts(parts) => return self.some_of(parts, Wanted::Key(key.to_vec())),
            _ => return self.between(Bound::Included(key.to_vec()), Bound::Included(key.to_vec())),
        };
        Entries::new(match BucketWalk::of_key(hash, key) {
            Ok(walk) => Pairs::new(self.pages(), Rows::Hash(Box::new(walk))),
            Err(error) => Pairs::refused(self.pages(), error),
        })
    }

    /// The value of a key: the first one, if it has duplicates.
    ///
    /// # Errors
    ///
    /// Damage on the way, or keys that are not in the database's [`KeyOrder`](crate::KeyOrder);
    /// [`Error::HashFunction`] if they were placed by another [`KeyHash`](crate::KeyHash);
    /// [`Error::WrongMethod`] for RECNO, whose records [`Database::record`] gives;
    /// [`Error::SeveralDatabases`] for a file that holds several.
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Cow<'_, [u8]>>> {
        match self.get_kept(key.as_ref()) {
            Err(error) if error.is_of_kept_pages() => {
                let apart = self.over(self.pages().unbounded());
                Ok(apart.get_kept(key.as_ref())?.map(|value| Cow::Owned(value.into_owned())))
            }
            value => value,
        }
    }

    #[inline]
    fn get_kept(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>> {
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
    pub fn get_item(&self, key: impl AsRef<[u8]>) -> Result<Option<Item<'_>>> {
        if let Of::Hash(hash) = &self.of {
            return with_order!(hash.pages().order(), O => hash.get::<O>(key.as_ref()));
        }
        if let Of::Parts(parts) = &self.of {
            return parts.get(key.as_ref());
        }
        if let Of::Series1(series1) = &self.of {
            return series1.get(key.as_ref());
        }
        let tree = self.tree("look up a key")?;
        tree.expect_keys()?;
        with_order!(tree.pages().order(), O => tree.get::<O>(key.as_ref()))
    }

    /// A record by its number, which counts from 1: `None` if there is none, or
    /// if it is deleted.
    ///
    /// For RECNO and QUEUE databases, and BTREE databases that keep record numbers.
    ///
    /// # Errors
    ///
    /// Damage on the way; [`Error::WrongMethod`] if the database keeps no numbers.
    pub fn record(&self, number: u32) -> Result<Option<Entry<'_>>> {
        self.entry(|db| db.record_kept(number))
    }

    /// An entry that is found by reading a few pages: if no more of them can be kept, they are
    /// read on their own.
    fn entry(
        &self,
        find: impl for<'d> Fn(&'d Database<'a>) -> Result<Option<Entry<'d>>>,
    ) -> Result<Option<Entry<'_>>> {
        match find(self) {
            Err(error) if error.is_of_kept_pages() => {
                let apart = self.over(self.pages().unbounded());
                Ok(find(&apart)?.map(Entry::into_owned))
            }
            entry => entry,
        }
    }

    fn record_kept(&self, number: u32) -> Result<Option<Entry<'_>>> {
        if let Of::Queue(queue) = &self.of {
            return queue.reader().record(number)?.map(|pair| pair.read()).transpose();
        }
        if let Of::Series1(series1) = &self.of {
            return series1.record(number)?.map(|pair| pair.read()).transpose();
        }
        let pair = Cursor::new(self.tree("look up a record number")?).seek_record(number)?;
        let pair = pair.filter(|pair| pair.record_number().is_none_or(|found| found == number));
        pair.map(|pair| pair.read()).transpose()
    }

    /// A record of a HEAP, by where it stands: `None` if none does.
    ///
    /// ```
    /// use bdbkit::{Database, PageNo, RecordId};
    ///
    /// let db = Database::open("testdata/heap-v1-be-few/data.db")?;
    /// let first = db.iter().next().expect("a record")?;
    /// let id = first.record_id().expect("its place");
    /// assert_eq!(id, RecordId { page: PageNo(2), slot: 0 });
    /// assert_eq!(db.record_at(id)?.map(|again| again.value().to_vec()), Some(first.value().to_vec()));
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Damage on the way; [`Error::WrongMethod`] if the database is none.
    pub fn record_at(&self, id: RecordId) -> Result<Option<Entry<'_>>> {
        self.entry(|db| db.pair_at(id)?.map(|pair| pair.read()).transpose())
    }

    /// As [`Database::record_at`], without reading a value that is in pieces.
    ///
    /// # Errors
    ///
    /// As [`Database::record_at`].
    pub fn item_at(&self, id: RecordId) -> Result<Option<Item<'_>>> {
        Ok(self.pair_at(id)?.map(|pair| pair.value()))
    }

    fn pair_at(&self, id: RecordId) -> Result<Option<Pair<'_>>> {
        match &self.of {
            Of::Heap(heap) => heap.record(id),
            _ => Err(Error::WrongMethod { asked: "look up a record's place", method: self.meta().method() }),
        }
    }

    /// The number of the first record with this key, in a BTREE that keeps record
    /// numbers.
    ///
    /// # Errors
    ///
    /// Damage on the way; [`Error::WrongMethod`] if the database keeps no numbers.
    pub fn record_number(&self, key: impl AsRef<[u8]>) -> Result<Option<u32>> {
        let key = key.as_ref();
        let tree = self.tree("look up a record number")?;
        tree.expect_record_numbers()?;
        tree.expect_keys()?;
        let mut cursor = Cursor::new(tree);
        let Some(pair) = cursor.seek(key)? else { return Ok(None) };
        if !pair.key_item().compare(key, tree.key_order())?.is_eq() {
            return Ok(None);
        }
        let number = cursor.records_before().map(|before| before.saturating_add(1));
        // The way back checks all counts that were added up.
        let mut back = Cursor::new(tree);
        back.seek_record(number.unwrap_or(0))?;
        match cursor.compare(&back) {
            Some(Ordering::Equal) => Ok(number),
            _ => {
                let defect =
                    Defect::Count { found: number.unwrap_or(0), counted: back.records_before().unwrap_or(0) };
                Err(Error::corrupt(tree.root(), at::PREV, defect))
            }
        }
    }

    /// The pages of the file in their order, with the entries on its leaves:
    /// faster than [`Database::iter`], and divisible among threads.
    ///
    /// The scan covers the whole file, so all databases in it. If it holds several of which one
    /// is compressed, that one is walked first: nothing on a leaf says so.
    #[must_use]
    pub fn scan(&self) -> PageScan<'_> {
        let Of::Parts(parts) = &self.of else {
            return PageScan::new(FileScan::new(self.pages(), self.compressed()));
        };
        let wrong = parts.starts().err().map(Err);
        let scan = parts
            .all()
            .into_iter()
            .map(|part| part.map(|part| FileScan::new(part.pages(), part.compressed())));
        PageScan::of_parts(wrong.into_iter().chain(scan), FileScan::nothing(self.pages()))
    }

    /// Which leaves of the file are those of compressed databases.
    fn compressed(&self) -> Compressed {
        if !self.pages().meta().flags().several_databases() {
            return if self.meta().flags().compressed() { Compressed::All } else { Compressed::None };
        }
        let file = Database::of(self.shared_pages().clone(), self.pages().meta().clone(), None);
        let mut seen: Option<Visited> = None;
        for found in file.subdatabases().flatten().filter(|found| found.meta().flags().compressed()) {
            let database = found.open();
            let mut pairs = database.all_pairs(seen.take().unwrap_or_else(|| Visited::new(self.pages())));
            pairs.by_ref().for_each(drop);
            seen = pairs.into_visited();
        }
        seen.map_or(Compressed::None, |seen| Compressed::Some(Arc::new(seen)))
    }

    /// Levels of the tree, 1 if the root is a leaf; `None` if the root cannot be read, or for
    /// HASH.
    pub(super) fn depth(&self) -> Option<u8> {
        if let Of::Series1(series1) = &self.of {
            return series1.meta().root().and_then(|_| series1.depth());
        }
        let Of::Tree(tree) = &self.of else { return None };
        with_order!(tree.pages().order(), O => {
            tree.pages().page::<O>(tree.root(), tree.root_origin()).ok().map(|page| page.level())
        })
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
