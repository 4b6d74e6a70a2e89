//! Page size, byte order and the place of index arrays: from page 0 where it tells
//! them, and from the pages themselves.
//!
//! Every page carries its own number, at byte 8 in every version (database-format,
//! "Header"). Only with the right page size and byte order do these numbers rise by
//! one from page to page, so pages that say so are votes.

use byteorder::ByteOrder;

use super::item::read;
use super::leaf;
use crate::error::{Error, Result};
use crate::format::meta::{self as layout, Field, Layout, at};
use crate::format::page::{
    HEADER, HEADER_CHECKSUMMED, HEADER_ENCRYPTED, Page, PageKind, is_leaf, slot_offset,
};
use crate::format::seal::Seal;
use crate::meta::{self, DatabaseKind, FileKind};
use crate::method::Method;
use crate::order::{Endianness, with_order};
use crate::pages::Codec;
use crate::types::{PageNo, PageSize};

/// Pages looked at in each attempt, before all are.
const SAMPLE: usize = 256;
/// Votes that cannot be an accident.
const CERTAIN: u32 = 3;
/// Voting pages that are asked where their index starts.
const WITNESSES: usize = 16;

/// How a file is divided into pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    page_size: PageSize,
    endianness: Endianness,
    seal: Seal,
    first: u32,
    told: bool,
    assumed: bool,
}

impl Geometry {
    /// Size of all pages.
    #[must_use]
    pub fn page_size(&self) -> PageSize {
        self.page_size
    }

    /// Byte order of the file.
    #[must_use]
    pub fn endianness(&self) -> Endianness {
        self.endianness
    }

    /// Whether pages carry checksums, or codes (database-format, "Checksums and encryption").
    #[must_use]
    pub fn checksummed(&self) -> bool {
        self.seal != Seal::None
    }

    /// Whether pages were encrypted (database-format, "Encrypted files").
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.seal == Seal::Encrypted
    }

    /// Number of the first page that is there: 0, unless the start of the file is cut off.
    #[must_use]
    pub fn first_page(&self) -> PageNo {
        PageNo(self.first)
    }

    /// Whether page 0 says the same; if not, it was found by looking at the pages, or
    /// forced.
    #[must_use]
    pub fn told(&self) -> bool {
        self.told
    }

    /// Whether nothing in the file speaks for a database: neither page 0 nor any other page,
    /// only the caller, who said how it is divided.
    #[must_use]
    pub fn assumed(&self) -> bool {
        self.assumed
    }

    /// That of a file without trees and buckets.
    pub(super) fn of(page_size: PageSize, endianness: Endianness, seal: Seal, told: bool) -> Geometry {
        Geometry { page_size, endianness, seal, first: 0, told, assumed: false }
    }

    /// That of a file of the 1.x series.
    pub(super) fn of_series1(
        page_size: PageSize,
        endianness: Endianness,
        first: u32,
        told: bool,
    ) -> Geometry {
        Geometry { page_size, endianness, seal: Seal::None, first, told, assumed: false }
    }

    /// Whether so many keys can be required on a page (database-format, "Overflow thresholds").
    pub(crate) fn fits_keys(&self, min_key: u32) -> bool {
        let room = self.page_size.bytes().saturating_sub(self.overhead());
        let each = usize::try_from(min_key).ok().and_then(|keys| room.checked_div(keys.checked_mul(2)?));
        each.is_some_and(|each| each > 10)
    }

    /// Where index arrays start (database-format, "Where the index array starts").
    pub(super) fn overhead(&self) -> usize {
        self.codec().overhead()
    }

    /// How ordinary pages are sealed.
    pub(super) fn codec(&self) -> Codec {
        Codec::new(self.seal, self.endianness)
    }

    /// Where records start on the pages of a QUEUE.
    pub(super) fn queue_header(&self) -> usize {
        self.seal.queue_header()
    }
}

/// What the caller knows better, or was proven before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forced {
    pub(super) page_size: Option<PageSize>,
    pub(super) endianness: Option<Endianness>,
    /// Whether the pages were encrypted, and are open.
    pub(super) opened: bool,
}

impl Forced {
    /// Where index arrays may start.
    fn overheads(self) -> &'static [usize] {
        if self.opened { &[HEADER_ENCRYPTED] } else { &[HEADER, HEADER_CHECKSUMMED] }
    }
}

/// A page size and a byte order, and the pages that vote for them.
struct Candidate {
    page_size: PageSize,
    endianness: Endianness,
    first: u32,
    votes: u32,
    /// How many of them cannot be an accident: their items lie as only a library lays them.
    strong: u32,
    /// Some of these pages, by their place in the file.
    witnesses: Vec<PageNo>,
}

/// Finds out how a file is divided.
///
/// # Errors
///
/// What the file is instead, if neither page 0 nor any page speaks for a database
/// of these versions.
pub(super) fn find(bytes: &[u8], forced: Forced) -> Result<Geometry> {
    let refuse = || expect_items(bytes);
    let claim = claim(bytes);
    let fits = |size: PageSize, order: Endianness| {
        forced.page_size.is_none_or(|s| s == size) && forced.endianness.is_none_or(|o| o == order)
    };
    let sizes = || (9..=16).filter_map(|bits| PageSize::new(1 << bits));
    let orders = [Endianness::Little, Endianness::Big];
    let candidates =
        || sizes().flat_map(move |size| orders.map(|order| (size, order))).filter(|c| fits(c.0, c.1));
    let claimed = |c: &Candidate| claim == Some((c.page_size, c.endianness));
    let vote = |(size, order), first, sample| with_order!(order, O => poll::<O>(bytes, size, order, first, sample, forced.overheads()));
    let best =
        |sample| candidates().map(|c| vote(c, 0, sample)).max_by_key(|c| (c.votes, claimed(c), c.strong));
    // The same for files whose first pages are missing.
    let best_of_cut = || {
        let first = |(size, order)| with_order!(order, O => majority::<O>(bytes, size));
        let candidates = candidates().filter_map(|c| Some((c, first(c)?)));
        candidates.map(|(c, first)| vote(c, first, usize::MAX)).max_by_key(|c| (c.votes, c.strong))
    };
    let certain = |c: &Candidate| c.votes >= CERTAIN || (c.votes > 0 && claimed(c));
    // In a file that says that it is something else, or if the pages are not where they would
    // belong, some numbers may fit by accident.
    let is_series1 = matches!(FileKind::of(bytes), FileKind::Series1 { .. });
    let foreign = is_series1 || refuse().is_err_and(|error| is_foreign(&error));
    let credible = |c: &Candidate| {
        let fits = claimed(c) && c.votes > 0 || c.votes >= CERTAIN;
        c.strong > 0 || (c.first == 0 && fits && !foreign)
    };
    let claimed_one = claim.filter(|c| fits(c.0, c.1)).map(|c| vote(c, 0, SAMPLE));
    let found = match claimed_one.filter(certain).or_else(|| best(SAMPLE).filter(certain)) {
        Some(found) => Some(found),
        None => {
            let (whole, cut) = (best(usize::MAX).filter(credible), best_of_cut().filter(credible));
            let votes = |c: &Option<Candidate>| c.as_ref().map_or(0, |c| c.votes);
            if votes(&cut) > votes(&whole) { cut } else { whole }
        }
    };
    let found = found.filter(credible).or_else(|| {
        // No page speaks: page 0 alone, or the caller, must do.
        if foreign {
            return None;
        }
        let (size, order) = claim.map_or((None, None), |(size, order)| (Some(size), Some(order)));
        let page_size = forced.page_size.or(size)?;
        let endianness = forced.endianness.or(order).unwrap_or(Endianness::Little);
        Some(Candidate { page_size, endianness, first: 0, votes: 0, strong: 0, witnesses: Vec::new() })
    });
    let Some(found) = found else {
        refuse()?;
        if bytes.len() < layout::LENGTH {
            return Err(Error::TooShort { len: u64::try_from(bytes.len()).unwrap_or(u64::MAX) });
        }
        return Err(Error::PageSize { found: Endianness::Little.u32_at(bytes, at::PAGE_SIZE).unwrap_or(0) });
    };
    if foreign {
        // Version 1 of QUEUE gave its pages the type of HASH, so these do not speak against it.
        let is_hash = |no: &PageNo| {
            with_order!(found.endianness, O => {
                page_at::<O>(bytes, found.page_size, no.0).is_some_and(|page| is_unsorted_hash(&page))
            })
        };
        if found.witnesses.iter().all(is_hash) {
            refuse()?;
        }
    }
    let told = claimed(&found) && found.first == 0;
    let (page_size, endianness) = (found.page_size, found.endianness);
    let seen = with_order!(endianness, O => testimony::<O>(bytes, &found));
    let layout =
        Layout::of_page(bytes, endianness).filter(|layout| told && layout.generation().has_checksums());
    let field = |field| layout.and_then(|layout| layout.number(bytes, field, endianness)).unwrap_or(0);
    let hash = endianness.u32_at(bytes, at::MAGIC) == Some(layout::HASH_MAGIC);
    let method = if hash { Method::Hash } else { Method::Btree };
    let stated = (method, endianness.u32_at(bytes, at::VERSION).unwrap_or(0));
    let encrypted = match field(Field::EncryptAlg) {
        _ if forced.opened => false,
        0 => false,
        // The one algorithm there is; or one that no file has, if the pages are unreadable.
        1 => seen.silent(),
        _ => seen.silent() && seen.asked > 0,
    };
    if encrypted {
        refuse()?;
        let (method, version) = stated;
        return Err(Error::Encrypted { method, version, order: endianness });
    }
    let has = |bits: u8| field(Field::Metaflags) & u32::from(bits) != 0;
    let checksummed = match seen.plain.cmp(&seen.shifted) {
        _ if seen.sums > 0 => true,
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Greater => false,
        std::cmp::Ordering::Equal => has(layout::CHECKSUMMED),
    };
    let seal = Seal::of(forced.opened, checksummed);
    let assumed = found.votes == 0 && claim.is_none();
    Ok(Geometry { page_size, endianness, seal, first: found.first, told, assumed })
}

/// Refuses a file that says that its pages are no trees and no buckets.
fn expect_items(bytes: &[u8]) -> Result<()> {
    let order = meta::identify(bytes)?;
    let kind = FileKind::of(bytes);
    if let FileKind::Series1 { .. } = kind {
        return meta::parse(&kind, bytes).map(drop);
    }
    match kind.database() {
        Some(DatabaseKind { method: method @ (Method::Queue | Method::Heap), version, .. }) => {
            Err(Error::UnsupportedMethod { method: *method, version: *version, order })
        }
        _ => Ok(()),
    }
}

/// Whether the first bytes say that a file is something else than a database of pages of
/// BTREE, RECNO or HASH.
fn is_foreign(error: &Error) -> bool {
    matches!(
        error,
        Error::UnsupportedMethod { .. }
            | Error::Series1 { .. }
            | Error::LogFile { .. }
            | Error::Placeholder
            | Error::Extent
    )
}

/// What page 0 says, if it says something possible.
fn claim(bytes: &[u8]) -> Option<(PageSize, Endianness)> {
    [Endianness::Little, Endianness::Big].into_iter().find_map(|order| {
        let magic = order.u32_at(bytes, at::MAGIC)?;
        let size = PageSize::new(order.u32_at(bytes, at::PAGE_SIZE)?)?;
        meta::is_database_magic(magic).then_some((size, order))
    })
}

/// Counts pages that carry their own number, among `sample` from all over the file,
/// if the first one there has the number `first`.
fn poll<O: ByteOrder>(
    bytes: &[u8],
    page_size: PageSize,
    endianness: Endianness,
    first: u32,
    sample: usize,
    overheads: &[usize],
) -> Candidate {
    let pages = bytes.len().div_ceil(page_size.bytes());
    // The first pages one by one, the rest in steps. Page 0 cannot vote: its number
    // is that of all zeroed pages.
    let dense = sample / 2;
    let step = pages.saturating_sub(dense).checked_div(dense).unwrap_or(0).max(1);
    let start = usize::from(first == 0);
    let mut candidate =
        Candidate { page_size, endianness, first, votes: 0, strong: 0, witnesses: Vec::new() };
    for place in (start..pages.min(dense)).chain((dense.max(start)..pages).step_by(step)) {
        let Some((place, pgno)) = numbered::<O>(bytes, page_size, place) else { continue };
        if pgno != place.saturating_add(first) {
            continue;
        }
        let strong = page_at::<O>(bytes, page_size, place).is_some_and(|page| is_filled(&page, overheads));
        candidate.votes = candidate.votes.saturating_add(1);
        candidate.strong = candidate.strong.saturating_add(u32::from(strong));
        if candidate.witnesses.len() < WITNESSES {
            candidate.witnesses.push(PageNo(place));
        }
    }
    candidate
}

/// The number on a page, if its header is one of a kind that can be here.
fn numbered<O: ByteOrder>(bytes: &[u8], page_size: PageSize, place: usize) -> Option<(u32, u32)> {
    let page = Page::<O>::new(bytes.get(place.checked_mul(page_size.bytes())?..)?)?;
    let kind = PageKind::from_byte(page.type_byte())?;
    is_known(kind, page.level()).then_some((u32::try_from(place).ok()?, page.pgno()))
}

/// The number of the first page by what most pages say, if it is not 0.
fn majority<O: ByteOrder>(bytes: &[u8], page_size: PageSize) -> Option<u32> {
    let (mut leader, mut lead) = (0, 0u32);
    for place in 0..bytes.len().div_ceil(page_size.bytes()) {
        let Some((place, pgno)) = numbered::<O>(bytes, page_size, place) else { continue };
        let Some(first) = pgno.checked_sub(place) else { continue };
        if lead == 0 {
            leader = first;
        }
        lead = if leader == first { lead.saturating_add(1) } else { lead.saturating_sub(1) };
    }
    (leader > 0).then_some(leader)
}

/// Whether a page of this kind, on this level, can stand in a file that holds BTREE, RECNO
/// or HASH. Releases 2.x left the level of free pages as it was.
fn is_known(kind: PageKind, level: u8) -> bool {
    use PageKind::{BtreeInternal, Heap, HeapMeta, HeapRegion, Invalid, QueueData, QueueMeta, RecnoInternal};
    match kind {
        QueueMeta | QueueData | HeapMeta | Heap | HeapRegion => false,
        BtreeInternal | RecnoInternal => level > 1,
        Invalid => true,
        _ => level == leaf::level_of(kind),
    }
}

/// What the voting pages say about their headers.
#[derive(Default)]
struct Testimony {
    asked: u32,
    /// Index right behind the header.
    plain: u32,
    /// Index behind a checksum.
    shifted: u32,
    /// Right checksums.
    sums: u32,
}

impl Testimony {
    fn silent(&self) -> bool {
        self.plain == 0 && self.shifted == 0 && self.sums == 0
    }
}

fn testimony<O: ByteOrder>(bytes: &[u8], candidate: &Candidate) -> Testimony {
    let mut seen = Testimony::default();
    for no in &candidate.witnesses {
        let Some(page) = page_at::<O>(bytes, candidate.page_size, no.0) else { continue };
        let count = |counter: &mut u32, yes| *counter = counter.saturating_add(u32::from(yes));
        let (plain, shifted) = (index_fits(&page, HEADER), index_fits(&page, HEADER_CHECKSUMMED));
        count(&mut seen.asked, page.entries() > 0);
        count(&mut seen.plain, plain && !shifted);
        count(&mut seen.shifted, shifted && !plain);
        let sum = Codec::new(Seal::Checksum, candidate.endianness).check(page.bytes(), *no);
        count(&mut seen.sums, sum.is_ok());
    }
    seen
}

fn page_at<O: ByteOrder>(bytes: &[u8], size: PageSize, place: u32) -> Option<Page<'_, O>> {
    let start = PageNo(place).index().checked_mul(size.bytes())?;
    bytes.get(start..)?.get(..size.bytes()).and_then(Page::new)
}

fn is_unsorted_hash<O: ByteOrder>(page: &Page<'_, O>) -> bool {
    PageKind::from_byte(page.type_byte()) == Some(PageKind::HashUnsorted)
}

/// Whether the items of a leaf or a bucket lie as a library lays them, up to the end of the
/// page; or the page is empty as a new root is.
fn is_filled<O: ByteOrder>(page: &Page<'_, O>, overheads: &[usize]) -> bool {
    let (end, kind) = (page.bytes().len(), PageKind::from_byte(page.type_byte()));
    if matches!(kind, Some(PageKind::Hash | PageKind::HashUnsorted)) {
        return overheads.iter().any(|&overhead| bucket_fits(page, overhead));
    }
    if !kind.is_some_and(is_leaf) {
        return false;
    }
    if page.entries() == 0 {
        let area =
            if page.hf_offset() == 0 { usize::from(u16::MAX).saturating_add(1) } else { page.item_area() };
        return area == end && page.pgno() > 0 && (page.prev(), page.next()) == (0, 0);
    }
    overheads.iter().any(|&overhead| {
        let index = page.bytes().get(overhead..slot_offset(overhead, page.entries())).unwrap_or(&[]);
        let offsets = index.chunks_exact(2).map(|slot| usize::from(O::read_u16(slot)));
        let last =
            offsets.max().and_then(|last| read::<O>(page.bytes(), last, true).map(|item| (last, item)));
        index_fits(page, overhead) && last.is_some_and(|(last, item)| last.saturating_add(item.size) == end)
    })
}

/// Whether the items of a bucket, by an index that starts here, follow one another downwards from
/// the end of the page, each of a known type (database-format, annex A).
fn bucket_fits<O: ByteOrder>(page: &Page<'_, O>, overhead: usize) -> bool {
    let index = page.bytes().get(overhead..slot_offset(overhead, page.entries())).unwrap_or(&[]);
    let mut above = page.bytes().len();
    let falls = index.chunks_exact(2).all(|slot| {
        let at = usize::from(O::read_u16(slot));
        let known = page.bytes().get(at).is_some_and(|kind| matches!(kind, 1..=5));
        known && at < std::mem::replace(&mut above, at)
    });
    falls && !index.is_empty() && page.entries() & 1 == 0 && above == page.item_area()
}

/// Whether an index that starts here points into the item area only, and to its start.
fn index_fits<O: ByteOrder>(page: &Page<'_, O>, overhead: usize) -> bool {
    use PageKind::{BtreeInternal, BtreeLeaf, Duplicate, DuplicateLeaf, RecnoInternal, RecnoLeaf};
    let kind = PageKind::from_byte(page.type_byte());
    if matches!(kind, Some(PageKind::Hash | PageKind::HashUnsorted)) {
        return bucket_fits(page, overhead);
    }
    let indexed = [BtreeInternal, BtreeLeaf, Duplicate, DuplicateLeaf, RecnoInternal, RecnoLeaf];
    if page.entries() == 0 || !kind.is_some_and(|kind| indexed.contains(&kind)) {
        return false;
    }
    let (start, end) = (slot_offset(overhead, page.entries()), page.bytes().len());
    let index = page.bytes().get(overhead..start).unwrap_or(&[]);
    let offsets = || index.chunks_exact(2).map(|slot| usize::from(O::read_u16(slot)));
    offsets().all(|offset| offset & 3 == 0 && offset >= start && offset < end)
        && offsets().min() == Some(page.item_area())
}
