//! Duplicates whose link was lost: the only reference of a file that leads nowhere, and the
//! only tree of duplicates that nothing leads to, belong together.

use byteorder::ByteOrder;

use super::Records;
use crate::bits::Bits;
use crate::format::page::{Page, PageKind, slot_offset};
use crate::meta::Method;
use crate::salvage::leaf::Item;
use crate::salvage::note::{Note, Notes};
use crate::salvage::page::Cursor;
use crate::salvage::walk::{Of, Walk, child_at};
use crate::salvage::work::Work;
use crate::types::PageNo;

impl Records<'_> {
    /// A walk through the duplicates that an item leads to, or to which alone it can have led.
    pub(super) fn duplicates_of<O: ByteOrder>(
        &mut self,
        root: PageNo,
        holder: (PageNo, usize),
        notes: &mut Notes,
    ) -> Walk {
        let walk = Walk::new(root, holder);
        let Some(error) = walk.obstacle::<O>(&self.work, Of::Duplicates) else { return walk };
        if !is_dangling::<O>(&self.work, root) {
            return walk;
        }
        let found = match self.lost_root {
            Some(found) => found,
            None => *self.lost_root.insert(self.find_lost_root::<O>()),
        };
        let Some(found) = found.filter(|found| !self.work.seen.has(*found)) else { return walk };
        self.work.report.problem(error);
        notes.add(Note::Joined);
        Walk::new(found, holder)
    }

    /// The root of the duplicates that nothing leads to, if there is one such root and one item
    /// that leads nowhere.
    fn find_lost_root<O: ByteOrder>(&self) -> Option<PageNo> {
        let file = self.work.file;
        let (mut scratch, mut referenced) = (Work::new(file), file.no_pages());
        let mut dangling = 0u32;
        self.survey.databases.iter().filter_map(|owner| owner.root).for_each(|root| {
            referenced.mark(root);
        });
        for no in file.numbers().map(PageNo) {
            let Some(page) = file.page::<O>(no) else { continue };
            match PageKind::from_byte(page.type_byte()) {
                Some(PageKind::BtreeInternal | PageKind::RecnoInternal) => {
                    children(&page, file.overhead(), &mut referenced);
                }
                Some(PageKind::BtreeLeaf | PageKind::Hash | PageKind::HashUnsorted) => {
                    let Some(mut cursor) = Cursor::open::<O>(&mut scratch, no) else { continue };
                    while let Some(unit) = cursor.next::<O>() {
                        let Item::Duplicates { root, .. } = unit.value else { continue };
                        referenced.mark(root);
                        dangling = dangling.saturating_add(u32::from(is_dangling::<O>(&scratch, root)));
                    }
                }
                _ => {}
            }
        }
        let records = self.survey.databases.iter().any(|owner| owner.method() == Method::Recno);
        let lost = |no: &PageNo| {
            let Some(page) = file.page::<O>(*no).filter(|page| page.pgno() == no.0) else { return false };
            !referenced.has(*no) && page.entries() > 0 && is_part::<O>(&scratch, *no, &page)
        };
        let mut roots = file.numbers().map(PageNo).filter(lost);
        let (Some(root), None, 1) = (roots.next(), roots.next(), dangling) else { return None };
        let page = file.page::<O>(root)?;
        let kind = PageKind::from_byte(page.type_byte());
        let of_records = records && matches!(kind, Some(PageKind::RecnoLeaf | PageKind::RecnoInternal));
        // A leaf with neighbours, or a page in a chain, is a part of more.
        let alone = match kind {
            Some(PageKind::Duplicate) => page.prev() == 0,
            Some(PageKind::BtreeInternal | PageKind::RecnoInternal) => true,
            _ => (page.prev(), page.next()) == (0, 0),
        };
        (alone && !of_records).then_some(root)
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

/// Notes the pages that an internal page leads to.
fn children<O: ByteOrder>(page: &Page<'_, O>, overhead: usize, referenced: &mut Bits) {
    for index in 0..page.entries() {
        if slot_offset(overhead, index) >= page.item_area() {
            break;
        }
        if let Some(child) = child_at(page, overhead, index) {
            referenced.mark(child);
        }
    }
}
