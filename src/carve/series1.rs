//! Files of the 1.x series: only those that lie in one piece, as their pages do not all say where
//! they belong (other-releases, "The 1.x series").

use std::io::{Read, Seek};

use super::carved::{CarvedFile, CarvedKind};
use super::error::CarveError;
use super::image::Image;
use crate::format::meta::LENGTH;
use crate::format::series1::hash::{Header, Page, Page3};
use crate::format::series1::tree;
use crate::meta::{self, FileKind};
use crate::method::Method;
use crate::order::Endianness;

/// Pages that may be unlike any before a file is taken to have ended.
const UNLIKE: u64 = 16;

/// The file that begins at an offset; `None`, if none does.
pub(super) fn find<R: Read + Seek>(
    image: &mut Image<'_, R>,
    start: u64,
) -> Result<Option<CarvedFile>, CarveError> {
    let head = image.bytes(start, LENGTH)?;
    let kind = FileKind::of(head);
    let (FileKind::Series1 { method, version, order }, Ok(meta)) = (&kind, meta::parse(&kind, head)) else {
        return Ok(None);
    };
    let (method, version, order) = (*method, *version, *order);
    let page_size = u64::from(meta.page_size().get());
    let table = if method == Method::Hash { Header::of(head) } else { None };
    let last = table.as_ref().map(last_page);
    let mut pages = table.as_ref().map_or(1, |table| u64::from(table.pages));
    let (mut number, mut unlike) = (pages, 0);
    while unlike < UNLIKE && last.is_none_or(|last| number <= last) {
        let at = start.saturating_add(number.saturating_mul(page_size));
        if at.saturating_add(page_size) > image.len() || !image.spend(LOOKED_AT) {
            break;
        }
        let page = image.bytes(at, usize::try_from(page_size).unwrap_or(LENGTH))?;
        let like = match &table {
            Some(table) => is_of_table(page, order, table, number),
            None => is_of_tree(page, order, number),
        };
        number = number.saturating_add(1);
        if like {
            (pages, unlike) = (number, 0);
        } else if table.is_none() || page.iter().any(|&byte| byte != 0) {
            unlike = unlike.saturating_add(1);
        }
    }
    let kind = CarvedKind::Series1 { method, version };
    let len = pages.saturating_mul(page_size).min(image.len().saturating_sub(start));
    let file = CarvedFile::in_one_piece(kind, order, start, len);
    let page_size = u32::try_from(page_size).ok();
    Ok((table.is_some() || pages > 1).then_some(CarvedFile { page_size, found: pages, ..file }))
}

/// What a look at a page costs of the budget, in bytes.
const LOOKED_AT: u64 = 32;

/// The last page that a table can have: of the last bucket of the doubling that it is in, or one that
/// overflowed behind it.
fn last_page(header: &Header) -> u64 {
    let point = usize::try_from(header.ovfl_point).unwrap_or(usize::MAX);
    let overflow = header.spares.get(point).copied().unwrap_or(0);
    let buckets = 1u64.checked_shl(header.ovfl_point).unwrap_or(u64::MAX).saturating_sub(1);
    [u64::from(header.pages), buckets, overflow.into()].into_iter().fold(0, u64::saturating_add)
}

/// Whether a page says that it is this one of a tree.
fn is_of_tree(page: &[u8], order: Endianness, number: u64) -> bool {
    order.u32_at(page, tree::at::PGNO).is_some_and(|stated| u64::from(stated) == number)
        && tree::Page::with_body(page, order, order).is_some_and(|page| page.kind().is_some())
}

/// Whether a page can be one of a table, and was written.
fn is_of_table(page: &[u8], order: Endianness, table: &Header, number: u64) -> bool {
    let mut maps = table.bitmaps.iter().filter(|&&address| address != 0);
    if maps.any(|&address| u64::from(table.overflow_page(address)) == number) {
        return true;
    }
    if table.has_page_numbers() {
        let page3 = Page3::new(page, order);
        return u64::from(page3.pgno()) == number && !page3.is_hole() && page3.end_of_slots() <= page.len();
    }
    let table = Page::new(page, order);
    let low = table.lowest();
    table.has_words() && low > 0 && low <= page.len() && usize::from(table.free()) < page.len()
}
