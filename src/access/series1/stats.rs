//! Counting the pages of a file of the 1.x series.

use super::Kind;
use crate::access::stats::FileStats;
use crate::access::visited::Visited;
use crate::format::page::PageKind;
use crate::format::series1::hash::{self, Page, Page3};
use crate::format::series1::tree;
use crate::pages::Pages;
use crate::types::PageNo;

/// The pages of a file by their kind, in the words of later releases. Pages of bits, and all that a
/// header takes, count as metadata.
pub(in crate::access) fn count(pages: &Pages<'_>) -> FileStats {
    let mut stats = FileStats::default();
    for no in (0..pages.count()).map(PageNo) {
        match pages.look(no, |page| Some(kind_of(pages, no, page))).flatten() {
            Some(kind) => {
                let number = stats.pages.entry(kind).or_insert(0);
                *number = number.saturating_add(1);
            }
            None if pages.look(no, |page| page.iter().all(|&byte| byte == 0).then_some(())).is_some() => {
                stats.unwritten = stats.unwritten.saturating_add(1);
            }
            None => stats.unknown = stats.unknown.saturating_add(1),
        }
    }
    let mut seen = Visited::new(pages);
    let mut next = pages.meta().free().filter(|_| pages.series1_table().is_none());
    while let Some(no) = next.filter(|no| no.0 < pages.count() && seen.mark(*no)) {
        stats.free_list = stats.free_list.saturating_add(1);
        let link = |page: &[u8]| tree::Page::new(page, pages.order()).map(|page| page.next());
        next = pages.look(no, link).and_then(PageNo::link);
    }
    stats
}

fn kind_of(pages: &Pages<'_>, no: PageNo, page: &[u8]) -> Option<PageKind> {
    let Some(Kind::Hash(header)) = pages.meta().series1() else {
        if no == PageNo::META {
            return Some(PageKind::BtreeMeta);
        }
        let page = tree::Page::new(page, pages.order()).filter(|page| page.pgno() == no.0)?;
        return Some(match page.kind()? {
            tree::Kind::Internal => PageKind::BtreeInternal,
            tree::Kind::Leaf => PageKind::BtreeLeaf,
            tree::Kind::Overflow => PageKind::Overflow,
            tree::Kind::RecnoInternal => PageKind::RecnoInternal,
            tree::Kind::RecnoLeaf => PageKind::RecnoLeaf,
        });
    };
    let bits = |&address: &u16| address != 0 && header.overflow_page(address) == no.0;
    if no.0 < header.pages || header.bitmaps.iter().any(bits) {
        return Some(PageKind::HashMeta);
    }
    if header.has_page_numbers() {
        let page = Page3::new(page, pages.order());
        return match page.kind() {
            _ if page.is_hole() || page.pgno() != no.0 => None,
            hash::BIG_PAIR => Some(PageKind::Overflow),
            hash::BUCKET | hash::OVERFLOW => Some(PageKind::HashUnsorted),
            _ => None,
        };
    }
    let words = Page::new(page, pages.order());
    match words.mark() {
        _ if page.iter().all(|&byte| byte == 0) || !words.has_words() => None,
        Some(_) => Some(PageKind::Overflow),
        None => Some(PageKind::HashUnsorted),
    }
}
