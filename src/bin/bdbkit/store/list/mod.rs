//! `bdbkit store list`: what a store holds, read as evidence.

mod json;
mod text;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use bdbkit::mboxlist::{List, ListReport, ListedFile};

use crate::failure::{Failure, Outcome, about, complain};
use crate::log::source::of_log;
use crate::places::Places;
use crate::progress;

/// Problems of a file that are named on standard error; the rest are counted.
const NAMED: usize = 20;

/// List mailboxes, quotas, subscriptions and per-user entries, as evidence
///
/// Every entry of every database as a key and a value in bytes. The layout of the values is
/// not public, and they are not interpreted. What a database is for is told from the name of
/// its file. A database that is damaged is salvaged as far as it goes. At the end every file
/// is named with its SHA-256, taken before and after. Nothing is ever written. Symbolic links and
/// special files are not followed, databases and logs neither, and files are read, not mapped.
/// Exits with 1 if something was damaged, left out, or changed meanwhile.
///
/// Work on a copy. Do not run the programs of the server on evidence: they change it.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also what was deleted and still stands in the files: marked entries, free pages, remains
    /// in unused space, of which it is not known which is the key
    #[arg(long)]
    deleted: bool,

    /// Also what the logs tell: every entry that was put, replaced or deleted, when, by which
    /// transaction, committed or not
    #[arg(long)]
    from_logs: bool,

    #[command(flatten)]
    places: Places,

    /// Keys and values in full; otherwise they are cut to the width of a line
    #[arg(long, conflicts_with = "json")]
    full: bool,

    /// One JSON object a line for each entry, and one for the report
    #[arg(long)]
    json: bool,

    /// The folder of the databases, mboxlist, or one file of it
    dir: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let list = List::open(&arguments.dir).map_err(|error| Failure::about(&arguments.dir, &error))?;
    let list = list.deleted(arguments.deleted).logs(arguments.from_logs);
    let list = arguments.places.log_dir().into_iter().fold(list, List::log_dir);
    let list = arguments.places.data_dirs().iter().fold(list, List::data_dir);
    let bar = progress::bytes(io::stdout().is_terminal());
    let list = list.progress(progress::teller(&bar));
    let mut out = BufWriter::new(io::stdout().lock());
    let report = if arguments.json {
        let report = list.run(|entry| json::entry(entry, &mut out))?;
        json::report(&report, &arguments.dir, &mut out)?;
        report
    } else {
        let mut style = text::Style::new(arguments.full);
        let report = list.run(|entry| style.entry(entry, &mut out))?;
        style.report(&report, &mut out)?;
        report
    };
    out.flush()?;
    bar.finish_and_clear();
    remark(&report, &arguments.dir);
    Ok(Outcome::complete_if(report.is_complete()))
}

/// Names what was wrong.
fn remark(report: &ListReport, dir: &Path) {
    for path in &report.left_out {
        complain(about(path, format_args!("{}, not read", text::what(path))));
    }
    report.problems.iter().for_each(|problem| complain(about(dir, problem)));
    for file in &report.files {
        remark_file(file);
    }
    if let Some(logs) = &report.logs {
        logs.problems.iter().for_each(|error| complain(of_log(dir, error)));
        if let Some(tail) = logs.tail.filter(|tail| !tail.is_clean()) {
            complain(about(dir, format_args!("note: {tail}")));
        }
    }
}

fn remark_file(file: &ListedFile) {
    let path = &file.path;
    file.problems.iter().take(NAMED).for_each(|problem| complain(about(path, problem)));
    let more = file.problems.len().saturating_sub(NAMED);
    if more > 0 {
        complain(about(path, format_args!("and {more} more")));
    }
    if file.salvaged {
        complain(about(path, "not read whole: its entries are salvaged"));
    }
    if !file.is_unchanged() {
        complain(about(path, "not known to be the same before and after"));
    }
}
