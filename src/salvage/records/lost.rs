//! What a lost link led to: the only thing of a file that nothing leads to and that fits.
//!
//! A link that leads nowhere is mended if it is the only one of its kind, and what it can have
//! led to is the only one too: for an overflow chain, one of the length that the item states.

use byteorder::ByteOrder;

use super::SalvagedRecords;
use crate::bits::Bits;
use crate::error::{Defect, Error};
use crate::format::page::{Page, PageKind, holds_records, slot_offset};
use crate::method::Method;
use crate::salvage::file::File;
use crate::salvage::item::{Chain, Item, Unit};
use crate::salvage::note::{Note, Notes};
use crate::salvage::overflow::is_head;
use crate::salvage::page::Cursor;
use crate::salvage::walk::{Of, Walk, child_at, inspect_internal};
use crate::salvage::work::Work;
use crate::types::PageNo;

/// What nothing leads to, but one lost link each can have led to.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// The root of duplicates.
    duplicates: Option<PageNo>,
    /// First pages of overflow chains, by the length of these.
    chains: Vec<(u64, PageNo)>,
}

impl<'s> SalvagedRecords<'s> {
    /// A walk through the duplicates that an item leads to, or to which alone it can have led.
    pub(super) fn duplicates_of<O: ByteOrder>(
        &mut self,
        root: PageNo,
        holder: (PageNo, usize),
        notes: &mut Notes,
    ) -> Walk {
        let walk = Walk::new(root, holder);
        if !is_dangling::<O>(&self.work, root) {
            return walk;
        }
        let Some(found) = self.lost::<O>().duplicates.filter(|found| !self.work.seen.has(*found)) else {
            return walk;
        };
        if let Some(error) = walk.obstacle::<O>(&self.work, Of::Duplicates) {
            self.work.report.problem(error);
        }
        notes.add(Note::Joined);
        Walk::new(found, holder)
    }

    /// An item of a page, with the overflow chain to which alone it can have led if it leads to
    /// none.
    #[inline(always)]
    pub(super) fn mended<O: ByteOrder>(
        &mut self,
        page: PageNo,
        item: Item<'s>,
        notes: &mut Notes,
    ) -> Item<'s> {
        match item {
            Item::Chain(chain) if !is_head::<O>(&self.work.file, chain.first) => {
                Item::Chain(self.mended_chain::<O>(page, chain, notes))
            }
            item => item,
        }
    }

    #[inline(never)]
    fn mended_chain<O: ByteOrder>(&mut self, page: PageNo, chain: Chain, notes: &mut Notes) -> Chain {
        let chains = &self.lost::<O>().chains;
        let found = chains.binary_search_by_key(&u64::from(chain.len), |(len, _)| *len).ok();
        let Some(&(_, first)) = found.and_then(|found| chains.get(found)) else { return chain };
        if self.work.chains.has(first) {
            return chain;
        }
        let defect = Defect::Link { link: "first overflow", found: chain.first.0, expected: first.0 };
        self.work.report.problem(Error::corrupt(page, usize::from(chain.at).saturating_add(4), defect));
        notes.add(Note::Joined);
        Chain { first, ..chain }
    }

    /// What was lost: looked for once, when the first link is met that leads nowhere.
    fn lost<O: ByteOrder>(&mut self) -> &Lost {
        if self.lost.is_none() {
            self.lost = Some(self.find_lost::<O>());
        }
        self.lost.get_or_insert_default()
    }

    fn find_lost<O: ByteOrder>(&self) -> Lost {
        let file = self.work.file;
        let mut links = Links { referenced: file.no_pages(), duplicates: 0, chains: Vec::new() };
        let mut scratch = Work::new(file);
        self.survey.databases.iter().filter_map(|owner| owner.root).for_each(|root| {
            links.referenced.mark(root);
        });
        for no in file.numbers().map(PageNo) {
            let Some(page) = file.page::<O>(no) else { continue };
            match PageKind::from_byte(page.type_byte()) {
                Some(PageKind::BtreeInternal | PageKind::RecnoInternal) => {
                    inspect_internal::<O>(&mut scratch, &page, no);
                    links.children(&page, file.overhead());
                }
                Some(kind) if holds_records(kind) => {
                    let Some(mut cursor) = Cursor::open::<O>(&mut scratch, no) else { continue };
                    let mut last_key = None;
                    while let Some(unit) = cursor.next::<O>() {
                        let same_key = unit.key.map(|(at, _)| at) == last_key;
                        last_key = unit.key.map(|(at, _)| at);
                        links.unit::<O>(&scratch, &unit, same_key);
                    }
                }
                _ => {}
            }
        }
        links.chains.sort_unstable();
        let records = self.survey.databases.iter().any(|owner| owner.method() == Method::Recno);
        Lost {
            duplicates: links.lost_root::<O>(&scratch, records).filter(|_| links.duplicates == 1),
            chains: links.lost_chains::<O>(&scratch),
        }
    }
}

/// All links of a file.
struct Links {
    /// Pages that something leads to.
    referenced: Bits,
    /// Items that should lead to duplicates, and lead nowhere.
    duplicates: u32,
    /// Lengths of the overflow chains of items that lead nowhere.
    chains: Vec<u32>,
}

impl Links {
    fn children<O: ByteOrder>(&mut self, page: &Page<'_, O>, overhead: usize) {
        for index in 0..page.entries() {
            if slot_offset(overhead, index) >= page.item_area() {
                break;
            }
            if let Some(child) = child_at(page, overhead, index) {
                self.referenced.mark(child);
            }
        }
    }

    fn unit<O: ByteOrder>(&mut self, work: &Work<'_>, unit: &Unit<'_>, same_key: bool) {
        if let Item::Duplicates { root, .. } = unit.value {
            self.referenced.mark(root);
            self.duplicates = self.duplicates.saturating_add(u32::from(is_dangling::<O>(work, root)));
        }
        let key = unit.key.map(|(_, key)| key).filter(|_| !same_key);
        for item in [key, Some(unit.value)].into_iter().flatten() {
            let Item::Chain(chain) = item else { continue };
            if is_head::<O>(&work.file, chain.first) {
                self.referenced.mark(chain.first);
            } else {
                self.chains.push(chain.len);
            }
        }
    }

    /// The only root of duplicates that nothing leads to. `records`: whether the file has records
    /// of RECNO, which are on the same kind of pages.
    fn lost_root<O: ByteOrder>(&self, work: &Work<'_>, records: bool) -> Option<PageNo> {
        let file = work.file;
        let lost = |no: &PageNo| {
            let Some(page) = file.page::<O>(*no).filter(|page| page.pgno() == no.0) else { return false };
            !self.referenced.has(*no) && page.entries() > 0 && is_part::<O>(work, *no, &page)
        };
        let mut roots = file.numbers().map(PageNo).filter(lost);
        let (Some(root), None) = (roots.next(), roots.next()) else { return None };
        let page = file.page::<O>(root)?;
        let kind = PageKind::from_byte(page.type_byte());
        let of_records = records && matches!(kind, Some(PageKind::RecnoLeaf | PageKind::RecnoInternal));
        // A leaf with neighbours, or a page within a chain, is a part of more.
        let alone = match kind {
            Some(PageKind::Duplicate) => page.prev() == 0,
            Some(PageKind::BtreeInternal | PageKind::RecnoInternal) => true,
            _ => (page.prev(), page.next()) == (0, 0),
        };
        (alone && !of_records).then_some(root)
    }

    /// Whole chains that nothing leads to, by their length: those which are the only ones of it,
    /// as is the item that leads nowhere.
    fn lost_chains<O: ByteOrder>(&self, work: &Work<'_>) -> Vec<(u64, PageNo)> {
        if self.chains.is_empty() {
            return Vec::new();
        }
        let lost =
            |no: &PageNo| is_head::<O>(&work.file, *no) && !self.referenced.has(*no) && !work.chains.has(*no);
        let heads = work.file.numbers().map(PageNo).filter(lost);
        let mut lost: Vec<_> =
            heads.filter_map(|no| Some((chain_length::<O>(&work.file, no)?, no))).collect();
        lost.sort_unstable();
        let wanted = |len: u64| {
            let from = self.chains.partition_point(|wanted| u64::from(*wanted) < len);
            let with = self.chains.get(from..).unwrap_or(&[]);
            with.iter().take(2).filter(|wanted| u64::from(**wanted) == len).count()
        };
        let alone = |same: &&[(u64, PageNo)]| same.len() == 1;
        let groups = lost.chunk_by(|one, other| one.0 == other.0).filter(alone);
        groups.flatten().copied().filter(|(len, _)| wanted(*len) == 1).collect()
    }
}

/// Whether no duplicates can start on a page, whatever led to it.
fn is_dangling<O: ByteOrder>(work: &Work<'_>, root: PageNo) -> bool {
    Walk::new(root, (PageNo::META, 0)).has_no_start::<O>(work, Of::Duplicates)
}

/// Whether a page can be one of duplicates: the first of a chain, or any of a tree.
fn is_part<O: ByteOrder>(work: &Work<'_>, no: PageNo, page: &Page<'_, O>) -> bool {
    let is_piece = |before| work.file.kind::<O>(before) == Some(PageKind::Duplicate);
    let chained = PageKind::from_byte(page.type_byte()) == Some(PageKind::Duplicate)
        && PageNo::link(page.prev()).is_some_and(is_piece);
    !chained && !is_dangling::<O>(work, no)
}

/// Bytes of an overflow chain in which every page confirms the one before.
fn chain_length<O: ByteOrder>(file: &File<'_>, first: PageNo) -> Option<u64> {
    let (mut before, mut next, mut sum) = (0, first.0, 0u64);
    while let Some(no) = PageNo::link(next) {
        let page = file.page::<O>(no).filter(|page| page.pgno() == next && page.prev() == before)?;
        if PageKind::from_byte(page.type_byte()) != Some(PageKind::Overflow) || page.hf_offset() == 0 {
            return None;
        }
        sum = sum.saturating_add(page.hf_offset().into());
        (before, next) = (next, page.next());
    }
    Some(sum)
}
