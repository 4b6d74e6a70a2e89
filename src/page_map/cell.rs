//! One page in a picture.

use byteorder::ByteOrder;

use crate::format::item;
use crate::format::page::{Page, PageKind, is_leaf, slot_offset};
use crate::format::seal::is_metadata;
use crate::format::series1::tree;
use crate::method::Method;
use crate::order::with_order;
use crate::pages::Pages;
use crate::types::{Lsn, PageNo};

/// What is seen of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cell {
    /// What it says that it is; `None`, if no page is of such a type. Pages of the 1.x series are called by
    /// what is nearest to them.
    pub kind: Option<PageKind>,
    /// Whether it is zero: allocated, but never written.
    pub unwritten: bool,
    /// How much of it is in use, in percent.
    pub fill: u8,
    /// The database to which it belongs, of [`PageMap::databases`](super::PageMap::databases); `None`, if
    /// none leads to it. Of several that lead to it, the first.
    pub database: Option<u16>,
    /// Whether it is on the free list.
    pub free: bool,
    /// Whether items on it are marked as deleted.
    pub deleted: bool,
    /// Whether there are bytes of something where nothing is in use.
    pub remains: bool,
    /// The log record that changed it last.
    pub lsn: Lsn,
}

impl Cell {
    pub(super) fn of(pages: &Pages<'_>, no: PageNo) -> Cell {
        let series1 = pages.meta().is_series1();
        let look = |bytes: &[u8]| {
            Some(match series1 {
                true => Cell::of_series1(bytes, pages, no),
                false => with_order!(pages.order(), O => Cell::of_page::<O>(bytes, pages, no)),
            })
        };
        pages.look(no, look).unwrap_or_default()
    }

    fn of_page<O: ByteOrder>(bytes: &[u8], pages: &Pages<'_>, no: PageNo) -> Cell {
        let Some(page) = Page::<O>::new(bytes) else { return Cell::default() };
        let method = pages.meta().method();
        let kind = match (no, method) {
            // Of the oldest no byte says what page 0 is, nor what those of a QUEUE are.
            (PageNo::META, Method::Hash) => Some(PageKind::HashMeta),
            (PageNo::META, Method::Queue) => Some(PageKind::QueueMeta),
            (PageNo::META, Method::Heap) => Some(PageKind::HeapMeta),
            (PageNo::META, _) => Some(PageKind::BtreeMeta),
            (_, Method::Queue) => Some(PageKind::QueueData),
            _ => PageKind::from_byte(page.type_byte()),
        };
        let mut cell = Cell { kind, lsn: page.lsn(), ..Cell::default() };
        if no != PageNo::META && page.is_hole() && bytes.iter().all(|&byte| byte == 0) {
            return Cell { kind: Some(PageKind::Invalid), unwritten: true, ..cell };
        }
        let overhead = pages.overhead();
        let Some(kind) = kind else { return cell };
        let unused = match kind {
            kind if is_metadata(kind) || kind == PageKind::QueueData => return Cell { fill: 100, ..cell },
            PageKind::HeapRegion => return Cell { fill: 100, ..cell },
            PageKind::Invalid => overhead..bytes.len(),
            PageKind::Overflow => overhead.saturating_add(page.hf_offset().into())..bytes.len(),
            PageKind::Heap => overhead..page.item_area(),
            _ => slot_offset(overhead, page.entries())..page.item_area(),
        };
        let idle = unused.len().saturating_mul(100).checked_div(bytes.len()).unwrap_or(0);
        cell.fill = u8::try_from(100usize.saturating_sub(idle)).unwrap_or(0);
        if kind == PageKind::Invalid {
            cell.fill = 0;
        }
        let rest = bytes.get(unused).unwrap_or_default();
        cell.remains = kind != PageKind::Heap && rest.iter().any(|&byte| byte != 0);
        if is_leaf(kind) {
            let slots = (0..page.entries()).map_while(|slot| page.item(overhead, slot));
            let mut types = slots.filter_map(|(_, rest)| item::type_byte(rest));
            cell.deleted = types.any(|byte| byte & item::DELETED != 0);
        }
        cell
    }

    fn of_series1(bytes: &[u8], pages: &Pages<'_>, no: PageNo) -> Cell {
        let cell = |kind| Cell { kind, fill: 100, ..Cell::default() };
        let hash = pages.meta().method() == Method::Hash;
        if no == PageNo::META {
            return cell(Some(if hash { PageKind::HashMeta } else { PageKind::BtreeMeta }));
        }
        if bytes.iter().all(|&byte| byte == 0) {
            return Cell { kind: Some(PageKind::Invalid), unwritten: true, ..Cell::default() };
        }
        if hash {
            return cell(Some(PageKind::HashUnsorted));
        }
        let page = tree::Page::with_body(bytes, pages.order(), pages.order());
        cell(page.and_then(|page| page.kind()).map(|kind| match kind {
            tree::Kind::Internal => PageKind::BtreeInternal,
            tree::Kind::Leaf => PageKind::BtreeLeaf,
            tree::Kind::Overflow => PageKind::Overflow,
            tree::Kind::RecnoInternal => PageKind::RecnoInternal,
            tree::Kind::RecnoLeaf => PageKind::RecnoLeaf,
        }))
    }
}
