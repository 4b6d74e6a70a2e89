//! The plan: everything that changes, computed before anything is written (upgrade, "Our
//! procedure").

use byteorder::ByteOrder;

use super::choices::{Choices, RecordForm};
use super::content::Content;
use super::databases::Databases;
use super::draft::{Draft, Reason};
use super::error::{Refusal, Result, UpgradeError};
use super::notice::Notice;
use super::profile::Duplicates;
use super::progress::Counter;
use super::{shared_keys, v6_to_v7, v7_to_v8, v8_to_v9};
use crate::access::Database;
use crate::format::meta::{LENGTH, at};
use crate::meta;
use crate::order::with_order;
use crate::types::{FileId, Lsn, PageNo, PageSize};
use crate::verify::{Rule, Severity, Verdict, Verify};

/// A file that was checked, and what an upgrade makes of it.
pub(super) struct Prepared<'p> {
    pub(super) draft: Draft<'p>,
    /// `None` if nothing but page 0 changes.
    pub(super) content: Option<Content>,
    pub(super) notices: Vec<Notice>,
    pub(super) sorted: bool,
    /// Version before, and afterwards.
    pub(super) from: u32,
    pub(super) to: u32,
}

/// A file that has the form already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) version: u32,
    pub(super) pages: u32,
}

/// Whether a file has the form already. Then nothing is written, so nothing is checked: it may
/// be encrypted, or damaged.
pub(super) fn ready(file: &[u8], choices: &Choices) -> Result<Option<Ready>> {
    let profile = choices.profile;
    // What is no database of this kind says so when it is opened.
    let Some(order) = meta::identify(file).ok().filter(|_| file.len() >= LENGTH) else { return Ok(None) };
    let version = order.u32_at(file, at::VERSION).unwrap_or(0);
    if !profile.keeps(version) {
        let beyond = (7..=9).contains(&version) && version > profile.version();
        return if beyond { Err(Refusal::Downgrade { version, profile }.into()) } else { Ok(None) };
    }
    let Some(page_size) = order.u32_at(file, at::PAGE_SIZE).and_then(PageSize::new) else { return Ok(None) };
    let pages = u32::try_from(file.len().checked_div(page_size.bytes()).unwrap_or(0)).unwrap_or(u32::MAX);
    if file.len().checked_rem(page_size.bytes()) != Some(0) {
        return Ok(None);
    }
    Ok((!choices.reset_lsn).then_some(Ready { version, pages }))
}

/// Checks a file and computes what changes. That it has the form already is known before.
pub(super) fn prepare<'p>(
    file: &'p Database<'_>,
    choices: &Choices,
    id: FileId,
    counter: Counter<'_>,
) -> Result<Prepared<'p>> {
    with_order!(file.meta().endianness(), O => prepare_in::<O>(file, choices, id, counter))
}

fn prepare_in<'p, O: ByteOrder>(
    file: &'p Database<'_>,
    choices: &Choices,
    new_id: FileId,
    counter: Counter<'_>,
) -> Result<Prepared<'p>> {
    let profile = choices.profile;
    let version = file.meta().version();
    let mut notices = structure(file, choices.leave_unreachable, counter)?;
    let mut databases = Databases::find::<O>(file)?;
    if let Some(page) = databases.hash().filter(|_| version == 7 && profile.version() > 7) {
        return Err(Refusal::Hash { page }.into());
    }
    let chains = version < 8 && profile.version() >= 8 && databases.may_have_chains();
    let (draft, content) =
        with_content(file, chains, || draft::<O>(file, choices, new_id, &mut databases, &mut notices))?;
    if version == 8 && !profile.is_genuine() {
        notices.extend(habits(file, &databases));
    }
    let sorted = databases.choices().any(|(_, sorted)| sorted);
    let to = if draft.is_empty() { version } else { version.max(profile.version()) };
    Ok(Prepared { draft, content, notices, sorted, from: version, to })
}

/// What an upgrade changes, step by step.
fn draft<'p, O: ByteOrder>(
    file: &'p Database<'_>,
    choices: &Choices,
    new_id: FileId,
    databases: &mut Databases,
    notices: &mut Vec<Notice>,
) -> Result<Draft<'p>> {
    let (version, profile) = (file.meta().version(), choices.profile);
    let mut draft = Draft::new(file.pages());
    if version < 8 && profile.version() >= 8 {
        databases.decide::<O>(file.pages(), choices)?;
        notices.extend(looked_at(databases, choices));
    }
    if file.meta().shared_keys_may_be_reversed() {
        let keys = shared_keys::normalise::<O>(&mut draft, databases);
        if keys > 0 && profile.is_genuine() {
            return Err(Refusal::KeyOrder { keys }.into());
        }
        notices.extend((keys > 0).then_some(Notice::KeyOrder { keys }));
    }
    if version == 6 {
        let records = records(file, choices, notices)?;
        let first = file.pages().raw(PageNo::META).and_then(|page| page.first_chunk());
        if let Some(first) = first {
            draft.replace(
                PageNo::META,
                0,
                &v6_to_v7::metadata(first, file.meta().endianness(), new_id, profile, records),
                Reason::Metadata,
            );
        }
    }
    if version < 8 && profile.version() >= 8 {
        v7_to_v8::apply::<O>(&mut draft, databases, profile)?;
    }
    if version < 9 {
        v8_to_v9::apply::<O>(&mut draft, databases, profile)?;
    }
    if choices.reset_lsn {
        draft.reset_lsn(NOT_LOGGED);
    }
    Ok(draft)
}

/// The LSN of a page that no log knows.
pub(super) const NOT_LOGGED: Lsn = Lsn { file: 0, offset: 1 };

/// Whether an upgrade carries a finding over: what newer verifiers report, but nobody
/// loses anything by.
fn stays(rule: Rule) -> bool {
    matches!(rule, Rule::Unreferenced | Rule::MinKey | Rule::ItemDeleted)
}

/// The first error that a file must not have. The genuine profiles keep the flags that the
/// genuine tools set without need.
pub(super) fn first_error(file: &Database<'_>, genuine: bool, counter: Counter<'_>) -> Option<String> {
    let verdict = verdict(file, counter);
    let mut errors = verdict.findings().iter().filter(|finding| finding.severity == Severity::Error);
    let error = errors.find(|finding| !stays(finding.rule) && (finding.rule != Rule::Flags || !genuine));
    error.map(ToString::to_string)
}

/// What the rules say of a file, but for the order of keys: an application may have a
/// comparison of its own.
fn verdict(file: &Database<'_>, counter: Counter<'_>) -> Verdict {
    let verify = Verify::new(file).check_order(false);
    verify.progress(|progress| counter.pages(progress.pages, progress.total)).run()
}

/// What every operation begins with: refuses damage, and tells what stays as it is. Pages that
/// hold something and that nothing leads to stay if they are to be left.
pub(super) fn structure(
    file: &Database<'_>,
    leave_unreachable: bool,
    counter: Counter<'_>,
) -> Result<Vec<Notice>> {
    if file.tail() > 0 {
        return Err(Refusal::Tail { tail: file.tail() }.into());
    }
    let mut notices = Vec::new();
    let verdict = verdict(file, counter);
    let errors = verdict.findings().iter().filter(|finding| finding.severity == Severity::Error);
    let bad = || errors.clone().filter(|finding| !stays(finding.rule));
    if let Some(first) = bad().next() {
        let errors = u64::try_from(bad().count()).unwrap_or(u64::MAX);
        return Err(Refusal::Damaged { errors, first: first.to_string() }.into());
    }
    let mut lost = errors.clone().filter(|finding| finding.rule == Rule::Unreferenced && !leave_unreachable);
    if let Some(first) = lost.next() {
        let others = u64::try_from(lost.count()).unwrap_or(u64::MAX);
        return Err(Refusal::Unreachable { pages: others.saturating_add(1), first: first.to_string() }.into());
    }
    let first_of = |rule: Rule| {
        let mut found = verdict.findings().iter().filter(move |finding| finding.rule == rule);
        let first = found.next()?;
        let others = u64::try_from(found.count()).unwrap_or(u64::MAX);
        Some((others.saturating_add(1), first.page))
    };
    let unreferenced = first_of(Rule::Unreferenced);
    notices.extend(unreferenced.map(|(pages, first)| Notice::Unreferenced { pages, first }));
    let deleted = first_of(Rule::ItemDeleted);
    notices.extend(deleted.map(|(items, first)| Notice::Deleted { items, first }));
    let min_key = first_of(Rule::MinKey);
    notices.extend(min_key.map(|(_, page)| Notice::MinKey { page, keys: file.meta().min_key() }));
    Ok(notices)
}

/// A draft, and what the file holds, unless nothing but page 0 changes: then every pair
/// stays where it is. The sum takes longest, so it begins at once where `likely`.
pub(super) fn with_content<'p>(
    file: &'p Database<'_>,
    likely: bool,
    draft: impl FnOnce() -> Result<Draft<'p>>,
) -> Result<(Draft<'p>, Option<Content>)> {
    let (draft, early) = Content::beside(file, likely, draft);
    let draft = draft?;
    let content = match early {
        Some(early) => Some(early.map_err(unreadable)?),
        None if draft.is_head_only() => None,
        None => Some(content(file)?),
    };
    Ok((draft, content))
}

/// What a file holds.
pub(super) fn content(file: &Database<'_>) -> Result<Content> {
    Content::of(file).map_err(unreadable)
}

fn unreadable(error: crate::Error) -> UpgradeError {
    Refusal::Unreadable { first: error.to_string() }.into()
}

/// What was decided by looking at the duplicates.
fn looked_at(databases: &Databases, choices: &Choices) -> Vec<Notice> {
    let looked = |name: Option<&[u8]>| {
        let own = choices.duplicates_of.iter().find(|(named, _)| Some(named.as_slice()) == name);
        own.map_or(choices.duplicates, |(_, choice)| *choice) == Duplicates::Auto
    };
    let automatic = databases.choices().filter(|(name, _)| looked(*name));
    automatic.map(|(name, sorted)| Notice::Sorted { database: name.map(<[u8]>::to_vec), sorted }).collect()
}

/// The form of records of one length: version 6 says that they have one, but not which. The
/// one that was chosen, if all of them have it.
fn records(file: &Database<'_>, choices: &Choices, notices: &mut Vec<Notice>) -> Result<Option<RecordForm>> {
    if !file.meta().flags().fixed_length() {
        return Ok(None);
    }
    let lengths = || file.iter().pairs().filter_map(|pair| pair.ok()).map(|pair| pair.value().len());
    if let Some(form) = choices.records.filter(|_| !choices.profile.is_genuine()) {
        return match lengths().find(|&length| length != form.length) {
            Some(found) => Err(Refusal::RecordLength { found, chosen: form.length }.into()),
            None => Ok(Some(form)),
        };
    }
    let length = lengths().next().filter(|first| lengths().all(|length| length == *first));
    notices.push(Notice::RecordLength { length });
    Ok(None)
}

/// What releases before left wrong in the metadata of version 8.
fn habits(file: &Database<'_>, databases: &Databases) -> Vec<Notice> {
    let (pages, mut notices) = (file.pages(), Vec::new());
    let stored = file.meta().last_page().map_or(0, |page| page.0);
    let last = pages.count().saturating_sub(1);
    notices.extend((stored != last).then_some(Notice::LastPage { stored, last }));
    let stale = |at: usize, len: usize| {
        let mut metadata = databases.metadata_pages().filter_map(|no| pages.raw(no));
        metadata.any(|page| page.iter().skip(at).take(len).any(|&byte| byte != 0))
    };
    let max_key = stale(at::ENCRYPTION, 1) || stale(at::METAFLAGS, 2);
    notices.extend(max_key.then_some(Notice::StaleMaxKey));
    notices.extend(stale(at::NPARTS, 4).then_some(Notice::StaleAllocation));
    notices
}
