//! `bdbkit get`: the value of a key.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use bdbkit::dump::escape;
use bdbkit::{Database, Item, Method, RecordId};

use crate::beside::Beside;
use crate::failure::{Failure, NO_JSON, Outcome, about, complain};
use crate::hex::{hex, unhex};
use crate::password::Password;
use crate::recovered::{self, Recovered};

/// Print the value of a key, or of many
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

    /// Keys from a file, one on a line, or - for standard input: their values in that order; those that
    /// are not there are told
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    keys_from: Option<PathBuf>,

    /// The key: its bytes as they are, a record number, or PAGE:SLOT
    #[arg(required_unless_present = "keys_from")]
    key: Option<OsString>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let path = &arguments.file;
    let stdin = |path: &Path| path == Path::new("-");
    if stdin(path) && arguments.keys_from.as_deref().is_some_and(stdin) {
        return Err(Failure::Usage("standard input cannot be both the database and the keys".into()));
    }
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
    let mut looking = Looking { arguments, db: &db, out: BufWriter::new(io::stdout().lock()) };
    let found = match (&arguments.key, &arguments.keys_from) {
        (Some(key), _) => looking.one(key.as_encoded_bytes()).map(Outcome::complete_if)?,
        (None, Some(keys)) => looking.all_of(keys)?,
        (None, None) => Outcome::Complete,
    };
    looking.out.flush()?;
    let beside = match &environment {
        Some(environment) => arguments.beside.tell_of_recovered(path, NO_JSON)?.and(environment.outcome()),
        None => arguments.beside.tell(path, None, NO_JSON)?,
    };
    Ok(found.and(beside))
}

/// So many keys are read before their values are looked up.
const TOGETHER: usize = 4096;

/// Look-ups in a database.
struct Looking<'g, W: Write> {
    arguments: &'g Arguments,
    db: &'g Database<'g>,
    out: W,
}

impl<W: Write> Looking<'_, W> {
    /// Prints what a key has; otherwise tells that it is not there.
    fn one(&mut self, key: &[u8]) -> Result<bool, Failure> {
        let found = match self.db.meta().method() {
            Method::Recno | Method::Queue => self.record(key)?,
            Method::Heap => self.place(key)?,
            _ => self.key(&self.arguments.bytes(key)?)?,
        };
        if !found {
            self.missing(key);
        }
        Ok(found)
    }

    /// Prints what each key of a file has.
    fn all_of(&mut self, path: &Path) -> Result<Outcome, Failure> {
        let io = |error: io::Error| Failure::io(path, &error);
        let lines: Box<dyn BufRead> = match path {
            path if path == Path::new("-") => Box::new(io::stdin().lock()),
            path => Box::new(BufReader::new(fs::File::open(path).map_err(io)?)),
        };
        let (mut lines, mut all) = (lines.split(b'\n'), Outcome::Complete);
        loop {
            let keys = lines.by_ref().take(TOGETHER).collect::<Result<Vec<_>, _>>().map_err(io)?;
            if keys.is_empty() {
                return Ok(all);
            }
            all = all.and(self.many(&keys)?);
        }
    }

    fn many(&mut self, keys: &[Vec<u8>]) -> Result<Outcome, Failure> {
        let meta = self.db.meta();
        let mut all = Outcome::Complete;
        let plain = matches!(meta.method(), Method::Btree | Method::Hash) && !meta.flags().duplicates();
        if !plain {
            for key in keys {
                let found = self.one(key).map(Outcome::complete_if);
                all = all.and(found.or_else(|failure| failure.survive(NO_JSON))?);
            }
            return Ok(all);
        }
        let wanted = keys.iter().map(|key| self.arguments.bytes(key)).collect::<Result<Vec<_>, _>>()?;
        let db = self.db;
        for (key, value) in keys.iter().zip(db.get_many(&wanted)) {
            let found = match value {
                Ok(Some(value)) => {
                    self.piece(&value)?;
                    self.out.write_all(b"\n")?;
                    Outcome::Complete
                }
                Ok(None) => {
                    self.missing(key);
                    Outcome::Incomplete
                }
                Err(error) => Failure::about(&self.arguments.file, &error).survive(NO_JSON)?,
            };
            all = all.and(found);
        }
        Ok(all)
    }

    fn missing(&self, key: &[u8]) {
        complain(about(&self.arguments.file, format_args!("no key {}", escape(key))));
    }

    fn key(&mut self, key: &[u8]) -> Result<bool, Failure> {
        let (db, mut found) = (self.db, false);
        for pair in db.duplicates(key).pairs() {
            let pair = pair.map_err(|error| Failure::about(&self.arguments.file, &error))?;
            self.print(&pair.value())?;
            found = true;
        }
        Ok(found)
    }

    fn record(&mut self, key: &[u8]) -> Result<bool, Failure> {
        let number = std::str::from_utf8(key).ok().and_then(|text| text.parse().ok());
        let Some(number) = number else { return Err(self.wrong(key, "is no record number")) };
        let (db, file) = (self.db, &self.arguments.file);
        let error = |error| Failure::about(file, &error);
        if db.meta().method() == Method::Queue || db.meta().is_series1() {
            let Some(entry) = db.record(number).map_err(error)? else { return Ok(false) };
            return self.piece(entry.value()).and_then(|()| Ok(self.out.write_all(b"\n")?)).map(|()| true);
        }
        let found = db.cursor().and_then(|mut cursor| cursor.seek_record(number)).map_err(error)?;
        match found.filter(|pair| pair.record_number() == Some(number)) {
            Some(pair) => self.print(&pair.value()).map(|()| true),
            None => Ok(false),
        }
    }

    fn place(&mut self, key: &[u8]) -> Result<bool, Failure> {
        let id = std::str::from_utf8(key).ok().and_then(|text| text.parse::<RecordId>().ok());
        let Some(id) = id else { return Err(self.wrong(key, "is no place of a record: PAGE:SLOT")) };
        let db = self.db;
        match db.item_at(id).map_err(|error| Failure::about(&self.arguments.file, &error))? {
            Some(value) => self.print(&value).map(|()| true),
            None => Ok(false),
        }
    }

    /// What is said of a key that can be none of this database.
    fn wrong(&self, key: &[u8], why: &str) -> Failure {
        Failure::Usage(about(&self.arguments.file, format_args!("{} {why}", escape(key))))
    }

    fn print(&mut self, value: &Item<'_>) -> Result<(), Failure> {
        for bytes in value.pieces() {
            self.piece(&bytes.map_err(|error| Failure::about(&self.arguments.file, &error))?)?;
        }
        self.out.write_all(b"\n")?;
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.arguments.hex {
            self.out.write_all(hex(bytes).as_bytes())?;
        } else {
            self.out.write_all(bytes)?;
        }
        Ok(())
    }
}

impl Arguments {
    /// The bytes of a key as it was given.
    fn bytes<'k>(&self, key: &'k [u8]) -> Result<Cow<'k, [u8]>, Failure> {
        if !self.hex {
            return Ok(Cow::Borrowed(key));
        }
        let bytes = unhex(key).map(Cow::Owned);
        bytes.map_err(|error| Failure::Usage(format!("{}: {error}", escape(key)).into()))
    }
}
