//! `bdbkit dump`: what `db_dump` prints.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use bdbkit::Database;
use bdbkit::dump::{self, escape};

use crate::beside::Beside;
use crate::failure::{Failure, NO_JSON, Outcome, about, complain, places};
use crate::genuine::Genuine;
use crate::output::Output;
use crate::password::Password;
use crate::recovered::{self, Recovered};
use crate::{hints, progress, salvage};

/// Write a database as text, in the form that db_load reads
///
/// The options mean what they mean to db_dump, and the output is the same.
/// Damage is named on standard error and stepped over: all that can be read is
/// written, but a database that is not whole gets no DATA=END line.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Write printing characters as they are, not as hexadecimal digits
    #[arg(short)]
    print: bool,

    /// Write the record numbers of RECNO databases
    #[arg(short)]
    keys: bool,

    /// List the names of the databases in the file
    #[arg(short, conflicts_with = "subdatabase")]
    list: bool,

    /// The one of several databases in the file to write
    #[arg(short, value_name = "NAME")]
    subdatabase: Option<OsString>,

    /// Salvage: write all pairs that can be found in a damaged file
    #[arg(short = 'r', conflicts_with_all = ["keys", "list", "subdatabase"])]
    recover: bool,

    /// As -r, and what was deleted: marked items, free pages, remains in unused space
    #[arg(short = 'R', conflicts_with_all = ["keys", "list", "subdatabase"])]
    recover_deleted: bool,

    /// Write to a file instead of standard output
    #[arg(short = 'f', value_name = "OUT")]
    output: Option<PathBuf>,

    #[command(flatten)]
    genuine: Genuine,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    recovered: Recovered,

    #[command(flatten)]
    beside: Beside,

    /// Pages as db_dump has them for those who debug it: not supported
    #[arg(short = 'd', value_name = "ahr", hide = true)]
    debug: Option<String>,

    /// A database in the memory of an environment: not supported
    #[arg(short = 'm', value_name = "NAME", hide = true)]
    in_memory: Option<OsString>,

    /// The database file, or - for standard input
    #[arg(required_unless_present = "in_memory")]
    file: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    if arguments.debug.is_some() {
        let advice =
            "-d prints pages in a form for the debugging of libdb, which is not supported: see info, verify";
        return Err(Failure::Usage(advice.into()));
    }
    let (None, Some(file)) = (&arguments.in_memory, &arguments.file) else {
        let advice = "-m names a database in the memory of a running environment: bdbkit reads files only";
        return Err(Failure::Usage(advice.into()));
    };
    arguments.password.set()?;
    let path = arguments.genuine.file(file);
    let path = path.as_path();
    if arguments.recover || arguments.recover_deleted {
        let writer = dump::Writer::new().print(arguments.print);
        if arguments.recovered.is_wanted() {
            let advice = "-r and -R take pages as they stand: recover --to writes a copy that they can read";
            return Err(Failure::Usage(advice.into()));
        }
        return salvage::dump(path, arguments.recover_deleted, writer, arguments.output.as_deref());
    }
    let environment = arguments.recovered.environment(path, arguments.genuine.home(), &arguments.beside)?;
    let file = recovered::file(environment.as_ref(), path)?;
    let db = recovered::database(file.as_ref(), path)?;
    let about_file = |error| Failure::about(path, &error);
    if arguments.list {
        return list(&db, path, arguments);
    }
    let db = match &arguments.subdatabase {
        Some(name) => db.subdatabase(name.as_encoded_bytes()).map_err(about_file)?,
        None => db,
    };
    let mut out = Output::open(arguments.output.as_deref(), path)?;
    let bar = progress::written(out.terminal);
    let writer = dump::Writer::new().print(arguments.print).record_numbers(arguments.keys);
    let summary = writer.write(&db, bar.wrap_write(&mut out), |damage| {
        let message = match damage.database {
            Some(name) => format!("database {}: {}", escape(name), hints::damage(&damage.error)),
            None => hints::damage(&damage.error),
        };
        bar.suspend(|| complain(about(path, message)));
    });
    bar.finish_and_clear();
    let summary = summary.map_err(|error| match error {
        dump::DumpError::Write(error) => error.into(),
        other => Failure::Message(about(path, other)),
    })?;
    out.finish()?;
    if summary.deleted > 0 {
        let n = summary.deleted;
        complain(about(
            path,
            format_args!("note: left out {n} marked as deleted by a program that was stopped"),
        ));
    }
    if summary.damaged > 0 {
        let places = places(summary.damaged);
        complain(about(
            path,
            format_args!("damage {places}: the output is not complete (bdbkit salvage may find more)"),
        ));
    }
    let beside = match &environment {
        Some(environment) => arguments.beside.tell_of_recovered(path, NO_JSON)?.and(environment.outcome()),
        None => arguments.beside.tell(path, arguments.genuine.home(), NO_JSON)?,
    };
    Ok(Outcome::complete_if(summary.damaged == 0).and(beside))
}

fn list(db: &Database<'_>, path: &Path, arguments: &Arguments) -> Result<Outcome, Failure> {
    if !db.is_directory() {
        return Err(Failure::about(path, &bdbkit::Error::NotMultiple));
    }
    let mut out = Output::open(arguments.output.as_deref(), path)?;
    let mut complete = true;
    for database in db.subdatabases() {
        match database {
            Ok(database) => writeln!(out, "{}", escape(database.name()))?,
            Err(error) => {
                complain(about(path, error));
                complete = false;
            }
        }
    }
    out.finish()?;
    Ok(Outcome::complete_if(complete))
}
