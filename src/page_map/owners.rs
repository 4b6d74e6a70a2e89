//! Which database leads to which page.

use super::{Cell, MappedDatabase};
use crate::access::Database;
use crate::format::generation::Generation;
use crate::format::named;
use crate::format::page::{Page, PageKind, is_leaf};
use crate::meta::Meta;
use crate::method::Method;
use crate::order::with_order;
use crate::pages::Pages;
use crate::types::PageNo;

/// The most databases that are told from each other.
const MOST: usize = 1 << 15;

/// Finds the databases of a file, and marks the pages of each, and those of the free list.
pub(super) fn find(file: &Database<'_>, cells: &mut [Cell]) -> Vec<MappedDatabase> {
    let pages = file.pages();
    free(pages, cells);
    let mut databases = Vec::new();
    let mut add = |name: Option<&[u8]>, meta: &Meta, cells: &mut [Cell]| {
        let number = u16::try_from(databases.len()).unwrap_or(u16::MAX);
        databases.push(MappedDatabase {
            name: name.map(<[u8]>::to_vec),
            method: meta.method(),
            page: meta.page(),
        });
        mark(pages, meta, number, cells);
    };
    add(None, pages.meta(), cells);
    for inner in file.subdatabases().take(MOST).flatten() {
        add(Some(inner.name()), inner.meta(), cells);
    }
    databases
}

/// Marks the pages of the free list, as far as it is one.
fn free(pages: &Pages<'_>, cells: &mut [Cell]) {
    let mut next = pages.meta().free().filter(|_| !pages.meta().is_series1());
    while let Some(cell) = next.and_then(|no| cells.get_mut(no.index())) {
        if cell.free || cell.kind != Some(PageKind::Invalid) {
            break;
        }
        cell.free = true;
        next = next.and_then(|no| {
            pages.look_at_header(no, |bytes| {
                with_order!(pages.order(), O => Page::<O>::new(bytes).and_then(|page| PageNo::link(page.next())))
            })
        });
    }
}

/// Marks the pages to which a database leads.
fn mark(pages: &Pages<'_>, meta: &Meta, number: u16, cells: &mut [Cell]) {
    let alone = meta.is_series1() || matches!(meta.method(), Method::Queue | Method::Heap);
    if alone {
        return cells.iter_mut().for_each(|cell| cell.database = Some(number));
    }
    let heads = (0..32).filter_map(|doubling| meta.buckets()?.heads(doubling)).flatten();
    let last = u32::try_from(cells.len()).unwrap_or(u32::MAX);
    // The pages of buckets that are still to come are there from the doubling on.
    let buckets = meta.buckets().filter(|_| meta.generation() >= Generation::V30);
    let to_come = buckets.into_iter().flat_map(|buckets| {
        let bucket = buckets.max.saturating_add(1)..=buckets.high_mask;
        bucket.map_while(|bucket| Some(buckets.page(bucket).0).filter(|page| *page < last))
    });
    let heads = heads.take_while(|page| *page < last).chain(to_come);
    let mut open: Vec<u32> = [Some(meta.page()), meta.root()].into_iter().flatten().map(|no| no.0).collect();
    open.extend(heads);
    while let Some(no) = open.pop() {
        let Some(cell) = cells.get_mut(PageNo(no).index()).filter(|cell| cell.database.is_none()) else {
            continue;
        };
        cell.database = Some(number);
        let Some(kind) = cell.kind else { continue };
        let chained =
            is_leaf(kind) || matches!(kind, PageKind::Overflow | PageKind::Hash | PageKind::HashUnsorted);
        pages.look(PageNo(no), |bytes| {
            with_order!(pages.order(), O => {
                let page = Page::<O>::new(bytes)?;
                open.extend(chained.then(|| page.next()).filter(|next| *next > 0 && *next < last));
                open.extend(named::pages(page, kind, pages.overhead()).filter(|named| *named > 0 && *named < last));
            });
            Some(())
        });
    }
}
