//! QUEUE: records of one length under their numbers (database-format, annex B).

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::item::Item;
use super::pair::{Pair, RecordNo};
use crate::error::{Defect, Error, Result};
use crate::format::meta::Field;
use crate::format::page::{Page, PageKind, at};
use crate::format::queue::Record;
use crate::meta::{Meta, Queue as Numbers};
use crate::order::with_order;
use crate::pages::{Content, Origin, Pages};
use crate::types::PageNo;

/// The records of a QUEUE database.
#[derive(Clone, Debug)]
pub(super) struct Queue<'a> {
    pages: Arc<Pages<'a>>,
    numbers: Numbers,
}

impl<'a> Queue<'a> {
    pub(super) fn new(pages: Arc<Pages<'a>>, numbers: Numbers) -> Self {
        Queue { pages, numbers }
    }

    pub(super) fn pages(&self) -> &Arc<Pages<'a>> {
        &self.pages
    }

    pub(super) fn meta(&self) -> &Meta {
        self.pages.meta()
    }

    /// What reads its pages.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { pages: &self.pages, numbers: self.numbers }
    }
}

/// What reads the pages of a QUEUE.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'p> {
    pages: &'p Pages<'p>,
    numbers: Numbers,
}

impl<'p> Reader<'p> {
    /// That of a file, if it is a QUEUE.
    pub(super) fn of(pages: &'p Pages<'p>) -> Option<Self> {
        pages.meta().queue().map(|&numbers| Reader { pages, numbers })
    }

    fn meta(&self) -> &'p Meta {
        self.pages.meta()
    }

    /// The record of a number: `None` if there is none.
    pub(super) fn record(self, number: u32) -> Result<Option<Pair<'p>>> {
        if !self.numbers.contains(number) {
            return Ok(None);
        }
        let (no, slot) = self.numbers.place(number);
        let Some(page) = self.page(no)? else {
            self.expect_ends()?;
            return Ok(None);
        };
        let record = self.slot(no, page, slot)?;
        Ok(record.is_valid().then(|| self.pair(number, record)))
    }

    fn pair(self, number: u32, record: Record<'p>) -> Pair<'p> {
        let key = Item::new(self.pages, Content::Here(&[]));
        Pair::numbered(key, self.value(record), RecordNo::after(number.checked_sub(1)))
    }

    fn value(self, record: Record<'p>) -> Item<'p> {
        Item::new(self.pages, Content::Here(record.bytes))
    }

    /// The bytes of a page; `None` if it is not there, or was never written.
    pub(super) fn page(self, no: PageNo) -> Result<Option<&'p [u8]>> {
        let pages = self.pages;
        let Some(raw) = pages.raw(no) else { return pages.unread(no).map_or(Ok(None), Err) };
        let beside = pages.extents().is_some();
        with_order!(pages.order(), O => {
            let Some(page) = Page::<O>::new(raw) else { return Ok(None) };
            if page.is_hole() && raw.iter().all(|&byte| byte == 0) {
                return Ok(None);
            }
            let codec = pages.codec();
            if beside { codec.check_of_extent(raw, no)? } else { codec.check(raw, no)? }
            // Release 3.2 wrote the headers of extents in the order of its machine.
            let found = page.pgno();
            if found != no.0 && !(beside && found.swap_bytes() == no.0) {
                return Err(Error::corrupt(no, at::PGNO, Defect::PageNumber { found }));
            }
            // Pages are told by where they are: some releases gave them the type of HASH.
            match PageKind::from_byte(page.type_byte()) {
                Some(PageKind::QueueData | PageKind::HashUnsorted | PageKind::Invalid) => Ok(Some(raw)),
                _ => {
                    let defect = Defect::PageType { found: page.type_byte(), expected: "queue data" };
                    Err(Error::corrupt(no, at::TYPE, defect))
                }
            }
        })
    }

    fn header(self) -> usize {
        self.meta().seal().queue_header()
    }

    /// The record in a slot of a page, whether it is valid or not.
    fn slot(self, no: PageNo, page: &'p [u8], slot: u32) -> Result<Record<'p>> {
        let record = Record::at(page, self.header(), self.numbers.record_length, slot);
        let Some(record) = record else {
            let at = self.meta().at(Field::RecPage);
            return Err(Error::field(
                PageNo::META,
                at,
                "rec_page",
                self.numbers.per_page,
                "as many as fit a page",
            ));
        };
        if record.has_known_flags() {
            return Ok(record);
        }
        Err(Error::field(no, record.at, "flags of a record", record.flags, "0 to 3"))
    }

    /// The first and the last record have their pages, if there are any records.
    fn expect_ends(self) -> Result<()> {
        if self.numbers.is_empty() {
            return Ok(());
        }
        let ends = [(Field::FirstRecno, self.numbers.first), (Field::CurRecno, self.numbers.last())];
        for (field, record) in ends {
            let (no, _) = self.numbers.place(record);
            if self.pages.raw(no).is_some() {
                continue;
            }
            if let Some(error) = self.pages.unread(no) {
                return Err(error);
            }
            if let (Some(extents), Some(number)) = (self.pages.extents(), self.numbers.extent(no)) {
                if extents.get(number).is_none() {
                    return Err(Error::MissingFile { path: extents.path(number) });
                }
            }
            let offset = self.meta().at(field);
            let what = if field == Field::FirstRecno {
                "page of the first record"
            } else {
                "page of the last record"
            };
            return Err(self.pages.beyond_end(no, Origin { page: PageNo::META, offset, what }));
        }
        Ok(())
    }

    /// The records on a page whose numbers are not those of the queue.
    fn strays(self, no: PageNo) -> Result<Option<Error>> {
        let slots = 0..self.numbers.per_page;
        let inside =
            |slot: u32| self.numbers.record(no, slot).is_some_and(|record| self.numbers.contains(record));
        let last = self.numbers.per_page.saturating_sub(1);
        let is_whole = self.numbers.ranges().iter().flatten().any(|range| {
            [0, last]
                .iter()
                .all(|&slot| self.numbers.record(no, slot).is_some_and(|record| range.contains(&record)))
        });
        // What is wrong with a page inside was said already, and nobody asked for those outside.
        if is_whole || self.pages.unread(no).is_some() {
            return Ok(None);
        }
        let Some(page) = self.page(no)? else { return Ok(None) };
        let (mut records, mut first) = (0u32, None);
        for slot in slots.filter(|&slot| !inside(slot)) {
            let record = Record::at(page, self.header(), self.numbers.record_length, slot);
            if record.is_some_and(|record| record.is_valid() && record.has_known_flags()) {
                records = records.saturating_add(1);
                first = first.or_else(|| Some((slot, self.numbers.record(no, slot).unwrap_or(0))));
            }
        }
        Ok(first.map(|(slot, record)| {
            let offset = Record::at(page, self.header(), self.numbers.record_length, slot)
                .map_or(0, |record| record.at);
            let (first, last) = (self.numbers.first, self.numbers.last());
            Error::corrupt(no, offset, Defect::Stray { records, record, first, last })
        }))
    }
}

/// A walk over the records of a QUEUE, in their order.
#[derive(Clone, Debug)]
pub(super) struct QueueWalk<'a> {
    queue: Reader<'a>,
    /// Ranges of numbers still to come.
    ranges: std::iter::Flatten<std::array::IntoIter<Option<RangeInclusive<u32>>, 2>>,
    /// The numbers of the range, its pages still to come, and the slots of the page.
    range: Option<(RangeInclusive<u32>, u32)>,
    page: Option<(PageNo, &'a [u8], std::ops::Range<u32>)>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Start,
    Records,
    /// Pages from here on are looked at for records that belong to no number.
    Strays(u32),
    End,
}

/// A walk without the pages that it stands on.
#[derive(Debug)]
pub(super) struct Parked {
    ranges: std::iter::Flatten<std::array::IntoIter<Option<RangeInclusive<u32>>, 2>>,
    range: Option<(RangeInclusive<u32>, u32)>,
    page: Option<(PageNo, std::ops::Range<u32>)>,
    stage: Stage,
}

impl Parked {
    /// Goes on.
    ///
    /// # Errors
    ///
    /// A page that was good before cannot be read again.
    pub(super) fn resume(self, queue: Reader<'_>) -> Result<QueueWalk<'_>> {
        let Parked { ranges, range, page, stage } = self;
        let page = match page {
            Some((no, slots)) => queue.page(no)?.map(|page| (no, page, slots)),
            None => None,
        };
        Ok(QueueWalk { queue, ranges, range, page, stage })
    }
}

impl<'a> QueueWalk<'a> {
    /// Lets go of the pages.
    pub(super) fn park(self) -> Parked {
        let QueueWalk { ranges, range, page, stage, .. } = self;
        Parked { ranges, range, page: page.map(|(no, _, slots)| (no, slots)), stage }
    }

    /// Where the record of a number stands.
    pub(super) fn slot(&self, number: u32) -> (PageNo, u16) {
        let (page, slot) = self.queue.numbers.place(number);
        (page, u16::try_from(slot).unwrap_or(u16::MAX))
    }

    /// How much of the numbers was gone through.
    pub(super) fn share(&self) -> f64 {
        let numbers = &self.queue.numbers;
        let at = match (self.stage, &self.page) {
            (Stage::Start, _) => return 0.0,
            (Stage::Records, Some((no, _, slots))) => numbers.record(*no, slots.start),
            (Stage::Records, None) => self.range.as_ref().and_then(|(_, no)| numbers.record(PageNo(*no), 0)),
            _ => return 1.0,
        };
        let done = at.unwrap_or(numbers.next).wrapping_sub(numbers.first);
        let all = numbers.next.wrapping_sub(numbers.first).max(1);
        (f64::from(done) / f64::from(all)).min(1.0)
    }

    pub(super) fn new(queue: Reader<'a>) -> Self {
        let ranges = queue.numbers.ranges().into_iter().flatten();
        QueueWalk { queue, ranges, range: None, page: None, stage: Stage::Start }
    }

    /// The next record; whatever the error, the call after it goes on.
    pub(super) fn next(&mut self) -> Result<Option<Pair<'a>>> {
        let queue = self.queue;
        loop {
            match self.stage {
                Stage::Start => {
                    self.stage = Stage::Records;
                    queue.expect_ends()?;
                }
                Stage::Records => match self.record()? {
                    Some(pair) => return Ok(Some(pair)),
                    None => self.stage = Stage::Strays(1),
                },
                Stage::Strays(from) => {
                    let Some(no) = queue.pages.page_from(from) else {
                        self.stage = Stage::End;
                        continue;
                    };
                    self.stage = no.checked_add(1).map_or(Stage::End, Stage::Strays);
                    if let Some(error) = queue.strays(PageNo(no))? {
                        return Err(error);
                    }
                }
                Stage::End => return Ok(None),
            }
        }
    }

    /// The next record of the queue's numbers.
    fn record(&mut self) -> Result<Option<Pair<'a>>> {
        let queue = self.queue;
        loop {
            if let Some((no, page, slots)) = &mut self.page {
                let Some(slot) = slots.next() else {
                    self.page = None;
                    continue;
                };
                let (no, record) = (*no, queue.slot(*no, page, slot)?);
                if let Some(number) = queue.numbers.record(no, slot).filter(|_| record.is_valid()) {
                    return Ok(Some(queue.pair(number, record)));
                }
                continue;
            }
            let Some((range, from)) = &mut self.range else {
                let Some(range) = self.ranges.next() else { return Ok(None) };
                let (first, _) = queue.numbers.place(*range.start());
                self.range = Some((range, first.0));
                continue;
            };
            let (last, last_slot) = queue.numbers.place(*range.end());
            let Some(no) = queue.pages.page_from(*from).filter(|no| *no <= last.0) else {
                self.range = None;
                continue;
            };
            let (first, first_slot) = queue.numbers.place(*range.start());
            let start = if no == first.0 { first_slot } else { 0 };
            let end = if no == last.0 { last_slot.saturating_add(1) } else { queue.numbers.per_page };
            match no.checked_add(1) {
                Some(next) => *from = next,
                None => self.range = None,
            }
            let no = PageNo(no);
            if let Some(page) = queue.page(no)? {
                self.page = Some((no, page, start..end));
            }
        }
    }
}

/// The records on one page, in a scan of all.
#[derive(Clone, Debug)]
pub(super) struct QueueItems<'a> {
    queue: Reader<'a>,
    no: PageNo,
    page: &'a [u8],
    slots: std::ops::Range<u32>,
}

impl<'a> QueueItems<'a> {
    /// Those of a page; `None`, if it is not there, or was never written.
    pub(super) fn of(queue: Reader<'a>, no: PageNo) -> Result<Option<Self>> {
        let page = queue.page(no)?;
        Ok(page.map(|page| QueueItems { queue, no, page, slots: 0..queue.numbers.per_page }))
    }

    pub(super) fn no(&self) -> PageNo {
        self.no
    }
}

impl<'a> Iterator for QueueItems<'a> {
    type Item = Result<(u32, Item<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let slot = self.slots.next()?;
            match self.queue.slot(self.no, self.page, slot) {
                Ok(record) if record.is_valid() => {
                    if let Some(number) = self.queue.numbers.record(self.no, slot) {
                        return Some(Ok((number, self.queue.value(record))));
                    }
                }
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
