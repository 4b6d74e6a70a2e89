//! `bdbkit log timeline`: who changed which key when, for programs that draw time lines.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::dump::escape;
use bdbkit::log::{ChangeKind, Known};
use clap::ValueEnum;

use super::moments::{HEADING, Moment, Moments, What};
use super::source::Source;
use super::times::Period;
use crate::failure::{Failure, NO_JSON, Outcome, about};
use crate::output::Output;
use crate::progress;
use crate::table::{self, Table};

/// Say who changed which key when: changes of pairs, checkpoints, and what became of files
///
/// In the order of the log, from the logs alone: the LSN, the time of the transaction's commit, the
/// transaction and what became of it, what was done, to which file, database and key. Checkpoints have
/// the time that they record. What did not commit, and what releases before 3.1 wrote, has no time.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// The form of what is written
    #[arg(long, value_enum, default_value_t = Form::Jsonl)]
    format: Form,

    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// Only changes of this database: the name of its file, or FILE/NAME for one of several in a file
    #[arg(long, value_name = "NAME")]
    db: Option<OsString>,

    #[command(flatten)]
    period: Period,

    /// Also read records that can be found behind the end of the log
    #[arg(long)]
    past_end: bool,

    #[command(flatten)]
    source: Source,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A JSON object on a line for each
    Jsonl,
    /// A line of names, and a line for each
    Csv,
    /// Lines that mactime of the Sleuth Kit reads: when in the field of the last change, and of the
    /// birth for what was put or made; 0 where no time is known
    Bodyfile,
}

/// Where it goes.
enum To {
    Table(Table),
    Body(Output),
}

impl To {
    fn open(arguments: &Arguments) -> Result<To, Failure> {
        let (to, inputs) = (arguments.output.as_deref(), arguments.source.paths());
        let table = |form| Table::open(form, &HEADING, to, inputs).map(To::Table);
        match arguments.format {
            Form::Jsonl => table(table::Form::Jsonl),
            Form::Csv => table(table::Form::Csv),
            Form::Bodyfile => Output::of_all(to, inputs).map(To::Body),
        }
    }

    fn write(&mut self, path: &Path, moment: &Moment<'_>) -> Result<(), Failure> {
        match self {
            To::Table(table) => table.row(&moment.cells()),
            To::Body(out) => Ok(body(path, moment, out)?),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            To::Table(table) => table.finish(),
            To::Body(out) => out.finish(),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut to = To::open(arguments)?;
    let mut read = false;
    let outcome = arguments.source.each(|log| {
        let one = log.and_then(|log| {
            let times = arguments.period.times(&log.dir);
            let times = times.map_err(|message| Failure::Message(about(log.path(), message)))?;
            let bar = progress::spinner(log.path());
            let name = arguments.db.as_deref().map(OsStr::as_encoded_bytes);
            let moments = Moments::read(&log, name, arguments.past_end);
            bar.finish_and_clear();
            let moments = moments?;
            let wants = |moment: &Moment<'_>| {
                times.as_ref().is_none_or(|times| times.include(moment.lsn, moment.fate))
            };
            moments.all(|moment| if wants(moment) { to.write(log.path(), moment) } else { Ok(()) })?;
            read = true;
            Ok(moments.remark().and(log.placed))
        });
        one.or_else(|failure| failure.survive(NO_JSON))
    })?;
    if read {
        to.finish()?;
    }
    Ok(outcome)
}

/// A line of a bodyfile: `MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime`.
fn body(log: &Path, moment: &Moment<'_>, out: &mut impl Write) -> io::Result<()> {
    let (what, size) = match &moment.what {
        What::Change { change, file, database } => {
            let names: Vec<String> = file.iter().chain(database.iter()).map(|name| escape(name)).collect();
            let key = match &change.key {
                Known::Bytes(key) => escape(key),
                Known::Record(number) => format!("record {number}"),
                _ => format!("(unknown key, page {} slot {})", change.page, change.index),
            };
            let value = change.new.as_ref().and_then(Known::bytes);
            (format!("{}: {key}", names.join("/")), value.map_or(0, <[u8]>::len))
        }
        What::Checkpoint => (log.shown().to_string(), 0),
        What::Create(name) | What::Remove(name) => (escape(name), 0),
        What::Rename { old, new } => (format!("{} to {}", escape(old), escape(new)), 0),
    };
    let txn = moment.txn.map_or(String::new(), |txn| format!("txn {txn}, "));
    let fate = moment.fate.map_or("", |fate| crate::json::fate(fate).0);
    let fate = if fate.is_empty() { String::new() } else { format!("{fate}, ") };
    let name = format!("{} {what} ({txn}{fate}LSN {})", moment.action(), moment.lsn).replace('|', "\\7c");
    let made = match &moment.what {
        What::Change { change, .. } => change.kind == ChangeKind::Put,
        What::Create(_) => true,
        _ => false,
    };
    let time = moment.time.unwrap_or(0);
    let born = if made { time } else { 0 };
    writeln!(out, "0|{name}|0|0|0|0|{size}|0|{time}|0|{born}")
}
