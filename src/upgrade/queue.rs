//! QUEUE 1 → 2 → 3 → 4: the fields of page 0 move, and pages of records say what they are
//! (upgrade-other, "QUEUE").

use byteorder::ByteOrder;

use super::profile::Profile;
use crate::access::Database;
use crate::edit::{Draft, ExtentDraft, Form, Reason, Refusal, Result, expect_empty_main};
use crate::format::generation::Generation;
use crate::format::meta::{Field, Layout, QUEUE_MAGIC, at as meta_at};
use crate::format::page::{Page, PageKind, at};
use crate::order::Endianness;
use crate::types::PageNo;

/// Bytes of page 0 that the steps may change.
const CHANGED: usize = 96;

/// Refuses a file whose pages do not count from record 1: where records are would change.
pub(super) fn expect_start(file: &Database<'_>) -> Result<()> {
    let start = file.meta().queue().map_or(1, |queue| queue.start);
    if start > 1 {
        return Err(Refusal::QueueStart { offset: file.meta().at(Field::Start), start }.into());
    }
    Ok(())
}

/// What an upgrade changes in the main file.
pub(super) fn draft<'p, O: ByteOrder>(file: &'p Database<'_>, profile: Profile) -> Result<Draft<'p>> {
    let (pages, meta) = (file.pages(), file.meta());
    expect_empty_main(pages)?;
    let mut draft = Draft::new(pages);
    let old = pages.raw(PageNo::META).and_then(|page| page.get(..CHANGED)).unwrap_or_default();
    if let Some(new) = metadata(old, meta.version(), pages.order(), profile) {
        draft.replace(PageNo::META, 0, &new, Reason::Metadata);
    }
    if !profile.is_genuine() && pages.extents().is_none() {
        records::<O>(&mut draft, 1);
    }
    Ok(draft)
}

/// Page 0 in its last form; `None` if no release has such a page.
fn metadata(old: &[u8], version: u32, order: Endianness, profile: Profile) -> Option<Vec<u8>> {
    let layout = |version| Layout::of(QUEUE_MAGIC, version);
    let mut page = old.to_vec();
    if version < 2 {
        let (from, to) = (layout(1)?, layout(2)?);
        // Where release 3.0 has flags and the id, the header of 3.1 has numbers.
        for field in [Field::LastPgno, Field::Nparts, Field::KeyCount, Field::RecordCount] {
            to.put(&mut page, field, order, 0);
        }
        to.carry(&mut page, &from, old);
        to.put(&mut page, Field::Version, order, 2);
    }
    let to = layout(version.max(3))?;
    let number = |page: &[u8], field| to.number(page, field, order).unwrap_or(0);
    if version < 3 {
        let second = page.clone();
        to.carry(&mut page, &layout(2)?, &second);
        to.put(&mut page, Field::PageExt, order, 0);
        to.put(&mut page, Field::Version, order, 3);
        // The last number that was given becomes the next one.
        let next = number(&page, Field::CurRecno).wrapping_add(1);
        to.put(&mut page, Field::CurRecno, order, next);
        if number(&page, Field::FirstRecno) == 0 {
            to.put(&mut page, Field::FirstRecno, order, 1);
        }
    }
    if !profile.is_genuine() {
        crate::format::edit::put(&mut page, meta_at::ENCRYPTION, &[0]);
        crate::format::edit::put(&mut page, meta_at::METAFLAGS, &[0, 0]);
        to.put(&mut page, Field::Nparts, order, 0);
        if version < 3 && number(&page, Field::CurRecno) == 0 {
            to.put(&mut page, Field::CurRecno, order, 1);
        }
        if profile == Profile::V9 {
            to.put(&mut page, Field::Version, order, 4);
        }
    }
    Some(page)
}

/// Gives pages of records, from the first one on, their type, which releases 3.0 to 3.2 do not
/// always write.
fn records<O: ByteOrder>(draft: &mut Draft<'_>, first: u32) {
    let pages = draft.pages();
    for no in (first..pages.count()).map(PageNo) {
        let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { continue };
        let is_other =
            matches!(PageKind::from_byte(page.type_byte()), Some(PageKind::HashUnsorted | PageKind::Invalid));
        if page.pgno() != 0 && is_other {
            draft.reshape(no, Form::Records);
        }
    }
}

/// Adds what an upgrade changes in an extent: the genuine tools leave them alone (upgrade-other,
/// "Extents").
pub(super) fn extent<O: ByteOrder>(extent: &mut ExtentDraft<'_>, profile: Profile) {
    let pages = extent.draft.pages();
    if pages.meta().generation() == Generation::V41 || profile.is_genuine() {
        return;
    }
    for no in (0..pages.count()).map(PageNo) {
        let expected = extent.first.0.saturating_add(no.0);
        let page = pages.raw(no).and_then(Page::<O>::new);
        // Release 3.2 wrote headers in the order of its machine.
        let page = page.filter(|page| page.pgno() != expected && page.pgno().swap_bytes() == expected);
        let Some(page) = page else { continue };
        for offset in [0, 4, at::PGNO] {
            let turned: Vec<u8> = page.bytes().iter().skip(offset).take(4).rev().copied().collect();
            extent.draft.replace(no, offset, &turned, Reason::HeaderOrder);
        }
    }
    records::<O>(&mut extent.draft, 0);
}
