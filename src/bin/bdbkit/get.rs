//! `bdbkit get`: the value of a key.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use bdbkit::dump::escape;
use bdbkit::{Database, Item, Method};

use crate::dump::open;
use crate::failure::{Failure, Outcome, about};

/// Print the value of a key
///
/// The bytes of the value and a newline; of all values, one after the other, if
/// the key has duplicates. In a RECNO database the key is a record number.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// KEY is given, and values are printed, as hexadecimal digits
    #[arg(long)]
    hex: bool,

    /// The one of several databases in the file to look in
    #[arg(short, value_name = "NAME")]
    subdatabase: Option<OsString>,

    /// The database file, or - for standard input
    file: PathBuf,

    /// The key: its bytes as they are, or a record number
    key: OsString,
}

impl Arguments {
    fn shown_key(&self) -> String {
        escape(self.key.as_encoded_bytes())
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let path = &arguments.file;
    let about_file = |error| Failure::about(path, &error);
    let db = open(path)?;
    let db = match &arguments.subdatabase {
        Some(name) => db.subdatabase(name.as_encoded_bytes()).map_err(about_file)?,
        None if db.is_directory() => {
            let advice = "holds several databases: choose one with -s (dump -l lists them)";
            return Err(Failure::Message(about(path, advice)));
        }
        None => db,
    };
    let mut out = io::stdout().lock();
    let found = match db.meta().method() {
        Method::Recno => record(&db, arguments, &mut out)?,
        _ => key(&db, arguments, &mut out)?,
    };
    out.flush()?;
    if !found {
        return Err(Failure::Message(about(path, format_args!("no key {}", arguments.shown_key()))));
    }
    Ok(Outcome::Complete)
}

fn key(db: &Database<'_>, arguments: &Arguments, out: &mut impl Write) -> Result<bool, Failure> {
    let key = if arguments.hex { unhex(arguments)? } else { arguments.key.as_encoded_bytes().to_vec() };
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
        return Err(Failure::Message(about(&arguments.file, message)));
    };
    let mut cursor = db.cursor();
    let found = cursor.seek_record(number).map_err(|error| Failure::about(&arguments.file, &error))?;
    match found.filter(|pair| pair.record_number() == Some(number)) {
        Some(pair) => print(&pair.value(), arguments, out).map(|()| true),
        None => Ok(false),
    }
}

fn print(value: &Item<'_>, arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    for piece in value.pieces() {
        let piece = piece.map_err(|error| Failure::about(&arguments.file, &error))?;
        if arguments.hex {
            piece.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
        } else {
            out.write_all(piece)?;
        }
    }
    out.write_all(b"\n")?;
    Ok(())
}

fn unhex(arguments: &Arguments) -> Result<Vec<u8>, Failure> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |two: &[u8]| match two {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = arguments.key.as_encoded_bytes().chunks(2).map(byte).collect();
    bytes.ok_or_else(|| {
        let key = arguments.shown_key();
        Failure::Message(format!("{key}: not an even number of hexadecimal digits"))
    })
}
