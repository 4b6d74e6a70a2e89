//! `bdbkit compact`: a fresh file with what is in another.

use std::io::Write;
use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::compact::{Compact, CompactError};
use bdbkit::env::Region;
use bdbkit::journal;
use bdbkit::upgrade::{EditError, Refusal};
use bdbkit::verify::Severity;

use crate::beside::Beside;
use crate::failure::{Failure, NO_JSON, Outcome, about, complain};
use crate::input::{open, options};
use crate::log::source::named_as_log;
use crate::output::{Fresh, counted};
use crate::password::{self, Password};
use crate::upgrade::failure;

/// Write a fresh file with all that is in another: without free pages, its trees as full as is asked for
///
/// Version, byte order, page size and flags stay; the id is a fresh one. The new file is checked, and
/// has its name only if it is sound. Without a second name it takes the place of the old one, which is
/// kept as FILE.old.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How full the pages of trees are made, in percent: less leaves room for what is put later
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(50..=100))]
    fill: u8,

    /// Replace a file that is there
    #[arg(long, requires = "to")]
    overwrite: bool,

    /// In place: do not keep the old file
    #[arg(long, conflicts_with = "to")]
    discard: bool,

    /// Take it that no program uses the file or its environment
    #[arg(long)]
    assume_closed: bool,

    /// The home of the environment that the file belongs to (default: its folder)
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    beside: Beside,

    /// The database file
    file: PathBuf,

    /// The file to write (default: in the place of the old one)
    to: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let path = arguments.file.as_path();
    let to = arguments.to.as_deref().unwrap_or(path);
    if !arguments.assume_closed {
        unused(path, arguments.home.as_deref(), arguments.to.is_none())?;
    }
    let mut fresh = match &arguments.to {
        Some(to) => Fresh::new(to, path, arguments.overwrite)?,
        None => Fresh::instead(path)?,
    };
    let db = open(path)?;
    let compact = Compact::new(fresh.folder()).fill(arguments.fill);
    let compact = compact.password(password::known().map(str::to_owned));
    let done = compact.run(&db, fresh.file()).map_err(|error| match &error {
        CompactError::Read(error) => Failure::about(path, error),
        CompactError::Kind(_) | CompactError::Order | CompactError::Function => {
            Failure::Unsupported(about(path, &error))
        }
        _ => Failure::Message(about(path, &error)),
    })?;
    let verify = options(to).verify(fresh.path()).map_err(|error| Failure::plain(to, &error))?;
    let verdict = verify.run();
    if let Some(finding) = verdict.findings().iter().find(|finding| finding.severity == Severity::Error) {
        return Err(Failure::Message(about(to, format_args!("the fresh file is not sound: {finding}"))));
    }
    let pages = fresh.pages(db.meta().page_size().get())?;
    let before = counted(db.page_count().into(), "page");
    drop(db);
    fresh.publish(!arguments.discard)?;
    let mut out = std::io::stdout().lock();
    let pairs = counted(done.pairs, "pair");
    writeln!(out, "{}: {pairs}: {before}, in {} {pages}", path.shown(), to.shown())?;
    if done.deleted > 0 {
        let deleted = counted(done.deleted, "pair");
        complain(about(path, format_args!("note: left out {deleted} marked as deleted")));
    }
    arguments.beside.tell(path, None, NO_JSON)
}

/// Refuses a file of an environment that may be open; to have its place taken, also one that a program has open, or
/// that has a log: what that says is of pages that the fresh file does not have.
fn unused(path: &Path, home: Option<&Path>, in_place: bool) -> Result<(), Failure> {
    let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let home = home.unwrap_or(beside);
    let entries = std::fs::read_dir(home).map_err(|error| Failure::io(home, &error))?;
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    if let Some(file) = entries.iter().find(|entry| Region::of(entry).is_some()) {
        let refusal = EditError::from(Refusal::Environment { file: file.clone() });
        return Err(failure(EditError::About { path: path.to_owned(), cause: refusal.into() }));
    }
    let refuse = |text: &str| {
        Err(Failure::Refused(about(path, format_args!("{text} (--assume-closed if nothing uses it)"))))
    };
    if in_place && journal::held_elsewhere(path) {
        return refuse("another program may have it open");
    }
    if in_place && entries.iter().any(|entry| named_as_log(entry)) {
        return refuse("is part of an environment, whose log is beside it");
    }
    Ok(())
}
