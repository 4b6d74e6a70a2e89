//! BTREE 3 and RECNO (other-releases, "BTREE 3").

use std::borrow::Cow;

use super::Check;
use crate::format::series1::tree::{self as format, DEEPEST, Kind, LEAF_HEAD, Page, Pair, at, meta_at};
use crate::meta::Series1Tree;
use crate::pages::Origin;
use crate::pages::series1::{OVERFLOW_PAGE, mended};
use crate::types::PageNo;
use crate::verify::finding::Rule;

/// A page of the tree that is to be checked.
struct Node {
    no: PageNo,
    from: Origin,
    depth: usize,
    /// Records below it, as its parent says; whether it is on the way to the last leaf.
    records: Option<u32>,
    on_edge: bool,
    /// The keys between which its own are.
    low: Option<Vec<u8>>,
    high: Option<Vec<u8>>,
}

/// What is known of the leaves so far.
#[derive(Default)]
struct Leaves {
    depth: Option<usize>,
    /// The last one, and the page that it says is next.
    last: Option<(PageNo, u32)>,
    /// Its last key.
    key: Option<Vec<u8>>,
    records: u64,
    /// Keys with eight bytes in another order, and where the first is.
    mended: Option<(PageNo, usize, u32)>,
}

impl Check<'_, '_, '_> {
    pub(super) fn tree(&self, meta: &Series1Tree) {
        self.tail(0);
        if self.pages.count() < 2 {
            let text = "the file ends before its root";
            self.report.error(Rule::FileSize, PageNo(self.pages.count()), 0, text);
        }
        self.free_list();
        let in_order = self.order && !meta.recno && !self.has_big_keys();
        let mut leaves = Leaves::default();
        let root = Origin { page: PageNo::META, offset: meta_at::FLAGS, what: "root page" };
        let mut todo = vec![Node {
            no: PageNo(format::ROOT),
            from: root,
            depth: 0,
            records: None,
            on_edge: true,
            low: None,
            high: None,
        }];
        while let Some(node) = todo.pop() {
            if self.report.sink.full() {
                return;
            }
            self.node(meta, &node, in_order, &mut leaves, &mut todo);
        }
        if let Some((no, next)) = leaves.last.filter(|(_, next)| *next != 0) {
            let text = format!("next page is {next}, expected 0: this is the last leaf");
            self.report.error(Rule::LeafChain, no, at::NEXT, text);
        }
        if let Some((no, offset, number)) = leaves.mended {
            let text = format!(
                "{number} references in the other byte order, each with eight bytes of its key, this one \
                 first: as libraries of the series leave them in files of an order that is not their own"
            );
            self.report.note(Rule::OverflowItem, no, offset, text);
        }
        if meta.recno && u64::from(meta.records) != leaves.records {
            let text = format!("{} records, but there are {}", meta.records, leaves.records);
            self.report.warning(Rule::Count, PageNo::META, meta_at::NRECS, text);
        }
        self.rest();
    }

    /// The free list: of its pages only the links mean something.
    fn free_list(&self) {
        let mut from = Origin { page: PageNo::META, offset: meta_at::FREE, what: "free page" };
        let mut next = self.meta.free();
        while let Some(no) = next {
            if no.0 >= self.pages.count() {
                let text =
                    format!("free page {no} lies beyond the end: the file has {} pages", self.pages.count());
                self.report.error(Rule::FreeLink, from.page, from.offset, text);
                return;
            }
            if no.0 == format::ROOT || !self.seen.mark(no) {
                let text = format!("the free list leads to page {no}, which has another place");
                self.report.error(Rule::FreeCycle, from.page, from.offset, text);
                return;
            }
            self.report.sink.page();
            from = Origin { page: no, offset: at::NEXT, what: "free page" };
            let page = self.pages.raw(no).and_then(|page| Page::new(page, self.pages.order()));
            next = page.and_then(|page| PageNo::link(page.next()));
        }
    }

    /// Big keys stand in no order.
    fn has_big_keys(&self) -> bool {
        (1..self.pages.count()).map(PageNo).filter(|no| !self.seen.has(*no)).any(|no| {
            let page = self.pages.raw(no).and_then(|page| Page::new(page, self.pages.order()));
            page.is_some_and(|page| page.pgno() == no.0 && page.has_big_key())
        })
    }

    fn node(
        &self,
        meta: &Series1Tree,
        node: &Node,
        in_order: bool,
        leaves: &mut Leaves,
        todo: &mut Vec<Node>,
    ) {
        let (no, report) = (node.no, &self.report);
        if !self.reach(no, node.from) {
            return;
        }
        report.sink.page();
        let (page, kind) = match self.pages.series1_tree(no, node.from) {
            Ok(page) => page,
            Err(error) => return report.reader(&error),
        };
        let leaf = match (kind, meta.recno) {
            (Kind::Internal, false) | (Kind::RecnoInternal, true) => false,
            (Kind::Leaf, false) | (Kind::RecnoLeaf, true) => true,
            _ => {
                let text = format!("page type {}, expected one of the tree", page.flags() & 0x1f);
                return report.error(Rule::PageType, no, at::FLAGS, text);
            }
        };
        if !self.index(no, &page) {
            return;
        }
        self.tiles(no, &page);
        if let Some(found) = node.records {
            let counted: u32 = match leaf {
                true => u32::try_from(page.slots()).unwrap_or(u32::MAX),
                false => self.children(&page).fold(0, |sum, (_, child)| sum.saturating_add(child.records)),
            };
            // What is put behind the last record is not counted on the way.
            if found != counted && !(node.on_edge && found < counted) {
                let text = format!("{found} records, but {counted} are counted on page {no}");
                report.error(Rule::Count, node.from.page, node.from.offset.saturating_sub(4), text);
            }
        }
        if leaf {
            self.leaf(node, &page, in_order, leaves);
        } else {
            self.internal(node, &page, in_order, todo);
        }
    }

    /// Whether the index fits between the header and the items.
    fn index(&self, no: PageNo, page: &Page<'_>) -> bool {
        if page.has_index() {
            return true;
        }
        let (lower, upper, end) = (page.lower(), page.upper(), page.bytes().len());
        let text = format!("an index up to {lower} and items from {upper} on, on a page of {end} bytes");
        self.report.error(Rule::Entries, no, at::LOWER, text);
        false
    }

    /// Items fill the page from the lowest to the end, one behind the other.
    fn tiles(&self, no: PageNo, page: &Page<'_>) {
        let mut items: Vec<(usize, usize)> = Vec::new();
        for slot in 0..page.slots() {
            let found = page.stated(slot);
            let Some(start) = page.offset(slot) else {
                let text = format!("slot {slot} points to {found}, where no item can stand");
                self.report.error(Rule::ItemOffset, no, Page::slot_at(slot), text);
                return;
            };
            let Some(space) = page.space(start) else {
                let text = format!("the item of slot {slot} reaches past the end of the page");
                self.report.error(Rule::ItemLength, no, start, text);
                return;
            };
            items.push((start, space));
        }
        items.sort_unstable();
        let lowest = items.first().map_or(page.bytes().len(), |(start, _)| *start);
        if lowest != page.upper() {
            let text = format!("items start at {lowest}, but the page says {}", page.upper());
            self.report.error(Rule::ItemArea, no, at::UPPER, text);
        }
        let ends = items.iter().map(|(start, space)| start.saturating_add(*space));
        let starts = items.iter().skip(1).map(|(start, _)| *start).chain([page.bytes().len()]);
        for ((start, _), (end, next)) in items.iter().zip(ends.zip(starts)) {
            if end != next {
                let what = if end > next { "overlaps what follows" } else { "is followed by a gap" };
                let text = format!("the item at {start} ends at {end} and {what}, at {next}");
                self.report.error(Rule::ItemPacking, no, *start, text);
                return;
            }
        }
    }

    fn children<'p>(&self, page: &'p Page<'p>) -> impl Iterator<Item = (usize, format::Child<'p>)> {
        (0..page.slots()).filter_map(|slot| {
            let start = page.offset(slot)?;
            page.space(start)?;
            Some((start, page.child(start)?))
        })
    }

    fn internal(&self, node: &Node, page: &Page<'_>, in_order: bool, todo: &mut Vec<Node>) {
        let (no, report) = (node.no, &self.report);
        if page.slots() == 0 {
            return report.error(Rule::EmptyNode, no, at::LOWER, "an internal page without children");
        }
        if node.depth >= DEEPEST {
            return report.error(Rule::Level, no, at::FLAGS, "deeper than any tree: the links form a loop");
        }
        let children: Vec<_> = self.children(page).collect();
        let mut before: Option<&[u8]> = None;
        for (slot, (start, child)) in children.iter().enumerate() {
            if !child.is_sound() {
                let text = format!("flags {:#04x}, expected 0 or 2", child.flags());
                report.error(Rule::ItemKind, no, start.saturating_add(LEAF_HEAD - 1), text);
            } else if child.has_big_key() {
                self.preserved(no, start.saturating_add(LEAF_HEAD), child.key, page);
            }
            // The key of the first child means nothing.
            if in_order && slot > 0 {
                let key_at = start.saturating_add(LEAF_HEAD);
                if before.is_some_and(|before| self.is_behind(before, child.key)) {
                    let text = format!("the key in slot {slot} is not behind that of the slot before");
                    report.error(Rule::InternalOrder, no, key_at, text);
                }
                if self.is_outside(child.key, node) {
                    let text = "the key does not lie between those of the page above";
                    report.error(Rule::KeyRange, no, key_at, text);
                }
                before = Some(child.key);
            }
        }
        let own = |key: &[u8]| Some(key.to_vec()).filter(|_| in_order);
        let last = children.len().saturating_sub(1);
        for (slot, (start, child)) in children.iter().enumerate().rev() {
            let low = if slot == 0 { node.low.clone() } else { own(child.key) };
            let behind = children.get(slot.saturating_add(1));
            let high = behind.map_or(node.high.clone(), |(_, next)| own(next.key));
            let from = Origin { page: no, offset: start.saturating_add(4), what: "child page" };
            let recno = page.kind() == Some(Kind::RecnoInternal);
            todo.push(Node {
                no: PageNo(child.page),
                from,
                depth: node.depth.saturating_add(1),
                records: recno.then_some(child.records),
                on_edge: node.on_edge && slot == last,
                low,
                high,
            });
        }
    }

    fn is_behind(&self, key: &[u8], other: &[u8]) -> bool {
        self.pages.file().key_order().compare(key, other).is_gt()
    }

    fn is_outside(&self, key: &[u8], node: &Node) -> bool {
        node.low.as_ref().is_some_and(|low| self.is_behind(low, key))
            || node.high.as_ref().is_some_and(|high| self.is_behind(key, high))
    }

    /// The big key of an internal page is the same as that of a leaf, or of one that was deleted
    /// there: the chain says that it stays.
    fn preserved(&self, no: PageNo, offset: usize, key: &[u8], page: &Page<'_>) {
        let (first, _) = format::reference(key, page.body()).unwrap_or((0, 0));
        let from = Origin { page: no, offset, what: OVERFLOW_PAGE };
        match self.pages.series1_tree(PageNo(first), from) {
            Err(error) => self.report.reader(&error),
            Ok((_, kind)) if kind != Kind::Overflow => {
                let text = "the key leads to a page that is no overflow page";
                self.report.error(Rule::OverflowType, no, offset, text);
            }
            Ok((chain, _)) if chain.flags() & format::PRESERVED == 0 => {
                let text = "the chain of a key of an internal page is not marked as one that stays";
                self.report.warning(Rule::OverflowItem, PageNo(first), at::FLAGS, text);
            }
            Ok(_) => {}
        }
    }

    fn leaf(&self, node: &Node, page: &Page<'_>, in_order: bool, leaves: &mut Leaves) {
        let (no, report) = (node.no, &self.report);
        let expected = *leaves.depth.get_or_insert(node.depth);
        if expected != node.depth {
            let text = format!("a leaf {} levels below the root, expected {expected}", node.depth);
            report.error(Rule::Level, no, at::FLAGS, text);
        }
        let (last, next) = leaves.last.unwrap_or((PageNo::META, no.0));
        if page.prev() != last.0 {
            let text = format!("previous page is {}, expected {last}", page.prev());
            report.error(Rule::LeafChain, no, at::PREV, text);
        }
        if next != no.0 {
            let text = format!("next page is {next}, expected {no}");
            report.error(Rule::LeafChain, last, at::NEXT, text);
        }
        leaves.last = Some((no, page.next()));
        leaves.records = leaves.records.saturating_add(u64::try_from(page.slots()).unwrap_or(0));
        let mut before = leaves.key.take().map(Cow::Owned);
        for slot in 0..page.slots() {
            let Some(start) = page.offset(slot).filter(|start| page.space(*start).is_some()) else {
                continue;
            };
            if page.kind() == Some(Kind::RecnoLeaf) {
                self.record(no, page, start);
                continue;
            }
            let Some(pair) = page.pair(start) else { continue };
            if !pair.is_sound() {
                let text = format!(
                    "flags {:#04x}, expected 0 to 3, and 8 bytes for what is elsewhere",
                    pair.flags()
                );
                report.error(Rule::ItemKind, no, start.saturating_add(LEAF_HEAD - 1), text);
                continue;
            }
            let key = self.pair(no, page, start, &pair, leaves);
            if !in_order {
                continue;
            }
            let key_at = start.saturating_add(LEAF_HEAD);
            match before
                .as_ref()
                .map(|before: &Cow<'_, [u8]>| self.pages.file().key_order().compare(before, &key))
            {
                Some(order) if order.is_gt() => {
                    let rule = if slot == 0 { Rule::KeyChain } else { Rule::KeyOrder };
                    let text = format!("the key in slot {slot} is not behind the one before");
                    report.error(rule, no, key_at, text);
                }
                Some(order) if order.is_eq() && !self.meta.flags().duplicates() => {
                    let text = format!("the key in slot {slot} comes twice, which the file does not allow");
                    report.error(Rule::DuplicateFlag, no, key_at, text);
                }
                _ => {}
            }
            if self.is_outside(&key, node) {
                let text = "the key does not lie between those of the page above";
                report.error(Rule::KeyRange, no, key_at, text);
            }
            before = Some(key);
        }
        leaves.key = before.map(Cow::into_owned);
    }

    /// Checks the chains of a pair; gives its key, as far as that stands on the page.
    fn pair<'p>(
        &self,
        no: PageNo,
        page: &Page<'p>,
        start: usize,
        pair: &Pair<'p>,
        leaves: &mut Leaves,
    ) -> Cow<'p, [u8]> {
        let key_at = start.saturating_add(LEAF_HEAD);
        let data_at = key_at.saturating_add(pair.key.len());
        if pair.has_big_key() {
            self.chain(no, key_at, format::reference(pair.key, page.body()));
        }
        if !pair.has_big_data() {
            return Cow::Borrowed(pair.key);
        }
        if let Some((key, reference)) = mended(self.pages, pair) {
            let (.., number) = leaves.mended.get_or_insert((no, data_at, 0));
            *number = number.saturating_add(1);
            self.chain(no, data_at, Some(reference));
            return Cow::Owned(key.to_vec());
        }
        self.chain(no, data_at, format::reference(pair.data, page.body()));
        Cow::Borrowed(pair.key)
    }

    fn record(&self, no: PageNo, page: &Page<'_>, start: usize) {
        let Some(record) = page.record(start) else { return };
        if !record.is_sound() {
            let text =
                format!("flags {:#04x}, expected 0 or 1, and 8 bytes for what is elsewhere", record.flags());
            self.report.error(Rule::ItemKind, no, start.saturating_add(4), text);
        } else if record.is_big() {
            self.chain(no, start.saturating_add(5), format::reference(record.data, page.body()));
        }
    }

    /// Checks an overflow chain: it is made of pages with their numbers, up to the length that its
    /// item states.
    fn chain(&self, no: PageNo, offset: usize, reference: Option<(u32, u32)>) {
        let Some((first, len)) = reference else { return };
        let report = &self.report;
        let file = crate::error::file_bytes(self.pages.count(), self.pages.size());
        if u64::from(len) > file {
            let text = format!("an item of {len} bytes in an overflow chain, in a file of {file}");
            return report.error(Rule::OverflowLength, no, offset.saturating_add(4), text);
        }
        let mut left = PageNo(len).index();
        let (mut next, mut from) = (first, Origin { page: no, offset, what: OVERFLOW_PAGE });
        while left > 0 {
            if next == 0 {
                let text = format!("the overflow chain ends {left} bytes before the length of {len}");
                return report.error(Rule::OverflowLength, no, offset.saturating_add(4), text);
            }
            let here = PageNo(next);
            if !self.reach(here, from) {
                return;
            }
            report.sink.page();
            let page = match self.pages.series1_tree(here, from) {
                Ok((page, Kind::Overflow)) => page,
                Ok((page, _)) => {
                    let text = format!("page type {} in an overflow chain, expected 4", page.flags() & 0x1f);
                    return report.error(Rule::OverflowType, here, at::FLAGS, text);
                }
                Err(error) => return report.reader(&error),
            };
            left = left.saturating_sub(page.overflow().len());
            (next, from) = (page.next(), Origin { page: here, offset: at::NEXT, what: OVERFLOW_PAGE });
        }
    }

    /// Pages that have no place: those of chains may stay behind, and are marked.
    fn rest(&self) {
        for no in (1..self.pages.count()).map(PageNo).filter(|no| !self.seen.has(*no)) {
            if self.report.sink.full() {
                return;
            }
            self.report.sink.page();
            let page = self.pages.raw(no).and_then(|page| Page::new(page, self.pages.order()));
            let Some(page) = page.filter(|page| page.pgno() == no.0) else { continue };
            match page.kind() {
                Some(kind) if kind.is_leaf() && page.slots() > 0 => {
                    let text = format!("a leaf with {} entries that nothing leads to", page.slots());
                    self.report.error(Rule::Unreferenced, no, at::FLAGS, text);
                }
                // Behind a page that stays there are others, which are not marked.
                Some(Kind::Overflow) | None => {}
                Some(_) => {
                    let text = "a page of a tree that nothing leads to";
                    self.report.warning(Rule::Unreferenced, no, at::FLAGS, text);
                }
            }
        }
    }
}
