//! HASH 1 to 3 (other-releases, "HASH 1 and 2" and "HASH 3 (1.86, krb5)").

use std::collections::BTreeSet;

use super::Check;
use crate::format::checksum;
use crate::format::hash::PROBE;
use crate::format::series1::hash::{self as format, Field, Header, Page, Page3, Words, at3};
use crate::key_hash::KeyHash;
use crate::meta::series1_objection;
use crate::pages::Origin;
use crate::pages::series1::{BIG_PAGE, BigPage};
use crate::types::PageNo;
use crate::verify::finding::Rule;

/// Bits of a page of bits that are told of one by one.
const TOLD: u32 = 8;

/// What was found in the buckets.
struct Table<'h> {
    header: &'h Header,
    /// Whether the function that placed the keys is known.
    hashed: bool,
    pairs: u64,
    /// Addresses of overflow pages that have a place.
    used: BTreeSet<u32>,
    /// Pages that are empty where a bucket or an address leads.
    bucket: u32,
}

impl Check<'_, '_, '_> {
    pub(super) fn table(&self, header: &Header) {
        self.tail(u64::try_from(Header::length(header.version)).unwrap_or(u64::MAX));
        let hash = |key: &[u8]| self.hash(key);
        let mut table =
            Table { header, hashed: hash(PROBE) == header.probe, pairs: 0, used: BTreeSet::new(), bucket: 0 };
        let is_sound = self.header(header);
        if !table.hashed {
            let text = "keys were placed by a function of its own: their buckets are not checked";
            self.report.note(Rule::Bucket, PageNo::META, Header::place(header.version, Field::Charkey), text);
        }
        table.hashed &= is_sound;
        self.bit_pages(&mut table);
        let at = Header::place(header.version, Field::Spares);
        let from = Origin { page: PageNo::META, offset: at, what: "bucket page" };
        let mut bucket = Some(0);
        while let Some(number) = bucket.filter(|number| *number <= header.max_bucket) {
            if self.report.sink.full() {
                return;
            }
            let no = header.bucket_page(number);
            if no >= self.pages.count() {
                self.expect_uncut(PageNo(no), from);
                // All later buckets of this doubling lie beyond the end, too.
                bucket = u32::try_from(Header::point(number)).ok().and_then(|point| 1u32.checked_shl(point));
                continue;
            }
            table.bucket = number;
            self.bucket_chain(&mut table, PageNo(no), from);
            bucket = number.checked_add(1);
        }
        let counted = u64::from(header.keys);
        if counted != table.pairs {
            let text = format!("{counted} keys, but there are {}", table.pairs);
            let at = Header::place(header.version, Field::Keys);
            // Every pair is counted: of fewer some are lost.
            if table.pairs < counted {
                self.report.error(Rule::Elements, PageNo::META, at, text);
            } else {
                self.report.warning(Rule::Elements, PageNo::META, at, text);
            }
        }
        if is_sound {
            self.bits(&table);
        }
    }

    fn hash(&self, key: &[u8]) -> u32 {
        match self.pages.file().key_hash() {
            KeyHash::Release => checksum::plain(key),
            KeyHash::Custom(hash) => hash(key),
        }
    }

    /// The numbers of the header that fit one another; whether they do.
    fn header(&self, header: &Header) -> bool {
        let mut sound = true;
        let mut wrong = |rule, field: Field, text: String| {
            sound = false;
            self.report.error(rule, PageNo::META, Header::place(header.version, field), text);
        };
        if 1u32.checked_shl(header.page_shift) != Some(header.page_size) {
            let text = format!("bshift is {}, of pages of {} bytes", header.page_shift, header.page_size);
            wrong(Rule::Metadata, Field::PageShift, text);
        }
        if let Some((field, found, expected)) = series1_objection(header) {
            wrong(Rule::Masks, field, format!("{} is {found}, expected {expected}", field.name()));
        }
        let needed = Header::length(header.version).div_ceil(PageNo(header.page_size).index());
        if PageNo(header.pages).index() < needed {
            let text = format!("{} pages of header, expected {needed} or more", header.pages);
            wrong(Rule::Spares, Field::HeaderPages, text);
        }
        let point = Header::point(header.max_bucket);
        if PageNo(header.ovfl_point).index() != point {
            let text = format!("ovfl_point is {}, expected {point}", header.ovfl_point);
            wrong(Rule::Spares, Field::OvflPoint, text);
        }
        let spares = header.spares.iter().zip(header.spares.iter().skip(1)).take(point);
        for (at, (before, next)) in spares.enumerate() {
            if before > next {
                let text = format!("spares fall from {before} to {next} at {at}");
                wrong(Rule::Spares, Field::Spares, text);
                break;
            }
        }
        sound
    }

    /// Notes the pages of bits.
    fn bit_pages(&self, table: &mut Table<'_>) {
        let at = Header::place(table.header.version, Field::Bitmaps);
        for (index, &address) in table.header.bitmaps.iter().enumerate().filter(|(_, address)| **address != 0)
        {
            let offset = at.saturating_add(index.saturating_mul(2));
            let from = Origin { page: PageNo::META, offset, what: "page of bits" };
            let no = PageNo(table.header.overflow_page(address));
            table.used.extend(table.header.bit(address));
            // It is written when the file is closed.
            if no.0 < self.pages.count() && self.reach(no, from) {
                self.report.sink.page();
            }
        }
    }

    /// The address of a page that is in use.
    fn use_address(&self, table: &mut Table<'_>, address: u16, from: Origin) -> PageNo {
        let (point, number) = format::split_address(address);
        if number == 0 || point > table.header.ovfl_point {
            let text =
                format!("{} has the address {address:#06x}, which is that of no overflow page", from.what);
            self.report.error(Rule::Link, from.page, from.offset, text);
        }
        table.used.extend(table.header.bit(address));
        PageNo(table.header.overflow_page(address))
    }

    /// A page beyond the end is one that was never written, unless the file was cut there.
    fn expect_uncut(&self, no: PageNo, from: Origin) {
        if no.0 == self.pages.count() && self.pages.tail() > 0 {
            self.report.reader(&self.pages.beyond_end(no, from));
        }
    }

    /// Checks the pages of a bucket.
    fn bucket_chain(&self, table: &mut Table<'_>, first: PageNo, from: Origin) {
        let (mut next, mut chained) = (Some((first, from)), false);
        while let Some((no, from)) = next {
            // What lies beyond the end is empty, like a page that was never written.
            if chained && no.0 >= self.pages.count() {
                self.expect_uncut(no, from);
                let text = format!("{} {no} lies beyond the end: it is taken for empty", from.what);
                self.report.warning(Rule::Link, from.page, from.offset, text);
                return;
            }
            if !self.reach(no, from) {
                return;
            }
            self.report.sink.page();
            let Some(bytes) = self.pages.raw(no) else { return };
            next = match table.header.has_page_numbers() {
                true => self.page3(table, no, bytes, chained),
                false => self.page2(table, no, bytes),
            };
            chained = true;
        }
    }

    fn page2(&self, table: &mut Table<'_>, no: PageNo, bytes: &[u8]) -> Option<(PageNo, Origin)> {
        let page = Page::new(bytes, self.pages.order());
        let report = &self.report;
        if !page.has_words() {
            let text = format!("{} words on the page, expected twos that fit it", page.words());
            report.error(Rule::Entries, no, 0, text);
            return None;
        }
        if page.mark().is_some() {
            table.pairs = table.pairs.saturating_add(1);
            let from = Origin { page: no, offset: 2, what: BIG_PAGE };
            let (address, from) = self.big_pair(table, no, from)?;
            let from = Origin { what: "next page of the bucket", ..from };
            return Some((self.use_address(table, address, from), from));
        }
        let (lowest, mut end, entries) = (page.end_of_words(), bytes.len(), page.entries());
        let mut next = None;
        for entry in 0..entries {
            let at = Page::entry_at(entry);
            match page.entry(entry) {
                Words::Next(address) if entry.saturating_add(1) == entries => {
                    let from = Origin { page: no, offset: at, what: "next page of the bucket" };
                    next = Some((self.use_address(table, address, from), from));
                }
                Words::Next(_) => {
                    report.error(
                        Rule::BucketItem,
                        no,
                        at,
                        "the address of another page before other entries",
                    );
                }
                Words::Mark(mark) => {
                    let text = format!("mark {mark} of a big pair behind other entries");
                    report.error(Rule::BucketItem, no, at, text);
                }
                Words::Pair(key, data) => {
                    let Some(bytes) = bytes.get(key..end).filter(|_| data >= lowest && data <= key) else {
                        let text =
                            format!("a key at {key} and data at {data}, expected from {lowest} to {end}");
                        report.error(Rule::ItemOffset, no, at, text);
                        return next;
                    };
                    self.placed(table, no, at, bytes);
                    end = data;
                }
            }
        }
        // A page from which all pairs went may say anything.
        if end < bytes.len() && page.lowest() != end {
            let text = format!("items start at {end}, but the page says {}", page.lowest());
            report.error(Rule::ItemArea, no, lowest.saturating_sub(2), text);
        }
        next
    }

    fn page3(
        &self,
        table: &mut Table<'_>,
        no: PageNo,
        bytes: &[u8],
        chained: bool,
    ) -> Option<(PageNo, Origin)> {
        let page = Page3::new(bytes, self.pages.order());
        let report = &self.report;
        if page.is_hole() {
            return None;
        }
        if page.pgno() != no.0 {
            let text = format!("the page says that it is page {}", page.pgno());
            report.error(Rule::PageNumber, no, at3::PGNO, text);
            return None;
        }
        let expected = if chained { format::OVERFLOW } else { format::BUCKET };
        if page.kind() != expected {
            let text = format!("page type {}, expected {expected}", page.kind());
            report.error(Rule::PageType, no, at3::TYPE, text);
            return None;
        }
        let (lowest, mut end) = (page.end_of_slots(), bytes.len());
        if lowest > end {
            let text = format!("{} pairs, whose slots do not fit the page", page.pairs());
            report.error(Rule::Entries, no, at3::PAIRS, text);
            return None;
        }
        for pair in 0..page.pairs() {
            let at = Page3::slot_at(pair);
            let (key, data) = page.slots(pair);
            if key == 0 {
                let from = Origin { page: no, offset: at.saturating_add(2), what: BIG_PAGE };
                let first = self.use_address(table, data, from);
                table.pairs = table.pairs.saturating_add(1);
                if self.reach(first, from) {
                    self.big_pair(table, first, from);
                }
                continue;
            }
            let data = usize::from(data);
            let Some(bytes) = bytes.get(key..end).filter(|_| data >= lowest && data <= key) else {
                let text = format!("a key at {key} and data at {data}, expected from {lowest} to {end}");
                report.error(Rule::ItemOffset, no, at, text);
                break;
            };
            self.placed(table, no, at, bytes);
            end = data;
        }
        let from = Origin { page: no, offset: at3::NEXT, what: "next page of the bucket" };
        (page.next() != format::NO_PAGE).then(|| {
            self.use_page(table, PageNo(page.next()));
            (PageNo(page.next()), from)
        })
    }

    /// A page of HASH 3 that is in use, by its number.
    fn use_page(&self, table: &mut Table<'_>, no: PageNo) {
        let header = table.header;
        // The doubling behind whose last bucket it stands.
        let point = (0..32u32).rev().find(|&point| {
            let last = 1u32.checked_shl(point).unwrap_or(0).wrapping_sub(1);
            header.bucket_page(last) < no.0
        });
        let Some(point) = point.filter(|point| *point <= header.ovfl_point) else { return };
        let last = header.bucket_page(1u32.checked_shl(point).unwrap_or(0).wrapping_sub(1));
        let address = no.0.checked_sub(last).and_then(|number| u16::try_from(number).ok());
        let address = address
            .filter(|number| *number < 0x800)
            .map(|number| u16::try_from(point).unwrap_or(0).wrapping_shl(11) | number);
        table.used.extend(address.and_then(|address| header.bit(address)));
    }

    /// Checks the pages of a big pair whose first page was reached; gives the address with which
    /// the bucket goes on.
    fn big_pair(&self, table: &mut Table<'_>, first: PageNo, from: Origin) -> Option<(u16, Origin)> {
        let (mut no, mut origin, mut in_data) = (first, from, false);
        let mut key = Vec::new();
        loop {
            self.report.sink.page();
            let page = match BigPage::of(self.pages, no, origin, in_data) {
                Ok(page) => page,
                Err(error) => {
                    self.report.reader(&error);
                    return None;
                }
            };
            key.extend_from_slice(page.key);
            let Some((next, from, data)) = page.next else {
                if table.hashed {
                    self.in_bucket(table, first, 2, &key);
                }
                let behind = page.behind;
                return behind.map(|(address, offset)| (address, Origin { page: no, offset, ..origin }));
            };
            if table.header.has_page_numbers() {
                self.use_page(table, next);
            } else if let Some(address) =
                self.pages.raw(no).and_then(|raw| Page::new(raw, self.pages.order()).link())
            {
                self.use_address(table, address, from);
            }
            if !self.reach(next, from) {
                return None;
            }
            (no, origin, in_data) = (next, from, data);
        }
    }

    /// Counts a pair, and checks that its key belongs to the bucket.
    fn placed(&self, table: &mut Table<'_>, no: PageNo, at: usize, key: &[u8]) {
        table.pairs = table.pairs.saturating_add(1);
        if table.hashed {
            self.in_bucket(table, no, at, key);
        }
    }

    fn in_bucket(&self, table: &Table<'_>, no: PageNo, at: usize, key: &[u8]) {
        let expected = table.header.bucket(self.hash(key));
        if expected != table.bucket {
            let text = format!("a key of bucket {expected} stands in bucket {}", table.bucket);
            self.report.error(Rule::Bucket, no, at, text);
        }
    }

    /// Compares the pages of bits with the pages that are in use.
    fn bits(&self, table: &Table<'_>) {
        let header = table.header;
        let point = PageNo(header.ovfl_point).index();
        let pages = header.spares.get(point).copied().unwrap_or(0);
        let per_page = header.page_size.saturating_mul(8).max(1);
        let (mut free, mut lost) = (0u32, 0u32);
        for bit in 0..pages.min(self.pages.count()) {
            let index = PageNo(bit.checked_div(per_page).unwrap_or(0)).index();
            let Some(&address) = header.bitmaps.get(index).filter(|address| **address != 0) else { return };
            let map = PageNo(header.overflow_page(address));
            let at = bit.checked_rem(per_page).unwrap_or(0);
            let word = PageNo(at >> 5).index().saturating_mul(4);
            let Some(raw) = self.pages.raw(map) else { return };
            let word = self.pages.order().u32_at(raw, word).unwrap_or(0);
            let (marked, used) = (word >> (at & 31) & 1 != 0, table.used.contains(&bit));
            let page = header.page_of_bit(bit).unwrap_or(0);
            let offset = PageNo(at >> 3).index();
            if used && !marked {
                free = free.saturating_add(1);
                if free <= TOLD {
                    let text = format!("page {page} is in use, but marked as free: it would be written over");
                    self.report.error(Rule::Once, map, offset, text);
                }
            } else if marked && !used {
                lost = lost.saturating_add(1);
                if lost <= TOLD {
                    let text = format!("page {page} is marked as in use, but nothing leads to it");
                    self.report.warning(Rule::Unreferenced, map, offset, text);
                }
            }
        }
    }
}
