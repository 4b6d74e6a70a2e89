//! Whether the store was closed, or needs recovery, decided from its files alone
//! (mboxlist, "Clean, recovery needed, or unknown").
//!
//! The look of the last record decides nothing: a store that was closed may end without a
//! checkpoint. What decides is whether pages lack what the log has.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::fmt;

use super::databases::DatabaseFile;
use super::elsewhere::Elsewhere;
use super::logs::{Logs, refused};
use crate::access::Database;
use crate::env::Comparison;
use crate::log::LogError;
use crate::mboxlist::names::{in_log, listed};
use crate::shown::counted;
use crate::types::{FileId, Lsn};

/// The highest LSN that pages may have without any log.
pub(in crate::mboxlist) const FIRST_RECORD: Lsn = Lsn { file: 1, offset: 28 };

/// How a store was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nothing is missing from the databases, and there are no region files.
    Clean,
    /// The same, but region files are there: as a stop without `stored -r` leaves it.
    CleanClosed,
    /// The databases lack committed changes, or have uncommitted ones.
    RecoveryNeeded,
    /// Logs and databases do not fit together.
    Inconsistent,
    /// There is no log.
    NoLog,
    /// It could not be told.
    Unknown,
}

impl State {
    /// The state in a word: `recovery-needed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Clean => "clean",
            State::CleanClosed => "clean-closed",
            State::RecoveryNeeded => "recovery-needed",
            State::Inconsistent => "inconsistent",
            State::NoLog => "no-log",
            State::Unknown => "unknown",
        }
    }

    /// Whether nothing is left to be recovered, as far as was seen.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, State::Clean | State::CleanClosed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a store was left, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The state.
    pub state: State,
    /// Why, in words.
    pub reason: String,
    /// The comparison of the log with the pages, if it could be made.
    pub dry: Option<DryTest>,
    /// The highest LSN of all pages.
    pub highest: Lsn,
    /// Databases that the log names behind the last checkpoint, and that are not there.
    pub missing: Vec<OsString>,
}

/// The log from the last checkpoint on, compared with the pages.
///
/// This is not a full dry recovery. Each record is compared with its page as it is on the
/// disk, so a change that is missing from before the log is not noticed. Of HASH, QUEUE
/// and HEAP databases nothing is compared: their part in the state is whether the log speaks
/// of them from there on at all. Files that the log makes, renames and removes
/// are not followed; only a name that an unfinished transaction gave to a file counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DryTest {
    /// Where recovery would begin.
    pub from: Lsn,
    /// Where the log ends.
    pub end: Lsn,
    /// Committed changes that pages lack.
    pub redo: u64,
    /// Uncommitted changes that pages have.
    pub undo: u64,
    /// The first such record.
    pub first: Option<Lsn>,
    /// The databases concerned.
    pub files: Vec<OsString>,
}

/// A database file and, if it could be opened, its pages.
pub(super) type Opened = (DatabaseFile, Option<Database<'static>>);

impl Decision {
    pub(super) fn of(
        databases: &[Opened],
        logs: &Logs<'_>,
        regions: bool,
        elsewhere: &Elsewhere,
    ) -> Decision {
        let highest = databases.iter().filter_map(|(file, _)| Some(file.contents.as_ref()?.max_lsn));
        let mut decision = Decision {
            state: State::Unknown,
            reason: String::new(),
            dry: None,
            highest: highest.max().unwrap_or_default(),
            missing: Vec::new(),
        };
        (decision.state, decision.reason) = decision.decide(databases, logs, regions);
        // Whatever is missing here may be in the other place. Recovery is needed all the same.
        let concluded = match decision.state {
            State::Clean | State::CleanClosed | State::NoLog => true,
            State::Inconsistent => elsewhere.logs.is_some(),
            State::RecoveryNeeded | State::Unknown => false,
        };
        if let Some(why) = elsewhere.reason().filter(|_| concluded) {
            decision.reason = format!("{why}, so the survey is incomplete: survey these parts with the rest");
            decision.state = State::Unknown;
        }
        decision
    }

    fn decide(&mut self, databases: &[Opened], logs: &Logs<'_>, regions: bool) -> (State, String) {
        let Some((dir, facts)) = &logs.whole else {
            if databases.is_empty() {
                return (State::NoLog, "no database here, and no log file".into());
            }
            return (State::NoLog, format!("no log file; the highest LSN of a page is {}", self.highest));
        };
        if logs.encrypted {
            return (State::Unknown, "the log is encrypted".into());
        }
        let compared = facts.start.clone().and_then(|start| {
            let comparison = Comparison::from(dir, start, || facts.files.clone());
            self.missing = missing(databases, &logs.gone, &comparison);
            compare(databases, &comparison)
        });
        let (dry, concerned) = match compared {
            Ok(compared) => compared,
            Err(error @ LogError::Gap { .. }) => {
                return (State::Inconsistent, format!("{error}, and recovery would need it"));
            }
            Err(error) if refused(&error) => {
                return (State::Unknown, format!("the log cannot be read: {error}"));
            }
            Err(error) => return (State::Unknown, format!("the log is damaged: {error}")),
        };
        let DryTest { from, end, redo, undo, ref files, .. } = dry;
        let found = match (redo, undo) {
            (0, 0) if self.highest > end => Some((
                State::Inconsistent,
                format!("pages are newer ({}) than the end of the log ({end})", self.highest),
            )),
            (0, 0) => None,
            _ => {
                let are = |number: u64| if number == 1 { "is" } else { "are" };
                let redo = (redo > 0)
                    .then(|| format!("{} {} missing", counted(redo, "committed change"), are(redo)));
                let undo = (undo > 0)
                    .then(|| format!("{} {} there", counted(undo, "uncommitted change"), are(undo)));
                let what: Vec<String> = redo.into_iter().chain(undo).collect();
                let files = listed(files);
                let reason = format!("{files}: {} (log from {from} to {end})", what.join(", "));
                Some((State::RecoveryNeeded, reason))
            }
        };
        self.dry = Some(dry);
        // What the log does not speak of from there on, recovery leaves alone.
        let left_alone = |file: &DatabaseFile| {
            concerned.as_ref().zip(file.file_id).is_some_and(|(files, id)| !files.contains(&id))
        };
        let untested = databases.iter().filter(|(file, db)| db.is_none() && !left_alone(file));
        let untested: Vec<&OsString> = untested.map(|(file, _)| &file.name).collect();
        match found {
            Some(found) => found,
            None if !untested.is_empty() => {
                (State::Unknown, format!("{} cannot be compared with the log", listed(untested)))
            }
            None if databases.is_empty() => {
                (State::Unknown, "there is no database to compare the log with".into())
            }
            None if regions => {
                (State::CleanClosed, "no page lacks a change of the log, but region files are there".into())
            }
            None => (State::Clean, "no page lacks a change of the log".into()),
        }
    }
}

/// What a comparison found; and which files the log speaks of behind its start, if all are known
/// and there are some that cannot be compared.
fn compare(
    databases: &[Opened],
    comparison: &Comparison<'_>,
) -> Result<(DryTest, Option<HashSet<FileId>>), LogError> {
    let mut dry = DryTest { from: comparison.start, end: comparison.changes.end()?, ..DryTest::default() };
    let unfinished = comparison.unfinished_names();
    for (file, db) in databases {
        let pending = db.as_ref().map(|db| comparison.with(db)).transpose()?.unwrap_or_default();
        let name = file.contents.as_ref().and_then(|contents| unfinished.get(&contents.file_id));
        let name = name.filter(|(name, _)| in_log(name) == file.name);
        let first = pending.first.into_iter().chain(name.map(|(_, lsn)| *lsn)).min();
        dry.redo = dry.redo.saturating_add(pending.redo);
        dry.undo = dry.undo.saturating_add(pending.undo).saturating_add(name.is_some().into());
        if let Some(first) = first {
            dry.first = Some(dry.first.map_or(first, |known| known.min(first)));
            dry.files.push(file.name.clone());
        }
    }
    let untested = databases.iter().any(|(_, db)| db.is_none());
    Ok((dry, if untested { comparison.concerned() } else { None }))
}

/// The files of databases that were open behind the point where recovery begins, and are
/// not there: neither by their names nor by their ids.
fn missing(databases: &[Opened], gone: &HashSet<&[u8]>, comparison: &Comparison<'_>) -> Vec<OsString> {
    let ids: HashSet<_> = databases.iter().filter_map(|(file, _)| file.file_id).collect();
    let bindings = comparison
        .open()
        .filter(|binding| !gone.contains(binding.name) && binding.id.is_some_and(|id| !ids.contains(&id)));
    let names: BTreeSet<OsString> = bindings.map(|binding| in_log(binding.name)).collect();
    let here = |wanted: &OsString| databases.iter().any(|(file, _)| file.name == *wanted);
    names.into_iter().filter(|name| !name.is_empty() && !here(name)).collect()
}
