//! The records of a QUEUE: by their flags, with numbers from page and slot (database-format,
//! annex B).

use std::collections::BTreeMap;

use super::flat::{Claim, Found, Segment};
use super::geometry::Geometry;
use super::note::{Note, Notes};
use super::owner::Owner;
use super::place::{Origin, Place, Provenance};
use super::record::{Bytes, Key, Recovered};
use super::report::SalvageReport;
use crate::error::{Defect, Error};
use crate::format::meta::Field;
use crate::format::page::at;
use crate::format::queue::{self as format, Record};
use crate::meta::Queue as Numbers;
use crate::types::PageNo;

/// Pages that are looked at to find the length of records.
const WITNESSES: usize = 64;

/// A QUEUE as a salvage sees it.
#[derive(Debug)]
pub(super) struct Queue<'s> {
    pages: Vec<QueuePage<'s>>,
    numbers: Numbers,
    header: usize,
    /// Whether the length of records was found by looking at them.
    guessed: bool,
    /// Whether the range of numbers is known.
    ranged: bool,
}

/// A page, as a place in its file and by its number.
#[derive(Clone, Copy, Debug)]
struct QueuePage<'s> {
    bytes: &'s [u8],
    /// The number that counts, and the one on the page where that is another.
    no: PageNo,
    says: Option<PageNo>,
    /// Bytes before it in its file.
    start: u64,
    notes: Notes,
}

pub(super) fn of<'s>(
    segments: Vec<Segment<'s>>,
    claim: Option<Claim<'s>>,
    geometry: Geometry,
    owner: Owner,
    report: &mut SalvageReport,
) -> (Queue<'s>, Owner) {
    let number = |field| claim.and_then(|claim| claim.number(field));
    let starts = claim.is_some_and(|claim| claim.layout.place(Field::Start).is_some());
    let last = number(Field::CurRecno).unwrap_or(0);
    let mut numbers = Numbers {
        start: if starts { number(Field::Start).unwrap_or(1).max(1) } else { 1 },
        first: number(Field::FirstRecno).unwrap_or(0).max(1),
        next: if starts { last.wrapping_add(1) } else { last }.max(1),
        record_length: number(Field::ReLen).unwrap_or(0),
        pad: number(Field::RePad).map_or(b' ', |pad| pad.to_le_bytes()[0]),
        per_page: number(Field::RecPage).unwrap_or(0),
        extent_pages: number(Field::PageExt).unwrap_or(0),
    };
    let size = geometry.page_size();
    let header = geometry.queue_header();
    let all: Vec<&[u8]> = segments
        .iter()
        .flat_map(|segment| segment.bytes.chunks(size.bytes()).skip(usize::from(segment.main)))
        .filter(|page| page.len() > header && page.iter().any(|&byte| byte != 0))
        .collect();
    let fits = format::per_page(size.get(), header, numbers.record_length);
    let sound = fits > 0 && fits == numbers.per_page;
    let mut guessed = false;
    if !sound || claim.is_none() {
        if let Some(length) = length(&all, header, size.get(), &numbers) {
            guessed = length != numbers.record_length;
            numbers.record_length = length;
        }
        let found = format::per_page(size.get(), header, numbers.record_length);
        if let Some(claim) = claim {
            let stated = numbers.per_page;
            let (field, wrong) = if found == stated {
                (Field::ReLen, number(Field::ReLen).unwrap_or(0))
            } else {
                (Field::RecPage, stated)
            };
            let expected = "one that fits the pages";
            report.problem(Error::field(PageNo::META, claim.at(field), field.name(), wrong, expected));
        }
        numbers.per_page = found;
    }
    let found = segments.iter().any(|segment| !segment.main);
    if found
        && (numbers.extent_pages == 0
            || !extent_size_fits(&segments, size.bytes(), numbers.extent_pages, geometry))
    {
        let seen = extent_size(&segments, size.bytes(), geometry);
        if let Some(claim) = claim {
            let (stated, expected) = (numbers.extent_pages, "that of the files beside this one");
            report.problem(Error::field(
                PageNo::META,
                claim.at(Field::PageExt),
                "page_ext",
                stated,
                expected,
            ));
        }
        numbers.extent_pages = seen.unwrap_or(numbers.extent_pages);
    }
    let ranged = claim.is_some() && !numbers.is_empty();
    let pages = pages(&segments, &numbers, geometry, ranged, report);
    let owner = owner.with_queue(numbers.record_length, numbers.pad, numbers.extent_pages);
    (Queue { pages, numbers, header, guessed, ranged }, owner)
}

/// How far the flags of all slots of a size are ones that a library writes.
fn flags_fit(pages: &[&[u8]], header: usize, slot: usize) -> bool {
    let (mut known, mut unknown, mut valid) = (0usize, 0usize, 0usize);
    for page in pages.iter().take(WITNESSES) {
        let room = page.len().saturating_sub(header);
        let slots = room.checked_div(slot).unwrap_or(0);
        for flags in page.iter().skip(header).step_by(slot).take(slots) {
            if *flags > 3 {
                unknown = unknown.saturating_add(1);
            } else {
                known = known.saturating_add(1);
                valid = valid.saturating_add(usize::from(flags & format::VALID != 0));
            }
        }
    }
    valid > 0 && unknown.saturating_mul(50) <= known
}

/// The length of records: what the metadata says, if the flags then stand where they should; or
/// else that which puts them there.
fn length(pages: &[&[u8]], header: usize, size: u32, numbers: &Numbers) -> Option<u32> {
    let slot_of = |length| format::slot_size(length).map(|slot| PageNo(slot).index());
    let room = size.saturating_sub(u32::try_from(header).unwrap_or(u32::MAX));
    if slot_of(numbers.record_length)
        .is_some_and(|slot| slot <= PageNo(room).index() && flags_fit(pages, header, slot))
    {
        return Some(numbers.record_length);
    }
    let all = || (1..=room >> 2).map(|words| words << 2);
    let by_count = all().filter(|slot| room.checked_div(*slot) == Some(numbers.per_page));
    let slot = by_count.chain(all()).find(|slot| flags_fit(pages, header, PageNo(*slot).index()))?;
    // What pads a slot is zero in all of them.
    let unused = (0..3usize).take_while(|back| {
        let behind = PageNo(slot).index().saturating_sub(1).saturating_sub(*back);
        pages.iter().take(WITNESSES).all(|page| {
            let slots = page.chunks_exact(PageNo(slot).index());
            let mut slots = page.get(header..).map_or(slots, |rest| rest.chunks_exact(PageNo(slot).index()));
            slots.all(|slot| slot.get(behind).is_none_or(|&byte| byte == 0))
        })
    });
    slot.checked_sub(1)?.checked_sub(u32::try_from(unused.count()).ok()?)
}

/// The number on a page, as far as its header can be believed.
fn own_number(page: &[u8], geometry: Geometry) -> Option<PageNo> {
    geometry.endianness().u32_at(page, at::PGNO).filter(|&no| no != 0).map(PageNo)
}

/// Whether the files beside have as many pages as the number on the first page of one says: not of
/// the first file, which begins with page 1 however many it has.
fn extent_size_fits(segments: &[Segment<'_>], size: usize, pages: u32, geometry: Geometry) -> bool {
    let later = segments.iter().filter_map(|segment| {
        let first = own_number(segment.bytes.get(..size)?, geometry)?;
        Some((segment.extent.filter(|&number| number > 0)?, first))
    });
    let mut later = later.peekable();
    later.peek().is_none()
        || later.any(|(number, first)| {
            let expected = number.checked_mul(pages).and_then(|pages| pages.checked_add(1));
            expected.is_some_and(|expected| expected == first.0 || expected.swap_bytes() == first.0)
        })
}

/// The size of extents on which most of their first pages agree.
fn extent_size(segments: &[Segment<'_>], size: usize, geometry: Geometry) -> Option<u32> {
    let mut votes = BTreeMap::<u32, usize>::new();
    for segment in segments {
        let Some(number) = segment.extent.filter(|&number| number > 0) else { continue };
        let first = segment.bytes.get(..size).and_then(|page| own_number(page, geometry));
        let Some(behind) = first.and_then(|first| first.0.checked_sub(1)) else { continue };
        if behind.checked_rem(number) == Some(0) {
            let count = votes.entry(behind.checked_div(number).unwrap_or(0)).or_default();
            *count = count.saturating_add(1);
        }
    }
    votes.into_iter().filter(|(pages, _)| *pages > 0).max_by_key(|(_, votes)| *votes).map(|(pages, _)| pages)
}

/// All pages, in the order of their numbers.
///
/// The number on a page counts where the page is in another place than it was written to:
/// no other page has that number in its own place, and records can have it.
fn pages<'s>(
    segments: &[Segment<'s>],
    numbers: &Numbers,
    geometry: Geometry,
    ranged: bool,
    report: &mut SalvageReport,
) -> Vec<QueuePage<'s>> {
    let size = geometry.page_size().bytes();
    let mut found = Vec::new();
    for segment in segments {
        let first = match (segment.main, segment.extent) {
            (true, _) => Some(0),
            (false, Some(number)) => {
                number.checked_mul(numbers.extent_pages).and_then(|no| no.checked_add(1))
            }
            // Without its main file and its name an extent has the numbers on its pages.
            (false, None) => None,
        };
        let own = |page| own_number(page, geometry);
        let first = first.or_else(|| own(segment.bytes)?.0.into());
        for (place, bytes) in (0u32..).zip(segment.bytes.chunks(size)) {
            if (segment.main && place == 0) || bytes.iter().all(|&byte| byte == 0) {
                continue;
            }
            let Some(position) = first.and_then(|first| first.checked_add(place)) else { continue };
            let start = u64::from(place).saturating_mul(u64::from(geometry.page_size().get()));
            let says = own(bytes).filter(|own| own.0 != position);
            // Release 3.2 wrote the headers of extents in the order of its machine.
            let says = says.filter(|own| segment.main || own.0.swap_bytes() != position);
            let notes = Notes::default();
            found.push((QueuePage { bytes, no: PageNo(position), says, start, notes }, segment.main));
        }
    }
    let mut in_place: Vec<PageNo> =
        found.iter().filter(|(page, _)| page.says.is_none()).map(|(page, _)| page.no).collect();
    in_place.sort_unstable();
    let can_be = |no: &PageNo| {
        let last = numbers.per_page.saturating_sub(1);
        !ranged
            || [0, last]
                .iter()
                .any(|&slot| numbers.record(*no, slot).is_some_and(|record| numbers.contains(record)))
    };
    let mut pages: Vec<QueuePage<'s>> = Vec::new();
    for (mut page, main) in found {
        let no = page.no;
        if let Some(says) = page.says {
            report.problem(Error::corrupt(no, at::PGNO, Defect::PageNumber { found: says.0 }));
            page.notes.add(Note::PageNumber);
            if in_place.binary_search(&says).is_err() && can_be(&says) {
                page.no = says;
            }
        }
        if page.bytes.len() < size {
            let len = u64::try_from(page.bytes.len()).unwrap_or(u64::MAX);
            report.problem(Error::field(no, 0, "length", len, "a whole page"));
            page.notes.add(Note::Cut);
        }
        let codec = geometry.codec();
        let checked = if main { codec.check(page.bytes, no) } else { codec.check_of_extent(page.bytes, no) };
        if let Err(error) = checked {
            report.problem(error);
            page.notes.add(Note::Checksum);
        }
        pages.push(page);
    }
    pages.sort_by_key(|page| page.no);
    pages
}

/// A walk over the records, by their pages; from the first that is not consumed.
#[derive(Debug)]
pub(super) struct Walk<'s> {
    queue: &'s Queue<'s>,
    /// The page, and how many were gone through.
    at: usize,
    left: usize,
    slot: u32,
}

impl<'s> Walk<'s> {
    pub(super) fn new(queue: &'s Queue<'s>) -> Self {
        let (first, _) = queue.numbers.place(queue.numbers.first);
        let wraps = queue.ranged && queue.numbers.first > queue.numbers.last();
        let at = if wraps { queue.pages.partition_point(|page| page.no < first) } else { 0 };
        let left = queue.pages.len();
        Walk { queue, at: if at < left { at } else { 0 }, left, slot: 0 }
    }

    pub(super) fn next(&mut self, report: &mut SalvageReport) -> Option<Found<'s>> {
        let queue = self.queue;
        loop {
            if self.left == 0 {
                return None;
            }
            let page = queue.pages.get(self.at)?;
            if self.slot >= queue.numbers.per_page {
                self.left = self.left.saturating_sub(1);
                self.at = self.at.saturating_add(1);
                if self.at >= queue.pages.len() {
                    self.at = 0;
                }
                self.slot = 0;
                continue;
            }
            let slot = self.slot;
            self.slot = slot.saturating_add(1);
            if let Some(found) = queue.record(page, slot, report) {
                return Some(found);
            }
        }
    }
}

impl<'s> Queue<'s> {
    /// What stands in a slot: a record, or what is left of a deleted one.
    fn record(&self, page: &QueuePage<'s>, slot: u32, report: &mut SalvageReport) -> Option<Found<'s>> {
        let size = format::slot_size(self.numbers.record_length).map(|size| PageNo(size).index())?;
        let at = size.checked_mul(PageNo(slot).index())?.checked_add(self.header)?;
        let record = Record::at(page.bytes, self.header, self.numbers.record_length, slot);
        let (flags, value) = match record {
            Some(record) => (record.flags, Recovered::Whole(Bytes::one(record.bytes))),
            // The file ends within the page.
            None => {
                let (&flags, bytes) = page.bytes.get(at..)?.split_first()?;
                let expected = self.numbers.record_length;
                (flags, Recovered::Part { bytes: Bytes::one(bytes), expected })
            }
        };
        if flags == 0 {
            return None;
        }
        let number = self.numbers.record(page.no, slot);
        let mut notes = page.notes;
        if flags > 3 {
            report.problem(Error::field(page.no, at, "flags of a record", flags, "0 to 3"));
            notes.add(Note::Header);
        }
        if self.guessed {
            notes.add(Note::Length);
        }
        let inside = !self.ranged || number.is_some_and(|number| self.numbers.contains(number));
        let origin = match (flags & format::VALID != 0, inside) {
            (false, _) => Origin::Deleted,
            (true, true) => Origin::Tree,
            (true, false) => Origin::Orphan,
        };
        if origin == Origin::Orphan {
            let (first, last) = (self.numbers.first, self.numbers.last());
            let defect = Defect::Stray { records: 1, record: number.unwrap_or(0), first, last };
            report.problem(Error::corrupt(page.no, at, defect));
        }
        let place = Place::Slot(u16::try_from(slot).unwrap_or(u16::MAX));
        let offset = page.start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX)).saturating_add(1);
        let provenance = Provenance { page: page.no, says: page.says, offset, place, origin };
        Some(Found { key: Key::Record(number), value, provenance, notes })
    }
}
