//! How a file of the series is divided: by its first page, or by what its pages say. Those of trees
//! and of HASH 3 have their numbers on them; those of HASH 1 and 2 have words that fit one another.

use crate::format::series1::hash::{self, Header, Page3};
use crate::format::series1::tree;
use crate::meta::{FileKind, Meta, Series1};
use crate::method::Method;
use crate::order::Endianness::{self, Big, Little};
use crate::salvage::geometry::{Forced, Geometry};
use crate::types::{PageNo, PageSize};

/// Pages that are asked for a size.
const SAMPLE: u32 = 64;
/// Pages that speak for a size, and cannot do so by accident.
const CERTAIN: u32 = 3;

/// How a file is divided, and what it is.
pub(super) struct Shape {
    pub(super) geometry: Geometry,
    pub(super) kind: Kind,
}

/// What it is.
#[derive(Debug)]
pub(super) enum Kind {
    Tree {
        recno: bool,
        /// The first page of the free list, if page 0 tells it.
        free: Option<PageNo>,
    },
    Table(Box<Table>),
}

/// A HASH file.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) third: bool,
    /// What tells where buckets and overflow pages are.
    pub(super) header: Option<Header>,
}

/// A size and an order for which pages speak.
#[derive(Clone, Copy)]
struct Candidate {
    votes: u32,
    of: u32,
    size: PageSize,
    order: Endianness,
    first: u32,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Tree { recno: bool },
    Third,
    Words,
}

impl Candidate {
    /// Whether it is most likely so.
    fn is_certain(&self) -> bool {
        self.votes > 0 && (self.votes >= CERTAIN || self.votes >= self.of)
    }
}

pub(super) fn find(bytes: &[u8], kind: &FileKind, meta: Option<&Meta>, forced: Forced) -> Option<Shape> {
    let claimed = meta.filter(|meta| {
        forced.page_size.is_none_or(|size| size == meta.page_size())
            && forced.endianness.is_none_or(|order| order == meta.endianness())
    });
    if let Some((meta, series1)) = claimed.and_then(|meta| Some((meta, meta.series1()?))) {
        let geometry = Geometry::of_series1(meta.page_size(), meta.endianness(), 0, true);
        let kind = match series1 {
            Series1::Tree(tree) => Kind::Tree { recno: tree.recno, free: meta.free() },
            Series1::Hash(header) => {
                Kind::Table(Box::new(Table { third: header.has_page_numbers(), header: Some(**header) }))
            }
        };
        return Some(Shape { geometry, kind });
    }
    let fits = |size: PageSize, order: Endianness| {
        forced.page_size.is_none_or(|known| known == size)
            && forced.endianness.is_none_or(|known| known == order)
    };
    let found = [Little, Big].into_iter().flat_map(|order| {
        let (trees, tables) = (trees(bytes, order), tables(bytes, order));
        trees.into_iter().chain(tables)
    });
    let best = found
        .filter(|found| fits(found.size, found.order) && found.is_certain())
        .max_by_key(|found| (found.votes, std::cmp::Reverse(found.size)));
    let stated = match kind {
        FileKind::Series1 { method, .. } => Some(*method),
        _ => None,
    };
    let Some(best) = best else {
        // No page speaks: a file whose magic number does, and a caller who knows the rest.
        let (method, page_size) = (stated?, forced.page_size?);
        let geometry = Geometry::of_series1(page_size, forced.endianness.unwrap_or(Little), 0, false);
        let kind = match method {
            Method::Hash => Kind::Table(Box::new(Table { third: false, header: None })),
            _ => Kind::Tree { recno: method == Method::Recno, free: None },
        };
        return Some(Shape { geometry, kind });
    };
    let geometry = Geometry::of_series1(best.size, best.order, best.first, false);
    let kind = match best.what {
        What::Tree { recno } => Kind::Tree { recno, free: None },
        // A header may tell where pages are that got a number wrong elsewhere.
        what => {
            let header = Header::of(bytes).filter(|header| {
                stated == Some(Method::Hash) && header.page_size == best.size.get() && header.pages > 0
            });
            Kind::Table(Box::new(Table { third: what == What::Third, header }))
        }
    };
    Some(Shape { geometry, kind })
}

/// The number and the kind on what may be a page of a tree; no page is told by less than this.
fn tree_page(page: &[u8], order: Endianness) -> Option<(u32, tree::Kind)> {
    let page = tree::Page::new(page, order)?;
    let kind = page.kind()?;
    let known = page.flags() & !(0x1f | tree::PRESERVED) == 0;
    let fits = match kind {
        tree::Kind::Overflow => true,
        _ => page.lower() >= tree::HEADER && page.lower() & 1 == 0,
    };
    (known && fits && page.pgno() > 0).then_some((page.pgno(), kind))
}

/// The number on what may be a page of HASH 3.
fn third_page(page: &[u8], order: Endianness) -> Option<u32> {
    let page = Page3::new(page, order);
    let known = matches!(page.kind(), hash::BUCKET | hash::BIG_PAIR | hash::OVERFLOW);
    (known && page.pgno() > 0 && !page.is_hole()).then(|| page.pgno())
}

/// The sizes at which the pages of a tree have their numbers.
fn trees(bytes: &[u8], order: Endianness) -> Option<Candidate> {
    // Page 0 has none: the file begins with it, or was cut before another.
    let first = tree_page(bytes, order).map_or(0, |(number, _)| number);
    let sizes = (512..=65536).step_by(2).filter_map(PageSize::of_series1);
    let candidates = sizes.filter_map(|size| {
        let page = |index: u32| bytes.get(PageNo(index).index().checked_mul(size.bytes())?..);
        let is_next = |index: u32| {
            let (number, kind) = tree_page(page(index)?, order)?;
            (Some(number) == first.checked_add(index)).then_some(kind)
        };
        let start = u32::from(first == 0);
        is_next(start.max(1)).or_else(|| is_next(0))?;
        let there = u32::try_from(bytes.len().div_euclid(size.bytes())).unwrap_or(u32::MAX);
        let kinds: Vec<tree::Kind> = (start..there.min(SAMPLE)).filter_map(is_next).collect();
        let recno =
            kinds.iter().any(|kind| matches!(kind, tree::Kind::RecnoLeaf | tree::Kind::RecnoInternal));
        let votes = u32::try_from(kinds.len()).unwrap_or(0);
        let of = there.saturating_sub(start);
        Some(Candidate { votes, of, size, order, first, what: What::Tree { recno } })
    });
    candidates.max_by_key(|found| (found.votes, std::cmp::Reverse(found.size)))
}

/// The sizes at which the pages of a table have their numbers, or words that fit.
fn tables(bytes: &[u8], order: Endianness) -> Vec<Candidate> {
    let sizes = || (6..=16).filter_map(|bits| PageSize::of_table(1 << bits));
    let third = sizes().map(|size| {
        let pages = (0u32..).zip(bytes.chunks_exact(size.bytes()));
        let is_its_own = |(index, page): &(u32, &[u8])| third_page(page, order) == Some(*index);
        let votes = u32::try_from(pages.filter(is_its_own).count()).unwrap_or(u32::MAX);
        Candidate { votes, of: CERTAIN, size, order, first: 0, what: What::Third }
    });
    let words = sizes().map(|size| {
        let pages = bytes.chunks_exact(size.bytes()).filter(|page| has_fitting_words(page, order));
        let votes = u32::try_from(pages.count()).unwrap_or(u32::MAX);
        Candidate { votes, of: CERTAIN, size, order, first: 0, what: What::Words }
    });
    third.chain(words).collect()
}

/// Whether the words of a page say the same of it in two ways: so that is no accident.
fn has_fitting_words(page: &[u8], order: Endianness) -> bool {
    let words = hash::Page::new(page, order);
    if words.words() < 2 || !words.has_words() {
        return false;
    }
    let mut end = page.len();
    for entry in 0..words.entries() {
        if let hash::Words::Pair(key, data) = words.entry(entry) {
            if data < words.end_of_words() || data > key || key > end {
                return false;
            }
            end = data;
        }
    }
    end < page.len()
        && words.lowest() == end
        && Some(usize::from(words.free())) == end.checked_sub(words.end_of_words())
}
