//! The plan: everything that changes, computed before anything is written (upgrade, "Our
//! procedure").

use byteorder::ByteOrder;

use super::choices::{Choices, NewId, RecordForm};
use super::databases::Databases;
use super::profile::{Duplicates, Profile, Standing};
use super::{hash, queue, v5_to_v6, v6_to_v7, v7_to_v8, v8_to_v9};
use crate::access::Database;
use crate::edit::{
    Counter, Draft, ExtentDraft, Notice, Operation, Prepared, Ready, Reason, Refusal, Result, fresh_id,
    normalise, structure, with_content,
};
use crate::format::generation::Generation;
use crate::format::meta::{LENGTH, at};
use crate::journal::{self, Identity};
use crate::meta::{FileKind, Meta};
use crate::method::Method;
use crate::order::with_order;
use crate::types::{FileId, Lsn, PageNo};

impl Operation for Choices {
    fn name(&self) -> journal::Operation {
        journal::Operation::Upgrade
    }

    fn may_change(&self) -> &'static [Reason] {
        &[
            Reason::Metadata,
            Reason::DuplicatePage,
            Reason::DuplicateRoot,
            Reason::References,
            Reason::DatabaseList,
            Reason::KeyOrder,
            Reason::Lsn,
            Reason::Internal,
            Reason::BucketOrder,
            Reason::Buckets,
            Reason::RecordPage,
            Reason::HeaderOrder,
            Reason::FreePage,
        ]
    }

    /// Of a HEAP there is one version, so it has the form already.
    fn takes(&self, _: Method) -> bool {
        true
    }

    fn databases(&self) -> Vec<&[u8]> {
        self.duplicates_of.iter().map(|(name, _)| name.as_slice()).collect()
    }

    fn ready(&self, file: &[u8]) -> Result<Option<Ready>> {
        ready(file, self)
    }

    fn prepare<'p>(
        &self,
        file: &'p Database<'_>,
        identity: Option<Identity>,
        counter: Counter<'_>,
    ) -> Result<Prepared<'p>> {
        let id = match self.id {
            NewId::Fresh => fresh_id(identity),
            NewId::Keep => file.meta().file_id(),
            NewId::Given(id) => id,
        };
        with_order!(file.meta().endianness(), O => prepare::<O>(file, self, id, counter))
    }

    fn extent(&self, extent: &mut ExtentDraft<'_>) {
        with_order!(extent.draft.pages().order(), O => queue::extent::<O>(extent, self.profile));
        reset(&mut extent.draft, self);
    }
}

/// Whether a file has the form already. Then nothing is written, so nothing is checked: it may
/// be encrypted, or damaged.
fn ready(file: &[u8], choices: &Choices) -> Result<Option<Ready>> {
    let profile = choices.profile;
    // What is no database says so when it is opened.
    let kind = FileKind::of(file);
    let Some(kind) = kind.database().filter(|_| file.len() >= LENGTH) else { return Ok(None) };
    let version = kind.version;
    match profile.standing(kind.method, version) {
        Standing::Ready => {}
        Standing::Beyond => return Err(Refusal::Downgrade { version, profile: profile.name() }.into()),
        Standing::Due => return Ok(None),
    }
    if profile == Profile::V9 && kind.method == Method::Btree && has_due_hash(file) {
        return Ok(None);
    }
    let Some(page_size) = kind.page_size else { return Ok(None) };
    let pages = u32::try_from(file.len().checked_div(page_size.bytes()).unwrap_or(0)).unwrap_or(u32::MAX);
    if file.len().checked_rem(page_size.bytes()) != Some(0) {
        return Ok(None);
    }
    Ok((!choices.reset_lsn).then_some(Ready { version, pages, order: kind.order }))
}

/// Whether one of several databases in a file is a HASH of an earlier version, as far as that can
/// be seen: the genuine tools leave it so.
fn has_due_hash(file: &[u8]) -> bool {
    let Ok(db) = Database::from_bytes(file) else { return false };
    let is_due = |meta: &Meta| meta.method() == Method::Hash && meta.version() < 9;
    db.is_directory() && db.subdatabases().flatten().any(|found| is_due(found.meta()))
}

/// Checks a file and computes what changes. That it has the form already is known before.
fn prepare<'p, O: ByteOrder>(
    file: &'p Database<'_>,
    choices: &Choices,
    new_id: FileId,
    counter: Counter<'_>,
) -> Result<Prepared<'p>> {
    let (profile, method) = (choices.profile, file.meta().method());
    let version = file.meta().version();
    if method == Method::Queue {
        queue::expect_start(file)?;
    }
    let mut notices = structure(file, choices.leave_unreachable, counter)?;
    let mut sorted = false;
    let is_tree = matches!(method, Method::Btree | Method::Recno);
    let (draft, promise) = if !is_tree && profile.standing(method, version) == Standing::Ready {
        with_content(file, choices.reset_lsn, || {
            let mut draft = Draft::new(file.pages());
            reset(&mut draft, choices);
            Ok(draft)
        })?
    } else if method == Method::Queue {
        // Records in extents are looked at there.
        let may_change = !profile.is_genuine() && file.pages().extents().is_none();
        with_content(file, may_change, || {
            let mut draft = queue::draft::<O>(file, profile)?;
            reset(&mut draft, choices);
            Ok(draft)
        })?
    } else {
        let mut databases = Databases::find::<O>(file)?;
        // Releases 6.0 and later put databases of theirs into files of before.
        let newest = databases.newest_version();
        if newest > 9 {
            return Err(Refusal::Downgrade { version: newest, profile: profile.name() }.into());
        }
        notices.extend(hash::functions(&databases, choices)?);
        let trees = needs_trees(file, &databases, profile) && databases.may_have_chains();
        let sorts = databases.hashes().next().is_some() && hash::sorts(choices);
        let made = with_content(file, trees || sorts, || {
            let mut draft = draft::<O>(file, choices, new_id, &mut databases, &mut notices)?;
            reset(&mut draft, choices);
            Ok(draft)
        })?;
        if file.meta().generation() == Generation::V31 && !profile.is_genuine() {
            notices.extend(habits(file, &databases));
        }
        sorted = databases.choices().any(|(_, sorted)| sorted);
        made
    };
    let to = if draft.is_empty() { version } else { version.max(profile.version_of(method)) };
    let options = journal::Options {
        sorted,
        genuine_8a: profile == Profile::Genuine8a,
        genuine_8b: profile == Profile::Genuine8b,
        ..journal::Options::default()
    };
    let order = file.meta().endianness();
    Ok(Prepared { draft, promise, notices, options, order, from: version, to, id: new_id })
}

/// Gives all pages another LSN, too, if that was chosen.
fn reset(draft: &mut Draft<'_>, choices: &Choices) {
    if choices.reset_lsn {
        draft.reset_lsn(Lsn::NOT_LOGGED);
    }
}

/// Whether off-page duplicates are chains in a file, and are to be trees. The genuine tools go by
/// the version of page 0.
fn needs_trees(file: &Database<'_>, databases: &Databases, profile: Profile) -> bool {
    let is_due = file.meta().generation() < Generation::V31;
    profile.has_trees() && (is_due || (!profile.is_genuine() && databases.has_chains_of_old()))
}

/// What an upgrade changes, step by step.
fn draft<'p, O: ByteOrder>(
    file: &'p Database<'_>,
    choices: &Choices,
    new_id: FileId,
    databases: &mut Databases,
    notices: &mut Vec<Notice>,
) -> Result<Draft<'p>> {
    let (meta, profile) = (file.meta(), choices.profile);
    let (generation, alone) = (meta.generation(), meta.buckets().is_some());
    let mut draft = Draft::new(file.pages());
    let trees = needs_trees(file, databases, profile);
    if trees {
        databases.decide::<O>(file.pages(), choices)?;
        notices.extend(looked_at(databases, choices));
    }
    // Where there are no duplicates, there are no shared keys.
    if meta.shared_keys_may_be_reversed() && databases.may_have_chains() {
        let keys = normalise::<O>(&mut draft, databases.leaves());
        if keys > 0 && profile.is_genuine() {
            return Err(Refusal::KeyOrder { keys }.into());
        }
        notices.extend((keys > 0).then_some(Notice::KeyOrder { keys }));
    }
    if generation == Generation::V2 && alone {
        v5_to_v6::metadata(&mut draft, meta, new_id, profile);
    } else if generation == Generation::V2 {
        let records = records(file, choices, notices)?;
        let first = file.pages().raw(PageNo::META).and_then(|page| page.first_chunk());
        if let Some(first) = first {
            draft.replace(
                PageNo::META,
                0,
                &v6_to_v7::metadata(first, meta.endianness(), new_id, profile, records),
                Reason::Metadata,
            );
        }
    }
    // Release 3.0 adds no pages; later ones do it once, and what they forget is ours to add.
    let once = generation == Generation::V2 || !profile.is_genuine();
    if alone && profile.has_trees() && once && meta.version() < 9 {
        v5_to_v6::lengthen(&mut draft, meta, profile)?;
    }
    if trees {
        v7_to_v8::apply::<O>(&mut draft, databases, profile)?;
    }
    if !alone && meta.version() < 9 {
        v8_to_v9::apply::<O>(&mut draft, databases, profile)?;
    }
    if databases.hashes().next().is_some() {
        hash::finish::<O>(&mut draft, databases, choices, notices);
    }
    Ok(draft)
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
        let hashes = databases.hashes().map(|known| known.meta().page());
        let mut metadata = databases.metadata_pages().chain(hashes).filter_map(|no| pages.raw(no));
        metadata.any(|page| page.iter().skip(at).take(len).any(|&byte| byte != 0))
    };
    let max_key = stale(at::ENCRYPTION, 1) || stale(at::METAFLAGS, 2);
    notices.extend(max_key.then_some(Notice::StaleMaxKey));
    notices.extend(stale(at::NPARTS, 4).then_some(Notice::StaleAllocation));
    notices
}
