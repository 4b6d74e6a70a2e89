//! Pages of files of the 1.x series, and items that are longer than their page may hold: overflow
//! chains of trees, and big pairs of HASH (other-releases, "The 1.x series").

use std::borrow::Cow;

use super::place::{Origin, Place};
use super::space::Pages;
use crate::error::{Defect, Error, Result, file_bytes};
use crate::format::series1::hash::{self, Header, Mark, Page3, at3};
use crate::format::series1::tree::{self, HEADER, Kind, Mended};
use crate::meta::Series1;
use crate::order::Endianness;
use crate::types::PageNo;

/// What leads to a page of a chain.
pub(crate) const OVERFLOW_PAGE: &str = "overflow page";
/// What leads to a page of a big pair.
pub(crate) const BIG_PAGE: &str = "page of a big pair";

impl Pages<'_> {
    /// A page to which `from` leads, as it stands.
    ///
    /// # Errors
    ///
    /// The file does not have it, or does not give it.
    pub(crate) fn series1(&self, no: PageNo, from: Origin) -> Result<&[u8]> {
        self.raw(no).ok_or_else(|| self.beyond_end(no, from))
    }

    /// A page of a tree, with its own number on it.
    ///
    /// # Errors
    ///
    /// As [`Pages::series1`]; another number; or a type that no page has.
    pub(crate) fn series1_tree(&self, no: PageNo, from: Origin) -> Result<(tree::Page<'_>, Kind)> {
        let bytes = self.series1(no, from)?;
        let page = tree::Page::new(bytes, self.order()).ok_or_else(|| self.beyond_end(no, from))?;
        if bytes.iter().take(HEADER).all(|&byte| byte == 0) {
            let defect = Defect::Unwritten { page: from.page, offset: from.offset };
            return Err(Error::corrupt(no, tree::at::FLAGS, defect));
        }
        if page.pgno() != no.0 {
            let defect = Defect::PageNumber { found: page.pgno() };
            return Err(Error::corrupt(no, tree::at::PGNO, defect));
        }
        let kind = page.kind().ok_or_else(|| wrong_kind(no, &page, "1, 2, 4, 8 or 16"))?;
        Ok((page, kind))
    }

    /// The header of a HASH file of the series.
    pub(crate) fn series1_table(&self) -> Option<&Header> {
        match self.meta().series1() {
            Some(Series1::Hash(header)) => Some(header),
            _ => None,
        }
    }
}

/// The error for a page of a tree that is of the wrong type.
pub(crate) fn wrong_kind(no: PageNo, page: &tree::Page<'_>, expected: &'static str) -> Error {
    let found = u8::try_from(page.flags() & 0x1f).unwrap_or(u8::MAX);
    Error::corrupt(no, tree::at::FLAGS, Defect::PageType { found, expected })
}

/// Which bytes of the pages behind an item are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All, in a tree.
    All,
    /// The key of a big pair, or its data.
    Key,
    Data,
}

/// An item that stands on pages of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Long {
    first: PageNo,
    len: u32,
    part: Part,
    /// Where the item stands. As small as other contents of an item, which are copied with it.
    page: PageNo,
    offset: u16,
}

impl Long {
    /// An item of a length, from a first page on, which `place` says.
    pub(crate) fn new(first: PageNo, len: u32, part: Part, place: Place) -> Long {
        Long { first, len, part, page: place.page(), offset: place.in_page() }
    }

    fn place(self) -> Place {
        Place::new(self.page, self.offset.into())
    }

    /// Its length, as the item states it.
    pub(crate) fn len(self) -> u32 {
        self.len
    }

    /// Where its first page is named.
    pub(crate) fn origin(self) -> Origin {
        self.place().origin(0, if self.part == Part::All { OVERFLOW_PAGE } else { BIG_PAGE })
    }

    /// All bytes in memory, if the limits allow it.
    pub(crate) fn assemble<'p>(self, pages: &Pages<'_>) -> Result<Cow<'p, [u8]>> {
        let limit = pages.limits().max_item;
        if self.len > limit {
            return Err(Error::LimitExceeded { page: self.first, len: self.len, limit });
        }
        let apart = pages.on_demand().then(|| pages.unbounded());
        let pages = apart.as_ref().unwrap_or(pages);
        let (mut bytes, mut step) = (Vec::new(), LongStep::first(self, pages));
        while let Some((piece, next)) = step.piece(pages, self)? {
            bytes.extend_from_slice(piece);
            step = next;
        }
        Ok(Cow::Owned(bytes))
    }

    /// Goes along its pages and gives each to `visit`: whether all of its bytes are there.
    ///
    /// # Errors
    ///
    /// What is wrong with one of them, or what `visit` says of it.
    pub(crate) fn check(
        self,
        pages: &Pages<'_>,
        mut visit: impl FnMut(PageNo, Origin) -> Result<()>,
    ) -> Result<()> {
        let apart = pages.on_demand().then(|| pages.unbounded());
        let pages = apart.as_ref().unwrap_or(pages);
        let mut step = LongStep::first(self, pages);
        loop {
            if step.left > 0 {
                visit(step.no, step.from)?;
            }
            match step.piece(pages, self)? {
                Some((_, next)) => step = next,
                None => return Ok(()),
            }
        }
    }
}

/// The page of a long item that comes next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LongStep {
    no: PageNo,
    from: Origin,
    /// Bytes still to come.
    left: u32,
    /// Pages that may still be visited: there are no more in the file.
    pages: u32,
    /// Whether the pages have data, not key.
    in_data: bool,
}

impl LongStep {
    pub(crate) fn first(long: Long, pages: &Pages<'_>) -> LongStep {
        LongStep { no: long.first, from: long.origin(), left: long.len, pages: pages.count(), in_data: false }
    }

    /// The next bytes and what follows them, or `None` when all were given.
    pub(crate) fn piece<'p>(
        mut self,
        pages: &'p Pages<'_>,
        long: Long,
    ) -> Result<Option<(&'p [u8], LongStep)>> {
        let file = file_bytes(pages.count(), pages.size());
        if u64::from(long.len) > file {
            return Err(long.place().corrupt(4, Defect::LengthBeyondFile { found: long.len, file }));
        }
        while self.left > 0 {
            let (bytes, next) = self.page(pages, long)?;
            if !bytes.is_empty() {
                return Ok(Some((bytes, next)));
            }
            self = next;
        }
        Ok(None)
    }

    fn page<'p>(self, pages: &'p Pages<'_>, long: Long) -> Result<(&'p [u8], LongStep)> {
        let Some(visits) = self.pages.checked_sub(1) else {
            return Err(Error::corrupt(self.from.page, self.from.offset, Defect::Loop));
        };
        let step = LongStep { pages: visits, ..self };
        if long.part == Part::All {
            let (page, kind) = pages.series1_tree(self.no, self.from)?;
            if kind != Kind::Overflow {
                return Err(wrong_kind(self.no, &page, "overflow (4)"));
            }
            let bytes = page.overflow();
            let bytes = bytes.get(..PageNo(self.left).index()).unwrap_or(bytes);
            let left = self.left.saturating_sub(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            let from = Origin { page: self.no, offset: tree::at::NEXT, what: OVERFLOW_PAGE };
            if left > 0 && page.next() == 0 {
                let found = u64::from(long.len.saturating_sub(left));
                return Err(long.place().corrupt(4, Defect::ChainLength { found, expected: long.len }));
            }
            return Ok((bytes, LongStep { no: PageNo(page.next()), from, left, ..step }));
        }
        let big = BigPage::of(pages, self.no, self.from, self.in_data)?;
        let bytes = if long.part == Part::Key { big.key } else { big.data };
        let left = self.left.saturating_sub(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        match big.next {
            Some((no, from, in_data)) => Ok((bytes, LongStep { no, from, left, in_data, ..step })),
            // What was measured has all its bytes.
            None => Ok((bytes, LongStep { left: 0, ..step })),
        }
    }
}

/// A page of a big pair.
pub(crate) struct BigPage<'p> {
    pub(crate) key: &'p [u8],
    pub(crate) data: &'p [u8],
    /// The page behind it, who leads there, and whether it has data only.
    pub(crate) next: Option<(PageNo, Origin, bool)>,
    /// Of the last page: the address of the page with which the bucket goes on, and where it stands.
    pub(crate) behind: Option<(u16, usize)>,
}

impl<'p> BigPage<'p> {
    /// The page to which `from` leads; `in_data`, if the key ended before it.
    pub(crate) fn of(pages: &'p Pages<'_>, no: PageNo, from: Origin, in_data: bool) -> Result<Self> {
        let bytes = pages.series1(no, from)?;
        let Some(header) = pages.series1_table() else { return Err(pages.beyond_end(no, from)) };
        BigPage::parse(bytes, no, from, in_data, header, pages.order())
    }

    /// As [`BigPage::of`], of the bytes of a page.
    pub(crate) fn parse(
        bytes: &'p [u8],
        no: PageNo,
        from: Origin,
        in_data: bool,
        header: &Header,
        order: Endianness,
    ) -> Result<Self> {
        if header.has_page_numbers() {
            return BigPage::third(bytes, no, order);
        }
        let page = hash::Page::new(bytes, order);
        if page.words() == 0 {
            return Err(Error::corrupt(no, 0, Defect::Unwritten { page: from.page, offset: from.offset }));
        }
        expect_words(no, &page)?;
        let (at, data_at) = page.big_at();
        let wrong = |offset, found: usize, expected| {
            let found = u64::try_from(found).unwrap_or(u64::MAX);
            Err(Error::field(no, offset, "start of a big pair", found, expected))
        };
        let Some(all) = bytes.get(at..).filter(|_| at >= page.end_of_words()) else {
            return wrong(2, at, "an offset behind the words of the page");
        };
        let (nothing, mark) = (all.get(..0).unwrap_or(&[]), page.mark());
        // Where key and data are on one page, the word that is the mark's neighbour is an offset.
        let (key, data, more) = match (mark, in_data) {
            (Some(Mark::PartOfKey), false) => (all, nothing, Some(false)),
            (Some(Mark::EndOfKey), false) => (all, nothing, Some(true)),
            (Some(Mark::Last), false) => {
                let data = bytes.get(data_at..at).filter(|_| page.words() > 2);
                let Some(data) = data.filter(|_| data_at >= page.end_of_words()) else {
                    return wrong(8, data_at, "an offset between the words and the key");
                };
                (all, data, (page.free() == 0).then_some(true))
            }
            (Some(Mark::EndOfKey), true) => (nothing, all, Some(true)),
            (Some(Mark::Last), true) => (nothing, all, None),
            _ => {
                let expected = if in_data { "2 or 3" } else { "1 to 3" };
                let mark = page.word(2);
                return Err(Error::field(no, 4, "mark of a big pair", mark, expected));
            }
        };
        let link = page.link();
        let next = match (more, link) {
            (None, _) => None,
            (Some(in_data), Some(address)) => {
                let origin = Origin { page: no, offset: page.link_at(), what: BIG_PAGE };
                Some((PageNo(header.overflow_page(address)), origin, in_data))
            }
            (Some(_), None) => {
                let found = u64::try_from(page.words()).unwrap_or(u64::MAX);
                return Err(Error::field(no, 0, "words of the page", found, "4, as the pair goes on"));
            }
        };
        let behind = link.filter(|_| next.is_none()).map(|address| (address, page.link_at()));
        Ok(BigPage { key, data, next, behind })
    }

    fn third(bytes: &'p [u8], no: PageNo, order: Endianness) -> Result<Self> {
        let page = Page3::new(bytes, order);
        if page.pgno() != no.0 {
            return Err(Error::corrupt(no, at3::PGNO, Defect::PageNumber { found: page.pgno() }));
        }
        if page.kind() != hash::BIG_PAIR {
            let defect = Defect::PageType { found: page.kind(), expected: "3, of a big pair" };
            return Err(Error::corrupt(no, at3::TYPE, defect));
        }
        let Some((key, data)) = page.big() else {
            let (key, data) = page.slots(0);
            let found = u64::try_from(key.saturating_add(data.into())).unwrap_or(u64::MAX);
            return Err(Error::field(
                no,
                at3::SLOTS,
                "bytes of a big pair",
                found,
                "no more than fit the page",
            ));
        };
        let link = (page.next() != hash::NO_PAGE).then_some(PageNo(page.next()));
        let origin = Origin { page: no, offset: at3::NEXT, what: BIG_PAGE };
        Ok(BigPage { key, data, next: link.map(|next| (next, origin, false)), behind: None })
    }
}

/// The words of a page of HASH 1 or 2 come in twos, and fit it.
pub(crate) fn expect_words(no: PageNo, page: &hash::Page<'_>) -> Result<()> {
    if page.has_words() {
        return Ok(());
    }
    let found = page.word(0);
    let why = if found & 1 == 0 { "more words than fit the page" } else { "words come in twos" };
    Err(Error::corrupt(no, 0, Defect::Entries { found, why }))
}

/// A big pair that was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BigPair {
    pub(crate) key: Long,
    pub(crate) data: Long,
    /// The address of the page with which the bucket goes on, and where it stands.
    pub(crate) behind: Option<(u16, Origin)>,
}

impl BigPair {
    /// Goes along the pages of a pair that begins on one; gives each behind the first, and of HASH 3
    /// the first too, to `visit`.
    ///
    /// # Errors
    ///
    /// What is wrong with one of them, or what `visit` says of it.
    pub(crate) fn measure(
        pages: &Pages<'_>,
        first: PageNo,
        from: Origin,
        mut visit: impl FnMut(PageNo, Origin) -> Result<()>,
    ) -> Result<BigPair> {
        let apart = pages.on_demand().then(|| pages.unbounded());
        let pages = apart.as_ref().unwrap_or(pages);
        let (mut no, mut origin, mut in_data) = (first, from, false);
        let (mut key, mut data, mut left) = (0u64, 0u64, pages.count());
        let len = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        loop {
            left = left
                .checked_sub(1)
                .ok_or_else(|| Error::corrupt(origin.page, origin.offset, Defect::Loop))?;
            let page = BigPage::of(pages, no, origin, in_data)?;
            (key, data) = (key.saturating_add(len(page.key)), data.saturating_add(len(page.data)));
            if let Some(next) = page.next {
                (no, origin, in_data) = next;
                visit(no, origin)?;
                continue;
            }
            let place = Place::new(from.page, from.offset);
            let long = |len, part| Long::new(first, u32::try_from(len).unwrap_or(u32::MAX), part, place);
            let behind = page.behind.map(|(address, offset)| {
                (address, Origin { page: no, offset, what: "next page of the bucket" })
            });
            return Ok(BigPair { key: long(key, Part::Key), data: long(data, Part::Data), behind });
        }
    }
}

/// What the reference to an overflow chain says, and whether it can be so.
pub(crate) fn leads_to_chain(pages: &Pages<'_>, (first, len): (u32, u32)) -> bool {
    let fits = u64::from(len) <= file_bytes(pages.count(), pages.size());
    let is_overflow = |page: &[u8]| {
        let page = tree::Page::new(page, pages.order())?;
        (page.pgno() == first && page.kind() == Some(Kind::Overflow)).then_some(())
    };
    fits && first > 0 && first < pages.count() && pages.look(PageNo(first), is_overflow).is_some()
}

/// The key of a pair whose reference to data stands in the order in which some libraries leave it,
/// and that reference.
pub(crate) fn mended<'p>(pages: &Pages<'_>, pair: &tree::Pair<'p>) -> Option<(Mended<'p>, (u32, u32))> {
    pair.mended(pages.order(), |reference| leads_to_chain(pages, reference))
}
