//! `bdbkit export`: what files hold as tables for other programs.

mod rows;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use bdbkit::rows::{PagePart, Rows};
use bdbkit::{Error, File, dump};

use crate::beside::Beside;
use crate::failure::{Failure, NO_JSON, Outcome, about, complain};
use crate::files::{What, candidates, none_in, refused};
use crate::hints;
use crate::input::{options, real};
use crate::log::moments::{self, Moments};
use crate::log::source::Log;
use crate::password::Password;
use crate::places::Logs;
use crate::progress;
use crate::recovered::{self, Environment, Recovered};
use crate::table::{Form, Table};

/// Write what databases hold as a table: CSV, lines of JSON, or SQLite
///
/// A row for each pair or record, with where it stands: file, database, key and value (in hexadecimal,
/// in SQLite as blobs; and as text where they are UTF-8 without control characters), record number, page,
/// slot, what led to it, and how far it can be trusted. Damage is named on standard error and stepped
/// over. A file that is written has its name when it is whole.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The form of the table
    #[arg(long, value_enum, default_value_t = Form::Csv)]
    format: Form,

    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// Only this one of several databases in a file
    #[arg(short, value_name = "NAME")]
    subdatabase: Option<OsString>,

    /// Also what was deleted, and what nothing leads to: as salvage finds it, with its origin
    #[arg(long)]
    deleted: bool,

    /// Only one of so many parts, by ranges of pages: all parts together are the whole
    #[arg(long, value_name = "K/N")]
    split: Option<PagePart>,

    /// What was put, replaced and deleted, from the logs of the environments that are named: with
    /// transaction, what became of it, time of its commit, and LSN
    #[arg(long, conflicts_with_all = ["deleted", "split", "recovered"])]
    from_logs: bool,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    recovered: Recovered,

    #[command(flatten)]
    beside: Beside,

    /// Database files, folders of them, or - for standard input; with --from-logs environments
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  bdbkit export mboxlist --format jsonl | jq -r .key_text
  bdbkit export folder.db --format csv --deleted -o folder.csv
  bdbkit export store --from-logs --format csv -o changes.csv
  bdbkit export folder.db --split 2/4 -o part2.csv";

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let heading = if arguments.from_logs { &moments::HEADING } else { &rows::HEADING };
    let table = Table::open(arguments.format, heading, arguments.output.as_deref(), &arguments.paths)?;
    let mut job = Job { arguments, table, outcome: Outcome::Complete, read: false };
    for path in &arguments.paths {
        let done = if arguments.from_logs { job.log(path) } else { job.path(path) };
        job.survive(done)?;
    }
    // Of nothing there is no table.
    if job.read {
        job.table.finish()?;
    }
    Ok(job.outcome)
}

/// An export in progress.
struct Job<'j> {
    arguments: &'j Arguments,
    table: Table,
    outcome: Outcome,
    /// Whether something could be read.
    read: bool,
}

impl Job<'_> {
    fn add(&mut self, outcome: Outcome) {
        self.outcome = self.outcome.and(outcome);
    }

    /// Tells what went wrong, and goes on.
    fn survive(&mut self, done: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(failure) = done {
            let outcome = failure.survive(NO_JSON)?;
            self.add(outcome);
        }
        Ok(())
    }

    /// A file, or the databases of a folder.
    fn path(&mut self, path: &Path) -> Result<(), Failure> {
        let arguments = self.arguments;
        let home = path.is_dir().then_some(path);
        let environment = arguments.recovered.environment(path, home, &arguments.beside)?;
        let mut found = false;
        for candidate in candidates(path)? {
            let is_part = candidate.path != path && candidate.path.file_name().is_some_and(is_part);
            match candidate.what {
                What::Database if !is_part => {
                    found = true;
                    let done = self.file(&candidate.path, environment.as_ref());
                    self.survive(done)?;
                }
                What::Unjudged(why) if !is_part => {
                    found = true;
                    complain(about(&candidate.path, why));
                    self.add(Outcome::Incomplete);
                }
                _ => {}
            }
        }
        if found { Ok(()) } else { Err(none_in(path)) }
    }

    fn file(&mut self, path: &Path, environment: Option<&Environment>) -> Result<(), Failure> {
        let arguments = self.arguments;
        let view = recovered::file(environment, path)?;
        let file = match &view {
            Some(view) => view.open(),
            None => {
                let opened = options(real(path)).file(real(path));
                opened.map_err(|error| refused(path, &error))?
            }
        };
        let outcome = self.rows(path, &file)?;
        self.add(outcome);
        self.read = true;
        let outcome = match environment {
            Some(environment) => {
                arguments.beside.tell_of_recovered(path, NO_JSON)?.and(environment.outcome())
            }
            None => arguments.beside.tell(path, None, NO_JSON)?,
        };
        self.add(outcome);
        Ok(())
    }

    fn rows(&mut self, path: &Path, file: &File<'_>) -> Result<Outcome, Failure> {
        let arguments = self.arguments;
        let rows = Rows::of(file).deleted(arguments.deleted);
        let rows = arguments.split.into_iter().fold(rows, Rows::part);
        let name = arguments.subdatabase.as_deref().map(OsStr::as_encoded_bytes);
        let rows = name.into_iter().fold(rows, Rows::database);
        let refusal = arguments.refusal(file);
        if let Some(error) = refusal.as_ref().filter(|_| !arguments.deleted) {
            return Err(refused(path, error));
        }
        let bar = progress::rows(path, self.table.is_on_terminal());
        let counts = rows.each(|row| match row {
            Ok(row) => {
                bar.inc(1);
                rows::write(path, &row, &mut self.table)
            }
            Err(damage) => {
                bar.suspend(|| tell(path, &damage));
                Ok(())
            }
        });
        bar.finish_and_clear();
        let counts = counts?;
        match refusal {
            Some(error) if counts.remains == 0 => Err(refused(path, &error)),
            _ => Ok(Outcome::complete_if(counts.damaged == 0)),
        }
    }

    fn log(&mut self, path: &Path) -> Result<(), Failure> {
        let name = self.arguments.subdatabase.as_deref().map(OsStr::as_encoded_bytes);
        let log = Log::at(path, &Logs::default())?;
        let bar = progress::spinner(path);
        let moments = Moments::of(&log, name)?;
        bar.finish_and_clear();
        let table = &mut self.table;
        moments.changes(|moment| table.row(&moment.cells()))?;
        self.read = true;
        self.add(moments.remark().and(log.placed));
        Ok(())
    }
}

impl Arguments {
    /// Why the database that is wanted cannot be opened.
    fn refusal(&self, file: &File<'_>) -> Option<Error> {
        let opened = file.database().and_then(|database| match &self.subdatabase {
            Some(name) => database.subdatabase(name.as_encoded_bytes()),
            None => Ok(database),
        });
        opened.err()
    }
}

/// Whether a file of a folder is a part of another by its name: an extent, or a partition.
fn is_part(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"__dbq.") || name.starts_with(b"__dbp.")
}

fn tell(path: &Path, damage: &dump::Damage<'_>) {
    let error = hints::damage(&damage.error);
    match damage.database {
        Some(name) => {
            complain(about(path, format_args!("database {}: {error}", dump::escape(name))));
        }
        None => complain(about(path, error)),
    }
}
