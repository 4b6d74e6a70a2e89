//! From leaf to leaf through a tree, as far as it holds.
//!
//! No recursion; the level falls at each step down, and no page is reached twice: so
//! a walk ends, whatever the pages say.

use byteorder::ByteOrder;

use super::work::Work;
use crate::error::{Defect, Error};
use crate::format::item::{self, DELETED, INTERNAL_HEAD, OVERFLOW, REFERENCE};
use crate::format::page::{Page, PageKind, at, slot_offset};
use crate::types::PageNo;

/// More than the level of any page.
const ABOVE_ALL: u16 = 256;

/// A place in a tree.
#[derive(Debug)]
pub(super) struct Walk {
    /// The page to start from, before the first step.
    root: Option<PageNo>,
    /// The page and the offset that lead to the root.
    holder: (PageNo, usize),
    /// Internal pages on the way down, and the index that comes next on each.
    path: Vec<(PageNo, u16)>,
    /// The next page of a chain of leaves.
    next: Option<(PageNo, PageNo)>,
    /// Kinds of the pages of this tree.
    kinds: Option<Kinds>,
    /// Records before the next leaf, where the tree keeps counts.
    records: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kinds {
    internal: Option<PageKind>,
    leaf: PageKind,
}

/// What kind of tree starts on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Pairs, or records: a database.
    Records,
    /// The duplicates of a key.
    Duplicates,
}

/// A leaf that a walk came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    pub(super) page: PageNo,
    /// Records before it.
    pub(super) records: u32,
}

/// An internal item: a child, and the records below it.
struct Child {
    page: PageNo,
    records: u32,
    offset: usize,
}

impl Walk {
    /// A walk through the tree below a root, and what leads to that: a page, and an offset there.
    pub(super) fn new(root: PageNo, holder: (PageNo, usize)) -> Self {
        Walk { root: Some(root), holder, path: Vec::new(), next: None, kinds: None, records: 0 }
    }

    /// Whether no tree of this kind can start on the root.
    pub(super) fn has_no_start<O: ByteOrder>(&self, work: &Work<'_>, of: Of) -> bool {
        self.root.is_none_or(|root| kinds::<O>(work, root, of).is_none())
    }

    /// What keeps a walk from its root, if something does.
    pub(super) fn obstacle<O: ByteOrder>(&self, work: &Work<'_>, of: Of) -> Option<Error> {
        let root = self.root?;
        let (page, at) = self.holder;
        if kinds::<O>(work, root, of).is_some() {
            let taken = of == Of::Duplicates && work.seen.has(root);
            return taken.then(|| Error::corrupt(page, at, Defect::ReachedTwice { target: root.0 }));
        }
        Some(match work.file.page::<O>(root) {
            Some(_) if of == Of::Duplicates && (root == PageNo::META || work.seen.has(root)) => {
                Error::corrupt(page, at, Defect::ReachedTwice { target: root.0 })
            }
            Some(header) => {
                let expected = "that of a tree's root";
                let wrong = Defect::PageType { found: header.type_byte(), expected };
                let empty = Defect::Unwritten { page, offset: at };
                Error::corrupt(root, at::TYPE, if header.is_hole() { empty } else { wrong })
            }
            None => {
                let what = match of {
                    Of::Records => "root page",
                    Of::Duplicates => "page of duplicates",
                };
                let defect = Defect::BeyondEnd { what, target: root.0, pages: work.file.pages };
                Error::corrupt(page, at, defect)
            }
        })
    }

    /// The next leaf. All it comes by is marked as seen.
    pub(super) fn next_leaf<O: ByteOrder>(&mut self, work: &mut Work<'_>, of: Of) -> Option<Reached> {
        if let Some(root) = self.root {
            let obstacle = self.obstacle::<O>(work, of);
            self.root = None;
            if let Some(error) = obstacle {
                work.report.problem(error);
                return None;
            }
            self.kinds = kinds::<O>(work, root, of);
            if let Some(leaf) = self.enter::<O>(work, root, ABOVE_ALL, None) {
                return Some(leaf);
            }
        }
        if let Some((no, from)) = self.next.take() {
            return self.enter::<O>(work, no, 0, Some(from));
        }
        while let Some((parent, index)) = self.path.last_mut() {
            let (no, at) = (*parent, *index);
            *index = index.saturating_add(1);
            let Some(page) = work.file.page::<O>(no).filter(|page| at < page.entries()) else {
                self.path.pop();
                continue;
            };
            let Some(child) = child::<O>(&page, work.file.overhead(), at) else {
                let slot = slot_offset(work.file.overhead(), at);
                if slot >= page.item_area() {
                    // More entries than can be: the rest are no slots.
                    let defect = Defect::Entries { found: page.entries(), why: "more than fit the page" };
                    work.report.problem(Error::corrupt(no, at::ENTRIES, defect));
                    self.path.pop();
                    continue;
                }
                let defect = Defect::ItemOffset { slot: at, found: 0, lowest: slot, end: page.bytes().len() };
                work.report.problem(Error::corrupt(no, slot, defect));
                continue;
            };
            if let Some(leaf) = self.descend::<O>(work, &page, no, &child) {
                return Some(leaf);
            }
        }
        None
    }

    /// Goes to a child, or says why not.
    fn descend<O: ByteOrder>(
        &mut self,
        work: &mut Work<'_>,
        parent: &Page<'_, O>,
        no: PageNo,
        child: &Child,
    ) -> Option<Reached> {
        let depth = self.path.len();
        let leaf = self.enter::<O>(work, child.page, parent.level().into(), None);
        if leaf.is_none() && self.path.len() == depth {
            let target = child.page.0;
            let error = match work.file.page::<O>(child.page) {
                None => {
                    let defect = Defect::BeyondEnd { what: "child page", target, pages: work.file.pages };
                    Error::corrupt(no, child.offset, defect)
                }
                Some(_) if child.page == PageNo::META || work.seen.has(child.page) => {
                    Error::corrupt(no, child.offset, Defect::ReachedTwice { target })
                }
                Some(page) => {
                    work.typed.mark(child.page);
                    let expected = self.kinds.map_or("", |kinds| kinds.leaf.name());
                    let wrong = Defect::PageType { found: page.type_byte(), expected };
                    let empty = Defect::Unwritten { page: no, offset: child.offset };
                    Error::corrupt(child.page, at::TYPE, if page.is_hole() { empty } else { wrong })
                }
            };
            work.report.problem(error);
            self.records = self.records.saturating_add(child.records);
        }
        leaf
    }

    /// Enters a page if it is of this tree: gives it if it is a leaf, and puts it on
    /// the path otherwise.
    fn enter<O: ByteOrder>(
        &mut self,
        work: &mut Work<'_>,
        no: PageNo,
        level: u16,
        from: Option<PageNo>,
    ) -> Option<Reached> {
        let kinds = self.kinds?;
        let page = work.file.page::<O>(no)?;
        if level <= 2 {
            // Most likely a leaf: before the first look at its header, which would have
            // to wait.
            page.fetch();
        }
        let kind = PageKind::from_byte(page.type_byte())?;
        if no == PageNo::META || work.seen.has(no) {
            return None;
        }
        if kind == kinds.leaf {
            work.seen.mark(no);
            if kinds.internal.is_none() {
                if let Some(from) = from.filter(|from| page.prev() != from.0) {
                    let defect = Defect::Link { link: "previous", found: page.prev(), expected: from.0 };
                    work.report.problem(Error::corrupt(no, at::PREV, defect));
                }
                self.next = PageNo::link(page.next()).map(|next| (next, no));
            }
            let records = self.records;
            self.records = records.saturating_add(page.entries().into());
            return Some(Reached { page: no, records });
        }
        if Some(kind) == kinds.internal && u16::from(page.level()) < level && page.level() > 1 {
            work.seen.mark(no);
            inspect_internal::<O>(work, &page, no);
            self.path.push((no, 0));
        }
        None
    }
}

/// Reports what is wrong with an internal page, and marks the chains of its keys.
pub(super) fn inspect_internal<O: ByteOrder>(work: &mut Work<'_>, page: &Page<'_, O>, no: PageNo) {
    let file = work.file;
    if let Some(page) = file.page::<O>(no) {
        file.inspect(&page, no, page.level(), &mut work.report);
    }
    if PageKind::from_byte(page.type_byte()) != Some(PageKind::BtreeInternal) {
        return;
    }
    for index in 0..page.entries() {
        let Some(raw) = item_at::<O>(page, file.overhead(), index) else { continue };
        let Some(item) = item::btree_internal::<O>(raw) else { continue };
        if item.type_byte & !DELETED == OVERFLOW && item.key.len() == REFERENCE {
            let (first, _) = item::reference::<O>(item.key).unwrap_or((0, 0));
            work.chains.mark_internal::<O>(&file, PageNo(first));
        }
    }
}

fn item_at<'s, O: ByteOrder>(page: &Page<'s, O>, overhead: usize, index: u16) -> Option<&'s [u8]> {
    let slot = slot_offset(overhead, index);
    let (offset, item) = page.item(overhead, index)?;
    (offset > slot && offset & 3 == 0).then_some(item)
}

/// The page that an item of an internal page leads to.
pub(super) fn child_at<O: ByteOrder>(page: &Page<'_, O>, overhead: usize, index: u16) -> Option<PageNo> {
    child::<O>(page, overhead, index).map(|child| child.page)
}

fn child<O: ByteOrder>(page: &Page<'_, O>, overhead: usize, index: u16) -> Option<Child> {
    let raw = item_at::<O>(page, overhead, index)?;
    let offset = page.bytes().len().saturating_sub(raw.len());
    if PageKind::from_byte(page.type_byte()) == Some(PageKind::RecnoInternal) {
        let (child, records) = item::recno_internal::<O>(raw)?;
        return Some(Child { page: PageNo(child), records, offset });
    }
    // The child's number counts, also where the key behind it is damaged.
    let ([_, _, _, _, child @ .., _, _, _, _], _) = raw.split_first_chunk::<INTERNAL_HEAD>()?;
    Some(Child { page: PageNo(O::read_u32(child)), records: 0, offset: offset.saturating_add(4) })
}

fn kinds<O: ByteOrder>(work: &Work<'_>, root: PageNo, of: Of) -> Option<Kinds> {
    use PageKind::{BtreeInternal, BtreeLeaf, Duplicate, DuplicateLeaf, RecnoInternal, RecnoLeaf};
    let kinds = |internal, leaf| Some(Kinds { internal, leaf });
    match (work.file.kind::<O>(root)?, of) {
        (BtreeLeaf | BtreeInternal, Of::Records) => kinds(Some(BtreeInternal), BtreeLeaf),
        (RecnoLeaf | RecnoInternal, _) => kinds(Some(RecnoInternal), RecnoLeaf),
        (DuplicateLeaf, Of::Duplicates) => kinds(Some(BtreeInternal), DuplicateLeaf),
        (BtreeInternal, Of::Duplicates) if leads_to::<O>(work, root, DuplicateLeaf) => {
            kinds(Some(BtreeInternal), DuplicateLeaf)
        }
        (Duplicate, Of::Duplicates) => kinds(None, Duplicate),
        _ => None,
    }
}

/// Whether the first leaf below a page is of a kind. A damaged item may take a part of
/// another tree for its duplicates.
fn leads_to<O: ByteOrder>(work: &Work<'_>, root: PageNo, leaf: PageKind) -> bool {
    let (mut no, mut level) = (root, ABOVE_ALL);
    loop {
        let Some(page) = work.file.page::<O>(no) else { return false };
        match PageKind::from_byte(page.type_byte()) {
            Some(kind) if kind == leaf => return true,
            Some(PageKind::BtreeInternal) if u16::from(page.level()) < level => level = page.level().into(),
            _ => return false,
        }
        // A few of the first, as many items may lead here.
        let children =
            (0..page.entries().min(16)).filter_map(|index| child::<O>(&page, work.file.overhead(), index));
        let may_be = |child: &Child| {
            let kind = work.file.kind::<O>(child.page);
            kind == Some(leaf) || kind == Some(PageKind::BtreeInternal)
        };
        match children.into_iter().find(may_be) {
            Some(child) => no = child.page,
            None => return false,
        }
    }
}
