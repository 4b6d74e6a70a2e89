//! Which records are wanted.

use bdbkit::Lsn;
use bdbkit::log::{LogDir, Record, Transactions};

use super::databases::{Database, Databases};
use super::times::{Period, Times};
use super::types;

/// The options that choose records.
#[derive(clap::Args)]
pub(crate) struct Filter {
    /// Begin with the record at this LSN, or else with the next (with -r: the one before);
    /// also as it is printed: [FILE][OFFSET]
    #[arg(short = 'b', value_name = "FILE/OFFSET", value_parser = lsn)]
    begin: Option<Lsn>,

    /// End with the record at this LSN, or else with the one before (with -r: the next)
    #[arg(short = 'e', value_name = "FILE/OFFSET", value_parser = lsn)]
    end: Option<Lsn>,

    /// Only records of this transaction: its number as printed, in hexadecimal.
    /// Nested transactions have numbers of their own. Repeatable
    #[arg(long, value_name = "HEX", value_parser = hexadecimal)]
    txn: Vec<u32>,

    /// Only records of this type: its name, with or without leading underscores, or
    /// its number; --type-list lists them. Repeatable
    #[arg(long = "type", value_name = "NAME|NUMBER", value_parser = kind)]
    kinds: Vec<Kind>,

    /// Only records that concern this database: its number in the log, or its name as
    /// it was opened, FILE or FILE/NAME for one of several in a file. Repeatable
    #[arg(long = "file", value_name = "ID|NAME", value_parser = Database::parse)]
    files: Vec<Database>,

    #[command(flatten)]
    period: Period,
}

/// A record type as it was asked for.
#[derive(Clone)]
enum Kind {
    Number(u32),
    Name(String),
}

impl Filter {
    /// The LSNs between which records are wanted, in ascending order.
    pub(crate) fn range(&self, backwards: bool) -> (Option<Lsn>, Option<Lsn>) {
        if backwards { (self.end, self.begin) } else { (self.begin, self.end) }
    }

    /// Looks up in a log what must be known of it.
    pub(crate) fn prepare<'l>(&'l self, log: &'l LogDir) -> Result<Choice<'l>, String> {
        let times = self.period.times(log)?.map(|times| (times, log.transactions()));
        Ok(Choice { filter: self, databases: Databases::of(log, &self.files)?, times })
    }
}

/// The records wanted of one log.
pub(crate) struct Choice<'l> {
    filter: &'l Filter,
    databases: Databases<'l>,
    /// The wanted times, and what the time of a record depends on.
    times: Option<(Times<'l>, Transactions<'l>)>,
}

impl Choice<'_> {
    pub(crate) fn wants(&self, record: &Record<'_>) -> bool {
        let Filter { txn, kinds, files, .. } = self.filter;
        (txn.is_empty() || record.txn().is_some_and(|id| txn.contains(&id.0)))
            && (kinds.is_empty() || kinds.iter().any(|kind| kind.is_of(record)))
            && (files.is_empty() || self.databases.concern(record))
            && self.in_time(record)
    }

    fn in_time(&self, record: &Record<'_>) -> bool {
        self.times.as_ref().is_none_or(|(times, transactions)| {
            let index = record.txn().and_then(|id| transactions.index_of(id, record.lsn()));
            times.include(record.lsn(), index.map(|index| transactions.fate(index)))
        })
    }
}

impl Kind {
    fn is_of(&self, record: &Record<'_>) -> bool {
        match self {
            Kind::Number(number) => record.kind() == *number,
            Kind::Name(name) => bare(record.name()) == name,
        }
    }
}

/// The name of a type as it was before release 4.1.
pub(super) fn bare(name: &str) -> &str {
    name.trim_start_matches('_')
}

fn lsn(text: &str) -> Result<Lsn, String> {
    text.parse().map_err(|error: bdbkit::ParseError| error.to_string())
}

fn hexadecimal(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u32::from_str_radix(digits, 16).map_err(|_| "expected up to eight hexadecimal digits".into())
}

/// Reads a name or number of a type. A name that no version has is a slip.
fn kind(text: &str) -> Result<Kind, String> {
    if let Ok(number) = text.parse() {
        return Ok(Kind::Number(number));
    }
    let name = bare(text);
    if types::UNNAMED.contains(&name) || types::all().any(|(_, layout)| bare(layout.name()) == name) {
        Ok(Kind::Name(name.to_owned()))
    } else {
        Err("no log version has records of this name: log print --type-list lists them".into())
    }
}
