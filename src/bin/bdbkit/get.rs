//! `bdbkit get`: the value of a key.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use bdbkit::dump::escape;
use bdbkit::{Database, Item, Method, RecordId};

use crate::beside::Beside;
use crate::failure::{Failure, NO_JSON, Outcome, about};
use crate::hex::{hex, unhex};
use crate::password::Password;
use crate::recovered::{self, Recovered};

/// Print the value of a key
///
/// The bytes of the value and a newline; of all values, one after the other, if
/// the key has duplicates. In a RECNO or QUEUE database the key is a record number, in a HEAP
/// the place of a record: PAGE:SLOT.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// KEY is given, and values are printed, as hexadecimal digits
    #[arg(long)]
    hex: bool,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    recovered: Recovered,

    #[command(flatten)]
    beside: Beside,

    /// The one of several databases in the file to look in
    #[arg(short, value_name = "NAME")]
    subdatabase: Option<OsString>,

    /// The database file, or - for standard input
    file: PathBuf,

    /// The key: its bytes as they are, a record number, or PAGE:SLOT
    key: OsString,
}

impl Arguments {
    fn shown_key(&self) -> String {
        escape(self.key.as_encoded_bytes())
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let path = &arguments.file;
    let about_file = |error| Failure::about(path, &error);
    let environment = arguments.recovered.environment(path, None, &arguments.beside)?;
    let file = recovered::file(environment.as_ref(), path)?;
    let db = recovered::database(file.as_ref(), path)?;
    let db = match &arguments.subdatabase {
        Some(name) => db.subdatabase(name.as_encoded_bytes()).map_err(about_file)?,
        None if db.is_directory() => {
            let advice = "holds several databases: choose one with -s (dump -l lists them)";
            return Err(Failure::Usage(about(path, advice)));
        }
        None => db,
    };
    let mut out = io::stdout().lock();
    let found = match db.meta().method() {
        Method::Recno | Method::Queue => record(&db, arguments, &mut out)?,
        Method::Heap => place(&db, arguments, &mut out)?,
        _ => key(&db, arguments, &mut out)?,
    };
    out.flush()?;
    let beside = match &environment {
        Some(environment) => arguments.beside.tell_of_recovered(path, NO_JSON)?.and(environment.outcome()),
        None => arguments.beside.tell(path, None, NO_JSON)?,
    };
    if !found {
        return Err(Failure::Message(about(path, format_args!("no key {}", arguments.shown_key()))));
    }
    Ok(beside)
}

fn key(db: &Database<'_>, arguments: &Arguments, out: &mut impl Write) -> Result<bool, Failure> {
    let key = if arguments.hex { unhexed(arguments)? } else { arguments.key.as_encoded_bytes().to_vec() };
    let mut found = false;
    for pair in db.duplicates(&key).pairs() {
        let pair = pair.map_err(|error| Failure::about(&arguments.file, &error))?;
        print(&pair.value(), arguments, out)?;
        found = true;
    }
    Ok(found)
}

fn record(db: &Database<'_>, arguments: &Arguments, out: &mut impl Write) -> Result<bool, Failure> {
    let number = arguments.key.to_str().and_then(|text| text.parse().ok());
    let Some(number) = number else {
        let message = format!("{} is no record number", arguments.shown_key());
        return Err(Failure::Usage(about(&arguments.file, message)));
    };
    let error = |error| Failure::about(&arguments.file, &error);
    if db.meta().method() == Method::Queue || db.meta().is_series1() {
        let Some(entry) = db.record(number).map_err(error)? else { return Ok(false) };
        return piece(entry.value(), arguments, out).and_then(|()| Ok(out.write_all(b"\n")?)).map(|()| true);
    }
    let found = db.cursor().and_then(|mut cursor| cursor.seek_record(number)).map_err(error)?;
    match found.filter(|pair| pair.record_number() == Some(number)) {
        Some(pair) => print(&pair.value(), arguments, out).map(|()| true),
        None => Ok(false),
    }
}

fn place(db: &Database<'_>, arguments: &Arguments, out: &mut impl Write) -> Result<bool, Failure> {
    let id = arguments.key.to_str().and_then(|text| text.parse::<RecordId>().ok());
    let Some(id) = id else {
        let message = format!("{} is no place of a record: PAGE:SLOT", arguments.shown_key());
        return Err(Failure::Usage(about(&arguments.file, message)));
    };
    match db.item_at(id).map_err(|error| Failure::about(&arguments.file, &error))? {
        Some(value) => print(&value, arguments, out).map(|()| true),
        None => Ok(false),
    }
}

fn print(value: &Item<'_>, arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    for bytes in value.pieces() {
        piece(&bytes.map_err(|error| Failure::about(&arguments.file, &error))?, arguments, out)?;
    }
    out.write_all(b"\n")?;
    Ok(())
}

fn piece(bytes: &[u8], arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    if arguments.hex {
        out.write_all(hex(bytes).as_bytes())?;
    } else {
        out.write_all(bytes)?;
    }
    Ok(())
}

fn unhexed(arguments: &Arguments) -> Result<Vec<u8>, Failure> {
    let key = unhex(arguments.key.as_encoded_bytes());
    key.map_err(|error| Failure::Usage(format!("{}: {error}", arguments.shown_key()).into()))
}
