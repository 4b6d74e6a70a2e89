//! A position among the pairs of a database, moved by the caller.

use std::cmp::Ordering;

use byteorder::ByteOrder;

use super::chunk::Chunk;
use super::leaf::Plain;
use super::search;
use super::tree::Tree;
use super::walk::{self, Direction, Walk};
use crate::access::item::Item;
use crate::access::pair::{Pair, RecordNo};
use crate::access::visited::Visited;
use crate::error::{Defect, Error, Result};
use crate::format::page::slot_offset;
use crate::meta::Shape;
use crate::method::Method;
use crate::order::{Endianness, with_order};
use crate::pages::{Allowance, Content, Pages, Stored};
use crate::types::PageNo;

/// A position among the pairs of a database.
///
/// Pairs come in key order, duplicates in theirs, deleted ones are skipped. Any
/// number of cursors can read one [`Database`](crate::Database) at once.
///
/// After an error the cursor can go on: the next move gives what comes behind
/// the damage.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    tree: &'a Tree<'a>,
    main: Walk<'a>,
    duplicates: Option<Walk<'a>>,
    /// What the pair where it stands holds, if the database is compressed.
    chunk: Option<Box<Chunk<'a>>>,
    unpacked: Unpacked,
    pub(in crate::access) visited: Option<Visited>,
    deleted: u64,
    recno: bool,
    compressed: bool,
    order: Endianness,
}

/// A cursor without the pages that it stands on.
#[derive(Debug)]
pub(in crate::access) struct Parked {
    main: walk::Parked,
    duplicates: Option<walk::Parked>,
    chunk: Option<Box<Chunk<'static>>>,
    unpacked: Unpacked,
    visited: Option<Visited>,
    deleted: u64,
}

/// What the records of the chunks on one page give, and what they may.
#[derive(Clone, Copy, Debug)]
struct Unpacked {
    page: PageNo,
    to: Direction,
    allowance: Allowance,
}

impl Unpacked {
    /// Before any page.
    const NONE: Unpacked =
        Unpacked { page: PageNo::META, to: Direction::Forward, allowance: Allowance::NONE };
}

impl Unpacked {
    /// Counts what the record gives where a chunk stands.
    fn give(&mut self, pages: &Pages<'_>, chunk: &Chunk<'_>, to: Direction) -> Result<()> {
        if (self.page, self.to) != (chunk.place().page(), to) {
            self.enter(pages, chunk, to);
        }
        let given = self.allowance.give_unpacked(chunk.given());
        given.map_err(|defect| chunk.place().corrupt(0, defect))
    }

    /// Comes to a chunk.
    fn enter(&mut self, pages: &Pages<'_>, chunk: &Chunk<'_>, to: Direction) {
        let page = chunk.place().page();
        if (self.page, self.to) != (page, to) {
            *self = Unpacked { page, to, allowance: pages.unpacked_allowance() };
        }
        self.allowance.add_chain(chunk.in_chain());
    }
}

impl Parked {
    /// Goes on in the same tree.
    ///
    /// # Errors
    ///
    /// As those of the walk.
    pub(in crate::access) fn resume<'a>(self, tree: &'a Tree<'a>) -> Result<Cursor<'a>> {
        let main = self.main.resume(tree.pages())?;
        let duplicates = self.duplicates.map(|walk| walk.resume(tree.pages())).transpose()?;
        let Parked { chunk, unpacked, visited, deleted, .. } = self;
        Ok(Cursor { main, duplicates, chunk, unpacked, visited, deleted, ..Cursor::new(tree) })
    }
}

impl<'a> Cursor<'a> {
    /// Lets go of the pages.
    pub(in crate::access) fn park(self) -> Parked {
        let Cursor { main, duplicates, chunk, unpacked, visited, deleted, .. } = self;
        let chunk = chunk.map(|chunk| Box::new(chunk.into_owned()));
        Parked {
            main: main.park(),
            duplicates: duplicates.map(Walk::park),
            chunk,
            unpacked,
            visited,
            deleted,
        }
    }

    pub(in crate::access) fn new(tree: &'a Tree<'a>) -> Self {
        Cursor {
            tree,
            main: tree.walk(),
            duplicates: None,
            chunk: None,
            unpacked: Unpacked::NONE,
            visited: None,
            deleted: 0,
            recno: tree.meta().method() == Method::Recno,
            compressed: tree.meta().flags().compressed(),
            order: tree.pages().order(),
        }
    }

    /// Moves to the first pair.
    ///
    /// # Errors
    ///
    /// Damage on the way.
    pub fn first(&mut self) -> Result<Option<Pair<'a>>> {
        self.restart(self.tree.walk());
        self.next()
    }

    /// Moves to the last pair.
    ///
    /// # Errors
    ///
    /// Damage on the way.
    pub fn last(&mut self) -> Result<Option<Pair<'a>>> {
        self.restart(self.tree.walk());
        self.previous()
    }

    /// Moves to the next pair: the first, if the cursor is new. Without a next
    /// pair it then stands behind the last, which [`Cursor::previous`] gives.
    ///
    /// # Errors
    ///
    /// Damage between here and there.
    #[allow(clippy::should_implement_trait)] // `Entries` is the iterator
    #[inline]
    pub fn next(&mut self) -> Result<Option<Pair<'a>>> {
        with_order!(self.order, O => self.step::<O>(Direction::Forward))
    }

    /// Moves to the pair before: the last, if the cursor is new. Without one it
    /// then stands before the first, which [`Cursor::next`] gives.
    ///
    /// # Errors
    ///
    /// Damage between here and there.
    pub fn previous(&mut self) -> Result<Option<Pair<'a>>> {
        with_order!(self.order, O => self.step::<O>(Direction::Backward))
    }

    /// Moves to the first pair whose key is equal to `key` or greater.
    ///
    /// # Errors
    ///
    /// Damage on the way, or keys that are not in the database's [`KeyOrder`](crate::KeyOrder);
    /// [`Error::WrongMethod`](crate::Error::WrongMethod) for RECNO.
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Pair<'a>>> {
        self.stand(key.as_ref(), false, true)?;
        self.next()
    }

    /// Moves to a record by its number, which counts from 1, or to the first
    /// behind it that is not deleted.
    ///
    /// # Errors
    ///
    /// Damage on the way; [`Error::WrongMethod`](crate::Error::WrongMethod) if the database keeps no record numbers.
    pub fn seek_record(&mut self, number: u32) -> Result<Option<Pair<'a>>> {
        self.tree.expect_record_numbers()?;
        with_order!(self.tree.pages().order(), O => {
            let mut frames = Vec::new();
            let found = search::find_record::<O>(self.tree, number, |frame| frames.push(frame))?;
            let Some((leaf, unit)) = found else { return Ok(None) };
            self.restart(self.tree.walk().at(frames, leaf, unit.checked_sub(1)));
            self.step::<O>(Direction::Forward)
        })
    }

    /// Stands in the gap before the pairs of a key, or the one after them, for a
    /// move to one side.
    pub(in crate::access) fn stand(&mut self, key: &[u8], after: bool, forward: bool) -> Result<()> {
        self.tree.expect_keys()?;
        if !self.compressed {
            return self.stand_stored(key, after, forward);
        }
        // The gap may lie inside the chunk before: what a search does is no part of a walk.
        let visited = self.visited.take();
        let stood = with_order!(self.order, O => self.stand_in_chunk::<O>(key, after, forward));
        self.visited = visited;
        stood
    }

    /// As [`Cursor::stand`], among records of chunks.
    fn stand_in_chunk<O: ByteOrder>(&mut self, key: &[u8], after: bool, forward: bool) -> Result<()> {
        self.stand_stored(key, after, false)?;
        let Some(pair) = self.stored::<O>(Direction::Backward)? else {
            return self.stand_stored(key, after, forward);
        };
        let mut chunk = self.open::<O>(&pair)?;
        chunk.stand(key, after, forward, self.tree.key_order())?;
        self.chunk = Some(chunk);
        Ok(())
    }

    /// As [`Cursor::stand`], among pairs as they are stored.
    fn stand_stored(&mut self, key: &[u8], after: bool, forward: bool) -> Result<()> {
        with_order!(self.order, O => {
            let mut frames = Vec::new();
            let found = search::find::<O>(self.tree, key, |frame| frames.push(frame))?;
            search::confirm::<O>(self.tree, key, &found, &frames)?;
            let (leaf, mut gap) = (found.leaf, found.pair);
            if after && found.exact {
                gap = gap.saturating_add(1);
                while gap < leaf.units() && leaf.shares_key::<O>(gap) {
                    gap = gap.saturating_add(1);
                }
            }
            let unit = if forward { gap.checked_sub(1) } else { Some(gap) };
            let unit = unit.filter(|&unit| unit < leaf.units());
            self.restart(self.tree.walk().at(frames, leaf, unit));
        });
        Ok(())
    }

    /// The error for keys that a search finds elsewhere than a walk.
    pub(in crate::access) fn out_of_order(&self) -> Error {
        let (page, unit) = self.main.position().unwrap_or((self.tree.root(), 0));
        let slot = unit.wrapping_mul(2);
        let offset = slot_offset(self.tree.pages().overhead(), slot);
        Error::corrupt(page, offset, Defect::KeyOrder { slot })
    }

    fn restart(&mut self, walk: Walk<'a>) {
        (self.main, self.duplicates, self.chunk) = (walk, None, None);
        self.unpacked = Unpacked::NONE;
    }

    /// Number of pairs in a BTREE that were skipped because they are marked deleted.
    pub(in crate::access) fn deleted(&self) -> u64 {
        self.deleted
    }

    /// How much of the tree lies behind it: see [`Entries::share`](crate::Entries::share).
    #[must_use]
    pub fn share(&self) -> f64 {
        self.main.share()
    }

    /// The page and the slot of the value of the pair where it stands; of a compressed one, of the entry
    /// that holds it.
    pub(in crate::access) fn value_slot(&self) -> (PageNo, u16) {
        self.duplicates.as_ref().unwrap_or(&self.main).value_slot()
    }

    /// Which of two cursors of one database is further on, where that can be told.
    pub(in crate::access) fn compare(&self, other: &Cursor<'_>) -> Option<Ordering> {
        let stored = match (self.main.compare(&other.main)?, &self.duplicates, &other.duplicates) {
            (Ordering::Equal, Some(a), Some(b)) => a.compare(b)?,
            (Ordering::Equal, None, Some(_)) | (Ordering::Equal, Some(_), None) => return None,
            (order, ..) => order,
        };
        match (stored, &self.chunk, &other.chunk) {
            (Ordering::Equal, Some(a), Some(b)) => Some(a.record().cmp(&b.record())),
            (Ordering::Equal, None, Some(_)) | (Ordering::Equal, Some(_), None) => None,
            (order, ..) => Some(order),
        }
    }

    /// Moves to the next pair, if it is of the common form and on the same leaf.
    #[inline(always)]
    pub(in crate::access) fn next_plain(&mut self) -> Option<Plain<'a>> {
        if self.duplicates.is_some() || self.compressed {
            return None;
        }
        with_order!(self.order, O => self.main.next_plain::<O>())
    }

    /// The next pair of whatever form.
    fn step<O: ByteOrder>(&mut self, to: Direction) -> Result<Option<Pair<'a>>> {
        if self.compressed { self.step_in_chunk::<O>(to) } else { self.stored::<O>(to) }
    }

    /// The next record of a chunk, or of the one that comes next.
    fn step_in_chunk<O: ByteOrder>(&mut self, to: Direction) -> Result<Option<Pair<'a>>> {
        loop {
            if let Some(chunk) = &mut self.chunk {
                if chunk.step(to)? {
                    let given = self.unpacked.give(self.tree.pages(), chunk, to);
                    let (key, data) = chunk.give();
                    given.inspect_err(|_| self.chunk = None)?;
                    let item = |bytes| Item::made(self.tree.pages(), bytes);
                    return Ok(Some(Pair::new(item(key), item(data))));
                }
                self.chunk = None;
            }
            let Some(pair) = self.stored::<O>(to)? else { return Ok(None) };
            let chunk = self.open::<O>(&pair)?;
            self.unpacked.enter(self.tree.pages(), &chunk, to);
            let chunk = self.chunk.insert(chunk);
            if to == Direction::Backward {
                chunk.go_to_end()?;
            }
        }
    }

    /// The chunk that a pair holds.
    fn open<O: ByteOrder>(&self, pair: &Pair<'a>) -> Result<Box<Chunk<'a>>> {
        let place = self.duplicates.as_ref().unwrap_or(&self.main).value_place::<O>();
        Ok(Box::new(Chunk::new(Some(pair.key_item()), pair.value_item(), place)?))
    }

    /// The next pair as it is stored.
    fn stored<O: ByteOrder>(&mut self, to: Direction) -> Result<Option<Pair<'a>>> {
        loop {
            if let Some(walk) = &mut self.duplicates {
                if walk.step::<O>(to, &mut self.visited)? {
                    let Some(value) = walk.value::<O>() else { continue };
                    let value = value?;
                    if value.deleted {
                        self.deleted = self.deleted.saturating_add(1);
                        continue;
                    }
                    let pair = self.pair::<O>(value.content, to, false)?;
                    if let Some(walk) = &mut self.duplicates {
                        walk.give_duplicate(pair.key_item().len(), value.content)?;
                    }
                    return Ok(Some(pair));
                }
                self.duplicates = None;
            }
            if !self.main.step::<O>(to, &mut self.visited)? {
                return Ok(None);
            }
            let Some(value) = self.main.value::<O>() else { continue };
            match value? {
                Stored { deleted: true, .. } => {
                    if !self.recno {
                        self.deleted = self.deleted.saturating_add(1);
                    }
                }
                Stored { content: Content::Duplicates(duplicates), .. } => {
                    let shape = Shape::of_duplicates(self.tree.meta());
                    let pages = self.tree.pages();
                    if !self.tree.meta().flags().duplicates() {
                        return Err(duplicates.unexpected());
                    }
                    self.duplicates = Some(Walk::new(pages, shape, duplicates.root, duplicates.origin()));
                    if let Some(Ok(key)) = self.main.key::<O>() {
                        self.mark_key::<O>(&Item::new(pages, key), to)?;
                    }
                }
                Stored { content, .. } => {
                    let pair = self.pair::<O>(content, to, true)?;
                    let key = pair.key_item().content().unwrap_or(Content::Here(&[]));
                    self.main.give::<O>(key, content, to)?;
                    return Ok(Some(pair));
                }
            }
        }
    }

    /// The pair of the value where the cursor stands.
    #[inline(always)]
    fn pair<O: ByteOrder>(&mut self, value: Content<'a>, to: Direction, mark_key: bool) -> Result<Pair<'a>> {
        let pages = self.tree.pages();
        let value = Item::new(pages, value);
        self.mark(&value)?;
        if self.recno {
            let record = RecordNo::after(self.main.records_before::<O>());
            return Ok(Pair::numbered(Item::new(pages, Content::Here(&[])), value, record));
        }
        let key = Item::new(pages, self.main.key::<O>().unwrap_or(Ok(Content::Here(&[])))?);
        if mark_key && key.on_page().is_none() {
            self.mark_key::<O>(&key, to)?;
        }
        Ok(Pair::new(key, value))
    }

    /// Notes an overflow chain or an external file that a full walk comes by: each belongs to one item.
    #[inline(always)]
    fn mark(&mut self, item: &Item<'a>) -> Result<()> {
        let pages = self.tree.pages();
        self.visited.as_mut().map_or(Ok(()), |visited| match item.content() {
            Some(content) => visited.reach_bytes(pages, content),
            None => Ok(()),
        })
    }

    /// As [`Cursor::mark`], once for all pairs that share a key item.
    fn mark_key<O: ByteOrder>(&mut self, key: &Item<'a>, to: Direction) -> Result<()> {
        if self.main.shares_key::<O>(to) { Ok(()) } else { self.mark(key) }
    }

    /// Records before the one where the cursor stands, where counts are kept.
    pub(in crate::access) fn records_before(&mut self) -> Option<u32> {
        with_order!(self.tree.pages().order(), O => self.main.records_before::<O>())
    }
}
