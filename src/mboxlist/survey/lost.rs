//! Committed changes in the logs of an older engine that never reached the databases: the newer
//! engine skipped these logs, and will always do so (mboxlist, "Unrecovered logs under a newer
//! engine").

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::logs::LogFacts;
use super::state::Opened;
use crate::access::Database;
use crate::format::page::Page;
use crate::log::facts::Facts;
use crate::log::{Fate, Known, LogDir, LogOptions};
use crate::order::with_order;
use crate::types::{FileId, Lsn, PageNo};

/// What was lost when an engine was replaced before recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// Version of the logs.
    pub version: u32,
    /// Committed changes of pairs that pages lack.
    pub changes: u64,
    /// The first of them.
    pub first: Lsn,
    /// The last of them.
    pub last: Lsn,
    /// The databases concerned.
    pub files: BTreeSet<OsString>,
    /// The keys concerned, as far as the log has them.
    pub keys: BTreeSet<Vec<u8>>,
}

impl Lost {
    /// What was lost from each version of logs that is not the newest, of which it is known what
    /// they tell.
    pub(super) fn of(
        databases: &[Opened],
        logs: &[LogFacts],
        skipped: BTreeMap<u32, Facts<'_>>,
        map: bool,
    ) -> Vec<Lost> {
        let lost = |(version, facts)| {
            let files = logs.iter().filter(|log| log.version == Some(version));
            let paths: Vec<PathBuf> = files.map(|log| log.path.clone()).collect();
            Lost::from(version, databases, &LogOptions::new().map(map).open_files(&paths), facts)
        };
        skipped.into_iter().filter_map(lost).collect()
    }

    fn from<'l>(version: u32, databases: &[Opened], dir: &'l LogDir, facts: Facts<'l>) -> Option<Lost> {
        // Where recovery would have begun. What cannot be read tells nothing.
        let start = *facts.start.as_ref().ok()?;
        let history = dir.history().known(facts).read();
        let by_id: BTreeMap<FileId, (&OsStr, &Database<'_>)> = databases
            .iter()
            .filter_map(|(file, db)| {
                // Without LSNs, as after a reset, pages tell nothing.
                let db = db.as_ref().filter(|db| db.meta().lsn().file != 0)?;
                Some((db.meta().file_id(), (file.name.as_os_str(), db)))
            })
            .collect();
        let mut lost: Option<Lost> = None;
        for change in history.changes().filter(|change| change.lsn >= start) {
            let kept = matches!(history.fate(change), Fate::Committed { .. });
            let id = history.database(change).and_then(|binding| binding.id);
            let Some((name, db)) = id.and_then(|id| by_id.get(&id)).filter(|_| kept) else { continue };
            if page_lsn(db, change.page).is_some_and(|lsn| lsn >= change.lsn) {
                continue;
            }
            let (files, keys) = (BTreeSet::new(), BTreeSet::new());
            let first = change.lsn;
            let lost = lost.get_or_insert(Lost { version, changes: 0, first, last: first, files, keys });
            lost.changes = lost.changes.saturating_add(1);
            lost.last = change.lsn;
            lost.files.insert((*name).to_owned());
            if let Known::Bytes(key) = &change.key {
                lost.keys.insert(key.to_vec());
            }
        }
        lost
    }
}

/// The LSN of a page, if the file has it.
fn page_lsn(file: &Database<'_>, no: PageNo) -> Option<Lsn> {
    with_order!(file.meta().endianness(), O => {
        file.pages().raw(no).and_then(Page::<O>::new).map(|page| page.lsn())
    })
}
