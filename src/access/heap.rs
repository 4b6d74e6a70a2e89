//! HEAP: records where there was room for them, under the place where each stands
//! (database-format, annex C).

use std::sync::Arc;

use super::item::Item;
use super::pair::{Pair, RecordNo};
use super::visited::ExternalFiles;
use crate::error::{Defect, Error, Result};
use crate::format::heap::PIECE_HEAD;
use crate::format::meta::at::LAST_PGNO;
use crate::format::page::at;
use crate::meta::Meta;
use crate::pages::{Content, External, HeapPage, Origin, Pages, Place, Placed, Split, Step};
use crate::types::{PageNo, RecordId};

/// The records of a HEAP database.
#[derive(Clone, Debug)]
pub(super) struct Heap<'a> {
    pages: Arc<Pages<'a>>,
}

impl<'a> Heap<'a> {
    pub(super) fn new(pages: Arc<Pages<'a>>) -> Self {
        Heap { pages }
    }

    pub(super) fn pages(&self) -> &Arc<Pages<'a>> {
        &self.pages
    }

    pub(super) fn meta(&self) -> &Meta {
        self.pages.meta()
    }

    /// The record that stands at a place: `None` if none does.
    pub(super) fn record(&self, id: RecordId) -> Result<Option<Pair<'_>>> {
        let region = self.meta().heap().is_some_and(|heap| heap.is_region(id.page));
        if id.page == PageNo::META || id.page.0 >= self.pages.count() || region {
            return Ok(None);
        }
        let Some(page) = self.page(id.page)? else { return Ok(None) };
        let Some(placed) = page.item(id.slot)?.filter(|placed| placed.item.starts()) else { return Ok(None) };
        Ok(Some(self.pair(id, placed)))
    }

    fn page(&self, no: PageNo) -> Result<Option<HeapPage<'_>>> {
        HeapPage::open(&self.pages, no, Origin { page: no, offset: 0, what: "page" })
    }

    fn pair<'h>(&'h self, id: RecordId, placed: Placed<'h>) -> Pair<'h> {
        let key = Item::new(&self.pages, Content::Here(&[]));
        Pair::numbered(key, value(&self.pages, id, placed), RecordNo::at(id))
    }
}

/// The bytes of a record that begins with an item.
fn value<'p>(pages: &'p Pages<'p>, id: RecordId, placed: Placed<'p>) -> Item<'p> {
    let content = match (split(id, placed), placed.item.external()) {
        (Some(split), _) => Content::Split(split),
        (None, Some(item)) => {
            let place = Place::new(id.page, placed.offset);
            Content::External(External { item, place })
        }
        (None, None) => Content::Here(placed.item.bytes),
    };
    Item::new(pages, content)
}

/// The record that begins with an item, if it is one in pieces.
fn split(id: RecordId, placed: Placed<'_>) -> Option<Split> {
    let offset = u32::try_from(placed.offset).unwrap_or(u32::MAX);
    placed.item.is_piece().then_some(Split { first: id, offset, len: placed.item.total })
}

/// A walk over the records of a HEAP, by page and slot.
#[derive(Clone, Debug)]
pub(super) struct HeapWalk<'a> {
    heap: &'a Heap<'a>,
    /// The next page.
    no: u32,
    page: Option<(HeapPage<'a>, u32)>,
    /// For each page the pieces that records lead to, and those that stand on it, without those
    /// with which a record begins.
    led_to: Vec<(u32, u32)>,
    /// Bytes of pieces, with their heads, that may still be followed: the file has no room for
    /// more.
    left: u64,
    /// The next page whose pieces are compared, when all records were given.
    compared: u32,
    files: ExternalFiles,
}

/// A walk without the page that it stands on.
#[derive(Debug)]
pub(super) struct Parked {
    no: u32,
    page: Option<(PageNo, u32)>,
    led_to: Vec<(u32, u32)>,
    left: u64,
    compared: u32,
    files: ExternalFiles,
}

impl Parked {
    /// Goes on.
    ///
    /// # Errors
    ///
    /// A page that was good before cannot be read again.
    pub(super) fn resume<'a>(self, heap: &'a Heap<'a>) -> Result<HeapWalk<'a>> {
        let Parked { no, page, led_to, left, compared, files } = self;
        let page = match page {
            Some((no, slot)) => heap.page(no)?.map(|page| (page, slot)),
            None => None,
        };
        Ok(HeapWalk { heap, no, page, led_to, left, compared, files })
    }
}

impl<'a> HeapWalk<'a> {
    /// Lets go of the page.
    pub(super) fn park(self) -> Parked {
        let HeapWalk { no, page, led_to, left, compared, files, .. } = self;
        Parked { no, page: page.map(|(page, slot)| (page.no, slot)), led_to, left, compared, files }
    }

    /// How much of the pages was gone through.
    pub(super) fn share(&self) -> f64 {
        f64::from(self.no.saturating_sub(1)) / f64::from(self.heap.pages.count().max(2).saturating_sub(1))
    }

    pub(super) fn new(heap: &'a Heap<'a>) -> Self {
        let count = heap.pages.count();
        let bytes = crate::error::file_bytes(count, heap.pages.size());
        let led_to = vec![(0, 0); PageNo(count).index()];
        HeapWalk {
            heap,
            no: 1,
            page: None,
            led_to,
            left: bytes,
            compared: 0,
            files: ExternalFiles::default(),
        }
    }

    /// The next record; whatever the error, the call after it goes on.
    pub(super) fn next(&mut self) -> Result<Option<Pair<'a>>> {
        let heap = self.heap;
        loop {
            let Some((page, slot)) = &mut self.page else {
                if self.no >= heap.pages.count() {
                    return self.close();
                }
                let no = PageNo(self.no);
                self.no = self.no.saturating_add(1);
                self.page = heap.page(no)?.map(|page| (page, 0));
                continue;
            };
            let page = *page;
            let Some(number) = u16::try_from(*slot).ok().filter(|_| *slot < page.table.slots()) else {
                self.page = None;
                continue;
            };
            *slot = slot.saturating_add(1);
            let Some(placed) = page.item(number)? else { continue };
            let id = RecordId { page: page.no, slot: number };
            if !placed.item.starts() {
                if let Some((_, there)) = self.led_to.get_mut(page.no.index()) {
                    *there = there.saturating_add(1);
                }
                continue;
            }
            if let Some(split) = split(id, placed) {
                self.follow(split)?;
            }
            let pair = heap.pair(id, placed);
            if let Some(Content::External(external)) = pair.value_item().content() {
                self.files.reach(&heap.pages, external)?;
            }
            return Ok(Some(pair));
        }
    }

    /// Goes along the pieces of a record, and counts them: each belongs to one.
    fn follow(&mut self, split: Split) -> Result<()> {
        let mut step = Step::first(split);
        while let Some((piece, next)) = step.piece(&self.heap.pages, split)? {
            let taken = u64::try_from(piece.len().saturating_add(PIECE_HEAD)).unwrap_or(u64::MAX);
            let Some(left) = self.left.checked_sub(taken) else {
                return Err(Error::corrupt(split.first.page, at::TYPE, Defect::Loop));
            };
            self.left = left;
            if let Some(id) = next.next {
                if let Some((led_to, _)) = self.led_to.get_mut(id.page.index()) {
                    *led_to = led_to.saturating_add(1);
                }
            }
            step = next;
        }
        Ok(())
    }

    /// What is to be said when all records were given: that the file ends too early, and pieces
    /// that none led to.
    fn close(&mut self) -> Result<Option<Pair<'a>>> {
        let pages = &self.heap.pages;
        if pages.failed().is_some() {
            // What could not be read leads to pieces.
            return Ok(None);
        }
        let last = pages.meta().kept_last_page().filter(|last| last.0 >= pages.count());
        if let Some(last) = last.filter(|_| self.compared == 0) {
            self.compared = 1;
            let from = Origin { page: PageNo::META, offset: LAST_PGNO, what: "last page" };
            return Err(pages.beyond_end(last, from));
        }
        while let Some(&(led_to, pieces)) = self.led_to.get(PageNo(self.compared).index()) {
            let no = PageNo(self.compared);
            self.compared = self.compared.saturating_add(1);
            if led_to != pieces {
                return Err(Error::corrupt(no, at::ENTRIES, Defect::Pieces { pieces, led_to }));
            }
        }
        Ok(None)
    }
}

/// The records that begin on one page, in a scan of all.
#[derive(Clone, Debug)]
pub(super) struct HeapItems<'a> {
    pages: &'a Pages<'a>,
    page: HeapPage<'a>,
    slots: std::ops::Range<u32>,
}

impl<'a> HeapItems<'a> {
    /// Those of a page; `None`, if it is none of records.
    pub(super) fn of(pages: &'a Pages<'a>, no: PageNo) -> Result<Option<Self>> {
        let page = HeapPage::open(pages, no, Origin { page: no, offset: 0, what: "page" })?;
        Ok(page.map(|page| HeapItems { pages, page, slots: 0..page.table.slots() }))
    }

    pub(super) fn no(&self) -> PageNo {
        self.page.no
    }
}

impl<'a> Iterator for HeapItems<'a> {
    type Item = Result<(RecordId, Item<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let slot = u16::try_from(self.slots.next()?).ok()?;
            let id = RecordId { page: self.page.no, slot };
            match self.page.item(slot) {
                Ok(Some(placed)) if placed.item.starts() => {
                    return Some(Ok((id, value(self.pages, id, placed))));
                }
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
