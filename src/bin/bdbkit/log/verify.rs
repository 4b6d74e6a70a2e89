//! `bdbkit log verify`: is a log whole?

use std::fmt;
use std::io::{self, Write};

use bdbkit::ShowName;
use bdbkit::log::{DirRecords, LogError, Record, RecordNote, Tail, TailKind};
use bdbkit::{Endianness, Lsn};
use serde::Serialize;

use super::chains::Chains;
use super::place::{ending, misplaced, without_lsn};
use super::source::{Log, Source};
use crate::failure::{Failure, Outcome};
use crate::json;
use crate::output::counted;
use crate::progress;

/// Check a log, and say what is wrong with it
///
/// Headers and checksums, the links from record to record, types and fields, the chain
/// of each transaction, missing and cut files, and how the log ends. A finding is a
/// line: an error is damage, a warning may be; a note is only worth knowing, as the
/// torn record with which a log ends after a crash. Exits with 1 if there are errors.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// One JSON object a line for each finding, and one with the sums of each log
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = io::stdout().lock();
    let mut first = true;
    let mut one = |log: Log, out: &mut io::StdoutLock<'_>| {
        if !log.dir.log_files().any(|file| file.log().is_err_and(|error| is_damage(error))) {
            log.readable()?;
        }
        if !std::mem::take(&mut first) && !arguments.json {
            writeln!(out)?;
        }
        let bar = progress::spinner(log.path());
        let outcome = Check::new(&log, arguments.json, out).run();
        bar.finish_and_clear();
        Ok(outcome?.and(log.placed))
    };
    let outcome = arguments.source.each(|log| {
        let one = log.and_then(|log| one(log, &mut out));
        one.or_else(|failure: Failure| failure.survive(arguments.json.then_some(&mut out)))
    })?;
    out.flush()?;
    Ok(outcome)
}

/// Whether a file that cannot be opened is a finding: something else stands in it.
fn is_damage(error: &LogError) -> bool {
    matches!(error, LogError::NotALog { .. } | LogError::Version { .. })
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Error,
    Warning,
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

#[derive(Serialize)]
struct Finding<'a> {
    log: String,
    severity: Severity,
    lsn: Option<json::Lsn>,
    message: &'a str,
}

/// The last line of a log.
#[derive(Serialize)]
struct Sums {
    log: String,
    errors: u64,
    warnings: u64,
    records: u64,
    file_count: usize,
    first_lsn: Option<json::Lsn>,
    last_lsn: Option<json::Lsn>,
}

struct Check<'a, W> {
    log: &'a Log,
    json: bool,
    out: &'a mut W,
    errors: u64,
    warnings: u64,
    records: u64,
    first: Option<Lsn>,
    last: Option<Lsn>,
    /// Log version and byte order of the record before.
    form: Option<(u32, Endianness)>,
    chains: Chains,
    /// Whether records are missing: chains may then be broken for no other reason.
    holes: bool,
}

impl<'a, W: Write> Check<'a, W> {
    fn new(log: &'a Log, json: bool, out: &'a mut W) -> Check<'a, W> {
        Check {
            log,
            json,
            out,
            errors: 0,
            warnings: 0,
            records: 0,
            first: None,
            last: None,
            form: None,
            chains: Chains::default(),
            holes: false,
        }
    }

    fn run(&mut self) -> Result<Outcome, Failure> {
        if !self.json {
            writeln!(self.out, "{}", self.log.path().shown())?;
        }
        self.begin()?;
        let mut records = self.log.dir.records();
        self.all(&mut records)?;
        // Damage in the last file ends the log for recovery, but not for us.
        let behind = records.tail().and_then(|tail| tail.behind).filter(|behind| behind.follows);
        if let Some(behind) = behind {
            records = self.log.dir.records().past_end().from(behind.lsn);
            self.all(&mut records)?;
        }
        self.end(records.tail())?;
        self.sums()?;
        Ok(Outcome::complete_if(self.errors == 0))
    }

    /// Notes that files before the first are not there: they may have been removed.
    fn begin(&mut self) -> io::Result<()> {
        match self.log.dir.log_files().next() {
            Some(file) if file.number() > 1 => {
                let start = Lsn { file: file.number(), offset: 0 };
                self.find(Severity::Note, Some(start), "the log begins here: there are no files before")
            }
            _ => Ok(()),
        }
    }

    fn all(&mut self, records: &mut DirRecords<'_>) -> io::Result<()> {
        for record in records {
            match record {
                Ok(record) => self.record(&record)?,
                Err(error) => self.error(&error)?,
            }
        }
        Ok(())
    }

    fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        let lsn = Some(record.lsn());
        self.records = self.records.saturating_add(1);
        self.first = self.first.or(lsn);
        self.last = lsn;
        let form = (record.version(), record.endianness());
        if self.form.replace(form).is_some_and(|before| before != form) {
            let text = format!("from here on log version {}, {}", form.0, form.1);
            self.find(Severity::Note, lsn, &text)?;
        }
        if let Some(found) = record.misplaced() {
            self.find(Severity::Error, lsn, &misplaced(record, found))?;
        }
        match record.note() {
            Some(RecordNote::Application) => return Ok(()), // its body is its own affair
            Some(note) => self.find(Severity::Error, lsn, &note.to_string())?,
            None => {}
        }
        if let Some(text) = self.chains.next(record) {
            let severity = if self.holes { Severity::Warning } else { Severity::Error };
            self.find(severity, lsn, &text)?;
        }
        Ok(())
    }

    fn error(&mut self, error: &LogError) -> io::Result<()> {
        self.holes = true;
        let lsn = self.log.place(error);
        let text = match (error, lsn) {
            (LogError::File { source, .. }, _) => source.to_string(),
            (_, Some(lsn)) => without_lsn(error.to_string(), lsn),
            (_, None) => error.to_string(),
        };
        self.find(Severity::Error, lsn, &text)
    }

    /// Tells how the log ends, and which files were made for its future.
    fn end(&mut self, tail: Option<Tail>) -> io::Result<()> {
        if let Some(tail) = tail {
            let doubtful = matches!(tail.kind, TailKind::Garbage { .. }) || tail.behind.is_some();
            let severity = if doubtful { Severity::Warning } else { Severity::Note };
            self.find(severity, Some(tail.lsn), &format!("the log {}", ending(tail)))?;
        }
        let files = self.log.dir.log_files();
        let written = files.len().saturating_sub(files.rev().take_while(|file| file.unwritten()).count());
        for file in self.log.dir.log_files().skip(written) {
            if let Err(error) = file.log() {
                let start = Lsn { file: file.number(), offset: 0 };
                self.find(Severity::Note, Some(start), &error.to_string())?;
            }
        }
        Ok(())
    }

    fn find(&mut self, severity: Severity, lsn: Option<Lsn>, text: &str) -> io::Result<()> {
        match severity {
            Severity::Error => self.errors = self.errors.saturating_add(1),
            Severity::Warning => self.warnings = self.warnings.saturating_add(1),
            Severity::Note => {}
        }
        if self.json {
            let log = self.log.path().shown().to_string();
            let finding = Finding { log, severity, lsn: lsn.map(json::Lsn::from), message: text };
            return json::line("log_finding", &finding, self.out);
        }
        let lsn = lsn.map_or(String::new(), |lsn| lsn.to_string());
        writeln!(self.out, "  {severity:<8} {lsn:<12} {text}")
    }

    fn sums(&mut self) -> io::Result<()> {
        let Check { errors, warnings, records, first, last, .. } = *self;
        let files = self.log.dir.log_files().len();
        if self.json {
            let log = self.log.path().shown().to_string();
            let (first_lsn, last_lsn) = (first.map(json::Lsn::from), last.map(json::Lsn::from));
            let sums = Sums { log, errors, warnings, records, file_count: files, first_lsn, last_lsn };
            return json::line("log_verdict", &sums, self.out);
        }
        let [errors, warnings, records] =
            [(errors, "error"), (warnings, "warning"), (records, "record")].map(|(n, what)| counted(n, what));
        let files = counted(u64::try_from(files).unwrap_or(u64::MAX), "file");
        writeln!(self.out, "  {errors}, {warnings}; {records} in {files}")
    }
}
