//! The plan: everything that changes, computed before anything is written (upgrade, "Our
//! procedure").

use byteorder::ByteOrder;

use super::choices::{Choices, NewId, RecordForm};
use super::databases::Databases;
use super::profile::{Duplicates, Profile};
use super::{shared_keys, v6_to_v7, v7_to_v8, v8_to_v9};
use crate::access::Database;
use crate::edit::{
    Counter, Draft, Notice, Operation, Prepared, Ready, Reason, Refusal, Result, fresh_id, structure,
    with_content,
};
use crate::format::meta::{LENGTH, at};
use crate::journal::{self, Identity};
use crate::meta;
use crate::order::with_order;
use crate::types::{FileId, Lsn, PageNo, PageSize};

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
        ]
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
}

/// Whether a file has the form already. Then nothing is written, so nothing is checked: it may
/// be encrypted, or damaged.
fn ready(file: &[u8], choices: &Choices) -> Result<Option<Ready>> {
    let profile = choices.profile;
    // What is no database of this kind says so when it is opened.
    let Some(order) = meta::identify_tree(file).filter(|_| file.len() >= LENGTH) else { return Ok(None) };
    let version = order.u32_at(file, at::VERSION).unwrap_or(0);
    if !profile.keeps(version) {
        let beyond = (7..=10).contains(&version) && version > profile.version();
        return if beyond {
            Err(Refusal::Downgrade { version, profile: profile.name() }.into())
        } else {
            Ok(None)
        };
    }
    let Some(page_size) = order.u32_at(file, at::PAGE_SIZE).and_then(PageSize::new) else { return Ok(None) };
    let pages = u32::try_from(file.len().checked_div(page_size.bytes()).unwrap_or(0)).unwrap_or(u32::MAX);
    if file.len().checked_rem(page_size.bytes()) != Some(0) {
        return Ok(None);
    }
    Ok((!choices.reset_lsn).then_some(Ready { version, pages }))
}

/// Checks a file and computes what changes. That it has the form already is known before.
fn prepare<'p, O: ByteOrder>(
    file: &'p Database<'_>,
    choices: &Choices,
    new_id: FileId,
    counter: Counter<'_>,
) -> Result<Prepared<'p>> {
    let profile = choices.profile;
    let version = file.meta().version();
    let mut notices = structure(file, choices.leave_unreachable, counter)?;
    let mut databases = Databases::find::<O>(file)?;
    // Releases 6.0 and later put databases of theirs into files of before.
    let newest = databases.newest_version();
    if newest > profile.version().max(9) {
        return Err(Refusal::Downgrade { version: newest, profile: profile.name() }.into());
    }
    if let Some(page) = databases.hash().filter(|_| version == 7 && profile.version() > 7) {
        return Err(Refusal::Hash { page }.into());
    }
    let chains = version < 8 && profile.version() >= 8 && databases.may_have_chains();
    let (draft, promise) =
        with_content(file, chains, || draft::<O>(file, choices, new_id, &mut databases, &mut notices))?;
    if version == 8 && !profile.is_genuine() {
        notices.extend(habits(file, &databases));
    }
    let to = if draft.is_empty() { version } else { version.max(profile.version()) };
    let options = journal::Options {
        sorted: databases.choices().any(|(_, sorted)| sorted),
        genuine_8a: profile == Profile::Genuine8a,
        genuine_8b: profile == Profile::Genuine8b,
        ..journal::Options::default()
    };
    let order = file.meta().endianness();
    Ok(Prepared { draft, promise, notices, options, order, from: version, to, id: new_id })
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
        draft.reset_lsn(Lsn::NOT_LOGGED);
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
        let mut metadata = databases.metadata_pages().filter_map(|no| pages.raw(no));
        metadata.any(|page| page.iter().skip(at).take(len).any(|&byte| byte != 0))
    };
    let max_key = stale(at::ENCRYPTION, 1) || stale(at::METAFLAGS, 2);
    notices.extend(max_key.then_some(Notice::StaleMaxKey));
    notices.extend(stale(at::NPARTS, 4).then_some(Notice::StaleAllocation));
    notices
}
