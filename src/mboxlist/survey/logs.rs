//! The log files of a store.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::skipped::Skipped;
use crate::log::facts::{Facts, Reading};
use crate::log::{DirFile, Event, LogDir, LogError, LogOptions, Tail};
use crate::mboxlist::classify::Class;
use crate::mboxlist::names;
use crate::order::Endianness;
use crate::types::Lsn;

/// A log file: its header, and the records in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogFacts {
    /// Name of the file.
    pub name: OsString,
    /// Where it is.
    pub path: PathBuf,
    /// Its number.
    pub number: u32,
    /// Log version.
    pub version: Option<u32>,
    /// Byte order of the log's numbers.
    pub order: Option<Endianness>,
    /// The size at which the next file begins.
    pub max: Option<u32>,
    /// The first record, the header of the file apart.
    pub first: Option<Lsn>,
    /// The last record.
    pub last: Option<Lsn>,
    /// The last checkpoint.
    pub checkpoint: Option<Lsn>,
    /// How many records there are.
    pub records: u64,
    /// How the file ends.
    pub end: LogEnd,
    /// What is wrong with it.
    pub damage: Option<String>,
    /// Whether that is no damage: the system refused to open or read it.
    pub refused: bool,
}

/// How a log file ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogEnd {
    /// With its last record, or with room for more.
    #[default]
    Clean,
    /// It was made, but nothing was written yet.
    Unwritten,
    /// As a crash leaves it: with a part of a record, or bytes that are none.
    Torn(String),
}

impl LogEnd {
    /// In one word: `clean`, `unwritten` or `torn`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            LogEnd::Clean => "clean",
            LogEnd::Unwritten => "unwritten",
            LogEnd::Torn(_) => "torn",
        }
    }
}

/// The logs of a store.
#[derive(Debug, Default)]
pub(super) struct Logs<'l> {
    pub(super) files: Vec<LogFacts>,
    /// What is wrong between files.
    pub(super) gaps: Vec<String>,
    pub(super) encrypted: bool,
    /// The names of the databases that the logs speak of, in their folders.
    pub(super) names: BTreeSet<OsString>,
    /// Names of files that were removed or got another name.
    pub(super) gone: HashSet<&'l [u8]>,
    /// The log, and what it tells as a whole.
    pub(super) whole: Option<(&'l LogDir, Facts<'l>)>,
    /// What the logs of each version but the newest tell.
    pub(super) skipped: BTreeMap<u32, Facts<'l>>,
}

/// Opens log files, if there are any.
pub(super) fn open(paths: &[PathBuf], map: bool) -> Option<LogDir> {
    (!paths.is_empty()).then(|| LogOptions::new().map(map).open_files(paths))
}

impl<'l> Logs<'l> {
    /// Reads a log, once.
    pub(super) fn of(dir: Option<&'l LogDir>) -> Logs<'l> {
        let mut logs = Logs::default();
        let Some(dir) = dir else { return logs };
        let mut files: BTreeMap<u32, LogFacts> =
            dir.log_files().map(|file| (file.number(), LogFacts::of(file))).collect();
        logs.encrypted = dir.log_files().any(|file| {
            let error = file.log().err();
            error.is_some_and(|error| matches!(**error, LogError::Encrypted | LogError::Password))
        });
        let (mut facts, mut skipped) = (Reading::default(), Skipped::of(dir, files.values()));
        let mut records = dir.records();
        for record in &mut records {
            skipped.next(&record);
            let event = facts.next(&record);
            if let Some(Event::FileRemove { name } | Event::FileRename { old: name, .. }) = event {
                logs.gone.insert(name);
            }
            match record {
                Ok(record) => {
                    let lsn = record.lsn();
                    let Some(file) = files.get_mut(&lsn.file) else { continue };
                    file.first = file.first.or(Some(lsn));
                    file.last = Some(lsn);
                    file.records = file.records.saturating_add(1);
                    if matches!(event, Some(Event::Checkpoint { .. })) {
                        file.checkpoint = Some(lsn);
                    }
                }
                Err(LogError::Damaged { lsn, defect }) => {
                    if let Some(file) = files.get_mut(&lsn.file) {
                        file.damage.get_or_insert(format!("{lsn}: {defect}"));
                    }
                }
                Err(error @ LogError::Unjoined { last, .. }) => {
                    if let Some(file) = files.get_mut(&last.file) {
                        file.damage.get_or_insert(error.to_string());
                    }
                }
                // The file says so itself.
                Err(LogError::File { .. }) => {}
                Err(error) => logs.gaps.push(error.to_string()),
            }
        }
        if let Some(tail) = records.tail().filter(|tail| !tail.is_clean()) {
            if let Some(file) = files.get_mut(&tail.lsn.file) {
                file.end = torn(&tail);
            }
        }
        let facts = facts.end();
        let names = facts.files.bindings().map(|binding| names::in_log(binding.name));
        logs.names = names.filter(|name| matches!(Class::of(name), Class::Database | Class::Other)).collect();
        logs.names.remove(OsStr::new(""));
        logs.files = files.into_values().collect();
        logs.whole = Some((dir, facts));
        logs.skipped = skipped.end();
        logs
    }
}

fn torn(tail: &Tail) -> LogEnd {
    LogEnd::Torn(tail.to_string())
}

impl LogFacts {
    fn of(file: &DirFile) -> LogFacts {
        let log = file.log().ok();
        LogFacts {
            name: names::of(file.path()),
            path: file.path().to_owned(),
            number: file.number(),
            version: log.map(|log| log.version()).or_else(|| refused_version(file)),
            order: log.map(|log| log.endianness()),
            max: log.map(|log| log.max_size()),
            first: None,
            last: None,
            checkpoint: None,
            records: 0,
            end: if file.unwritten() { LogEnd::Unwritten } else { LogEnd::Clean },
            refused: file.log().err().is_some_and(|error| refused(error)),
            damage: file.log().err().filter(|_| !file.unwritten()).map(ToString::to_string),
        }
    }

    /// The version in the header, as it stands there.
    pub(crate) fn version_bytes(&self) -> Option<Vec<u8>> {
        let version = self.version?;
        Some(match self.order? {
            Endianness::Little => version.to_le_bytes().to_vec(),
            Endianness::Big => version.to_be_bytes().to_vec(),
        })
    }
}

/// Whether an error is that of the system, and none of the bytes.
pub(super) fn refused(error: &LogError) -> bool {
    match error {
        LogError::Open { .. } => true,
        LogError::File { source, .. } => refused(source),
        _ => false,
    }
}

/// The version of a log that is not read.
fn refused_version(file: &DirFile) -> Option<u32> {
    match **file.log().err()? {
        LogError::Version { version, .. } => Some(version),
        _ => None,
    }
}
