//! `bdbkit log stat`: what a log holds, in numbers.

use std::fmt;
use std::io::{self, Write};

use bdbkit::log::{self, LogDir};
use serde::Serialize;

use super::source::{Log, Source};
use super::summary::{Summary, runs, size};
use crate::failure::{Failure, Outcome, about, complain, places};
use crate::json;
use crate::progress;
use crate::time::shown;

/// Say what logs hold, in numbers
///
/// Files with their versions and byte orders, records by type, checkpoints,
/// transactions and the times of their commits, and where the log ends and why.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// One JSON object a line for each log
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = io::stdout().lock();
    let mut first = true;
    let mut one = |log: Log, out: &mut io::StdoutLock<'_>| {
        log.readable()?;
        let bar = progress::spinner(log.path());
        let summary = Summary::of(&log);
        let transactions = Transactions::of(&log.dir);
        bar.finish_and_clear();
        let facts = Facts { summary: &summary, transactions };
        if let Some(damage) = &summary.first_damage {
            complain(about(log.path(), format_args!("damage {}, first: {damage}", places(summary.damaged))));
        }
        if arguments.json {
            json::line("log", &facts, out)?;
        } else {
            if !std::mem::take(&mut first) {
                writeln!(out)?;
            }
            facts.print(out)?;
        }
        Ok(Outcome::complete_if(summary.damaged == 0).and(log.placed))
    };
    let outcome = arguments.source.each(|log| {
        let one = log.and_then(|log| one(log, &mut out));
        one.or_else(|failure: Failure| failure.survive(arguments.json.then_some(&mut out)))
    })?;
    out.flush()?;
    Ok(outcome)
}

/// The facts about a log.
#[derive(Serialize)]
struct Facts<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    transactions: Transactions,
}

/// What became of the transactions.
#[derive(Default, Serialize)]
struct Transactions {
    committed: u64,
    nested: u64,
    prepared: u64,
    aborted: u64,
    open: u64,
    /// Records are missing that may tell.
    unknown: u64,
}

impl Transactions {
    fn of(log: &LogDir) -> Transactions {
        let mut count = Transactions::default();
        for transaction in log.transactions().iter() {
            let count = match transaction.outcome {
                log::TransactionOutcome::Committed { .. } => &mut count.committed,
                log::TransactionOutcome::Nested { .. } => &mut count.nested,
                log::TransactionOutcome::Prepared { .. } => &mut count.prepared,
                log::TransactionOutcome::Aborted { .. } => &mut count.aborted,
                log::TransactionOutcome::Unknown => &mut count.unknown,
                _ => &mut count.open,
            };
            *count = count.saturating_add(1);
        }
        count
    }
}

impl fmt::Display for Transactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} committed", self.committed)?;
        let others = [
            (self.nested, "committed to their parents"),
            (self.prepared, "prepared"),
            (self.aborted, "aborted"),
            (self.open, "aborted or open at the end"),
            (self.unknown, "unknown, since records are missing"),
        ];
        others
            .iter()
            .filter(|(count, _)| *count > 0)
            .try_for_each(|(count, what)| write!(f, ", {count} {what}"))
    }
}

impl Facts<'_> {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Facts { summary, transactions } = self;
        writeln!(out, "{}", summary.log)?;
        summary.overview(out)?;
        let mut row = |name: &str, value: String| writeln!(out, "  {name:<15} {value}");
        row("bytes", format!("{} in records", summary.bytes))?;
        let last = summary.last_checkpoint_lsn.map_or(String::new(), |lsn| format!(", the last at {lsn}"));
        row("checkpoints", format!("{}{last}", summary.checkpoints))?;
        row("transactions", transactions.to_string())?;
        if let (Some(first), Some(last)) = (summary.first_commit, summary.last_commit) {
            row("commits", format!("{} to {}", shown(first.seconds), shown(last.seconds)))?;
        }
        if summary.damaged > 0 {
            row("damage", places(summary.damaged))?;
        }
        row("types", format!("{:<24} {:>10} {:>12}", "", "records", "bytes"))?;
        let mut types: Vec<_> = summary.record_types.iter().collect();
        types.sort_by_key(|(_, count)| std::cmp::Reverse(count.records));
        for (name, count) in types {
            row("", format!("{name:<24} {:>10} {:>12}", count.records, count.bytes))?;
        }
        Ok(())
    }
}

impl Summary {
    /// Files, versions, records, and the end.
    fn overview(&self, out: &mut impl Write) -> io::Result<()> {
        let mut row = |name: &str, value: String| writeln!(out, "  {name:<15} {value}");
        let size = format!("{} bytes", size(&self.log_files));
        match self.log_files.as_slice() {
            [file] => row("file", format!("{}, {size}", file.name))?,
            [first, .., last] => {
                let (first, last, count) = (&first.name, &last.name, self.log_files.len());
                row("files", format!("{count}, {first} to {last}, {size}"))?;
            }
            [] => {}
        }
        for file in &self.log_files {
            if let Some(error) = &file.error {
                row("", format!("{}: {error}", file.name))?;
            }
        }
        for run in runs(&self.log_files) {
            row("log version", run.to_string())?;
        }
        let range = match (self.first_lsn, self.last_lsn) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        row("records", format!("{}{range}", self.records))?;
        match &self.end {
            Some(end) => row("end", format!("{} {}", end.lsn, end.message)),
            None => row("end", "unknown: the last file cannot be read".into()),
        }
    }
}
