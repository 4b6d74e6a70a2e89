//! Overflow chains, as far as they go (database-format, "Overflow chains").

use byteorder::ByteOrder;

use super::file::File;
use super::item::Chain;
use super::note::{Note, Notes};
use super::record::{Bytes, Recovered};
use super::report::SalvageReport;
use crate::bits::Bits;
use crate::error::{Defect, Error};
use crate::format::page::{Page, PageKind, at};
use crate::types::PageNo;

/// Which overflow pages were given with a record: once, or twice.
///
/// A damaged item may lead into the chain of a sound one, so a page may be given a
/// second time, with a note. Never a third time: so all chains of a file together
/// take linear time.
#[derive(Clone, Debug)]
pub(super) struct Chains {
    once: Bits,
    twice: Bits,
    /// Pages of chains that belong to internal pages. Releases up to 4.4 let them
    /// share the chain of a key on a leaf.
    internal: Bits,
    /// Pages to which the one before them does not lead, with that one's number: where chains
    /// may go on whose link was lost. Found when the first such link is met.
    torn: Option<Vec<(u32, u32)>>,
}

impl Chains {
    pub(super) fn new(file: &File<'_>) -> Self {
        let none = file.no_pages();
        Chains { once: none.clone(), twice: none.clone(), internal: none, torn: None }
    }

    /// Whether the page is known to belong to an item.
    pub(super) fn has(&self, no: PageNo) -> bool {
        self.once.has(no) || self.internal.has(no)
    }

    /// The bytes of a chain that an item on a page leads to. `seen`: pages that belong to
    /// something else.
    pub(super) fn follow<'s, O: ByteOrder>(
        &mut self,
        file: &File<'s>,
        seen: &Bits,
        page: PageNo,
        chain: Chain,
        notes: &mut Notes,
        report: &mut SalvageReport,
    ) -> Recovered<'s> {
        let expected = u64::from(chain.len);
        let (mut pieces, mut sum) = (Vec::new(), 0u64);
        let (mut from, mut next) = (0, chain.first.0);
        let (holder, at) = (page, usize::from(chain.at));
        let mut link = (holder, at.saturating_add(4));
        loop {
            let page = match self.link::<O>(file, seen, (from, next), link, sum < expected) {
                Ok(Some(page)) if page.pgno() == next && page.prev() == from => page,
                Ok(None) if sum >= expected => break,
                lost => {
                    match (self.rejoin::<O>(file, from, expected.saturating_sub(sum)), lost) {
                        (Some((no, page)), _) => {
                            let link_to = Defect::Link { link: "next", found: next, expected: no };
                            report.problem(Error::corrupt(link.0, link.1, link_to));
                            notes.add(Note::Joined);
                            next = no;
                            page
                        }
                        // Not confirmed, but nobody else's.
                        (None, Ok(Some(page))) => page,
                        (None, lost) => {
                            if let Err(error) = lost {
                                report.problem(error);
                            }
                            break;
                        }
                    }
                }
            };
            let no = PageNo(next);
            let confirmed = page.pgno() == next && page.prev() == from;
            if !self.once.mark(no) {
                notes.add(Note::ChainShared);
                let twice = || Error::corrupt(link.0, link.1, Defect::ReachedTwice { target: next });
                if !self.twice.mark(no) {
                    report.problem(twice());
                    break;
                }
                if from == 0 {
                    report.problem(twice());
                }
            }
            let page_notes = file.inspect(&page, no, 0, report);
            let data = page.bytes().get(file.overhead()..).unwrap_or(&[]);
            let len = usize::from(page.hf_offset());
            let piece = data.get(..len).unwrap_or(data);
            if !confirmed || !page_notes.is_empty() || piece.len() != len || len == 0 {
                notes.add(Note::ChainPage);
            }
            if piece.len() != len || len == 0 {
                let defect = Defect::Field {
                    field: "bytes of overflow data",
                    found: u64::from(page.hf_offset()),
                    expected: "at least 1 and no more than fit the page",
                };
                report.problem(Error::corrupt(no, at::HF_OFFSET, defect));
            }
            pieces.push(piece);
            sum = sum.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            link = (no, at::NEXT);
            (from, next) = (next, page.next());
        }
        if sum != expected {
            let defect = Defect::ChainLength { found: sum, expected: chain.len };
            report.problem(Error::corrupt(holder, at.saturating_add(8), defect));
        }
        match sum.cmp(&expected) {
            std::cmp::Ordering::Less if sum == 0 => Recovered::Missing,
            std::cmp::Ordering::Less => Recovered::Part { bytes: Bytes::many(pieces), expected: chain.len },
            std::cmp::Ordering::Equal => Recovered::Whole(Bytes::many(pieces)),
            std::cmp::Ordering::Greater => {
                notes.add(Note::ChainLength);
                Recovered::Whole(Bytes::many(pieces))
            }
        }
    }

    /// The page that a link of a chain leads to: none at its end, and an error if it is no part
    /// of the chain. `wanted`: whether the chain has to go on.
    fn link<'s, O: ByteOrder>(
        &self,
        file: &File<'s>,
        seen: &Bits,
        (from, next): (u32, u32),
        (holder, at): (PageNo, usize),
        wanted: bool,
    ) -> Result<Option<Page<'s, O>>, Error> {
        if next == 0 {
            return Ok(None);
        }
        let no = PageNo(next);
        let wrong = |defect| Err(Error::corrupt(holder, at, defect));
        let Some(page) = file.page::<O>(no) else {
            return wrong(Defect::BeyondEnd { what: "overflow page", target: next, pages: file.pages });
        };
        match PageKind::from_byte(page.type_byte()) {
            Some(PageKind::Overflow) => {}
            _ if no == PageNo::META || seen.has(no) => {
                return wrong(Defect::ReachedTwice { target: next });
            }
            _ => {
                let wrong = Defect::PageType { found: page.type_byte(), expected: "overflow" };
                let empty = Defect::Unwritten { page: holder, offset: at };
                return Err(Error::corrupt(no, at::TYPE, if page.is_hole() { empty } else { wrong }));
            }
        }
        // A link that the page confirms is no loop, and no way into another chain.
        if page.pgno() == next && page.prev() == from {
            return Ok(Some(page));
        }
        if self.once.has(no) {
            return wrong(Defect::ReachedTwice { target: next });
        }
        if !wanted || self.leads_elsewhere::<O>(file, no, &page, from) {
            let defect = Defect::Link { link: "previous", found: page.prev(), expected: from };
            return Err(Error::corrupt(no, at::PREV, defect));
        }
        Ok(Some(page))
    }

    /// Whether a page belongs to another chain: the page before it says so, too.
    fn leads_elsewhere<O: ByteOrder>(
        &self,
        file: &File<'_>,
        no: PageNo,
        page: &Page<'_, O>,
        from: u32,
    ) -> bool {
        let before = PageNo::link(page.prev()).filter(|before| before.0 != from);
        before.and_then(|before| file.page::<O>(before)).is_some_and(|before| {
            PageKind::from_byte(before.type_byte()) == Some(PageKind::Overflow) && before.next() == no.0
        })
    }

    /// Where a chain goes on behind a page whose link was lost: on the only page that has this
    /// one before it, whose chain is nobody else's and has the length that is missing.
    fn rejoin<'s, O: ByteOrder>(
        &mut self,
        file: &File<'s>,
        from: u32,
        missing: u64,
    ) -> Option<(u32, Page<'s, O>)> {
        PageNo::link(from)?;
        let torn = self.torn.get_or_insert_with(|| torn::<O>(file));
        let candidates = torn.get(torn.partition_point(|(prev, _)| *prev < from)..).unwrap_or(&[]);
        let mut candidates = candidates.iter().take_while(|(prev, _)| *prev == from);
        let (&(_, first), None) = (candidates.next()?, candidates.next()) else { return None };
        let (mut before, mut next, mut sum) = (from, first, 0u64);
        while let Some(page) = PageNo::link(next).and_then(|no| file.page::<O>(no)) {
            let is_piece = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
            let confirmed = page.pgno() == next && page.prev() == before;
            sum = sum.saturating_add(page.hf_offset().into());
            if !is_piece || !confirmed || page.hf_offset() == 0 || sum > missing || self.has(PageNo(next)) {
                return None;
            }
            (before, next) = (next, page.next());
        }
        let page = file.page::<O>(PageNo(first)).filter(|_| next == 0 && sum == missing)?;
        Some((first, page))
    }

    /// The bytes of a chain that no item leads to, from a page on.
    pub(super) fn rest<'s, O: ByteOrder>(
        &mut self,
        file: &File<'s>,
        first: PageNo,
        report: &mut SalvageReport,
    ) -> (Bytes<'s>, Notes) {
        let (mut pieces, mut notes) = (Vec::new(), Notes::default());
        let (mut from, mut next) = (None, first);
        while let Some(page) = file.page::<O>(next) {
            let is_piece = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
            let confirmed = from.is_none_or(|from: PageNo| page.prev() == from.0);
            if !is_piece || !confirmed || self.has(next) || !self.once.mark(next) {
                break;
            }
            notes = notes.with(file.inspect(&page, next, 0, report));
            let data = page.bytes().get(file.overhead()..).unwrap_or(&[]);
            pieces.push(data.get(..usize::from(page.hf_offset())).unwrap_or(data));
            (from, next) = (Some(next), PageNo(page.next()));
        }
        (Bytes::many(pieces), notes)
    }

    /// Marks the chain of a key on an internal page.
    pub(super) fn mark_internal<O: ByteOrder>(&mut self, file: &File<'_>, first: PageNo) {
        let (mut from, mut next) = (0, first.0);
        while let Some(page) = PageNo::link(next).and_then(|no| file.page::<O>(no)) {
            let is_piece = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
            if !is_piece || page.prev() != from || !self.internal.mark(PageNo(next)) {
                return;
            }
            (from, next) = (next, page.next());
        }
    }
}

/// Overflow pages to which the page before them does not lead, by the number of that page.
fn torn<O: ByteOrder>(file: &File<'_>) -> Vec<(u32, u32)> {
    let piece = |no| {
        let page = file.page::<O>(no)?;
        (PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow)).then_some(page)
    };
    let prev = |no| {
        let page = piece(PageNo(no)).filter(|page| page.pgno() == no)?;
        let before = PageNo::link(page.prev())?;
        let answered = piece(before).is_some_and(|before| before.next() == no);
        (!answered).then_some((before.0, no))
    };
    let mut torn: Vec<_> = file.numbers().filter_map(prev).collect();
    torn.sort_unstable();
    torn
}

/// Whether an overflow chain can start on a page.
pub(super) fn is_head<O: ByteOrder>(file: &File<'_>, no: PageNo) -> bool {
    file.page::<O>(no).is_some_and(|page| {
        let is_piece = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
        is_piece && page.pgno() == no.0 && page.prev() == 0
    })
}
