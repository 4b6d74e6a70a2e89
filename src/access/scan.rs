//! The pages of a file in their order, without going down any tree or along any bucket.

use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::btree::chunk::Chunk;
use super::btree::leaf::Leaf;
use super::btree::node::Node;
use super::btree::walk::Direction;
use super::hash::page::BucketPage;
use super::hash::scan::BucketItems;
use super::heap::HeapItems;
use super::item::Item;
use super::queue::{QueueItems, Reader};
use super::visited::Visited;
use crate::error::{Defect, Error, Result};
use crate::format::meta::at::LAST_PGNO;
use crate::format::page::{PageKind, at, holds_records, is_leaf};
use crate::order::{Endianness, with_order};
use crate::pages::{Allowance, Content, Origin, Pages, Place, Tiling, size_of_item};
use crate::types::{PageNo, RecordId};

/// The leaves of a file, and its pages of buckets or of records, in page order.
///
/// Sees every leaf, every page of a bucket, and every page of records of a QUEUE or a HEAP, also
/// one that nothing leads to, of all databases in the file. Reports pages that it cannot read and
/// goes on with the next. Of a file of the 1.x series it gives one error, as their pages do not
/// all tell what they are.
///
/// ```
/// let db = bdbkit::Database::open("testdata/btree-v9-le-levels/data.db")?;
/// let mut pairs = 0;
/// for leaf in db.scan() {
///     for entry in leaf?.entries() {
///         if let bdbkit::Scanned::Pair { .. } = entry? {
///             pairs += 1;
///         }
///     }
/// }
/// assert_eq!(pairs, db.iter().count());
/// # Ok::<(), bdbkit::Error>(())
/// ```
///
/// Of a partitioned database it covers all partitions, but not the main file, which holds no
/// records: the numbers of their pages count on from one file to the next, which
/// [`LeafPage::path`] names.
#[derive(Clone, Debug)]
pub struct PageScan<'a> {
    first: FileScan<'a>,
    /// Files behind it, or why they cannot be read.
    rest: VecDeque<Result<FileScan<'a>>>,
}

/// The leaves of one file.
#[derive(Clone, Debug)]
pub(super) struct FileScan<'a> {
    pages: &'a Pages<'a>,
    compressed: Compressed,
    range: Range<u32>,
    /// What is added to the numbers of its pages.
    base: u32,
    /// Whether it is one of several.
    partition: bool,
    /// Whether to report a file that ends too early, behind the last page.
    cut: bool,
    /// Whether to say that files of the 1.x series are not scanned.
    refused: bool,
    /// A leaf to give after the error about it.
    pending: Option<LeafPage<'a>>,
}

/// Which leaves are those of compressed databases.
#[derive(Clone, Debug)]
pub(super) enum Compressed {
    None,
    All,
    /// Those of some databases of the file.
    Some(Arc<Visited>),
}

impl Compressed {
    fn has(&self, no: PageNo) -> bool {
        match self {
            Compressed::None => false,
            Compressed::All => true,
            Compressed::Some(pages) => pages.has(no),
        }
    }
}

/// A leaf, a page of a HASH bucket, or a page of records of a QUEUE or a HEAP, that a scan came by.
#[derive(Clone, Debug)]
pub struct LeafPage<'a> {
    of: Of<'a>,
    path: Option<&'a Path>,
}

/// The leaf of a tree.
#[derive(Clone, Debug)]
struct TreeLeaf<'a> {
    leaf: Leaf<'a>,
    /// Whether its entries stand for several records each.
    compressed: bool,
}

#[derive(Clone, Debug)]
enum Of<'a> {
    Tree(TreeLeaf<'a>),
    Hash(BucketPage<'a>),
    Queue(QueueItems<'a>),
    Heap(HeapItems<'a>),
}

/// An entry of a leaf, in slot order; deleted ones are left out. Those of compressed databases
/// are taken apart.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Scanned<'a> {
    /// A key and its value.
    Pair {
        /// The key.
        key: Item<'a>,
        /// The value.
        value: Item<'a>,
    },
    /// A key whose values stand on other pages, which the scan visits on their own.
    Duplicates {
        /// The key.
        key: Item<'a>,
        /// First page or root of the values.
        root: PageNo,
    },
    /// A record of a QUEUE.
    Record {
        /// Its number.
        number: u32,
        /// Its bytes.
        value: Item<'a>,
    },
    /// A record of a HEAP.
    Placed {
        /// Where it stands, which is what it is known by.
        id: RecordId,
        /// Its bytes.
        value: Item<'a>,
    },
    /// A value without its key: a record of a RECNO database, or an off-page duplicate.
    Value(Item<'a>),
}

/// The entries of one leaf, of one page of a bucket, or of one page of records.
#[derive(Clone, Debug)]
pub struct ScannedItems<'a> {
    of: Items<'a>,
    path: Option<&'a Path>,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // the common one is used in place, entry by entry
enum Items<'a> {
    Tree(LeafItems<'a>),
    Hash(BucketItems<'a>),
    Queue(QueueItems<'a>),
    Heap(HeapItems<'a>),
}

/// The entries of one leaf.
#[derive(Clone, Debug)]
struct LeafItems<'a> {
    leaf: Leaf<'a>,
    order: Endianness,
    unit: u16,
    /// The key item before: its slot's content, and where it is.
    key: Option<Content<'a>>,
    key_at: usize,
    tiling: Tiling,
    /// Bytes of keys that were given again.
    repeated: u64,
    allowance: Allowance,
    /// Whether every item so far was good, so that together they must fill the page.
    sound: bool,
    unpacking: Option<Unpacking<'a>>,
}

/// What entries of a compressed database stand for.
#[derive(Clone, Debug)]
struct Unpacking<'a> {
    /// The one of which more records are to come.
    chunk: Option<Box<Chunk<'a>>>,
    allowance: Allowance,
}

impl<'a> FileScan<'a> {
    pub(in crate::access) fn new(pages: &'a Pages<'a>, compressed: Compressed) -> Self {
        // Version 9 keeps the number of its last page; 8 may have it wrong.
        let last = pages.meta().kept_last_page();
        // Genuine upgrades of HASH files leave it one too high.
        let one_more = u32::from(pages.meta().buckets().is_some());
        let cut = last.is_some_and(|last| last.0 >= pages.count().saturating_add(one_more));
        // Where other files hold the pages, there may be any number of them.
        let end = pages.extents().map_or(pages.count(), |extents| extents.end());
        let refused = pages.meta().is_series1();
        FileScan {
            pages,
            compressed,
            range: 1..if refused { 1 } else { end },
            base: 0,
            partition: false,
            cut,
            refused,
            pending: None,
        }
    }

    /// No pages of a file.
    pub(in crate::access) fn nothing(pages: &'a Pages<'a>) -> Self {
        FileScan { range: 0..0, cut: false, ..FileScan::new(pages, Compressed::None) }
    }

    fn within(mut self, pages: &Range<u32>) -> Self {
        let (from, to) = (pages.start.saturating_sub(self.base), pages.end.saturating_sub(self.base));
        let start = self.range.start.max(from);
        self.cut &= to >= self.range.end;
        self.range = start..self.range.end.min(to).max(start);
        self
    }

    /// Where the numbers of its pages end.
    fn end(&self) -> u32 {
        self.base.saturating_add(self.range.end)
    }

    fn named(&self, error: Error) -> Error {
        name(self.path(), error)
    }

    /// The file, if it is one of several.
    fn path(&self) -> Option<&'a Path> {
        self.pages.file().path().filter(|_| self.partition)
    }

    /// The next page that is there.
    #[inline]
    fn next_page(&mut self) -> Option<PageNo> {
        if self.pages.extents().is_some() {
            self.range.start = self.pages.page_from(self.range.start).unwrap_or(self.range.end);
        }
        self.range.next().map(PageNo)
    }

    /// The error for a file that is shorter than it says, once.
    fn cut_off(&mut self) -> Option<Error> {
        let last = self.pages.meta().last_page().filter(|_| std::mem::take(&mut self.cut))?;
        let origin = Origin { page: PageNo::META, offset: LAST_PGNO, what: "last page" };
        Some(self.pages.beyond_end(last, origin))
    }

    /// The error for an internal page with a child beyond the end of the file.
    fn missing_child(&self, no: PageNo) -> Option<Error> {
        with_order!(self.pages.order(), O => {
            let page = self.pages.unchecked_page::<O>(no)?;
            let kind = PageKind::from_byte(page.type_byte())?;
            if !matches!(kind, PageKind::BtreeInternal | PageKind::RecnoInternal) || page.pgno() != no.0 {
                return None;
            }
            let node = Node::new::<O>(self.pages, page, no, kind, None).ok()?;
            let children = (0..node.entries()).filter_map(|index| node.child::<O>(index).ok());
            let missing = children.into_iter().find(|child| child.page.0 >= self.pages.count())?;
            Some(self.pages.beyond_end(missing.page, missing.origin))
        })
    }

    #[inline]
    fn leaf(&self, no: PageNo) -> Result<Option<LeafPage<'a>>> {
        if let Some(queue) = Reader::of(self.pages) {
            return Ok(QueueItems::of(queue, no)?.map(|page| LeafPage { of: Of::Queue(page), path: None }));
        }
        if self.pages.meta().heap().is_some() {
            return Ok(HeapItems::of(self.pages, no)?.map(|page| LeafPage { of: Of::Heap(page), path: None }));
        }
        let origin = Origin { page: no, offset: 0, what: "page" };
        with_order!(self.pages.order(), O => {
            let Some(raw) = self.pages.unchecked_page::<O>(no) else {
                return self.pages.unread(no).map_or(Ok(None), Err);
            };
            let kind = PageKind::from_byte(raw.type_byte()).ok_or_else(|| {
                let defect = Defect::PageType { found: raw.type_byte(), expected: "0 to 16" };
                Error::corrupt(no, at::TYPE, defect)
            })?;
            // Only leaves are at level 1, and free pages are empty.
            let (type_byte, free) = (raw.type_byte(), kind == PageKind::Invalid);
            let filled = free && raw.entries() > 0 && !self.pages.meta().free_pages_may_be_stale();
            if !is_leaf(kind) && (raw.level() == 1 || filled) {
                let defect = Defect::PageType { found: type_byte, expected: "that of a leaf" };
                return Err(Error::corrupt(no, at::TYPE, defect));
            }
            if !holds_records(kind) {
                return Ok(None);
            }
            raw.fetch();
            let page = self.pages.page::<O>(no, origin)?;
            let of = if is_leaf(kind) {
                let leaf = Leaf::new::<O>(self.pages, page, no, kind)?;
                Of::Tree(TreeLeaf { leaf, compressed: self.compressed.has(no) })
            } else {
                Of::Hash(BucketPage::new::<O>(self.pages, page, no)?)
            };
            Ok(Some(LeafPage { of, path: self.path() }))
        })
    }
}

impl<'a> Iterator for FileScan<'a> {
    type Item = Result<LeafPage<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(leaf) = self.pending.take() {
            return Some(Ok(leaf));
        }
        if std::mem::take(&mut self.refused) {
            return Some(Err(Error::ForwardsOnly { asked: "scan page by page" }));
        }
        loop {
            let Some(no) = self.next_page() else { return self.cut_off().map(Err) };
            match self.leaf(no) {
                Ok(Some(leaf)) => {
                    let Some(error) = leaf.missing_neighbour() else { return Some(Ok(leaf)) };
                    self.pending = Some(leaf);
                    return Some(Err(error));
                }
                Ok(None) => {
                    if let Some(error) = self.missing_child(no) {
                        return Some(Err(error));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<'a> PageScan<'a> {
    pub(in crate::access) fn new(first: FileScan<'a>) -> Self {
        PageScan { first, rest: VecDeque::new() }
    }

    /// That of a partitioned database.
    pub(in crate::access) fn of_parts(
        parts: impl Iterator<Item = Result<FileScan<'a>>>,
        nothing: FileScan<'a>,
    ) -> Self {
        let mut base = 0u32;
        let count_on = |scan: Result<FileScan<'a>>| {
            scan.map(|scan| {
                let scan = FileScan { base, partition: true, ..scan };
                base = scan.end();
                scan
            })
        };
        let rest = parts.map(count_on).collect();
        PageScan { first: nothing, rest }
    }

    /// The part of this scan that lies in a range of page numbers.
    #[must_use]
    pub fn within(self, pages: Range<u32>) -> Self {
        let end = self.pages().end;
        let rest = self.rest.into_iter().filter_map(|scan| match scan {
            Ok(scan) => Some(Ok(scan.within(&pages))),
            // Told by the last part.
            Err(error) => (pages.end >= end).then_some(Err(error)),
        });
        PageScan { rest: rest.collect(), first: self.first.within(&pages) }
    }

    /// The page numbers still to come.
    #[must_use]
    pub fn pages(&self) -> Range<u32> {
        let rest = self.rest.iter().flatten();
        let mut some = [&self.first].into_iter().chain(rest).filter(|scan| !scan.range.is_empty());
        let first = some.next().unwrap_or(&self.first);
        first.base.saturating_add(first.range.start)..some.next_back().unwrap_or(first).end()
    }

    /// Divides the scan into at most this many parts of about equal size.
    #[must_use]
    pub fn split(self, parts: u32) -> Vec<PageScan<'a>> {
        let pages = self.pages();
        if pages.is_empty() {
            return vec![self];
        }
        let len = pages.end.saturating_sub(pages.start);
        let step = len.div_ceil(parts.max(1)).max(1);
        let starts = pages.step_by(PageNo(step).index());
        starts.map(|start| self.clone().within(start..start.saturating_add(step))).collect()
    }

    /// The scan as a parallel iterator over leaves.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    ///
    /// let db = bdbkit::Database::open("testdata/btree-v9-le-levels/data.db")?;
    /// let pairs: usize = db.scan().parallel().map(|leaf| leaf.map_or(0, |l| l.entries().count())).sum();
    /// assert_eq!(pairs, db.iter().count());
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[cfg(feature = "parallel")]
    pub fn parallel(self) -> impl rayon::iter::ParallelIterator<Item = Result<LeafPage<'a>>> {
        use rayon::iter::ParallelIterator;

        let halve = |scan: PageScan<'a>| {
            let Range { start, end } = scan.pages();
            let middle = start.midpoint(end);
            if middle == start {
                return (scan, None);
            }
            (scan.clone().within(start..middle), Some(scan.within(middle..end)))
        };
        rayon::iter::split(self, halve).flat_map_iter(|part| part)
    }
}

impl<'a> Iterator for PageScan<'a> {
    type Item = Result<LeafPage<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(leaf) = self.first.next() {
                return Some(leaf.map_err(|error| self.first.named(error)));
            }
            match self.rest.pop_front()? {
                Ok(scan) => self.first = scan,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The error with the name of the file, if it is one of several.
fn name(path: Option<&Path>, error: Error) -> Error {
    match path {
        Some(path) => Error::Partition { path: path.to_owned(), error: Box::new(error) },
        None => error,
    }
}

impl FusedIterator for PageScan<'_> {}

impl<'a> LeafPage<'a> {
    /// Number of the page.
    #[must_use]
    pub fn page(&self) -> PageNo {
        match &self.of {
            Of::Tree(tree) => tree.leaf.no(),
            Of::Hash(page) => page.no(),
            Of::Queue(page) => page.no(),
            Of::Heap(page) => page.no(),
        }
    }

    /// The file that it is in, if the database is partitioned.
    #[must_use]
    pub fn path(&self) -> Option<&'a Path> {
        self.path
    }

    /// Kind of the page.
    #[must_use]
    pub fn kind(&self) -> PageKind {
        match &self.of {
            Of::Tree(tree) => tree.leaf.kind(),
            Of::Hash(page) => page.kind(),
            Of::Queue(_) => PageKind::QueueData,
            Of::Heap(_) => PageKind::Heap,
        }
    }

    /// The error for a leaf whose neighbour lies beyond the end of the file.
    fn missing_neighbour(&self) -> Option<Error> {
        let (pages, next, prev) = match &self.of {
            Of::Tree(TreeLeaf { leaf, .. }) => (leaf.pages(), leaf.next(), leaf.prev()),
            Of::Hash(page) => (page.pages(), page.next(), page.prev()),
            Of::Queue(_) | Of::Heap(_) => return None,
        };
        let links = [("next page", at::NEXT, next), ("previous page", at::PREV, prev)];
        let (what, offset, target) = links.into_iter().find(|(_, _, target)| *target >= pages.count())?;
        Some(pages.beyond_end(PageNo(target), Origin { page: self.page(), offset, what }))
    }

    /// The entries. The last item is an error if they do not fill the page, as
    /// when one of them is missing.
    #[must_use]
    #[inline]
    pub fn entries(&self) -> ScannedItems<'a> {
        let of = match &self.of {
            Of::Tree(tree) => Items::Tree(LeafItems::new(tree.clone())),
            Of::Hash(page) => Items::Hash(BucketItems::new(*page)),
            Of::Queue(page) => Items::Queue(page.clone()),
            Of::Heap(page) => Items::Heap(page.clone()),
        };
        ScannedItems { of, path: self.path }
    }
}

impl<'a> LeafItems<'a> {
    fn new(TreeLeaf { leaf, compressed }: TreeLeaf<'a>) -> Self {
        let (order, allowance) = (leaf.pages().order(), leaf.pages().allowance());
        LeafItems {
            order,
            unit: 0,
            key: None,
            key_at: 0,
            tiling: Tiling::default(),
            repeated: 0,
            allowance,
            sound: true,
            unpacking: compressed
                .then(|| Unpacking { chunk: None, allowance: leaf.pages().unpacked_allowance() }),
            leaf,
        }
    }

    #[inline(always)]
    fn entry<O: byteorder::ByteOrder>(&mut self, unit: u16) -> Result<Option<Scanned<'a>>> {
        let pages = self.leaf.pages();
        if let Some(plain) = self.leaf.plain_pair::<O>(unit) {
            let (key, value) = (Content::Here(plain.key), Content::Here(plain.value));
            if plain.key_at != self.key_at {
                self.key_at = plain.key_at;
                self.tiling.add(plain.key_at, size_of_item(key));
            } else {
                self.repeated = self.repeated.saturating_add(key.given(true));
            }
            self.key = None;
            self.tiling.add(plain.value_at, size_of_item(value));
            self.expect_allowed(unit)?;
            return Ok(Some(Scanned::Pair { key: Item::new(pages, key), value: Item::new(pages, value) }));
        }
        self.any_entry::<O>(unit)
    }

    /// All that was given so far is within what a page may give.
    #[inline(always)]
    fn expect_allowed(&self, unit: u16) -> Result<()> {
        let given = self.repeated.saturating_add(self.tiling.total());
        if self.allowance.covers(given) {
            return Ok(());
        }
        let mut allowance = self.allowance;
        let place = |defect| Error::corrupt(self.leaf.no(), self.leaf.unit_offset(unit), defect);
        allowance.give(given).map_err(place)
    }

    /// An entry of whatever form.
    #[inline(never)]
    fn any_entry<O: byteorder::ByteOrder>(&mut self, unit: u16) -> Result<Option<Scanned<'a>>> {
        let pages = self.leaf.pages();
        let pairs = self.leaf.kind() == PageKind::BtreeLeaf;
        if pairs && !(self.key.is_some() && self.leaf.shares_key::<O>(unit)) {
            self.key = None;
            let (offset, key) = self.leaf.key_at::<O>(unit)?;
            if offset != self.key_at {
                self.key_at = offset;
                self.tiling.add(offset, size_of_item(key));
            } else {
                self.repeated = self.repeated.saturating_add(key.given(true));
            }
            self.key = Some(key);
        } else if let Some(key) = self.key {
            self.repeated = self.repeated.saturating_add(key.given(true));
        }
        let (offset, value) = self.leaf.value_at::<O>(unit)?;
        self.tiling.add(offset, size_of_item(value.content));
        if value.deleted {
            return Ok(None);
        }
        self.expect_allowed(unit)?;
        Ok(Some(match (self.key.filter(|_| pairs), value.content) {
            (None, content) => Scanned::Value(Item::new(pages, content)),
            (Some(key), Content::Duplicates(duplicates)) => {
                Scanned::Duplicates { key: Item::new(pages, key), root: duplicates.root }
            }
            (Some(key), content) => {
                Scanned::Pair { key: Item::new(pages, key), value: Item::new(pages, content) }
            }
        }))
    }
}

impl<'a> Iterator for ScannedItems<'a> {
    type Item = Result<Scanned<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let item = match &mut self.of {
            Items::Tree(items) => items.next(),
            Items::Hash(items) => items.next(),
            Items::Queue(items) => {
                items.next().map(|record| record.map(|(number, value)| Scanned::Record { number, value }))
            }
            Items::Heap(items) => {
                items.next().map(|record| record.map(|(id, value)| Scanned::Placed { id, value }))
            }
        };
        match item {
            Some(Err(error)) => Some(Err(name(self.path, error))),
            item => item,
        }
    }
}

impl<'a> LeafItems<'a> {
    /// The next record of an entry that stands for several.
    #[inline(never)]
    fn record(&mut self) -> Option<Result<Scanned<'a>>> {
        let Unpacking { chunk: place, allowance } = self.unpacking.as_mut()?;
        let chunk = place.as_mut()?;
        let pages = self.leaf.pages();
        let found = chunk.step(Direction::Forward).and_then(|there| {
            let given = if there { allowance.give_unpacked(chunk.given()) } else { Ok(()) };
            given.map(|()| there).map_err(|defect| chunk.place().corrupt(0, defect))
        });
        let record = match found {
            Ok(false) => None,
            Ok(true) => {
                let (key, value) = chunk.give();
                let value = Item::made(pages, value);
                let keyed = self.leaf.kind() == PageKind::BtreeLeaf;
                return Some(Ok(match keyed {
                    true => Scanned::Pair { key: Item::made(pages, key), value },
                    false => Scanned::Value(value),
                }));
            }
            Err(error) => Some(Err(error)),
        };
        *place = None;
        record
    }

    /// Takes an entry apart, if it stands for several records.
    fn unpack(&mut self, unit: u16, entry: Scanned<'a>) -> Result<Option<Scanned<'a>>> {
        let Some(unpacking) = &mut self.unpacking else { return Ok(Some(entry)) };
        let (key, value) = match &entry {
            Scanned::Pair { key, value } => (Some(key), value),
            Scanned::Value(value) if self.leaf.kind() == PageKind::DuplicateLeaf => (None, value),
            _ => return Ok(Some(entry)),
        };
        let at = with_order!(self.order, O => self.leaf.value_at::<O>(unit))?.0;
        let chunk = Chunk::new(key, value, Place::new(self.leaf.no(), at))?;
        unpacking.allowance.add_chain(chunk.in_chain());
        unpacking.chunk = Some(Box::new(chunk));
        Ok(None)
    }
}

impl<'a> Iterator for LeafItems<'a> {
    type Item = Result<Scanned<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.unpacking.is_some() {
            return self.next_unpacked();
        }
        self.next_stored().map(|found| found.map(|(_, entry)| entry))
    }
}

impl<'a> LeafItems<'a> {
    /// The next record of a compressed database.
    #[inline(never)]
    fn next_unpacked(&mut self) -> Option<Result<Scanned<'a>>> {
        loop {
            if let Some(record) = self.record() {
                return Some(record);
            }
            let entry = self.next_stored()?.and_then(|(unit, entry)| self.unpack(unit, entry));
            if let Some(entry) = entry.transpose() {
                return Some(entry);
            }
        }
    }

    /// The next entry as it is stored, and its unit.
    #[inline(always)]
    fn next_stored(&mut self) -> Option<Result<(u16, Scanned<'a>)>> {
        while self.unit < self.leaf.units() {
            let unit = self.unit;
            self.unit = unit.saturating_add(1);
            match with_order!(self.order, O => self.entry::<O>(unit)) {
                Ok(Some(entry)) => return Some(Ok((unit, entry))),
                Ok(None) => {}
                Err(error) => {
                    self.sound = false;
                    return Some(Err(error));
                }
            }
        }
        let sound = std::mem::replace(&mut self.sound, false);
        if sound { self.leaf.check_tiling(&self.tiling).err().map(Err) } else { None }
    }
}

impl FusedIterator for ScannedItems<'_> {}
