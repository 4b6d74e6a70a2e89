//! Finding a key: down from the root, comparing.
//!
//! A look-up is right only if the pages on its way are in order. The first
//! look-up that comes by a page checks that: its structure, the order of its
//! keys, and that they lie in the interval its parent gives. One bit a page
//! remembers it.

use std::cmp::Ordering;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use byteorder::ByteOrder;

use super::database::Database;
use super::item::Item;
use super::leaf::{Content, Leaf};
use super::node::Node;
use super::walk::Frame;
use crate::error::{Defect, Error, Result};
use crate::format::page::{PageKind, at, slot_offset};
use crate::pages::{Origin, Pages};
use crate::types::PageNo;

const WORDS: usize = 512;
/// Pages covered by one lazily made piece of the bit map.
const PIECE: u32 = 512 * 64;

/// The pages that look-ups may trust.
#[derive(Debug)]
pub(crate) struct Proven {
    pieces: Box<[OnceLock<Box<[AtomicU64]>>]>,
}

impl Proven {
    pub(crate) fn new(pages: &Pages<'_>) -> Self {
        let pieces = PageNo(pages.count().div_ceil(PIECE)).index();
        Proven { pieces: std::iter::repeat_with(OnceLock::new).take(pieces).collect() }
    }

    fn word(&self, no: PageNo) -> Option<&AtomicU64> {
        let make = || std::iter::repeat_with(AtomicU64::default).take(WORDS).collect();
        let piece = self.pieces.get(PageNo(no.0 >> 15).index())?.get_or_init(make);
        piece.get(PageNo((no.0 >> 6) & 511).index())
    }

    #[inline]
    fn has(&self, no: PageNo) -> bool {
        self.word(no).is_some_and(|word| word.load(Relaxed) & (1 << (no.0 & 63)) != 0)
    }

    fn set(&self, no: PageNo) {
        if let Some(word) = self.word(no) {
            word.fetch_or(1 << (no.0 & 63), Relaxed);
        }
    }
}

/// Where a key is or would be.
pub(crate) struct Found<'a> {
    pub(crate) leaf: Leaf<'a>,
    /// The first pair whose key is not less; may be one past the last.
    pub(crate) pair: u16,
    /// Whether that pair has the key.
    pub(crate) exact: bool,
}

/// Looks for a key, telling `path` the internal pages on the way.
pub(crate) fn find<'a, O: ByteOrder>(
    db: &'a Database<'_>,
    key: &[u8],
    mut path: impl FnMut(Frame<'a>),
) -> Result<Found<'a>> {
    let pages = db.pages();
    let mut origin = db.root_origin();
    let (mut no, mut level) = (db.root(), None);
    let (mut lower, mut upper) = (None, None);
    loop {
        let page = db.proven().has(no).then(|| pages.unchecked_page::<O>(no)).flatten();
        let proven = page.is_some();
        let page = match page {
            Some(page) => page,
            None => pages.page::<O>(no, origin)?,
        };
        let is_leaf = PageKind::from_byte(page.type_byte()) == Some(PageKind::BtreeLeaf);
        if level.map_or(is_leaf, |l| l <= 1) {
            let leaf = Leaf::new::<O>(pages, page, no, PageKind::BtreeLeaf)?;
            if !proven {
                prove_leaf::<O>(db, &leaf, lower, upper)?;
                db.proven().set(no);
            }
            return search_leaf::<O>(db, leaf, key);
        }
        let node = Node::new::<O>(pages, page, no, PageKind::BtreeInternal, level)?;
        if !proven {
            prove_node::<O>(db, &node, lower, upper)?;
            db.proven().set(no);
        }
        let index = search_node::<O>(db, &node, key)?;
        if index > 0 {
            lower = Some(node.key::<O>(index)?);
        }
        if index < node.last() {
            upper = Some(node.key::<O>(index.saturating_add(1))?);
        }
        path(Frame { node, index });
        let child = node.child::<O>(index)?;
        (no, origin, level) = (child.page, child.origin, Some(node.level().saturating_sub(1)));
    }
}

/// The last child whose key is not greater.
fn search_node<O: ByteOrder>(db: &Database<'_>, node: &Node<'_>, key: &[u8]) -> Result<u16> {
    let (mut low, mut high) = (1, node.entries());
    while low < high {
        let middle = low.midpoint(high);
        let item = Item::new(db.pages(), node.key::<O>(middle)?);
        match item.compare(key, db.key_order())? {
            Ordering::Greater => high = middle,
            _ => low = middle.saturating_add(1),
        }
    }
    Ok(low.saturating_sub(1))
}

/// The first pair whose key is not less.
fn search_leaf<'a, O: ByteOrder>(db: &'a Database<'_>, leaf: Leaf<'a>, key: &[u8]) -> Result<Found<'a>> {
    let (mut low, mut high, mut exact) = (0, leaf.units(), false);
    while low < high {
        let middle = low.midpoint(high);
        let item = Item::new(db.pages(), leaf.key::<O>(middle)?);
        match item.compare(key, db.key_order())? {
            Ordering::Less => low = middle.saturating_add(1),
            Ordering::Equal => (high, exact) = (middle, true),
            Ordering::Greater => high = middle,
        }
    }
    Ok(Found { leaf, pair: low, exact })
}

/// Checks that keys increase and lie between the bounds, `lower` included.
struct Ascending<'d> {
    db: &'d Database<'d>,
    page: PageNo,
    previous: Option<Content<'d>>,
    upper: Option<Content<'d>>,
    /// Whether a key may equal the one before it: only the lower bound.
    may_equal: bool,
}

impl<'d> Ascending<'d> {
    fn add(&mut self, slot: u16, key: Content<'d>) -> Result<()> {
        let item = Item::new(self.db.pages(), key);
        let less = |a: &Item<'_>, b: Content<'_>, equal| -> Result<bool> {
            let b = Item::new(self.db.pages(), b).read()?;
            let order = a.compare(&b, self.db.key_order())?;
            Ok(order == Ordering::Less || (equal && order == Ordering::Equal))
        };
        let after_previous = match self.previous {
            Some(previous) => less(&Item::new(self.db.pages(), previous), key, self.may_equal)?,
            None => true,
        };
        let below_upper = match self.upper {
            Some(upper) => less(&item, upper, false)?,
            None => true,
        };
        (self.previous, self.may_equal) = (Some(key), false);
        if after_previous && below_upper {
            return Ok(());
        }
        let offset = slot_offset(self.db.pages().overhead(), slot);
        Err(Error::corrupt(self.page, offset, Defect::KeyOrder { slot }))
    }
}

fn prove_node<'d, O: ByteOrder>(
    db: &'d Database<'_>,
    node: &Node<'d>,
    lower: Option<Content<'d>>,
    upper: Option<Content<'d>>,
) -> Result<()> {
    node.check::<O>()?;
    let mut keys = Ascending { db, page: node.no(), previous: lower, upper, may_equal: true };
    (1..node.entries()).try_for_each(|index| keys.add(index, node.key::<O>(index)?))
}

fn prove_leaf<'d, O: ByteOrder>(
    db: &'d Database<'_>,
    leaf: &Leaf<'d>,
    lower: Option<Content<'d>>,
    upper: Option<Content<'d>>,
) -> Result<()> {
    leaf.check::<O>()?;
    let mut keys = Ascending { db, page: leaf.no(), previous: lower, upper, may_equal: true };
    (0..leaf.units())
        .filter(|&pair| !leaf.shares_key::<O>(pair))
        .try_for_each(|pair| keys.add(pair.wrapping_mul(2), leaf.key::<O>(pair)?))
}

/// The leaf and the unit of a record number, which counts from 1, in a tree that
/// keeps counts; `None` beyond the last record.
pub(crate) fn find_record<'a, O: ByteOrder>(
    db: &'a Database<'_>,
    number: u32,
    mut path: impl FnMut(Frame<'a>),
) -> Result<Option<(Leaf<'a>, u16)>> {
    let (pages, shape) = (db.pages(), db.shape());
    let Some(mut left) = number.checked_sub(1) else { return Ok(None) };
    let mut origin: Origin = db.root_origin();
    let (mut no, mut level) = (db.root(), None);
    let mut counted: Option<u32> = None;
    loop {
        let page = pages.page::<O>(no, origin)?;
        let is_leaf = PageKind::from_byte(page.type_byte()) == Some(shape.leaf);
        let (Some(internal), false) = (shape.internal, level.map_or(is_leaf, |l| l <= 1)) else {
            let leaf = Leaf::new::<O>(pages, page, no, shape.leaf)?;
            leaf.check::<O>()?;
            let units = if shape.counts_deleted() { leaf.units().into() } else { leaf.live::<O>() };
            expect_count(no, at::ENTRIES, counted, units)?;
            return nth_unit::<O>(&leaf, left, shape.counts_deleted());
        };
        let node = Node::new::<O>(pages, page, no, internal, level)?;
        node.check::<O>()?;
        expect_count(no, at::PREV, Some(counted.unwrap_or(node.total())), node.sum::<O>()?)?;
        let mut index = 0;
        let child = loop {
            if index >= node.entries() {
                return Ok(None);
            }
            let child = node.child::<O>(index)?;
            match left.checked_sub(child.records) {
                Some(rest) => (left, index) = (rest, index.saturating_add(1)),
                None => break child,
            }
        };
        path(Frame { node, index });
        counted = Some(child.records);
        (no, origin, level) = (child.page, child.origin, Some(node.level().saturating_sub(1)));
    }
}

fn expect_count(no: PageNo, offset: usize, found: Option<u32>, counted: u32) -> Result<()> {
    match found {
        Some(found) if found != counted => Err(Error::corrupt(no, offset, Defect::Count { found, counted })),
        _ => Ok(()),
    }
}

/// The unit with this many counted ones before it.
fn nth_unit<'a, O: ByteOrder>(
    leaf: &Leaf<'a>,
    before: u32,
    count_deleted: bool,
) -> Result<Option<(Leaf<'a>, u16)>> {
    let mut left = before;
    for unit in 0..leaf.units() {
        if count_deleted || !leaf.value::<O>(unit)?.deleted {
            match left.checked_sub(1) {
                Some(rest) => left = rest,
                None => return Ok(Some((*leaf, unit))),
            }
        }
    }
    Ok(None)
}
