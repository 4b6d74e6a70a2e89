//! QUEUE: that its records are where its metadata says (database-format, annex B).

use std::fmt::Display;

use super::finding::Rule;
use super::page::Context;
use crate::format::meta::{Field, at as meta_at};
use crate::format::page::{Page, PageKind, at};
use crate::format::queue::Record;
use crate::meta::Queue;
use crate::order::with_order;
use crate::pages::Extents;
use crate::types::PageNo;

/// What is counted over all pages, and where it was met first.
#[derive(Default)]
struct Counts {
    /// Records outside the range: of numbers before it, and behind it.
    before: Tally,
    behind: Tally,
    /// Pages that have the type of HASH, or none.
    mistyped: Tally,
    /// Pages whose headers are in the other order.
    reversed: Tally,
    /// Pages of zeros between the first record and the last.
    zeroed: Tally,
}

#[derive(Default)]
struct Tally {
    number: u32,
    first: Option<(PageNo, u32)>,
}

impl Tally {
    fn add(&mut self, page: PageNo, record: u32) {
        self.number = self.number.saturating_add(1);
        self.first.get_or_insert((page, record));
    }
}

impl Context<'_, '_> {
    /// Checks a QUEUE, with the files beside it.
    pub(super) fn queue(&self, queue: &Queue) {
        self.queue_numbers(queue);
        match self.pages.extents() {
            Some(extents) => self.extents(queue, extents),
            None => self.stray_extents(),
        }
        let mut counts = Counts::default();
        for no in self.pages.runs().flatten().map(PageNo) {
            if self.report.sink.full() {
                return;
            }
            self.report.sink.page();
            self.queue_page(queue, no, &mut counts);
        }
        self.queue_counts(queue, &counts);
    }

    fn of_meta(&self, rule: Rule, field: Field, text: impl Display) {
        self.report.error(rule, PageNo::META, self.meta.at(field), text.to_string());
    }

    /// The numbers that the metadata states, and that the first and the last record have a page.
    fn queue_numbers(&self, queue: &Queue) {
        // Releases 3.0 and 3.1 leave 0 until a record is put.
        let zero_means_none = self.meta.at(Field::Start) != 0;
        let stated = |field| self.pages.order().u32_at(self.pages.raw(PageNo::META)?, self.meta.at(field));
        for field in [Field::FirstRecno, Field::CurRecno] {
            if stated(field) == Some(0) && !zero_means_none {
                self.of_meta(
                    Rule::QueueRange,
                    field,
                    format_args!("{} is 0: numbers start at 1", field.name()),
                );
            }
        }
        if queue.is_empty() {
            return;
        }
        for (field, which, record) in
            [(Field::FirstRecno, "first", queue.first), (Field::CurRecno, "last", queue.last())]
        {
            let (page, _) = queue.place(record);
            if self.pages.raw(page).is_none() {
                let file = queue.extent(page).map_or(String::new(), |number| format!(" of extent {number}"));
                let text = format!("the {which} record is {record}, but its page {page}{file} is not there");
                self.of_meta(Rule::QueueRange, field, text);
            }
        }
    }

    /// Files beside the main file, of a queue that has none.
    fn stray_extents(&self) {
        let file = self.pages.file();
        let (found, _) = Extents::beside(file.path(), file.maps(), file.limits());
        if !found.is_empty() {
            let text = format!("{} extents are beside the file, which says that it has none", found.len());
            let offset = self.meta.at(Field::PageExt);
            self.report.warning(Rule::QueueRange, PageNo::META, offset, text);
        }
    }

    /// The files beside the main file.
    fn extents(&self, queue: &Queue, extents: &Extents<'_>) {
        let size = u64::from(self.pages.size().get());
        let mut inside = 0u32;
        for (number, error) in extents.unread() {
            let first = number.saturating_mul(queue.extent_pages).saturating_add(1);
            let (page, text) = (PageNo(first), error.to_string());
            if queue.pages_of(*number) > 0 {
                inside = inside.saturating_add(1);
                self.report.error(Rule::QueueRange, page, 0, text);
            } else {
                self.report.warning(Rule::QueueRange, page, 0, text);
            }
        }
        for (_, extent) in extents.found() {
            let (number, len) = (extent.number, u64::try_from(extent.bytes().len()).unwrap_or(u64::MAX));
            let first = number.checked_mul(queue.extent_pages).and_then(|pages| pages.checked_add(1));
            let Some(first) = first.filter(|first| queue.record(PageNo(*first), 0).is_some()) else {
                let text = format!(
                    "extent {number} would begin behind the last record that can be, with {} pages in each",
                    queue.extent_pages
                );
                self.of_meta(Rule::QueueRange, Field::PageExt, text);
                continue;
            };
            if len.checked_rem(size).is_some_and(|tail| tail > 0) {
                let page = PageNo(first.saturating_add(extents.whole_pages(extent)));
                let text = format!("extent {number} has {len} bytes, which are no whole pages of {size}");
                self.report.error(Rule::FileSize, page, 0, text);
            }
            if extents.whole_pages(extent) > queue.extent_pages {
                let (pages, most) = (extents.whole_pages(extent), queue.extent_pages);
                let text = format!("extent {number} has {pages} pages, expected {most} at most");
                self.of_meta(Rule::QueueRange, Field::PageExt, text);
            }
            let needed = queue.pages_of(number);
            if extents.whole_pages(extent) < needed {
                let (pages, page) = (extents.whole_pages(extent), PageNo(first));
                let text = format!(
                    "extent {number} has {pages} pages, but records up to its page {needed}: nothing was ever put into \
                     the others, or they are lost"
                );
                self.report.warning(Rule::QueueRange, page, 0, text);
            }
            let in_range = queue.ranges().iter().flatten().any(|range| {
                let [first, last] =
                    [range.start(), range.end()].map(|record| queue.extent(queue.place(*record).0));
                (first..=last).contains(&Some(number))
            });
            inside = inside.saturating_add(u32::from(in_range));
        }
        // Extents that hold no number are told of by the records on them.
        let expected = queue.ranges().iter().flatten().fold(0u32, |sum, range| {
            let [first, last] =
                [range.start(), range.end()].map(|record| queue.extent(queue.place(*record).0));
            let between = last.unwrap_or(0).saturating_sub(first.unwrap_or(0));
            sum.saturating_add(between.saturating_add(1))
        });
        if inside < expected {
            let missing = expected.saturating_sub(inside);
            let text = format!(
                "of {expected} extents {missing} are not there: nothing was ever put into them, or they are lost"
            );
            self.report.warning(Rule::QueueRange, PageNo::META, self.meta.at(Field::PageExt), text);
        }
    }

    fn queue_page(&self, queue: &Queue, no: PageNo, counts: &mut Counts) {
        let (pages, report) = (self.pages, &self.report);
        let Some(raw) = pages.raw(no) else { return };
        let header = self.meta.seal().queue_header();
        let beside = pages.extents().is_some();
        let is_its_own = with_order!(pages.order(), O => {
            let Some(page) = Page::<O>::new(raw) else { return };
            if page.is_hole() {
                // A page that was never written has no records.
                if raw.iter().any(|&byte| byte != 0) {
                    report.error(Rule::PageType, no, at::TYPE, "the header of the page is empty, but not what follows");
                } else if queue.has_numbers(no) {
                    counts.zeroed.add(no, 0);
                }
                return;
            }
            let codec = pages.codec();
            let checked = if beside { codec.check_of_extent(raw, no) } else { codec.check(raw, no) };
            if let Err(error) = checked {
                report.reader(&error);
            }
            match PageKind::from_byte(page.type_byte()) {
                Some(PageKind::QueueData) => {}
                Some(PageKind::HashUnsorted | PageKind::Invalid) => counts.mistyped.add(no, 0),
                _ => {
                    let text = format!("page type {}, expected queue data", page.type_byte());
                    report.error(Rule::PageType, no, at::TYPE, text);
                }
            }
            let reversed = beside && page.pgno() != no.0 && page.pgno().swap_bytes() == no.0;
            if reversed {
                counts.reversed.add(no, 0);
            } else if page.pgno() != no.0 {
                let text = format!("the page says that it is page {}", page.pgno());
                report.error(Rule::PageNumber, no, at::PGNO, text);
            }
            reversed || page.pgno() == no.0
        });
        if !is_its_own {
            return;
        }
        for slot in 0..queue.per_page {
            let Some(record) = Record::at(raw, header, queue.record_length, slot) else { return };
            if !record.has_known_flags() {
                let text =
                    format!("flags {:#04x} of the record in slot {slot}, expected 0 to 3", record.flags);
                report.error(Rule::QueueFlag, no, record.at, text);
            } else if record.is_valid() {
                match queue.record(no, slot) {
                    None => {
                        let text = format!("slot {slot} holds a record, but has no number");
                        report.error(Rule::QueueRange, no, record.at, text);
                    }
                    Some(number) if queue.contains(number) => {}
                    // The nearer end of the range is the one that is wrong.
                    Some(number) => {
                        let (to_first, from_last) =
                            (queue.first.wrapping_sub(number), number.wrapping_sub(queue.last()));
                        let tally =
                            if to_first < from_last { &mut counts.before } else { &mut counts.behind };
                        tally.add(no, number);
                    }
                }
            }
        }
    }

    fn queue_counts(&self, queue: &Queue, counts: &Counts) {
        let (first, last) = (queue.first, queue.last());
        for (tally, field) in [(&counts.before, Field::FirstRecno), (&counts.behind, Field::CurRecno)] {
            if let Some((page, record)) = tally.first {
                let range =
                    if queue.is_empty() { "none".into() } else { format!("those from {first} to {last}") };
                let text = format!(
                    "{} records are not among those of the queue, which has {range}: the first is {record}, on page {page}",
                    tally.number
                );
                self.of_meta(Rule::QueueRange, field, text);
            }
        }
        if let Some((page, _)) = counts.mistyped.first {
            let text = format!(
                "{} pages, this one first, have another type than queue data, as releases 3.0 and 3.2 write it",
                counts.mistyped.number
            );
            self.report.warning(Rule::PageType, page, meta_at::TYPE, text);
        }
        if let Some((page, _)) = counts.zeroed.first {
            let text = format!(
                "{} pages between the first record and the last, this one first, are zeros: nothing was ever put \
                 into them, or it is lost",
                counts.zeroed.number
            );
            self.report.warning(Rule::QueueRange, page, at::TYPE, text);
        }
        if let Some((page, _)) = counts.reversed.first {
            let text = format!(
                "{} pages, this one first, have headers in the order of the machine, as release 3.2 writes extents",
                counts.reversed.number
            );
            self.report.warning(Rule::PageNumber, page, at::PGNO, text);
        }
    }
}
