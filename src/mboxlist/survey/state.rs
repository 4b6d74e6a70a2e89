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
use crate::env::Layout;
use crate::log::{LogError, LogOptions};
use crate::mboxlist::names::{in_log, listed};
use crate::pages::OpenOptions;
use crate::recover::{Condition, FileChange, Pending, Recover, Unrecovered};
use crate::shown::{ShowName, counted};
use crate::types::Lsn;

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
    /// What recovery would do, if that could be told.
    pub dry: Option<DryTest>,
    /// The highest LSN of all pages.
    pub highest: Lsn,
    /// Databases that the log names behind the last checkpoint, and that are not there.
    pub missing: Vec<OsString>,
}

/// What recovery would do by the log from the last checkpoint on: told by the LSNs of pages where they
/// show that it would do nothing, and otherwise by a recovery in memory.
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
        (layout, map): (&Layout, bool),
    ) -> Decision {
        let highest = databases.iter().filter_map(|(file, _)| Some(file.contents.as_ref()?.max_lsn));
        let mut decision = Decision {
            state: State::Unknown,
            reason: String::new(),
            dry: None,
            highest: highest.max().unwrap_or_default(),
            missing: Vec::new(),
        };
        (decision.state, decision.reason) = decision.decide(databases, logs, regions, (layout, map));
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

    fn decide(
        &mut self,
        databases: &[Opened],
        logs: &Logs<'_>,
        regions: bool,
        (layout, map): (&Layout, bool),
    ) -> (State, String) {
        let Some((dir, facts)) = &logs.whole else {
            if databases.is_empty() {
                return (State::NoLog, "no database here, and no log file".into());
            }
            return (State::NoLog, format!("no log file; the highest LSN of a page is {}", self.highest));
        };
        if logs.encrypted {
            return (State::Unknown, "the log is encrypted".into());
        }
        let unrecovered = match &facts.start {
            Ok(start) => {
                let recover =
                    Recover::new().log(LogOptions::new().map(map)).files(OpenOptions::new().map(map));
                let unrecovered = Unrecovered::from(dir, *start, || facts.files.clone(), layout, recover);
                self.missing = missing(databases, &logs.gone, &unrecovered);
                unrecovered
            }
            Err(error) => return damaged(error),
        };
        if let Some(damage) = unrecovered.damage() {
            return damaged(damage);
        }
        let Dry { test, beyond, unread } = Dry::of(databases, &unrecovered);
        let DryTest { from, end, redo, undo, ref files, .. } = test;
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
        self.dry = Some(test);
        // What the log does not speak of from there on, recovery leaves alone.
        let concerned = unrecovered.concerned();
        let left_alone = |file: &DatabaseFile| {
            concerned.as_ref().zip(file.file_id).is_some_and(|(files, id)| !files.contains(&id))
        };
        let untested = databases.iter().filter(|(file, db)| db.is_none() && !left_alone(file));
        let untested: Vec<&OsString> = untested.map(|(file, _)| &file.name).chain(&unread).collect();
        match found {
            Some(found) => found,
            None if !beyond.is_empty() => (State::Inconsistent, beyond.join("; ")),
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

/// What is to be said of a log that is damaged where recovery needs it.
fn damaged(error: &LogError) -> (State, String) {
    match error {
        LogError::Gap { .. } => (State::Inconsistent, format!("{error}, and recovery would need it")),
        error if refused(error) => (State::Unknown, format!("the log cannot be read: {error}")),
        error => (State::Unknown, format!("the log is damaged: {error}")),
    }
}

/// What recovery would do, and could not do.
#[derive(Default)]
struct Dry {
    test: DryTest,
    /// Why databases cannot be recovered.
    beyond: Vec<String>,
    /// Databases that could not be read for it.
    unread: Vec<OsString>,
}

impl Dry {
    fn of(databases: &[Opened], unrecovered: &Unrecovered) -> Dry {
        let test = DryTest { from: unrecovered.start(), end: unrecovered.end(), ..DryTest::default() };
        let mut dry = Dry { test, ..Dry::default() };
        for (file, _) in databases.iter().filter(|(_, db)| db.is_some()) {
            match unrecovered.condition(&file.path) {
                Ok(Condition::Clean) => {}
                Ok(Condition::Due(pending)) => dry.add(&pending, file.name.clone()),
                Ok(Condition::Unrecoverable { why, .. }) => {
                    dry.beyond.push(format!("{}: {why}", file.name.shown()))
                }
                Err(_) => dry.unread.push(file.name.clone()),
            }
        }
        // Recovery may make a file that is not there.
        if dry.test.files.is_empty() && dry.beyond.is_empty() {
            if let Condition::Due(pending) = unrecovered.environment() {
                for file in pending.files.clone() {
                    dry.add(&pending, file.into_os_string());
                }
            }
        }
        dry
    }

    fn add(&mut self, pending: &Pending, file: OsString) {
        let test = &mut self.test;
        // What happens to a whole file is one change.
        let gone = u64::from(pending.change == FileChange::Removed);
        test.redo = test.redo.saturating_add(pending.committed).saturating_add(pending.undecided);
        test.undo = test.undo.saturating_add(pending.uncommitted).saturating_add(gone);
        if pending.committed == 0 && pending.undecided == 0 && pending.uncommitted == 0 && gone == 0 {
            test.redo = test.redo.saturating_add(1);
        }
        test.first = Some(test.first.map_or(pending.first, |known| known.min(pending.first)));
        test.files.push(file);
    }
}

/// The files of databases that were open behind the point where recovery begins, and are
/// not there: neither by their names nor by their ids.
fn missing(databases: &[Opened], gone: &HashSet<&[u8]>, unrecovered: &Unrecovered) -> Vec<OsString> {
    let ids: HashSet<_> = databases.iter().filter_map(|(file, _)| file.file_id).collect();
    let open = unrecovered
        .open()
        .filter(|(name, id)| !gone.contains(name) && id.is_some_and(|id| !ids.contains(&id)));
    let names: BTreeSet<OsString> = open.map(|(name, _)| in_log(name)).collect();
    let here = |wanted: &OsString| databases.iter().any(|(file, _)| file.name == *wanted);
    names.into_iter().filter(|name| !name.is_empty() && !here(name)).collect()
}
