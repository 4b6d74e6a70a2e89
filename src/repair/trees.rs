//! Links between leaves, levels and counts: all of them follow from how the pages of a tree lead to one
//! another.

use std::collections::BTreeSet;

use byteorder::ByteOrder;

use super::prepare::Patch;
use crate::access::Database;
use crate::bits::Bits;
use crate::edit::{Result, off_page};
use crate::format::edit::total;
use crate::format::item;
use crate::format::page::{Page, PageKind, at};
use crate::meta::{Meta, Shape};
use crate::method::Method;
use crate::pages::Pages;
use crate::types::PageNo;
use crate::verify::{Finding, Rule, Severity};

/// What may be mended of trees.
const RULES: [Rule; 4] = [Rule::LeafChain, Rule::Level, Rule::Count, Rule::Link];

/// Mends all trees of a file, if the check found something of it. Records that no tree leads to may be
/// reached by the links between leaves: then these stay. So does a tree with a page that is doubted.
pub(super) fn mend<O: ByteOrder>(
    db: &Database<'_>,
    found: &[Finding],
    doubted: &BTreeSet<PageNo>,
) -> Result<Vec<Patch>> {
    let errors = || found.iter().filter(|finding| finding.severity == Severity::Error);
    let has = |rules: &[Rule]| errors().any(|finding| rules.contains(&finding.rule));
    if !has(&RULES) || has(&[Rule::Unreferenced]) {
        return Ok(Vec::new());
    }
    let seen = Bits::new(PageNo::META, db.pages().count());
    let mut mending = Mending { pages: db.pages(), doubted, seen, patches: Vec::new() };
    mending.database::<O>(db.meta());
    for inner in db.subdatabases() {
        mending.database::<O>(inner?.meta());
    }
    Ok(mending.patches)
}

struct Mending<'p> {
    pages: &'p Pages<'p>,
    doubted: &'p BTreeSet<PageNo>,
    seen: Bits,
    patches: Vec<Patch>,
}

/// A page of a tree; children stand behind their parents.
struct Node {
    page: PageNo,
    depth: u8,
    /// The parent, and where it counts the records of this page.
    above: Option<(usize, usize)>,
    is_leaf: bool,
    records: u32,
}

impl<'p> Mending<'p> {
    /// Mends the tree of a database, and those of its off-page duplicates.
    fn database<O: ByteOrder>(&mut self, meta: &Meta) {
        let leaves = match (meta.method(), meta.root()) {
            (Method::Btree | Method::Recno, Some(root)) => self.tree::<O>(root, Shape::of(meta)),
            _ => return,
        };
        if !meta.flags().duplicates() {
            return;
        }
        for leaf in leaves {
            let Some(page) = self.pages.raw(leaf).and_then(Page::<O>::new) else { continue };
            for slot in (1..page.entries()).step_by(2) {
                if let Some((_, root)) = off_page::<O>(self.pages, &page, slot, false) {
                    self.tree::<O>(root, Shape::of_duplicates(meta));
                }
            }
        }
    }

    /// Mends a tree, if all of its pages can be found; gives its leaves in their order.
    fn tree<O: ByteOrder>(&mut self, root: PageNo, shape: Shape) -> Vec<PageNo> {
        // A chain has no tree that its links follow from.
        let Some(nodes) = shape.internal.and_then(|internal| self.nodes::<O>(root, internal, shape.leaf))
        else {
            return Vec::new();
        };
        let leaves: Vec<PageNo> = nodes.iter().filter(|node| node.is_leaf).map(|node| node.page).collect();
        let deepest = nodes.iter().filter(|node| node.is_leaf).map(|node| node.depth);
        let (least, most) = (deepest.clone().min().unwrap_or(0), deepest.max().unwrap_or(0));
        if least == most {
            for node in &nodes {
                let level = most.saturating_sub(node.depth).saturating_add(1);
                self.put(node.page, at::LEVEL, vec![level]);
            }
        }
        self.links::<O>(&leaves);
        self.counts::<O>(nodes, shape);
        leaves
    }

    /// All pages of a tree, from the left to the right.
    fn nodes<O: ByteOrder>(&mut self, root: PageNo, internal: PageKind, leaf: PageKind) -> Option<Vec<Node>> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut stack = vec![(root, 0u8, None)];
        while let Some((no, depth, above)) = stack.pop() {
            let page = self.pages.raw(no).and_then(Page::<O>::new).filter(|_| self.seen.mark(no))?;
            let kind = PageKind::from_byte(page.type_byte())?;
            if page.pgno() != no.0 || self.doubted.contains(&no) || (kind != internal && kind != leaf) {
                return None;
            }
            let (index, is_leaf) = (nodes.len(), kind == leaf);
            let records = if is_leaf { total(&page, self.pages.overhead(), Some(kind)).ok()? } else { 0 };
            nodes.push(Node { page: no, depth, above, is_leaf, records });
            if is_leaf {
                continue;
            }
            for slot in (0..page.entries()).rev() {
                let (offset, rest) = page.item(self.pages.overhead(), slot)?;
                let (child, count_at) = match kind {
                    PageKind::RecnoInternal => (item::recno_internal::<O>(rest)?.0, 4),
                    _ => (item::btree_internal::<O>(rest)?.child, 8),
                };
                let above = Some((index, offset.saturating_add(count_at)));
                stack.push((PageNo(child), depth.checked_add(1)?, above));
            }
        }
        Some(nodes)
    }

    /// Each leaf leads to its neighbours.
    fn links<O: ByteOrder>(&mut self, leaves: &[PageNo]) {
        let before = [PageNo::META].into_iter().chain(leaves.iter().copied());
        let after = leaves.iter().skip(1).copied().chain([PageNo::META]);
        for ((&no, before), after) in leaves.iter().zip(before).zip(after) {
            let mut links = vec![0; 8];
            let (prev, next) = links.split_at_mut(4);
            O::write_u32(prev, before.0);
            O::write_u32(next, after.0);
            self.put(no, at::PREV, links);
        }
    }

    /// Internal pages count the records below them, and a root all; if they count at all, else no
    /// internal page has a page before it.
    fn counts<O: ByteOrder>(&mut self, mut nodes: Vec<Node>, shape: Shape) {
        let mut sums: Vec<u32> = nodes.iter().map(|node| node.records).collect();
        for index in (0..nodes.len()).rev() {
            let sum = sums.get(index).copied().unwrap_or(0);
            let Some(node) = nodes.pop() else { return };
            if let Some((parent, place)) = node.above {
                if let Some(of_parent) = sums.get_mut(parent) {
                    *of_parent = of_parent.saturating_add(sum);
                }
                let page = nodes.get(parent).map_or(PageNo::META, |parent| parent.page);
                if shape.counted {
                    self.put(page, place, Patch::number::<O>(page, place, sum).bytes);
                }
            }
            if !node.is_leaf {
                let stated = if shape.counted && node.above.is_none() { sum } else { 0 };
                let page = self.pages.raw(node.page).and_then(Page::<O>::new);
                // Upgrades to version 8 count deleted duplicates on the root, which is none of our business.
                let is_high = page.is_some_and(|page| page.prev() > stated);
                if !(shape.total_may_count_deleted() && node.above.is_none() && is_high) {
                    self.put(node.page, at::PREV, Patch::number::<O>(node.page, at::PREV, stated).bytes);
                }
            }
        }
    }

    /// Puts bytes on a page that has others there.
    fn put(&mut self, page: PageNo, offset: usize, bytes: Vec<u8>) {
        let end = offset.saturating_add(bytes.len());
        if self.pages.raw(page).and_then(|raw| raw.get(offset..end)) != Some(&bytes[..]) {
            self.patches.push(Patch { page, offset, bytes });
        }
    }
}
