//! `bdbkit log history`: who changed what, and when.

mod json;
pub(crate) mod text;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::rc::Rc;

use bdbkit::Lsn;
use bdbkit::dump::escape;
use bdbkit::log::{Binding, ChangeKind, Fate, History, LogDir, PairChange, TxnId};

use super::databases;
use super::source::{Log, Source};
use super::times::{Period, Times};
use crate::failure::{Failure, Outcome, about, complain};
use crate::hex::unhex;
use crate::progress;

/// Say what was put, replaced and deleted, and when, from the logs alone
///
/// The changes of key and value pairs, in the order of the log: the LSN, when the
/// transaction committed or what else became of it, the transaction, what was done,
/// the key, and the values before and after. A log records changes of pages: of pairs
/// that are older than the log, some keys and values are not known. Exits with 1 if keys
/// were asked for and none was found.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Only this database: the name of its file, or FILE/NAME for one of several in a
    /// file; without it all, each line with the name
    #[arg(long, value_name = "NAME")]
    db: Option<OsString>,

    /// Only keys that begin with these bytes
    #[arg(long, value_name = "PREFIX")]
    key: Option<OsString>,

    /// The same, given as hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = |hex: &str| unhex(hex.as_bytes()), conflicts_with = "key")]
    key_hex: Option<Bytes>,

    /// Only changes that count: those of transactions that committed, and those made
    /// outside transactions
    #[arg(long)]
    committed: bool,

    #[command(flatten)]
    period: Period,

    /// Also read records that can be found behind the end of the log
    #[arg(long)]
    past_end: bool,

    /// Keys and values in full; otherwise they are cut to the width of a line
    #[arg(long)]
    full: bool,

    /// One JSON object a line for each change: keys and values in hexadecimal, and as
    /// text where they are printable ASCII but for a closing zero; times in seconds and
    /// in UTC
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: Source,
}

/// By another name, since clap takes a `Vec` for an option that can be repeated.
type Bytes = Vec<u8>;

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    arguments.source.each(|log| {
        let one = log.and_then(|log| Ok(arguments.tell(&log, &mut out)?.and(log.placed)));
        one.or_else(|failure| {
            out.flush()?;
            failure.survive(arguments.json.then_some(&mut out))
        })
    })
}

impl Arguments {
    fn tell(&self, log: &Log, out: &mut impl Write) -> Result<Outcome, Failure> {
        log.readable()?;
        let refuse = |message| Failure::Message(about(log.path(), message));
        let times = self.period.times(&log.dir).map_err(refuse)?;
        let bar = progress::spinner(log.path());
        let history = self.read(&log.dir);
        bar.finish_and_clear();
        if let (Some(name), None) = (&self.db, history.databases().next()) {
            self.remark(log, &history);
            let name = escape(name.as_encoded_bytes());
            return Err(refuse(databases::unknown(history.files(), &name)));
        }
        let names = Names::of(&history);
        let style = text::Style::new(self.full, self.db.is_none(), &names);
        let entries = history.changes().map(|change| Entry::of(change, &history, &names));
        let mut found = false;
        for entry in entries.filter(|entry| self.wants(entry, times.as_ref())) {
            found = true;
            match self.json {
                true => json::write(&entry, out)?,
                false => style.write(&entry, out)?,
            }
        }
        out.flush()?;
        let outcome = self.remark(log, &history);
        if !found && !self.prefix().is_empty() {
            return Err(Failure::Message(about(log.path(), "no change of such a key was found")));
        }
        Ok(outcome)
    }

    fn read<'l>(&self, log: &'l LogDir) -> History<'l> {
        let mut query = log.history().key_prefix(self.prefix());
        if let Some(name) = &self.db {
            query = query.database(name.as_encoded_bytes());
        }
        if self.past_end { query.past_end() } else { query }.read()
    }

    fn prefix(&self) -> &[u8] {
        let text = self.key.as_ref().map(|key| key.as_encoded_bytes());
        self.key_hex.as_deref().or(text).unwrap_or_default()
    }

    fn wants(&self, entry: &Entry<'_>, times: Option<&Times<'_>>) -> bool {
        let counts = !self.committed || matches!(entry.fate, Fate::Committed { .. });
        counts && times.is_none_or(|times| times.include(entry.change.lsn, Some(entry.fate)))
    }

    /// Says what is missing from the history.
    fn remark(&self, log: &Log, history: &History<'_>) -> Outcome {
        for error in history.errors() {
            complain(log.message(error));
        }
        if let Some(note) = log.tail(self.past_end).and_then(|tail| log.note(tail)) {
            complain(note);
        }
        let unknown = history.unknown_keys();
        if unknown > 0 && !self.prefix().is_empty() {
            let s = if unknown == 1 { "" } else { "s" };
            let note = format!("note: left out {unknown} change{s} whose key the log does not show");
            complain(about(log.path(), note));
        }
        Outcome::complete_if(history.errors().is_empty())
    }
}

/// The names of the databases, as they were called last.
struct Names(HashMap<(i32, Lsn), Rc<str>>);

impl Names {
    fn of(history: &History<'_>) -> Names {
        let mut called = databases::Called::of(history.files());
        Names(history.databases().map(|binding| (Names::key(binding), called.name(binding))).collect())
    }

    fn key(binding: &Binding<'_>) -> (i32, Lsn) {
        (binding.number, binding.from)
    }
}

/// A change, and what the log tells about it elsewhere.
struct Entry<'h> {
    change: &'h PairChange<'h>,
    fate: Fate,
    txn: Option<TxnId>,
    /// The name; empty for a database without a file.
    database: Option<&'h str>,
}

impl<'h> Entry<'h> {
    fn of(change: &'h PairChange<'h>, history: &'h History<'h>, names: &'h Names) -> Entry<'h> {
        let database = history.database(change).and_then(|binding| names.0.get(&Names::key(binding)));
        Entry {
            change,
            fate: history.fate(change),
            txn: history.transaction(change).map(|transaction| transaction.id),
            database: database.map(|name| &**name),
        }
    }
}

/// What was done to a pair.
pub(crate) fn action(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Put => "put",
        ChangeKind::Replace => "replace",
        ChangeKind::Delete => "delete",
    }
}
