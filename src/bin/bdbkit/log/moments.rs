//! What happened by a log, in its order: changes of pairs, checkpoints, files made, removed and renamed.

use bdbkit::Lsn;
use bdbkit::log::{Event, Fate, History, Known, PairChange, TxnId};

use super::databases;
use super::history;
use super::source::Log;
use crate::failure::{Failure, Outcome, about, complain};
use crate::hex::Hex;
use crate::json;
use crate::table::{Cell, Heading};

/// The columns of what happened.
pub(crate) const HEADING: Heading = Heading {
    table: "changes",
    row: "logged",
    columns: &[
        "lsn",
        "time",
        "txn",
        "fate",
        "action",
        "file",
        "new_file",
        "database",
        "key",
        "key_text",
        "value",
        "value_text",
        "replaced",
        "replaced_text",
        "record",
        "page",
        "slot",
        "remarks",
    ],
};

/// A log that was read, and what it tells.
pub(crate) struct Moments<'l> {
    log: &'l Log,
    history: History<'l>,
    past_end: bool,
}

/// Something that happened.
pub(crate) struct Moment<'h> {
    pub(crate) lsn: Lsn,
    pub(crate) txn: Option<TxnId>,
    /// What became of it, if that can be asked.
    pub(crate) fate: Option<Fate>,
    /// When it was done, or when its transaction committed, in seconds since 1970.
    pub(crate) time: Option<i64>,
    pub(crate) what: What<'h>,
}

/// What happened.
pub(crate) enum What<'h> {
    Change { change: &'h PairChange<'h>, file: Option<&'h [u8]>, database: Option<&'h [u8]> },
    Checkpoint,
    Create(&'h [u8]),
    Remove(&'h [u8]),
    Rename { old: &'h [u8], new: &'h [u8] },
}

impl<'l> Moments<'l> {
    /// Reads a log: all of it, or what it tells of a database.
    pub(crate) fn of(log: &'l Log, database: Option<&[u8]>) -> Result<Moments<'l>, Failure> {
        Moments::read(log, database, false)
    }

    /// The same, and perhaps what is behind the end of the log.
    pub(crate) fn read(
        log: &'l Log,
        database: Option<&[u8]>,
        past_end: bool,
    ) -> Result<Moments<'l>, Failure> {
        log.readable()?;
        let query = log.dir.history();
        let query = database.into_iter().fold(query, |query, name| query.database(name));
        let history = if past_end { query.past_end() } else { query }.read();
        if let (Some(name), None) = (database, history.databases().next()) {
            let name = bdbkit::dump::escape(name);
            return Err(Failure::Message(about(log.path(), databases::unknown(history.files(), &name))));
        }
        Ok(Moments { log, history, past_end })
    }

    /// Gives each change of a pair.
    pub(crate) fn changes(
        &self,
        mut look: impl FnMut(&Moment<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.history.changes().try_for_each(|change| look(&self.change(change)))
    }

    /// Gives all that happened.
    pub(crate) fn all(
        &self,
        mut look: impl FnMut(&Moment<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut changes = self.history.changes().peekable();
        // What could not be read was met by the history.
        for record in self.log.records(self.past_end).flatten() {
            while let Some(change) = changes.next_if(|change| change.lsn <= record.lsn()) {
                look(&self.change(change))?;
            }
            let (what, time) = match record.event() {
                Event::Checkpoint { time, .. } => (What::Checkpoint, time),
                Event::FileCreate { name } => (What::Create(name), None),
                Event::FileRemove { name } => (What::Remove(name), None),
                Event::FileRename { old, new, .. } => (What::Rename { old, new }, None),
                _ => continue,
            };
            let transactions = self.history.transactions();
            let index = record.txn().and_then(|txn| transactions.index_of(txn, record.lsn()));
            let fate = index.map(|index| transactions.fate(index));
            look(&Moment {
                lsn: record.lsn(),
                txn: index.and(record.txn()),
                fate,
                time: time.or(fate.and_then(committed)),
                what,
            })?;
        }
        changes.try_for_each(|change| look(&self.change(change)))
    }

    fn change<'h>(&'h self, change: &'h PairChange<'h>) -> Moment<'h> {
        let history = &self.history;
        let fate = history.fate(change);
        let binding = history.database(change);
        let file = binding.and_then(|binding| history.files().file_name(binding));
        let database = binding.and_then(|binding| history.files().inner_name(binding));
        Moment {
            lsn: change.lsn,
            txn: history.transaction(change).map(|transaction| transaction.id),
            fate: Some(fate),
            time: committed(fate),
            what: What::Change { change, file, database },
        }
    }

    /// Says what is missing.
    pub(crate) fn remark(&self) -> Outcome {
        for error in self.history.errors() {
            complain(self.log.message(error));
        }
        if let Some(note) = self.history.tail().and_then(|tail| self.log.note(tail)) {
            complain(note);
        }
        Outcome::complete_if(self.history.errors().is_empty())
    }
}

/// When it was committed, if it was and that is recorded.
fn committed(fate: Fate) -> Option<i64> {
    if let Fate::Committed { time, .. } = fate { time } else { None }
}

impl Moment<'_> {
    /// What was done, in a word.
    pub(crate) fn action(&self) -> &'static str {
        match self.what {
            What::Change { change, .. } => history::action(change.kind),
            What::Checkpoint => "checkpoint",
            What::Create(_) => "create",
            What::Remove(_) => "remove",
            What::Rename { .. } => "rename",
        }
    }

    /// A row of a table.
    pub(crate) fn cells(&self) -> [Cell<'_>; 18] {
        let (change, file, new_file, database) = match self.what {
            What::Change { change, file, database } => (Some(change), file, None, database),
            What::Checkpoint => (None, None, None, None),
            What::Create(name) | What::Remove(name) => (None, Some(name), None, None),
            What::Rename { old, new } => (None, Some(old), Some(new), None),
        };
        let (key, record) = match change.map(|change| &change.key) {
            Some(Known::Record(number)) => (None, Some(*number)),
            key => (key, None),
        };
        let value = change.and_then(|change| change.new.as_ref());
        let replaced = change.and_then(|change| change.old.as_ref());
        let all = [("key", key), ("value", value), ("value before", replaced)];
        let remarks = all.into_iter().filter_map(|(what, known)| remark(what, known?));
        [
            Cell::Lsn(self.lsn),
            self.time.map_or(Cell::Nothing, Cell::Time),
            Cell::text(self.txn.map(|txn| txn.to_string())),
            Cell::text(self.fate.map(|fate| json::fate(fate).0)),
            Cell::text(Some(self.action())),
            Cell::text(file.map(json::raw_name)),
            Cell::text(new_file.map(json::raw_name)),
            Cell::text(database.map(json::raw_name)),
            Cell::known(key),
            Cell::text_of(key.and_then(Known::bytes)),
            Cell::known(value),
            Cell::text_of(value.and_then(Known::bytes)),
            Cell::known(replaced),
            Cell::text_of(replaced.and_then(Known::bytes)),
            Cell::number(record),
            Cell::number(change.map(|change| change.page.0)),
            Cell::number(change.map(|change| change.index)),
            Cell::Texts(remarks.collect()),
        ]
    }
}

/// What a log does not show of a key or a value.
fn remark(what: &str, content: &Known<'_>) -> Option<String> {
    Some(match content {
        Known::Bytes(_) | Known::Record(_) => return None,
        Known::Part { prefix, suffix, middle } => {
            let middle = Hex(middle);
            format!("{what}: {prefix} bytes that the log does not show, {middle}, and {suffix} bytes")
        }
        Known::Chain { page, len } => {
            format!("{what}: {len} bytes from overflow page {page} on, not in the log")
        }
        _ => format!("{what}: not in the log"),
    })
}
