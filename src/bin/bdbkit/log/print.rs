//! `bdbkit log print`: what `db_printlog` prints.

use std::io::{self, BufWriter, IsTerminal, Write};

use bdbkit::Lsn;
use bdbkit::log::{LogError, Printer, Record, RecordNote, Tail};
use indicatif::ProgressBar;

use super::filter::{Choice, Filter};
use super::line::Line;
use super::place::misplaced;
use super::source::{Log, Source};
use super::types;
use super::zone::Zone;
use crate::failure::{Failure, Outcome, Told, about, complain};
use crate::json;
use crate::progress;

/// Write the records of a log as text, in the form of db_printlog
///
/// Each record in the form of the release that owns its log version, times in the
/// zone of this machine or of TZ. Damage is named on standard error and stepped over.
/// A log ends where recovery would end it: at the first place where no whole record
/// stands. That it ends with a torn record is noted, and no error.
#[derive(clap::Args)]
#[command(disable_help_flag = true, version, display_name = "bdbkit", disable_version_flag = true)]
pub(crate) struct Arguments {
    /// Last record first
    #[arg(short = 'r')]
    reverse: bool,

    /// Also print records that can be found behind the end of the log: what is left of
    /// an older one, or what follows damage in the last file
    #[arg(long)]
    past_end: bool,

    /// One JSON object a line for each record: bytes in hexadecimal, and as text where
    /// they are printable ASCII but for a closing zero; times in seconds and in UTC
    #[arg(long)]
    json: bool,

    /// Accepted for db_printlog's sake: bdbkit takes no locks
    #[arg(short = 'N')]
    _no_locks: bool,

    /// Print the version
    #[arg(short = 'V', action = clap::ArgAction::Version)]
    version: Option<bool>,

    /// List the types that --type takes, each with its number and the log versions that have it
    #[arg(long, exclusive = true)]
    type_list: bool,

    #[command(flatten)]
    filter: Filter,

    #[command(flatten)]
    source: Source,
}

/// So much is written at once.
const CHUNK: usize = 1 << 16;

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if arguments.type_list {
        types::list(&mut io::stdout().lock())?;
        return Ok(Outcome::Complete);
    }
    let bar = progress::written(io::stdout().is_terminal());
    let out = BufWriter::with_capacity(CHUNK, bar.wrap_write(io::stdout().lock()));
    let zone = Zone::local();
    let local = |seconds| zone.offset(seconds);
    let printer = Printer::in_zone(local);
    let (first, last) = arguments.filter.range(arguments.reverse);
    let mut job = Job { arguments, first, last, local, printer, out, bar: bar.clone(), complete: true };
    let outcome = arguments.source.each(|log| {
        let one = log.and_then(|log| Ok(job.log(&log)?.and(log.placed)));
        one.or_else(|failure| job.survive(failure))
    });
    job.out.flush()?;
    bar.finish_and_clear();
    outcome
}

struct Job<'a, F, W: Write> {
    arguments: &'a Arguments,
    first: Option<Lsn>,
    last: Option<Lsn>,
    local: F,
    /// Remembers what it was shown of a log's databases, so each log has its own.
    printer: Printer<F>,
    out: BufWriter<W>,
    bar: ProgressBar,
    complete: bool,
}

impl<F: Fn(i64) -> i64 + Copy, W: Write> Job<'_, F, W> {
    fn survive(&mut self, failure: Failure) -> Result<Outcome, Failure> {
        self.out.flush()?;
        // Not through the bar: it counts nothing while it is suspended.
        let mut out = io::stdout();
        self.bar.suspend(|| failure.survive(self.arguments.json.then_some(&mut out)))
    }

    fn log(&mut self, log: &Log) -> Result<Outcome, Failure> {
        log.readable()?;
        let choice = self.arguments.filter.prepare(&log.dir);
        let choice = choice.map_err(|message| Failure::Message(about(log.path(), message)))?;
        self.complete = true;
        self.printer = Printer::in_zone(self.local);
        if self.arguments.reverse {
            self.backward(log, &choice)?;
        } else {
            let mut records = log.records(self.arguments.past_end);
            if let Some(first) = self.first.filter(|_| !log.prints_by_databases()) {
                records = records.from(first);
            }
            self.records(log, &choice, records.by_ref())?;
            self.end(log, records.tail())?;
        }
        Ok(Outcome::complete_if(self.complete))
    }

    fn backward(&mut self, log: &Log, choice: &Choice<'_>) -> Result<(), Failure> {
        if self.last.is_none() {
            self.end(log, log.tail(self.arguments.past_end))?;
        }
        let records = log.dir.records_back();
        self.records(log, choice, if self.arguments.past_end { records.past_end() } else { records })
    }

    fn records<'r>(
        &mut self,
        log: &Log,
        choice: &Choice<'_>,
        records: impl Iterator<Item = Result<Record<'r>, LogError>>,
    ) -> Result<(), Failure> {
        for record in records {
            let whole = |record: &Record<'_>| Some((record.lsn(), record.lsn()));
            let span = record.as_ref().map_or_else(|error| log.span(error), whole);
            let before = span.is_some_and(|(_, end)| self.first.is_some_and(|first| end < first));
            let behind = span.is_some_and(|(start, _)| self.last.is_some_and(|last| start > last));
            let (early, late) = if self.arguments.reverse { (behind, before) } else { (before, behind) };
            if late {
                break;
            }
            match record {
                Ok(record) if !early && choice.wants(&record) => self.record(log, &record)?,
                // With -r what a record says of databases comes after those that need it.
                Ok(record) if !self.arguments.reverse => self.printer.pass(&record),
                Err(error) if !early => self.damage(log.message(&error))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn record(&mut self, log: &Log, record: &Record<'_>) -> Result<(), Failure> {
        let note = if self.arguments.json {
            json::line("log_record", &Line(record), &mut self.out)?;
            record.note()
        } else {
            self.printer.print(record, &mut self.out)?
        };
        let lsn = record.lsn();
        if let Some(note) = note.filter(RecordNote::is_error) {
            self.damage(log.about(lsn, format_args!("{lsn}: {note}")))?;
        }
        if let Some(found) = record.misplaced() {
            self.damage(log.about(lsn, format_args!("{lsn}: {}", misplaced(record, found))))?;
        }
        Ok(())
    }

    fn damage(&mut self, message: Told) -> Result<(), Failure> {
        self.complete = false;
        self.say(message)
    }

    /// Says something at its place among the records.
    fn say(&mut self, message: Told) -> Result<(), Failure> {
        self.out.flush()?;
        self.bar.suspend(|| complain(message));
        Ok(())
    }

    fn end(&mut self, log: &Log, tail: Option<Tail>) -> Result<(), Failure> {
        tail.and_then(|tail| log.note(tail)).map_or(Ok(()), |note| self.say(note))
    }
}
