//! `bdbkit info`: what a file or folder is and holds.

mod database;
mod environment;
mod log;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::Error;
use bdbkit::log::{LogError, LogOptions};
use serde::Serialize;

use crate::failure::{Failure, Outcome, about};
use crate::input::{self, real};
use crate::log::source::{Password, named_as_log};

/// Say what files are and what they hold
///
/// Of a database: type, version and byte order, page size, flags, pages by kind, and
/// for each database inside its depth and records. Of a transaction log: version, byte
/// order and records, where it ends, and which releases read it. Reads the whole file.
/// Of the folder of an environment: its log files, databases and region files.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One JSON object a line for each file
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    password: Password,

    /// Database files, log files, folders of environments, or - for a database on
    /// standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// What was found out about a path.
#[derive(Serialize)]
#[serde(untagged)]
enum Facts {
    Database(Box<database::File>),
    Log(Box<log::File>),
    Environment(environment::Folder),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let options = arguments.password.options()?;
    let mut out = io::stdout().lock();
    let mut all = Outcome::Complete;
    for (i, path) in arguments.files.iter().enumerate() {
        match Facts::of(path, &options) {
            Ok(facts) => {
                all = all.and(Outcome::complete_if(facts.complete()));
                if arguments.json {
                    let line = serde_json::to_string(&facts).map_err(io::Error::from)?;
                    writeln!(out, "{line}")?;
                } else {
                    if i > 0 {
                        writeln!(out)?;
                    }
                    facts.print(&mut out)?;
                }
            }
            Err(failure) => all = all.and(failure.survive()?),
        }
    }
    out.flush()?;
    Ok(all)
}

impl Facts {
    fn of(path: &Path, options: &LogOptions) -> Result<Facts, Failure> {
        if path.is_dir() {
            return environment::Folder::of(path, options).map(Facts::Environment);
        }
        let log = || log::File::of(path, options).map(|log| Facts::Log(Box::new(log)));
        match input::options().open(real(path)) {
            Ok(db) => Ok(Facts::Database(Box::new(database::File::of(path, &db)))),
            Err(Error::LogFile { .. }) if path != Path::new("-") => log(),
            // An encrypted log has no mark: its file header is encrypted too.
            Err(error) => match options.open(path) {
                Ok(_) => log(),
                Err(other @ (LogError::Encrypted | LogError::Password)) => {
                    Err(Failure::Message(about(path, other)))
                }
                Err(other @ (LogError::Zeroed | LogError::Short { .. })) if named_as_log(path) => {
                    Err(Failure::Message(about(path, other)))
                }
                Err(_) => Err(Failure::about(path, &error)),
            },
        }
    }

    fn complete(&self) -> bool {
        match self {
            Facts::Database(file) => file.complete,
            Facts::Log(file) => file.complete,
            Facts::Environment(folder) => folder.complete,
        }
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Facts::Database(file) => file.print(out),
            Facts::Log(file) => file.print(out),
            Facts::Environment(folder) => folder.print(out),
        }
    }
}
