//! The plan: everything that changes, computed before anything is written.

use byteorder::ByteOrder;

use super::choices::{DowngradeChoices, DowngradeTo};
use super::{chains, conditions, metadata};
use crate::access::Database;
use crate::edit::{
    Counter, Draft, ExtentDraft, FreeList, Notice, Operation, Prepared, Ready, Reason, Refusal, Result, list,
    structure, with_content,
};
use crate::format::page::{Page, PageKind, at};
use crate::journal::{self, Identity, Options};
use crate::meta::FileKind;
use crate::method::{Feature, Method};
use crate::order::with_order;
use crate::types::{Lsn, PageNo};
use crate::upgrade::Databases;

impl Operation for DowngradeChoices {
    fn name(&self) -> journal::Operation {
        journal::Operation::Downgrade
    }

    fn may_change(&self) -> &'static [Reason] {
        &[
            Reason::Metadata,
            Reason::DatabaseList,
            Reason::DuplicateChain,
            Reason::DuplicateHead,
            Reason::ReferencesLeft,
            Reason::Freed,
            Reason::BucketType,
            Reason::Lsn,
        ]
    }

    fn takes(&self, _: Method) -> bool {
        true
    }

    fn refuses(&self, feature: Feature) -> Option<Refusal> {
        conditions::of_feature(feature, self.to)
    }

    fn ready(&self, file: &[u8]) -> Result<Option<Ready>> {
        ready(file, self)
    }

    fn prepare<'p>(
        &self,
        file: &'p Database<'_>,
        _: Option<Identity>,
        counter: Counter<'_>,
    ) -> Result<Prepared<'p>> {
        with_order!(file.meta().endianness(), O => prepare::<O>(file, self, counter))
    }

    fn extent(&self, extent: &mut ExtentDraft<'_>) {
        reset(&mut extent.draft, self);
    }
}

/// Whether a file is one that the releases open as it is. Then nothing is written, so nothing is checked:
/// it may be encrypted, or damaged. An earlier one is refused.
fn ready(file: &[u8], choices: &DowngradeChoices) -> Result<Option<Ready>> {
    let to = choices.to;
    let kind = FileKind::of(file);
    let Some(kind) = kind.database() else { return Ok(None) };
    let (method, version) = (kind.method, kind.version);
    if !to.opens(method, version) {
        return match to.version_of(method) {
            Some(to) if version < to => Err(Refusal::Earlier { version, to }.into()),
            _ => Ok(None),
        };
    }
    let sorted = method == Method::Hash && !to.has_sorted_buckets();
    if choices.reset_lsn || sorted || has_more(file) {
        return Ok(None);
    }
    let Some(size) = kind.page_size else { return Ok(None) };
    let pages = u32::try_from(file.len().checked_div(size.bytes()).unwrap_or(0)).unwrap_or(u32::MAX);
    Ok((file.len().checked_rem(size.bytes()) == Some(0)).then_some(Ready {
        version,
        pages,
        order: kind.order,
    }))
}

/// Whether there may be more in a file than its version says, as far as that can be seen: databases of later
/// versions, or values in external files, which releases 6.0.19 and 6.0.20 put into files of the versions of 5.3.
fn has_more(file: &[u8]) -> bool {
    Database::from_bytes(file).is_ok_and(|db| db.is_directory() || db.meta().external_folder().is_some())
}

/// Checks a file and computes what changes.
fn prepare<'p, O: ByteOrder>(
    file: &'p Database<'_>,
    choices: &DowngradeChoices,
    counter: Counter<'_>,
) -> Result<Prepared<'p>> {
    let (to, meta) = (choices.to, file.meta());
    let mut notices = structure(file, choices.leave_unreachable, counter)?;
    let databases = Databases::find::<O>(file)?;
    conditions::check(file, &databases, choices)?;
    let duplicates = databases.all().any(|known| known.meta().flags().duplicates());
    let moves = to.has_chains() && duplicates || choices.reset_lsn;
    let likely = moves && meta.extent_pages().is_none();
    let (draft, promise) = with_content(file, likely, || draft::<O>(file, choices, &databases))?;
    let (order, from, id) = (meta.endianness(), meta.version(), meta.file_id());
    let version = to.version_of(meta.method()).unwrap_or(from).min(from);
    if to.has_chains() && !draft.is_empty() {
        let sorted = databases.all().filter(|known| known.meta().flags().sorted_duplicates());
        notices
            .extend(sorted.map(|known| Notice::SortingLost { database: known.name().map(<[u8]>::to_vec) }));
    }
    Ok(Prepared { draft, promise, notices, options: Options::default(), order, from, to: version, id })
}

/// What a downgrade changes.
fn draft<'p, O: ByteOrder>(
    file: &'p Database<'_>,
    choices: &DowngradeChoices,
    databases: &Databases,
) -> Result<Draft<'p>> {
    let (pages, to) = (file.pages(), choices.to);
    let mut draft = Draft::new(pages);
    let mut free = FreeList::new(file.meta().free(), Reason::Freed);
    if to.has_chains() {
        chains::flatten::<O>(&mut draft, databases, &mut free)?;
    }
    for known in databases.all() {
        if let Some(version) = to.version_of(known.meta().method()) {
            metadata::apply(&mut draft, known.meta(), version);
        }
    }
    if free.first() != file.meta().free() {
        let version = to.version_of(file.meta().method()).unwrap_or(0).min(file.meta().version());
        metadata::lead_to_free(&mut draft, version, free.first());
    }
    if let (DowngradeTo::V7, Some(machine)) = (to, choices.machine) {
        list::<O>(&mut draft, databases.list_leaves(), machine)?;
    }
    if !to.has_sorted_buckets() && databases.hashes().next().is_some() {
        unsorted_buckets::<O>(&mut draft);
    }
    reset(&mut draft, choices);
    Ok(draft)
}

/// Lets pages of buckets say that their pairs are in no order, which is true of those in order, too
/// (upgrade-other, "HASH, in place").
fn unsorted_buckets<O: ByteOrder>(draft: &mut Draft<'_>) {
    let pages = draft.pages();
    for no in (1..pages.count()).map(PageNo) {
        let kind = pages.raw(no).and_then(Page::<O>::new).map(|page| page.type_byte());
        if kind.and_then(PageKind::from_byte) == Some(PageKind::Hash) {
            draft.replace(no, at::TYPE, &[PageKind::HashUnsorted.byte()], Reason::BucketType);
        }
    }
}

/// Gives all pages another LSN, too, if that was chosen: that of pages which no log knows, as the
/// releases write it.
fn reset(draft: &mut Draft<'_>, choices: &DowngradeChoices) {
    if choices.reset_lsn {
        draft.reset_lsn(if choices.to.has_checksums() { Lsn::NOT_LOGGED } else { Lsn::default() });
    }
}
