//! `bdbkit compact`: a fresh file with what is in another.

use std::io::Write;
use std::path::PathBuf;

use bdbkit::ShowName;
use bdbkit::compact::{Compact, CompactError};
use bdbkit::verify::Severity;

use crate::beside::Beside;
use crate::failure::{Failure, NO_JSON, Outcome, about, complain};
use crate::input::{open, options};
use crate::output::{Fresh, counted};
use crate::password::{self, Password};

/// Write a fresh file with all that is in another: without free pages, its trees as full as is asked for
///
/// Version, byte order, page size and flags stay; the id is a fresh one. The new file is checked, and
/// has its name only if it is sound. The old one stays as it is.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How full the pages of trees are made, in percent: less leaves room for what is put later
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(50..=100))]
    fill: u8,

    /// Replace a file that is there
    #[arg(long)]
    overwrite: bool,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    beside: Beside,

    /// The database file
    file: PathBuf,

    /// The file to write
    to: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let (path, to) = (arguments.file.as_path(), arguments.to.as_path());
    let db = open(path)?;
    let mut fresh = Fresh::new(to, path, arguments.overwrite)?;
    let compact = Compact::new(fresh.folder()).fill(arguments.fill);
    let compact = compact.password(password::known().map(str::to_owned));
    let done = compact.run(&db, fresh.file()).map_err(|error| match &error {
        CompactError::Read(error) => Failure::about(path, error),
        CompactError::Kind(_) | CompactError::Order => Failure::Unsupported(about(path, &error)),
        _ => Failure::Message(about(path, &error)),
    })?;
    let verify = options(to).verify(fresh.path()).map_err(|error| Failure::plain(to, &error))?;
    let verdict = verify.run();
    if let Some(finding) = verdict.findings().iter().find(|finding| finding.severity == Severity::Error) {
        return Err(Failure::Message(about(to, format_args!("the fresh file is not sound: {finding}"))));
    }
    let pages = fresh.pages(db.meta().page_size().get())?;
    fresh.publish()?;
    let mut out = std::io::stdout().lock();
    let (before, pairs) = (counted(db.page_count().into(), "page"), counted(done.pairs, "pair"));
    writeln!(out, "{}: {pairs}: {before}, in {} {pages}", path.shown(), to.shown())?;
    if done.deleted > 0 {
        let deleted = counted(done.deleted, "pair");
        complain(about(path, format_args!("note: left out {deleted} marked as deleted")));
    }
    arguments.beside.tell(path, None, NO_JSON)
}
