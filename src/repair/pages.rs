//! What of single pages, and of the file as a whole, follows from the rest of it.

use std::collections::{BTreeMap, BTreeSet};

use byteorder::ByteOrder;

use super::open::RepairChoices;
use super::prepare::Patch;
use crate::access::Database;
use crate::edit::{Draft, FreeList, Reason, references};
use crate::format::checksum;
use crate::format::meta::{self as layout, Field, at as meta_at};
use crate::format::page::{Page, PageKind, at, slot_offset};
use crate::method::Method;
use crate::pages::Pages;
use crate::types::PageNo;
use crate::verify::{Finding, Rule, Severity};

/// Mends what was found of the number of the last page, item areas, references and checksums. What refers to
/// a chain may stand on a page that is doubted.
pub(super) fn mend<O: ByteOrder>(
    db: &Database<'_>,
    found: &[Finding],
    choices: RepairChoices,
    doubted: &BTreeSet<PageNo>,
) -> Vec<Patch> {
    let pages = db.pages();
    let of = |rule: Rule| found.iter().filter(move |finding| finding.rule == rule);
    let mut patches = Vec::new();
    if of(Rule::LastPage).next().is_some() {
        let last = pages.count().saturating_sub(1);
        patches.push(Patch::number::<O>(PageNo::META, meta_at::LAST_PGNO, last));
    }
    patches.extend(of(Rule::ItemArea).filter_map(|finding| item_area::<O>(pages, finding.page)));
    if of(Rule::OverflowCount).next().is_some() && doubted.is_empty() {
        patches.extend(counts::<O>(pages));
    }
    if choices.accept_checksums {
        patches.extend(of(Rule::Checksum).filter_map(|finding| checksum::<O>(pages, finding.page)));
    }
    patches
}

/// The items of a page begin with the lowest. Where the header has them begin below it, what stands
/// between may be items that the index has lost.
fn item_area<O: ByteOrder>(pages: &Pages<'_>, no: PageNo) -> Option<Patch> {
    let page = pages.raw(no).and_then(Page::<O>::new)?;
    let stated = usize::from(page.hf_offset());
    let index = slot_offset(pages.overhead(), page.entries());
    let slots = (0..page.entries()).map(|slot| page.slot(pages.overhead(), slot));
    let lowest = slots.collect::<Option<Vec<_>>>()?.into_iter().min()?;
    let is_false = stated < index || stated > usize::from(lowest);
    is_false.then(|| Patch::short::<O>(no, at::HF_OFFSET, lowest))
}

/// Overflow chains count the references that lead to them.
fn counts<O: ByteOrder>(pages: &Pages<'_>) -> Vec<Patch> {
    let mut counts: BTreeMap<PageNo, u32> = BTreeMap::new();
    for page in (1..pages.count()).filter_map(|no| pages.raw(PageNo(no)).and_then(Page::<O>::new)) {
        references(pages, &page, |head| {
            let count = counts.entry(head).or_insert(0);
            *count = count.saturating_add(1);
        });
    }
    let wrong = counts.into_iter().filter_map(|(head, count)| {
        let page = pages.raw(head).and_then(Page::<O>::new)?;
        let is_overflow = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
        let count = u16::try_from(count).ok().filter(|&count| is_overflow && page.entries() != count)?;
        Some(Patch::short::<O>(head, at::ENTRIES, count))
    });
    wrong.collect()
}

/// The checksum of a page as it stands.
fn checksum<O: ByteOrder>(pages: &Pages<'_>, no: PageNo) -> Option<Patch> {
    let (field, computed) = sum_of(pages.raw(no)?, no)?;
    Some(Patch::number::<O>(no, field, computed))
}

/// Where a page has its checksum, and what it should be.
fn sum_of(page: &[u8], no: PageNo) -> Option<(usize, u32)> {
    let kind = page.get(at::TYPE).and_then(|&kind| PageKind::from_byte(kind));
    let is_meta = no == PageNo::META || matches!(kind, Some(PageKind::BtreeMeta | PageKind::HashMeta));
    let (field, covered) =
        if is_meta { (checksum::ON_META, layout::LENGTH) } else { (checksum::ON_PAGE, page.len()) };
    Some((field, checksum::sum(page.get(..covered)?, field)))
}

/// Whether the checksum that a page has is that of the page as it was mended: then nothing else on it had
/// changed since it was written.
pub(super) fn is_proven(draft: &Draft<'_>, no: PageNo) -> bool {
    let order = draft.pages().order();
    let fits = || {
        let (field, computed) = sum_of(&draft.image(no)?, no)?;
        let stored = order.u32_at(draft.pages().raw(no)?, field)?;
        Some(stored == computed || stored.swap_bytes() == computed)
    };
    draft.changes_page(no) && fits().unwrap_or(false)
}

/// Whether the free list is one that leads astray, or to pages that are in use.
pub(super) fn is_list_broken(found: &[Finding]) -> bool {
    let rules = [Rule::FreeType, Rule::FreeLink, Rule::FreeCycle, Rule::Once];
    found.iter().any(|finding| finding.severity == Severity::Error && rules.contains(&finding.rule))
}

/// Page 0 with no free list, so that a check tells which pages nothing leads to. Of a file with a HASH
/// that is not known: its table keeps pages for buckets to come.
pub(super) fn empty_list<O: ByteOrder>(db: &Database<'_>) -> Option<Patch> {
    let meta = db.meta();
    meta.free().filter(|_| takes_orphans(db))?;
    Some(Patch::number::<O>(PageNo::META, meta.at(Field::Free), 0))
}

fn takes_orphans(db: &Database<'_>) -> bool {
    let is_tree = |method: Method| matches!(method, Method::Btree | Method::Recno);
    let mut inner = db.subdatabases().map(|found| found.is_ok_and(|found| is_tree(found.meta().method())));
    is_tree(db.meta().method()) && (!db.is_directory() || inner.all(|is_tree| is_tree))
}

/// Pages that nothing leads to and that hold nothing; after an upgrade that died, internal pages, too,
/// which a run before it had built.
pub(super) fn orphans<O: ByteOrder>(db: &Database<'_>, found: &[Finding], half_done: bool) -> Vec<PageNo> {
    if !takes_orphans(db) || is_list_broken(found) {
        return Vec::new();
    }
    let is_internal = |no: PageNo| {
        let page = db.pages().raw(no).and_then(Page::<O>::new);
        let kind = page.and_then(|page| PageKind::from_byte(page.type_byte()));
        matches!(kind, Some(PageKind::BtreeInternal | PageKind::RecnoInternal))
    };
    let lost =
        found.iter().filter(|finding| finding.rule == Rule::Unreferenced && finding.page != PageNo::META);
    let empty = lost
        .filter(|finding| finding.severity == Severity::Warning || (half_done && is_internal(finding.page)));
    let mut pages: Vec<PageNo> = empty.map(|finding| finding.page).collect();
    pages.sort_unstable();
    pages.dedup();
    pages
}

/// Puts pages on the free list that begins so.
pub(super) fn adopt(draft: &mut Draft<'_>, first: Option<PageNo>, orphans: &[PageNo]) {
    if orphans.is_empty() {
        return;
    }
    let mut free = FreeList::new(first, Reason::Freed);
    for &no in orphans.iter().rev() {
        free.push(draft, no);
    }
    let at = draft.pages().meta().at(Field::Free);
    draft.replace_u32(PageNo::META, at, free.first().unwrap_or_default().0, Reason::Freed);
}
