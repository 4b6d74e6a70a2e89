//! Finding a key: down from the root, comparing.
//!
//! A look-up is right only if the pages on its way are in order. The first
//! look-up that comes by a page checks that: its structure, the order of its
//! keys, and that they lie in the interval its parent gives. One bit a page
//! remembers it.

use std::cmp::Ordering;

use byteorder::ByteOrder;

use super::leaf::Leaf;
use super::node::Node;
use super::tree::Tree;
use super::walk::{Direction, Frame};
use crate::access::item::Item;
use crate::error::{Defect, Error, Result};
use crate::format::page::{PageKind, at, slot_offset};
use crate::key_order::KeyOrder;
use crate::pages::{Content, Origin};
use crate::types::PageNo;

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
    tree: &'a Tree<'_>,
    key: &[u8],
    mut path: impl FnMut(Frame<'a>),
) -> Result<Found<'a>> {
    let pages = tree.pages();
    let mut origin = tree.root_origin();
    let (mut no, mut level) = (tree.root(), None);
    // Where the keys stand that the next page's keys lie between.
    let (mut lower, mut upper): (Option<Frame<'a>>, Option<Frame<'a>>) = (None, None);
    let bounds = |lower: Option<Frame<'a>>, upper: Option<Frame<'a>>| -> Result<_> {
        let key = |frame: Frame<'a>| frame.node.key::<O>(frame.index);
        Ok((lower.map(key).transpose()?, upper.map(key).transpose()?))
    };
    loop {
        let page = tree.proven().has(no).then(|| pages.unchecked_page::<O>(no)).flatten();
        let proven = page.is_some();
        let page = match page {
            Some(page) => page,
            None => pages.page::<O>(no, origin)?,
        };
        let is_leaf = PageKind::from_byte(page.type_byte()) == Some(PageKind::BtreeLeaf);
        if level.map_or(is_leaf, |l| l <= 1) {
            let leaf = Leaf::new::<O>(pages, page, no, PageKind::BtreeLeaf)?;
            if !proven {
                prove_leaf::<O>(tree, &leaf, bounds(lower, upper)?)?;
                tree.proven().mark(no);
            }
            return search_leaf::<O>(tree, leaf, key);
        }
        let node = Node::new::<O>(pages, page, no, PageKind::BtreeInternal, level)?;
        if !proven {
            prove_node::<O>(tree, &node, bounds(lower, upper)?)?;
            tree.proven().mark(no);
        }
        let index = search_node::<O>(tree, &node, key)?;
        if index > 0 {
            lower = Some(Frame { node, index });
        }
        if index < node.last() {
            upper = Some(Frame { node, index: index.saturating_add(1) });
        }
        path(Frame { node, index });
        let child = node.child::<O>(index)?;
        (no, origin, level) = (child.page, child.origin, Some(node.level().saturating_sub(1)));
    }
}

/// Where a stored key stands relative to the one that is looked for: the short way
/// if it is plain, and in the order of bytes.
#[inline(always)]
fn compare<'a>(
    tree: &Tree<'_>,
    plain: Option<&'a [u8]>,
    stored: impl FnOnce() -> Result<Content<'a>>,
    key: &[u8],
) -> Result<Ordering> {
    match (tree.key_order(), plain) {
        (KeyOrder::Bytes, Some(bytes)) => Ok(bytes.cmp(key)),
        (order, _) => Item::new(tree.pages(), stored()?).compare(key, order),
    }
}

/// The last child whose key is not greater.
fn search_node<O: ByteOrder>(tree: &Tree<'_>, node: &Node<'_>, key: &[u8]) -> Result<u16> {
    let (mut low, mut high) = (1, node.entries());
    while low < high {
        let middle = low.midpoint(high);
        match compare(tree, node.plain_key::<O>(middle), || node.key::<O>(middle), key)? {
            Ordering::Greater => high = middle,
            _ => low = middle.saturating_add(1),
        }
    }
    Ok(low.saturating_sub(1))
}

/// The first pair whose key is not less.
fn search_leaf<'a, O: ByteOrder>(tree: &'a Tree<'_>, leaf: Leaf<'a>, key: &[u8]) -> Result<Found<'a>> {
    let (mut low, mut high, mut exact) = (0, leaf.units(), false);
    while low < high {
        let middle = low.midpoint(high);
        match compare(tree, leaf.plain_key::<O>(middle), || leaf.key::<O>(middle), key)? {
            Ordering::Less => low = middle.saturating_add(1),
            Ordering::Equal => (high, exact) = (middle, true),
            Ordering::Greater => high = middle,
        }
    }
    Ok(Found { leaf, pair: low, exact })
}

/// Makes sure that a key which was not found stands nowhere else.
///
/// Inside a leaf in order, its two neighbours prove that. At either end of the
/// leaf the neighbour is on another one, which must agree.
pub(crate) fn confirm<'a, O: ByteOrder>(
    tree: &'a Tree<'_>,
    key: &[u8],
    found: &Found<'a>,
    path: &[Frame<'a>],
) -> Result<()> {
    let edges = [
        (Direction::Backward, found.pair == 0, Ordering::Less),
        (Direction::Forward, found.pair == found.leaf.units(), Ordering::Greater),
    ];
    if found.exact || !edges.iter().any(|(_, at_edge, _)| *at_edge) {
        return Ok(());
    }
    // The pages were proven, but perhaps on another way to them.
    if let Some(last) = found.leaf.units().checked_sub(1) {
        let (first, last) = (found.leaf.key::<O>(0)?, found.leaf.key::<O>(last)?);
        for Frame { node, index } in path {
            let lower = if *index > 0 { Some(node.key::<O>(*index)?) } else { None };
            let above = index.saturating_add(1);
            let upper = if above < node.entries() { Some(node.key::<O>(above)?) } else { None };
            ascending(tree, found.leaf.no(), (lower, upper), [(0, Ok(first))].into_iter())?;
            ascending(tree, found.leaf.no(), (None, upper), [(0, Ok(last))].into_iter())?;
        }
    }
    for (to, at_edge, expected) in edges {
        if !at_edge {
            continue;
        }
        let edge = if to == Direction::Forward { found.pair.checked_sub(1) } else { Some(0) };
        let unit = edge.filter(|&unit| unit < found.leaf.units());
        let mut walk = tree.walk().at(path.to_vec(), found.leaf.clone(), unit);
        if walk.step::<O>(to, &mut None)? {
            let neighbour = walk.key::<O>().unwrap_or(Ok(Content::Here(&[])))?;
            if Item::new(tree.pages(), neighbour).compare(key, tree.key_order())? != expected {
                let offset = slot_offset(tree.pages().overhead(), 0);
                return Err(Error::corrupt(found.leaf.no(), offset, Defect::KeyOrder { slot: 0 }));
            }
        }
    }
    Ok(())
}

/// Checks that keys increase, and lie from `lower` to below `upper`.
fn ascending<'d>(
    tree: &'d Tree<'_>,
    page: PageNo,
    (lower, upper): (Option<Content<'d>>, Option<Content<'d>>),
    keys: impl Iterator<Item = (u16, Result<Content<'d>>)>,
) -> Result<()> {
    let mut previous = lower;
    let mut may_equal = lower.is_some();
    let mut last = None;
    let out_of_order = |slot| {
        let offset = slot_offset(tree.pages().overhead(), slot);
        Error::corrupt(page, offset, Defect::KeyOrder { slot })
    };
    let compare = |a, b| Item::new(tree.pages(), a).compare_to(&Item::new(tree.pages(), b), tree.key_order());
    for (slot, key) in keys {
        let key = key?;
        if let Some(previous) = previous {
            match compare(previous, key)? {
                Ordering::Less => {}
                Ordering::Equal if may_equal => {}
                _ => return Err(out_of_order(slot)),
            }
        }
        (previous, may_equal, last) = (Some(key), false, Some((slot, key)));
    }
    match (last, upper) {
        (Some((slot, key)), Some(upper)) if compare(key, upper)?.is_ge() => Err(out_of_order(slot)),
        _ => Ok(()),
    }
}

fn prove_node<'d, O: ByteOrder>(
    tree: &'d Tree<'_>,
    node: &Node<'d>,
    bounds: (Option<Content<'d>>, Option<Content<'d>>),
) -> Result<()> {
    node.check::<O>()?;
    let keys = (1..node.entries()).map(|index| (index, node.key::<O>(index)));
    ascending(tree, node.no(), bounds, keys)
}

fn prove_leaf<'d, O: ByteOrder>(
    tree: &'d Tree<'_>,
    leaf: &Leaf<'d>,
    bounds: (Option<Content<'d>>, Option<Content<'d>>),
) -> Result<()> {
    leaf.check::<O>()?;
    let first_of_key = (0..leaf.units()).filter(|&pair| !leaf.shares_key::<O>(pair));
    let keys = first_of_key.map(|pair| (pair.wrapping_mul(2), leaf.key::<O>(pair)));
    ascending(tree, leaf.no(), bounds, keys)
}

/// The leaf and the unit of a record number, which counts from 1, in a tree that
/// keeps counts; `None` beyond the last record.
pub(crate) fn find_record<'a, O: ByteOrder>(
    tree: &'a Tree<'_>,
    number: u32,
    mut path: impl FnMut(Frame<'a>),
) -> Result<Option<(Leaf<'a>, u16)>> {
    let (pages, shape) = (tree.pages(), tree.shape());
    let Some(mut left) = number.checked_sub(1) else { return Ok(None) };
    let mut origin: Origin = tree.root_origin();
    let (mut no, mut level) = (tree.root(), None);
    let mut counted: Option<u32> = None;
    loop {
        let page = pages.page::<O>(no, origin)?;
        let is_leaf = PageKind::from_byte(page.type_byte()) == Some(shape.leaf);
        let (Some(internal), false) = (shape.internal, level.map_or(is_leaf, |l| l <= 1)) else {
            let leaf = Leaf::new::<O>(pages, page, no, shape.leaf)?;
            leaf.check::<O>()?;
            let units = if shape.counts_deleted() { leaf.units().into() } else { leaf.live::<O>() };
            expect_count(no, at::ENTRIES, counted, units)?;
            let unit = nth_unit::<O>(&leaf, left, shape.counts_deleted())?;
            return Ok(unit.map(|unit| (leaf, unit)));
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
fn nth_unit<'a, O: ByteOrder>(leaf: &Leaf<'a>, before: u32, count_deleted: bool) -> Result<Option<u16>> {
    let mut left = before;
    for unit in 0..leaf.units() {
        if count_deleted || !leaf.value::<O>(unit)?.deleted {
            match left.checked_sub(1) {
                Some(rest) => left = rest,
                None => return Ok(Some(unit)),
            }
        }
    }
    Ok(None)
}
