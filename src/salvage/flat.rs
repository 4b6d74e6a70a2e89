//! Databases whose records stand in no tree and in no bucket: QUEUE and HEAP.
//!
//! What they are is told by page 0, and by their pages, which carry their numbers as all do
//! (database-format, annexes B and C). A QUEUE may have its pages in files beside it.

use byteorder::ByteOrder;

use super::geometry::{Forced, Geometry};
use super::heap::{self, Heap};
use super::note::Notes;
use super::owner::{Name, Owner};
use super::place::Provenance;
use super::queue::{self, Queue};
use super::record::{Key, Recovered};
use super::report::SalvageReport;
use super::series1::{self, Series1};
use super::work::Work;
use crate::format::meta::{self as layout, Field, Layout, at};
use crate::format::page::{Page, PageKind};
use crate::format::seal::Seal;
use crate::method::Method;
use crate::order::{Endianness, with_order};
use crate::pages::{Codec, Extent};
use crate::types::{PageNo, PageSize};

/// Pages that speak for a size and an order, and cannot do so by accident.
const CERTAIN: usize = 3;

/// Pages that are asked for their checksum.
const WITNESSES: usize = 64;

/// A QUEUE or a HEAP, or a file of the 1.x series.
#[derive(Debug)]
pub(super) enum Flat<'s> {
    Queue(Queue<'s>),
    Heap(Heap<'s>),
    Series1(Series1<'s>),
}

/// A record, before it is given.
#[derive(Debug)]
pub(super) struct Found<'s> {
    pub(super) key: Key<'s>,
    pub(super) value: Recovered<'s>,
    pub(super) provenance: Provenance,
    pub(super) notes: Notes,
}

/// The bytes of one file, and the number of its first page as its name has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'s> {
    pub(super) bytes: &'s [u8],
    /// `None` if the number is not known: that of an extent without its main file.
    pub(super) extent: Option<u32>,
    /// Whether it is the main file, with page 0.
    pub(super) main: bool,
}

/// What page 0 says, unchecked.
#[derive(Clone, Copy)]
pub(super) struct Claim<'s> {
    pub(super) page: &'s [u8],
    pub(super) layout: Layout,
    pub(super) order: Endianness,
}

impl Claim<'_> {
    pub(super) fn number(&self, field: Field) -> Option<u32> {
        self.layout.number(self.page, field, self.order)
    }

    pub(super) fn at(&self, field: Field) -> usize {
        self.layout.place(field).map_or(at::VERSION, |(at, _)| at)
    }
}

/// Finds out whether a file is a QUEUE or a HEAP, and how it is divided.
pub(super) fn find<'s>(
    bytes: &'s [u8],
    extents: &'s [Extent<'static>],
    forced: Forced,
    report: &mut SalvageReport,
) -> Option<(Geometry, Flat<'s>, Owner)> {
    let claim = claim(bytes);
    let method = claim.map(|(method, _)| method);
    let alone = extents.is_empty() && claim.is_none() && starts_with_records(bytes);
    let main = Segment { bytes, extent: None, main: !alone };
    let mut segments = vec![main];
    let beside = |extent: &'s Extent<'static>| Segment {
        bytes: extent.bytes(),
        extent: Some(extent.number),
        main: false,
    };
    if method != Some(Method::Heap) {
        segments.extend(extents.iter().map(beside));
    }
    let claimed = claim.and_then(|(_, claim)| PageSize::new(claim.number(Field::PageSize)?));
    let sizes = (9..=16).filter_map(|bits| PageSize::new(1 << bits));
    let orders = [Endianness::Little, Endianness::Big];
    let fits = |size: &PageSize, order: &Endianness| {
        forced.page_size.is_none_or(|known| known == *size)
            && forced.endianness.is_none_or(|known| known == *order)
    };
    let candidates = sizes.flat_map(|size| orders.map(|order| (size, order)));
    let candidates = candidates.filter(|(size, order)| fits(size, order));
    let is_claimed =
        |size, order| claimed == Some(size) && claim.is_some_and(|(_, claim)| claim.order == order);
    let polled = candidates.map(|(size, order)| {
        let votes = with_order!(order, O => votes::<O>(&segments, size, method));
        (votes, is_claimed(size, order), size, order)
    });
    let best = polled.max_by_key(|(votes, claimed, ..)| (votes.total(), *claimed))?;
    let (votes, is_claimed, page_size, order) = best;
    let method = match method {
        Some(method) => method,
        None if votes.total() < CERTAIN.min(pages_of(&segments, page_size)) || votes.total() == 0 => {
            return None;
        }
        None if votes.queue >= votes.heap => Method::Queue,
        None => Method::Heap,
    };
    if votes.total() == 0 && !is_claimed && forced.page_size.is_none() {
        return None;
    }
    let claim = claim.map(|(_, claim)| claim);
    let stated = claim.filter(|claim| claim.layout.generation().has_checksums());
    let stated = stated.and_then(|claim| claim.number(Field::Metaflags));
    let checksummed = stated.is_some_and(|flags| flags & u32::from(layout::CHECKSUMMED) != 0)
        || sums_fit(&segments, page_size, order);
    let seal = Seal::of(forced.opened, checksummed);
    let geometry = Geometry::of(page_size, order, seal, is_claimed);
    let owner = Owner::without_page(Name::Only, method, None);
    Some(match method {
        Method::Queue => {
            let (queue, owner) = queue::of(segments, claim, geometry, owner, report);
            (geometry, Flat::Queue(queue), owner)
        }
        _ => {
            let (heap, owner) = heap::of(bytes, claim, geometry, owner);
            (geometry, Flat::Heap(heap), owner)
        }
    })
}

/// What page 0 says that the file is, if that is one of these. A version that no release wrote is
/// damage.
fn claim(bytes: &[u8]) -> Option<(Method, Claim<'_>)> {
    [Endianness::Little, Endianness::Big].into_iter().find_map(|order| {
        let magic = order.u32_at(bytes, at::MAGIC)?;
        let method = match magic {
            layout::QUEUE_MAGIC => Method::Queue,
            layout::HEAP_MAGIC => Method::Heap,
            _ => return None,
        };
        let page = bytes.get(..layout::LENGTH)?;
        let layout = Layout::of_page(page, order).or_else(|| Layout::newest(magic))?;
        Some((method, Claim { page, layout, order }))
    })
}

/// Whether a file begins with a page of records, as an extent does.
fn starts_with_records(bytes: &[u8]) -> bool {
    let kind = bytes.get(at::TYPE).copied().and_then(PageKind::from_byte);
    kind == Some(PageKind::QueueData)
}

/// How many pages of each kind carry the numbers that they should.
#[derive(Clone, Copy, Default)]
struct Votes {
    queue: usize,
    heap: usize,
}

impl Votes {
    fn total(self) -> usize {
        self.queue.max(self.heap)
    }
}

fn pages_of(segments: &[Segment<'_>], size: PageSize) -> usize {
    let pages = |segment: &Segment<'_>| segment.bytes.len().div_euclid(size.bytes());
    segments.iter().map(pages).fold(0, usize::saturating_add)
}

/// Counts pages of a kind that only these methods have, and that follow one another by their
/// numbers: in a main file as they stand, in an extent from whatever number. `method` is what
/// page 0 says: QUEUE 1 gave its pages the type of HASH.
fn votes<O: ByteOrder>(segments: &[Segment<'_>], size: PageSize, method: Option<Method>) -> Votes {
    let mut votes = Votes::default();
    for segment in segments {
        let mut before: Option<u32> = None;
        for (place, page) in (0u32..).zip(segment.bytes.chunks_exact(size.bytes())) {
            let Some(page) = Page::<O>::new(page) else { continue };
            let (number, old_queue) = (page.pgno(), method == Some(Method::Queue));
            let is_next = match (segment.main, before) {
                (true, _) => place > 0 && number == place,
                // Release 3.2 wrote the headers of extents in the order of its machine.
                (false, Some(before))
                    if old_queue && before.swap_bytes().checked_add(1) == Some(number.swap_bytes()) =>
                {
                    true
                }
                (false, Some(before)) => before.checked_add(1) == Some(number),
                (false, None) => number > 0,
            };
            before =
                Some(number).filter(|&number| number > 0).or(before.and_then(|before| before.checked_add(1)));
            if !is_next {
                continue;
            }
            match PageKind::from_byte(page.type_byte()) {
                Some(PageKind::QueueData) => votes.queue = votes.queue.saturating_add(1),
                Some(PageKind::HashUnsorted | PageKind::Invalid) if old_queue => {
                    votes.queue = votes.queue.saturating_add(1);
                }
                Some(PageKind::Heap | PageKind::HeapRegion) => votes.heap = votes.heap.saturating_add(1),
                _ => {}
            }
        }
    }
    votes
}

/// Whether some page carries its checksum.
fn sums_fit(segments: &[Segment<'_>], size: PageSize, order: Endianness) -> bool {
    let codec = Codec::new(Seal::Checksum, order);
    let pages = segments.iter().flat_map(|segment| {
        let first = usize::from(segment.main);
        segment.bytes.chunks_exact(size.bytes()).skip(first)
    });
    let mut filled = pages.filter(|page| page.iter().any(|&byte| byte != 0)).take(WITNESSES);
    filled.any(|page| codec.check(page, PageNo::META).is_ok())
}

/// A walk over the records.
#[derive(Debug)]
pub(super) enum Walk<'s> {
    Queue(queue::Walk<'s>),
    Heap(heap::Walk<'s>),
    Series1(series1::Walk<'s>),
}

impl<'s> Walk<'s> {
    pub(super) fn new(flat: &'s Flat<'s>) -> Self {
        match flat {
            Flat::Queue(queue) => Walk::Queue(queue::Walk::new(queue)),
            Flat::Heap(heap) => Walk::Heap(heap::Walk::new(heap)),
            Flat::Series1(series1) => Walk::Series1(series1::Walk::new(series1)),
        }
    }

    pub(super) fn next(&mut self, work: &mut Work<'_>) -> Option<Found<'s>> {
        match self {
            Walk::Queue(walk) => walk.next(&mut work.report),
            Walk::Heap(walk) => walk.next(work),
            Walk::Series1(walk) => walk.next(&mut work.report),
        }
    }
}
