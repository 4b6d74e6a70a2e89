//! `bdbkit info`: what a file or folder is and holds.

mod database;
mod environment;
mod kind;
mod log;
mod log_state;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::env::Region;
use bdbkit::log::{LogError, LogOptions};
use bdbkit::{Error, ErrorKind};

use crate::beside::{journal, unrecovered};
use crate::failure::{Failure, Outcome, about, complain};
use crate::files::refused;
use crate::input::{self, log_options, real};
use crate::json;
use crate::log::source::named_as_log;
use crate::password::Password;
use crate::places::Places;
use log_state::LogState;

/// Say what files are and what they hold
///
/// Of a database: type, version and byte order, page size, flags, pages by kind, and
/// for each database inside its depth and records; and whether the log of its
/// environment holds changes that it lacks. Of a transaction log: version, byte
/// order and records, where it ends, and which releases read it. Reads the whole file.
/// Of the folder of an environment: its log files, databases and region files, whether
/// recovery is due, and what is missing. Its DB_CONFIG is followed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One JSON object a line for each file
    #[arg(long)]
    json: bool,

    /// Exit with 1 if the log holds changes that a database lacks
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    places: Places,

    /// Database files, log files, folders of environments, or - for a database on
    /// standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// What was found out about a path.
enum Facts {
    Database(Box<database::File>),
    Kind(Box<kind::Facts>),
    Log(Box<log::File>),
    Environment(Box<environment::Folder>),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let options = log_options();
    let mut out = io::stdout().lock();
    let mut all = Outcome::Complete;
    for (i, path) in arguments.files.iter().enumerate() {
        match arguments.facts(path, &options) {
            Ok(facts) => {
                let json = arguments.json.then_some(&mut out);
                all = all.and(journal(path, arguments.strict, json)?);
                all = all.and(facts.outcome(path, arguments.strict));
                if arguments.json {
                    facts.write(&mut out)?;
                } else {
                    if i > 0 {
                        writeln!(out)?;
                    }
                    facts.print(&mut out)?;
                }
            }
            Err(failure) => all = all.and(failure.survive(arguments.json.then_some(&mut out))?),
        }
    }
    out.flush()?;
    Ok(all)
}

impl Arguments {
    fn facts(&self, path: &Path, options: &LogOptions) -> Result<Facts, Failure> {
        if path.is_dir() {
            let layout = self.places.layout(path);
            return environment::Folder::of(path, &layout, options)
                .map(|folder| Facts::Environment(Box::new(folder)));
        }
        let state = || {
            let home = path.parent().unwrap_or(Path::new(""));
            let log = unrecovered(&self.places.layout(home));
            LogState::of(log.and_then(|log| log.map(|log| log.condition(path)).transpose()))
        };
        let log = || log::File::of(path, options).map(|log| Facts::Log(Box::new(log)));
        let error = match input::options(real(path)).open(real(path)) {
            Ok(db) => return Ok(Facts::Database(Box::new(database::File::of(path, &db, state())))),
            Err(Error::LogFile { .. }) if path != Path::new("-") => return log(),
            Err(error) => error,
        };
        // An encrypted log has no mark: its file header is encrypted too.
        match options.open(path) {
            Ok(_) => return log(),
            Err(other @ (LogError::Encrypted | LogError::Password)) => {
                return Err(Failure::Message(about(path, other)));
            }
            Err(other @ (LogError::Zeroed | LogError::Short { .. })) if named_as_log(path) => {
                return Err(Failure::Message(about(path, other)));
            }
            Err(_) => {}
        }
        match kind::of(path) {
            Some(kind) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Password) => {
                Ok(Facts::Kind(Box::new(kind::Facts::of(path, &kind, state(), &error))))
            }
            _ => match Region::of(path) {
                Some(region) => {
                    let message = about(path, format_args!("{}, not a database", environment::named(region)));
                    Err(Failure::Unsupported(message))
                }
                None => Err(refused(path, &error)),
            },
        }
    }
}

impl Facts {
    fn outcome(&self, path: &Path, strict: bool) -> Outcome {
        let (outcome, settled) = match self {
            Facts::Database(file) => (Outcome::complete_if(file.complete), file.log.is_settled()),
            Facts::Kind(file) => {
                complain(about(path, &file.error));
                (file.outcome, file.log.is_settled())
            }
            Facts::Log(file) => (Outcome::complete_if(file.complete), true),
            Facts::Environment(folder) => (Outcome::complete_if(folder.complete), folder.is_settled()),
        };
        if strict { outcome.and(Outcome::complete_if(settled)) } else { outcome }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Facts::Database(file) => json::line("database", &**file, out),
            Facts::Kind(file) => json::line("unsupported_database", &**file, out),
            Facts::Log(file) => json::line("log_file", &**file, out),
            Facts::Environment(folder) => json::line("environment", &**folder, out),
        }
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Facts::Database(file) => file.print(out),
            Facts::Kind(file) => file.print(out),
            Facts::Log(file) => file.print(out),
            Facts::Environment(folder) => folder.print(out),
        }
    }
}
