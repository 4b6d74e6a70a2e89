//! HASH in its last form: sorted pages, and what the genuine tools leave wrong (upgrade-other,
//! "7 → 9" and "HASH in profiles v8 and v9").

use byteorder::ByteOrder;

use super::choices::Choices;
use super::databases::{Databases, Known};
use super::profile::Profile;
use super::v8_to_v9::clear_settings;
use crate::bits::Bits;
use crate::edit::{Draft, Form, Notice, Reason, Refusal, Result};
use crate::format::generation::Generation;
use crate::format::hash::{HashFunction, PROBE};
use crate::format::meta::{Field, HASH_MAGIC, Layout, at};
use crate::format::page::{Page, PageKind};
use crate::meta::Buckets;
use crate::pages::Pages;
use crate::types::PageNo;

/// The flag of a database that is one of several.
const SEVERAL: u32 = 0x02;

/// Refuses databases whose keys nobody would find afterwards, and tells of those that only their
/// application finds.
pub(super) fn functions(databases: &Databases, choices: &Choices) -> Result<Vec<Notice>> {
    let mut notices = Vec::new();
    for known in databases.hashes() {
        let (meta, Some(buckets)) = (known.meta(), known.meta().buckets()) else { continue };
        let old = buckets.function != HashFunction::Fnv;
        if old && !choices.keep_hash {
            return Err(Refusal::OldHash.into());
        }
        let custom = old || buckets.function.hash(PROBE) != buckets.probe;
        if custom && meta.version() < choices.profile.version_of(meta.method()) {
            notices.push(Notice::CustomHash { database: known.name().map(<[u8]>::to_vec) });
        }
    }
    Ok(notices)
}

/// Whether pages of buckets are sorted, if the genuine tools do not leave the database alone.
pub(super) fn sorts(choices: &Choices) -> bool {
    match choices.profile {
        Profile::V9 => !choices.lazy,
        Profile::Genuine8b => true,
        _ => false,
    }
}

/// Brings the HASH databases of a file to the end whose other pages are in their last form.
pub(super) fn finish<O: ByteOrder>(
    draft: &mut Draft<'_>,
    databases: &Databases,
    choices: &Choices,
    notices: &mut Vec<Notice>,
) {
    let (profile, pages) = (choices.profile, draft.pages());
    let alone = pages.meta().buckets().is_some();
    let from = pages.meta().generation();
    let to = if alone { profile.version_of(pages.meta().method()) } else { profile.version_of_inner_hash() };
    match profile {
        Profile::V7 | Profile::Genuine8a => return,
        Profile::Genuine8b if !alone => return,
        Profile::Genuine8b => {
            if from < Generation::V41 {
                draft.replace_u32(PageNo::META, at::LAST_PGNO, draft.count(), Reason::Metadata);
            }
            draft.replace_u32(PageNo::META, at::VERSION, to, Reason::Metadata);
        }
        Profile::V8 | Profile::V9 => {
            if alone {
                let last = draft.count().saturating_sub(1);
                draft.replace_u32(PageNo::META, at::LAST_PGNO, last, Reason::Metadata);
            }
            let mut taken = taken::<O>(pages, databases);
            for known in databases.hashes().filter(|known| known.meta().version() < 9) {
                mend::<O>(draft, known, to, &mut taken, notices);
            }
            if alone && from == Generation::V2 {
                free_pages::<O>(draft);
            }
        }
    }
    if sorts(choices) {
        sort::<O>(draft);
    } else if to < 9 {
        notices.extend(sorted_buckets::<O>(pages, databases));
    }
}

/// Puts right what stands in the metadata of a database.
fn mend<O: ByteOrder>(
    draft: &mut Draft<'_>,
    known: &Known,
    to: u32,
    taken: &mut Bits,
    notices: &mut Vec<Notice>,
) {
    let (meta, no) = (known.meta(), known.meta().page());
    let Some(layout) = Layout::of(HASH_MAGIC, to) else { return };
    let mut put = |field, number| {
        if let Some((at, _)) = layout.place(field) {
            draft.replace_u32(no, at, number, Reason::Metadata);
        }
    };
    put(Field::Version, to.max(meta.version()));
    put(Field::Nelem, known.pairs());
    let flags = meta.flags();
    if meta.generation() >= Generation::V31 && flags.sorted_duplicates() && !flags.duplicates() {
        // No more can be left of them.
        put(Field::Flags, if flags.several_databases() { SEVERAL } else { 0 });
    }
    if meta.generation() < Generation::V41 {
        clear_settings(draft, no);
    }
    // Files of release 2 have no more than they use.
    let (Some(buckets), Some((at, _))) = (meta.buckets(), layout.place(Field::Spares)) else { return };
    if meta.generation() == Generation::V2 {
        return;
    }
    let stale = stale::<O>(draft.pages(), buckets, taken);
    for &doubling in &stale {
        draft.replace_u32(no, at.saturating_add(doubling.saturating_mul(4)), 0, Reason::Metadata);
    }
    let entries = u32::try_from(stale.len()).unwrap_or(u32::MAX);
    notices.extend((entries > 0).then_some(Notice::StaleSpares { entries }));
}

/// The pages that have a place: on the free list, in a bucket, or kept for one that is in reach of
/// its table.
fn taken<O: ByteOrder>(pages: &Pages<'_>, databases: &Databases) -> Bits {
    let mut taken = Bits::new(PageNo::META, pages.count());
    for no in free_list::<O>(pages) {
        taken.mark(no);
    }
    for known in databases.hashes() {
        for &no in known.pages() {
            taken.mark(no);
        }
        let Some(buckets) = known.meta().buckets() else { continue };
        for doubling in 0..=Buckets::doubling(buckets.high_mask) {
            for no in group(buckets, doubling, pages.count()) {
                taken.mark(no);
            }
        }
    }
    taken
}

/// The pages of a doubling of a table, as far as they are in a file of so many.
fn group(buckets: &Buckets, doubling: usize, pages: u32) -> impl Iterator<Item = PageNo> + use<> {
    let (start, end) = ends(buckets, doubling);
    let [start, end] = [start, end].map(|no| u32::try_from(no).unwrap_or(u32::MAX).min(pages));
    (start..end).map(PageNo)
}

/// The first page of a doubling of a table, and the one behind its last.
fn ends(buckets: &Buckets, doubling: usize) -> (u64, u64) {
    let spare = u64::from(buckets.spares.get(doubling).copied().unwrap_or(0));
    let last = 1u64.checked_shl(u32::try_from(doubling).unwrap_or(u32::MAX)).unwrap_or(0);
    let first = if doubling == 0 { 0 } else { last >> 1 };
    (spare.saturating_add(first), spare.saturating_add(last))
}

/// The doublings beyond the reach of a table of which it says that their pages are kept, although
/// they are not.
fn stale<O: ByteOrder>(pages: &Pages<'_>, buckets: &Buckets, taken: &mut Bits) -> Vec<usize> {
    let mut stale = Vec::new();
    for doubling in Buckets::doubling(buckets.high_mask).saturating_add(1)..buckets.spares.len() {
        if buckets.spares.get(doubling) == Some(&0) {
            continue;
        }
        let (_, end) = ends(buckets, doubling);
        let is_kept = end <= u64::from(pages.count())
            && group(buckets, doubling, pages.count()).all(|no| !taken.has(no) && is_blank::<O>(pages, no));
        if is_kept {
            for no in group(buckets, doubling, pages.count()) {
                taken.mark(no);
            }
        } else {
            stale.push(doubling);
        }
    }
    stale
}

/// Whether a page can be one that is kept for a bucket.
fn is_blank<O: ByteOrder>(pages: &Pages<'_>, no: PageNo) -> bool {
    let page = pages.raw(no).and_then(Page::<O>::new).filter(|_| no != PageNo::META);
    page.is_some_and(|page| {
        let kind = PageKind::from_byte(page.type_byte());
        matches!(kind, Some(PageKind::Invalid | PageKind::HashUnsorted | PageKind::Hash))
            && page.entries() == 0
            && page.next() == 0
    })
}

/// The pages of the free list.
fn free_list<'p, O: ByteOrder>(pages: &'p Pages<'_>) -> impl Iterator<Item = PageNo> + 'p {
    let page = |no: PageNo| pages.raw(no).and_then(Page::<O>::new);
    let first = pages.meta().free().filter(|no| page(*no).is_some());
    let list = std::iter::successors(first, move |no| {
        page(*no).and_then(|page| PageNo::link(page.next())).filter(|no| page(*no).is_some())
    });
    // The structure was checked: this only ends what never would.
    list.take(PageNo(pages.count()).index())
}

/// Clears the headers of free pages, which release 2 leaves as they were.
fn free_pages<O: ByteOrder>(draft: &mut Draft<'_>) {
    for no in free_list::<O>(draft.pages()) {
        draft.reshape(no, Form::Free);
    }
}

/// Sorts all pages of buckets that are not, whether anything leads to them or not.
fn sort<O: ByteOrder>(draft: &mut Draft<'_>) {
    let pages = draft.pages();
    for no in (1..pages.count()).map(PageNo) {
        let kind = pages.raw(no).and_then(Page::<O>::new).map(|page| page.type_byte());
        if kind.and_then(PageKind::from_byte) == Some(PageKind::HashUnsorted) {
            // One that cannot be read belongs to no bucket: those were checked.
            draft.sort_bucket(no);
        }
    }
}

/// Pages of buckets that are sorted already.
fn sorted_buckets<O: ByteOrder>(pages: &Pages<'_>, databases: &Databases) -> Option<Notice> {
    let is_sorted = |no: &PageNo| {
        let kind = pages.raw(*no).and_then(Page::<O>::new).map(|page| page.type_byte());
        kind.and_then(PageKind::from_byte) == Some(PageKind::Hash)
    };
    let mut sorted = databases.hashes().flat_map(|known| known.pages().iter().copied()).filter(is_sorted);
    let first = sorted.next()?;
    let others = u64::try_from(sorted.count()).unwrap_or(u64::MAX);
    Some(Notice::SortedBuckets { pages: others.saturating_add(1), first })
}
