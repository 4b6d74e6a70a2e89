//! A file while it is recovered: pages in memory over those on disk (recovery, "Which pages
//! exist").

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::held::Held;
use super::release::Release;
use super::sealing::{self, Sealing};
use super::shelf::Shelf;
use super::turned;
use crate::error::Error;
use crate::format::edit;
use crate::format::heap;
use crate::format::meta::{Field, Layout, at as meta_at};
use crate::format::page::{PageKind, at};
use crate::format::seal::Seal;
use crate::meta::FileKind;
use crate::method::Method;
use crate::order::Endianness;
use crate::pages::{Below, File, OpenOptions, expect};
use crate::types::{FileId, Lsn, PageNo, PageSize};

/// What page 0 says of a file, as far as recovery needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) order: Endianness,
    pub(crate) size: PageSize,
    pub(crate) id: FileId,
    /// Where index arrays start.
    pub(crate) index: usize,
    pub(crate) layout: Layout,
    pub(crate) seal: Seal,
    /// Pages of each extent of a QUEUE; 0 if it has none.
    pub(crate) extent: u32,
    /// Whether its pairs are in files beside it.
    pub(crate) partitioned: bool,
}

impl Head {
    /// Of a file that begins with these bytes; `None` if it is no database.
    pub(crate) fn of(bytes: &[u8]) -> Option<Head> {
        let kind = FileKind::of(bytes);
        let database = kind.database()?;
        let layout = Layout::of_page(bytes, database.order)?;
        let seal = Seal::of(database.encrypted, database.checksummed);
        let number = |field| layout.number(bytes, field, database.order).unwrap_or(0);
        Some(Head {
            method: database.method,
            order: database.order,
            size: database.page_size?,
            // Of one that is encrypted, the bytes are in the clear here.
            id: FileId(*layout.bytes(bytes, Field::Uid)?.first_chunk()?),
            index: seal.overhead(),
            layout,
            seal,
            extent: number(Field::PageExt),
            partitioned: database.partitions.is_some_and(|count| count > 0),
        })
    }

    /// Where the head of the list of free pages stands on page 0.
    pub(crate) fn free_at(&self) -> usize {
        self.layout.place(Field::Free).map_or(meta_at::LAST_PGNO, |(at, _)| at)
    }
}

/// Work that numbers in records may ask for, whatever there is, in bytes.
const WORK: u64 = 64 << 20;
/// The same, as a multiple of what there is.
const TIMES: u64 = 16;

/// The pages of one file on disk that the recovered one still has.
#[derive(Debug)]
struct Piece {
    path: PathBuf,
    file: File<'static>,
    /// How many of them.
    pages: u32,
    /// How many there are on disk.
    first: u32,
}

/// A file while it is recovered.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where it is now.
    pub(crate) name: PathBuf,
    /// Where it was when it was met first.
    first_name: PathBuf,
    /// The folder of one that is made.
    pub(crate) folder: Option<PathBuf>,
    /// Its path on disk, through all links.
    pub(crate) real: Option<PathBuf>,
    /// The file on disk.
    main: Option<Piece>,
    /// The extents on disk.
    extents: BTreeMap<u32, Piece>,
    pub(crate) head: Option<Head>,
    held: Shelf,
    /// So many pages the file has now, those behind the ones on disk all zero.
    visible: u32,
    /// The last page; `None` for a file without any.
    last: Option<u32>,
    /// Extents that are to be removed.
    dropped: BTreeSet<u32>,
    /// Why nothing more is done to it.
    pub(crate) stopped: Option<String>,
    /// Pages at the end that were given back, in the order of their arrival (recovery, "Limbo").
    limbo: Vec<u32>,
    in_limbo: BTreeSet<u32>,
    /// Whether faults of releases in it are mended.
    pub(crate) sound: bool,
    /// No page from this one on is made.
    most: u32,
    /// So much work may still be done that a number in a record asks for, in bytes.
    work: u64,
    /// The order of what stands on pages of a HEAP.
    body: Endianness,
    /// What opens its pages, if they are encrypted; of a file that is made, what it would be then.
    pub(crate) sealing: Option<Sealing>,
}

impl Target {
    /// A file that is there.
    pub(crate) fn open(path: &Path, name: PathBuf, options: OpenOptions<'static>) -> Result<Target, Error> {
        let file = options.file(path)?;
        let mut target = Target::made(name);
        let mut head = Head::of(file.bytes()?);
        if let Some(kind) = file.kind().database().filter(|kind| kind.encrypted) {
            match Sealing::of(&file, kind) {
                Ok(sealing) => {
                    head = Head::of(&sealing.first(file.bytes()?));
                    target.sealing = Some(sealing);
                }
                Err(error) => target.stopped = Some(error.to_string()),
            }
        }
        let size = head.map_or(512, |head| u64::from(head.size.get()));
        let pages = u32::try_from(file.len().checked_div(size).unwrap_or(0)).unwrap_or(u32::MAX);
        (target.visible, target.last) = (pages, pages.checked_sub(1));
        target.head = head;
        if head.is_some_and(|head| head.extent > 0) {
            target.extents = extents(path, size, options)?;
            let ends = target.extents.iter().rev().find(|(_, piece)| piece.pages > 0);
            let extent = head.map_or(0, |head| head.extent);
            let last = ends.map(|(number, piece)| number.saturating_mul(extent).saturating_add(piece.pages));
            target.last = target.last.max(last);
        }
        target.main = Some(Piece { path: path.to_owned(), file, pages, first: pages });
        target.body = target.body_order();
        Ok(target)
    }

    /// The order of what stands on pages: that of the header, but on those of a HEAP that of the
    /// machine that wrote it.
    fn body_order(&self) -> Endianness {
        let Some(head) = self.head else { return Endianness::Little };
        if head.method != Method::Heap {
            return head.order;
        }
        let told = |no| heap::body(&self.clear(no)?.0, head.index, head.order);
        let last = self.last.unwrap_or(0);
        // Logs of releases with HEAP show no machine: nearly all are little-endian.
        (1..=last).find_map(told).unwrap_or(Endianness::Little)
    }

    /// A file that is made now, and empty.
    pub(crate) fn made(name: PathBuf) -> Target {
        Target {
            first_name: name.clone(),
            name,
            folder: None,
            real: None,
            main: None,
            extents: BTreeMap::new(),
            head: None,
            held: Shelf::default(),
            visible: 0,
            last: None,
            dropped: BTreeSet::new(),
            stopped: None,
            limbo: Vec::new(),
            in_limbo: BTreeSet::new(),
            sound: false,
            most: u32::MAX,
            work: u64::MAX,
            body: Endianness::Little,
            sealing: None,
        }
    }

    /// Whether it is on disk, under the name that it has now.
    pub(crate) fn is_where_it_was(&self) -> bool {
        self.main.as_ref().is_some_and(|_| self.first_name == self.name)
    }

    /// The file on disk.
    pub(crate) fn origin(&self) -> Option<&Path> {
        self.main.as_ref().map(|piece| piece.path.as_path())
    }

    /// How many pages of the main file on disk the recovered one still has.
    #[cfg(feature = "upgrade")]
    pub(crate) fn kept(&self) -> u32 {
        self.main.as_ref().map_or(0, |piece| piece.pages)
    }

    /// Number of the last page.
    pub(crate) fn last(&self) -> Option<u32> {
        self.last
    }

    /// The bytes of a page on disk that the recovered file still has.
    fn disk(&self, no: u32) -> Option<&[u8]> {
        self.stored(no, |piece| piece.pages)
    }

    /// The bytes of a page on disk, of so many in each file.
    fn stored(&self, no: u32, pages: impl FnOnce(&Piece) -> u32) -> Option<&[u8]> {
        let head = self.head.as_ref()?;
        let (piece, place) = match no.checked_sub(1).filter(|_| head.extent > 0) {
            Some(place) => {
                let extent = place.checked_div(head.extent)?;
                (self.extents.get(&extent)?, place.checked_rem(head.extent)?)
            }
            None => (self.main.as_ref()?, no),
        };
        if place >= pages(piece) {
            return None;
        }
        let size = head.size.bytes();
        let start = usize::try_from(place).ok()?.checked_mul(size)?;
        piece.file.bytes().ok()?.get(start..)?.get(..size)
    }

    /// A page on disk, without what protects it, and whether that was right.
    fn clear(&self, no: u32) -> Option<(Vec<u8>, bool)> {
        let (head, mut page) = (self.head?, self.disk(no)?.to_vec());
        let right = sealing::open(head.seal, self.sealing.as_ref(), &mut page, no, head.order);
        Some((page, right))
    }

    /// Whether a page exists.
    pub(crate) fn has(&self, no: u32, release: Release) -> bool {
        !self.is_behind(no, release) && (self.held.has(no) || self.lies_below(no))
    }

    /// Whether no page counts there, as the last one stands before.
    fn is_behind(&self, no: u32, release: Release) -> bool {
        release >= Release::R41 && self.last.is_none_or(|last| no > last)
    }

    /// Whether a page is there that is not in memory.
    fn lies_below(&self, no: u32) -> bool {
        self.disk(no).is_some() || (self.is_one_piece() && no < self.visible)
    }

    fn is_one_piece(&self) -> bool {
        self.head.is_none_or(|head| head.extent == 0)
    }

    /// Asks memory for the beginning of a page.
    pub(crate) fn expect(&self, no: u32) {
        if let Some(page) = self.held.get(no) {
            expect(&page.bytes, 0);
            expect(&page.bytes, 64);
        }
    }

    /// Looks at a page, if it exists: as it is in memory.
    pub(crate) fn look<T>(&self, no: u32, release: Release, look: impl FnOnce(&Held) -> T) -> Option<T> {
        if self.is_behind(no, release) {
            return None;
        }
        match self.held.get(no) {
            Some(page) => Some(look(page)),
            None if self.lies_below(no) => self.load(no, release).map(|(page, _)| look(&page)),
            None => None,
        }
    }

    /// The LSN of a page, if it exists.
    pub(crate) fn lsn(&self, no: u32, release: Release) -> Option<Lsn> {
        if self.is_behind(no, release) {
            return None;
        }
        if let Some(page) = self.held.get(no) {
            return Some(page.lsn());
        }
        if !self.lies_below(no) {
            return None;
        }
        let order = self.head?.order;
        let page = self.disk(no).unwrap_or(&[0; 8]);
        Some(Lsn { file: order.u32_at(page, 0)?, offset: order.u32_at(page, 4)? })
    }

    /// The LSN that a page has in the end, if it is there.
    pub(crate) fn last_lsn(&self, no: u32) -> Option<Lsn> {
        if let Some(page) = self.held.get(no).filter(|page| page.changed) {
            return Some(page.lsn());
        }
        let (order, page) = (self.head?.order, self.disk(no)?);
        Some(Lsn { file: order.u32_at(page, 0)?, offset: order.u32_at(page, 4)? })
    }

    /// A page as it comes into memory, and whether what protects it was right.
    fn load(&self, no: u32, release: Release) -> Option<(Held, bool)> {
        let head = self.head.as_ref()?;
        let (bytes, right) = self.clear(no).unwrap_or_else(|| (vec![0; head.size.bytes()], true));
        let mut page = Held { bytes, index: head.index, order: head.order, body: self.body, changed: false };
        self.begin_hash(&mut page, no, release);
        if self.sound && release == Release::R2 {
            turned::page(&mut page.bytes, page.index, page.order, self.last.unwrap_or(0));
        }
        Some((page, right))
    }

    /// A hole gets the header of a page of HASH, in memory only.
    fn begin_hash(&self, page: &mut Held, no: u32, release: Release) {
        let hash = match self.head.map(|head| head.method) {
            Some(Method::Hash) => true,
            Some(Method::Btree | Method::Recno) => release >= Release::R32,
            _ => false,
        };
        if hash && no != 0 && page.u32(at::PGNO) == 0 && page.u32(meta_at::MAGIC) == 0 {
            let kind = if release >= Release::R46 { PageKind::Hash } else { PageKind::HashUnsorted };
            // A page that holds nothing has room for a header.
            let _ = page.init(no, 0, 0, 0, kind);
            page.set_lsn(Lsn::default());
        }
    }

    /// A page that exists, to be changed.
    pub(crate) fn change(&mut self, no: u32, release: Release) -> Option<&mut Held> {
        if self.is_behind(no, release) {
            return None;
        }
        if !self.held.has(no) {
            if !self.lies_below(no) {
                return None;
            }
            let (page, right) = self.load(no, release)?;
            if !right {
                let what = if self.sealing.is_some() { "code" } else { "checksum" };
                self.stopped.get_or_insert(format!("page {no}: its {what} is wrong"));
                return None;
            }
            self.held.insert(no, page);
        }
        let page = self.held.get_mut(no)?;
        page.changed = true;
        Some(page)
    }

    /// Lets the file grow by no more pages than this, and bounds the work by the size of the log.
    pub(crate) fn bound(&mut self, pages: u64, log: u64) {
        let all = u64::from(self.last.unwrap_or(0)).saturating_add(pages);
        self.most = u32::try_from(all).unwrap_or(u32::MAX);
        let there = self.main.as_ref().map_or(0, |piece| piece.file.len());
        self.work = WORK.saturating_add(there.saturating_add(log).saturating_mul(TIMES));
    }

    /// Takes up work that a number in a record asks for: says whether what is there can account for so
    /// many bytes in all.
    pub(crate) fn spend(&mut self, bytes: u64) -> bool {
        let left = self.work.checked_sub(bytes);
        self.work = left.unwrap_or(0);
        left.is_some()
    }

    /// As [`Target::spend`], for so many pages.
    pub(crate) fn spend_pages(&mut self, pages: u32) -> bool {
        let size = self.head.map_or(0, |head| u64::from(head.size.get()));
        self.spend(size.saturating_mul(pages.into()))
    }

    /// Whether a page is so far behind the end that no record can have made it.
    pub(crate) fn is_too_far(&self, no: u32) -> bool {
        // The pages of extents are numbered from the first record that ever was.
        let extent = self.head.map_or(0, |head| head.extent);
        let place = no.checked_sub(1).and_then(|no| no.checked_rem(extent)).unwrap_or(no);
        place >= self.most
    }

    /// A page at the end was given back.
    pub(crate) fn remember(&mut self, no: u32) {
        if self.in_limbo.insert(no) {
            self.limbo.push(no);
        }
    }

    /// Makes a page exist. Says whether it did not before.
    pub(crate) fn create(&mut self, no: u32, release: Release) -> bool {
        if self.has(no, release) || self.is_too_far(no) {
            return false;
        }
        let Some((mut page, _)) = self.load(no, release) else { return false };
        // What stands on disk behind the last page is not there any more.
        page.bytes.fill(0);
        self.begin_hash(&mut page, no, release);
        page.changed = release >= Release::R41 && self.last.is_none_or(|last| no > last);
        self.last = self.last.max(Some(no));
        if let Some(extent) = self.extent_of(no) {
            self.dropped.remove(&extent);
        }
        self.held.insert(no, page);
        true
    }

    /// The extent of a page.
    pub(crate) fn extent_of(&self, no: u32) -> Option<u32> {
        let extent = self.head?.extent;
        no.checked_sub(1)?.checked_div(extent)
    }

    /// Removes an extent with all its pages.
    pub(crate) fn drop_extent(&mut self, extent: u32) {
        let pages = self.head.map_or(0, |head| head.extent);
        let first = extent.saturating_mul(pages).saturating_add(1);
        let last = first.saturating_add(pages);
        self.held.clear(first..=last.saturating_sub(1));
        self.dropped.insert(extent);
        self.extents.remove(&extent);
    }

    /// Forgets a page in memory: it is again what it is on disk.
    pub(crate) fn forget(&mut self, no: u32) {
        self.held.remove(no);
    }

    /// Forgets all pages from this one on.
    pub(crate) fn truncate(&mut self, to: u32, release: Release) {
        if self.last.is_none_or(|last| to > last) {
            return;
        }
        self.held.clear(to..=u32::MAX);
        if let Some(main) = &mut self.main {
            main.pages = main.pages.min(to);
        }
        let extends = matches!(release, Release::R43 | Release::R44);
        self.visible = if extends { to } else { self.visible.min(to) };
        self.last = to.checked_sub(1);
    }

    /// The file is cut to so many pages, and what is in memory stays.
    pub(crate) fn cut(&mut self, to: u32) {
        if let Some(main) = &mut self.main {
            main.pages = main.pages.min(to);
        }
        self.visible = self.visible.min(to);
    }

    /// Writes bytes at an offset, as records about files do.
    pub(crate) fn write(&mut self, size: PageSize, no: u32, offset: u32, bytes: &[u8]) -> bool {
        if self.head.is_none() && no == 0 && offset == 0 {
            self.head = Head::of(bytes);
            if self.head.is_some_and(|head| head.seal == Seal::Encrypted) && self.sealing.is_none() {
                self.stopped = Some("it is encrypted, and its password is not known".to_owned());
            }
        }
        let Some(head) = self.head.filter(|head| head.size == size && !self.is_too_far(no)) else {
            return false;
        };
        let mut page = match self.held.remove(no) {
            Some(page) => page,
            None => {
                let bytes = self.clear(no).map_or_else(|| vec![0; size.bytes()], |(page, _)| page);
                Held { bytes, index: head.index, order: head.order, body: self.body, changed: true }
            }
        };
        page.changed = true;
        edit::put(&mut page.bytes, usize::try_from(offset).unwrap_or(usize::MAX), bytes);
        if no == 0 {
            self.head = Head::of(&page.bytes).or(self.head);
            self.body = self.body_order();
        }
        self.held.insert(no, page);
        self.last = self.last.max(Some(no));
        true
    }

    /// Whether a metadata page stands there.
    pub(crate) fn begins(&self, no: u32) -> bool {
        self.look(no, Release::R32, |page| page.u32(meta_at::MAGIC) != 0).unwrap_or(false)
    }

    /// Links pages into the list of free ones, without a record of it.
    pub(crate) fn give_back(&mut self, free_at: usize, release: Release) {
        let limbo = std::mem::take(&mut self.limbo);
        let Some((head, of_meta)) = self.look(0, release, |page| (page.u32(free_at), page.lsn())) else {
            return;
        };
        let late = release >= Release::R41;
        if !late && limbo.contains(&head) {
            return;
        }
        let mut prev = head;
        let mut listed = if late { self.free_list(head, release) } else { BTreeSet::new() };
        for no in limbo {
            self.create(no, release);
            let Some(lsn) = self.lsn(no, release) else { continue };
            let zero = lsn.file == 0 && (late || lsn.offset == 0);
            if !zero || listed.contains(&no) {
                continue;
            }
            if let Some(page) = self.change(no, release) {
                // A page that holds nothing has room for a header.
                let _ = page.init(no, 0, prev, 0, PageKind::Invalid);
                page.set_lsn(if late { Lsn { file: 1, offset: 0 } } else { of_meta });
                listed.insert(no);
                prev = no;
            }
        }
        if prev != head {
            if let Some(page) = self.change(0, release) {
                page.put_u32(free_at, prev);
            }
        }
    }

    /// The pages of the list of free ones.
    fn free_list(&self, head: u32, release: Release) -> BTreeSet<u32> {
        let (mut at, mut found) = (head, BTreeSet::new());
        while at != 0 && found.insert(at) {
            at = self.look(at, release, Held::next).unwrap_or(0);
        }
        found
    }

    /// The first page behind one that exists.
    pub(crate) fn next_page(&self, no: u32) -> Option<u32> {
        let behind = no.checked_add(1)?;
        let held = self.held.range(behind..=u32::MAX).next().map(|(no, _)| no);
        let extent = self.head.map_or(0, |head| head.extent);
        let on_disk = if self.is_one_piece() {
            Some(behind).filter(|&no| no < self.visible)
        } else {
            let from = self.extent_of(behind)?;
            self.extents.range(from..).find_map(|(number, piece)| {
                let first = number.checked_mul(extent)?.checked_add(1)?;
                Some(first.max(behind)).filter(|&no| no.wrapping_sub(first) < piece.pages)
            })
        };
        held.into_iter().chain(on_disk).min()
    }

    /// The pages that are not as they stand on disk.
    pub(crate) fn changed(&self) -> impl DoubleEndedIterator<Item = (u32, &Held)> {
        self.held.iter().filter(|(no, page)| page.changed && !self.is_on_disk(*no, page))
    }

    /// Whether a page stands so on disk, and what protects it there is right.
    fn is_on_disk(&self, no: u32, page: &Held) -> bool {
        match self.head.map(|head| head.seal) {
            Some(Seal::None) => self.disk(no).is_some_and(|on_disk| on_disk == page.bytes),
            _ => self.clear(no).is_some_and(|(on_disk, right)| right && on_disk == page.bytes),
        }
    }

    /// How many pages are not as they stand on disk: those that were cut off and made anew may be.
    pub(crate) fn differing(&self) -> u64 {
        let same = |no: u32| self.stored(no, |piece| piece.first).is_some_and(|page| self.holds(page, no));
        u64::try_from(self.changed().filter(|(no, _)| !same(*no)).count()).unwrap_or(u64::MAX)
    }

    /// Whether a page, with what protects it, is the one of this number in the end. What is encrypted
    /// anew looks different each time.
    pub(crate) fn holds(&self, page: &[u8], no: u32) -> bool {
        let wanted = self.sealed(no);
        let again = || {
            let head = self.head.filter(|head| head.seal == Seal::Encrypted)?;
            let mut page = page.to_vec();
            let right = sealing::open(head.seal, self.sealing.as_ref(), &mut page, no, head.order);
            sealing::close(head.seal, self.sealing.as_ref(), &mut page, no, head.order);
            right.then_some(page)
        };
        *page == *wanted || again().is_some_and(|page| *page == *wanted)
    }

    /// Whether it has more pages in the end than on disk, or fewer.
    pub(crate) fn is_resized(&self) -> bool {
        self.main.as_ref().is_some_and(|piece| piece.first != self.count()) || !self.dropped.is_empty()
    }

    /// How many pages the main file has in the end.
    pub(crate) fn count(&self) -> u32 {
        let last = if self.is_one_piece() { self.changed().next_back().map(|(no, _)| no) } else { None };
        let main = self.main.as_ref().map_or(0, |piece| piece.pages);
        self.visible.max(last.map_or(main.min(1), |last| last.saturating_add(1)))
    }

    /// A page as it is in the end, one that has not changed with what protects it; zeros for a hole.
    fn page(&self, no: u32) -> &[u8] {
        match self.held.get(no).filter(|page| page.changed) {
            Some(page) => &page.bytes,
            None => self.raw(PageNo(no)).unwrap_or_default(),
        }
    }

    /// A page as it is to be written: with what protects it.
    pub(crate) fn sealed(&self, no: u32) -> Cow<'_, [u8]> {
        let mut page = Cow::Borrowed(self.page(no));
        let changed = || self.held.get(no).is_some_and(|page| page.changed);
        if let Some(head) = self.head.filter(|head| head.seal != Seal::None && changed()) {
            sealing::close(head.seal, self.sealing.as_ref(), page.to_mut(), no, head.order);
        }
        page
    }

    /// Size of what there is of it on disk and in memory, in bytes.
    pub(crate) fn bytes_there(&self) -> usize {
        let pieces = self.main.iter().chain(self.extents.values());
        let on_disk = pieces.fold(0_u64, |sum, piece| sum.saturating_add(piece.file.len()));
        let held = self.held.len().saturating_mul(self.size().bytes());
        usize::try_from(on_disk).unwrap_or(usize::MAX).saturating_add(held)
    }

    /// All bytes of the main file, in the end.
    pub(crate) fn whole(&self) -> Vec<u8> {
        if self.head.is_none() {
            return self.main.as_ref().and_then(|piece| piece.file.bytes().ok()).unwrap_or_default().to_vec();
        }
        (0..self.count()).map(|no| self.sealed(no)).collect::<Vec<_>>().concat()
    }

    /// The pages that stand in a file in the end, but for holes: of an extent, or of the main one.
    /// Each with its place in the file.
    pub(crate) fn standing(&self, extent: Option<u32>) -> impl Iterator<Item = (u32, Cow<'_, [u8]>)> {
        let per_extent = self.head.map_or(0, |head| head.extent);
        let (first, piece) = match extent {
            Some(number) => (per_extent.saturating_mul(number).saturating_add(1), self.extents.get(&number)),
            None => (0, self.main.as_ref()),
        };
        let behind = match extent {
            Some(_) => first.saturating_add(per_extent),
            None if per_extent > 0 => 1,
            None => self.count(),
        };
        let on_disk = first..first.saturating_add(piece.map_or(0, |piece| piece.pages)).min(behind);
        let made = first.max(on_disk.end)..behind;
        let made = made.end.checked_sub(1).map(|last| self.held.range(made.start..=last));
        let made = made.into_iter().flatten().filter(|(_, page)| page.changed).map(|(no, _)| no);
        on_disk.chain(made).map(move |no| (no.saturating_sub(first), self.sealed(no)))
    }

    /// The extents that there are in the end, each with the number of its pages.
    pub(crate) fn extents(&self) -> BTreeMap<u32, u32> {
        let mut found: BTreeMap<u32, u32> =
            self.extents.iter().map(|(number, piece)| (*number, piece.pages)).collect();
        let extent = self.head.map_or(0, |head| head.extent);
        if extent == 0 {
            return found;
        }
        for (no, _) in self.changed() {
            if let Some((number, place)) =
                no.checked_sub(1).and_then(|no| Some((no.checked_div(extent)?, no.checked_rem(extent)?)))
            {
                let pages = found.entry(number).or_default();
                *pages = (*pages).max(place.saturating_add(1));
            }
        }
        found
    }
}

impl Below for Target {
    fn size(&self) -> PageSize {
        self.head.map_or(PageSize::LEAST, |head| head.size)
    }

    /// A page as it stands on disk, or one of zeros.
    fn raw(&self, no: PageNo) -> Option<&[u8]> {
        match self.disk(no.0) {
            Some(page) => Some(page),
            None => ZEROS.get(..self.size().bytes()),
        }
    }
}

/// The longest page of zeros.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// The extents beside the main file of a QUEUE.
fn extents(main: &Path, size: u64, options: OpenOptions<'static>) -> Result<BTreeMap<u32, Piece>, Error> {
    let mut found = BTreeMap::new();
    for (number, path) in crate::pages::extent_paths(main)? {
        let file = options.file(&path)?;
        let pages = u32::try_from(file.len().checked_div(size).unwrap_or(0)).unwrap_or(u32::MAX);
        found.insert(number, Piece { path, file, pages, first: pages });
    }
    Ok(found)
}
