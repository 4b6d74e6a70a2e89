//! The highest page that a page leads to: so far its file goes, where its first page does not say it.

use super::sighting::Sighting;
use crate::format::named;
use crate::format::page::{HEADER, Page};
use crate::order::{Endianness, with_order};

/// The highest page, of those that a file can have, that is named by the header of a page or by an item
/// on it. Only of files that do not say where they end: their pages have no checksums.
pub(super) fn highest(page: &[u8], sighting: &Sighting, order: Endianness, most: u64) -> u32 {
    let chain = sighting.chain(order).into_iter().flatten().flatten().map(|page| page.0);
    let items = with_order!(order, O => {
        let page = Page::<O>::new(page);
        let named = page.into_iter().flat_map(|page| named::pages(page, sighting.kind(), HEADER));
        named.filter(|page| u64::from(*page) < most).max()
    });
    chain.chain(items).filter(|page| u64::from(*page) < most).max().unwrap_or(0)
}
