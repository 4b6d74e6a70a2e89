//! Tables of named columns: as CSV, as lines of JSON, or as a table of SQLite.

#[cfg(feature = "sqlite")]
mod sqlite;

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use bdbkit::Lsn;
use bdbkit::log::Known;
use clap::ValueEnum;
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::failure::Failure;
use crate::hex::Hex;
use crate::json::{self, Bytes, Content, Time};
use crate::output::Output;

/// The form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// A line of names, and a line for each row; nothing stands for what is not there
    Csv,
    /// A JSON object on a line for each row
    Jsonl,
    /// A file of SQLite with one table; keys and values are blobs
    #[cfg(feature = "sqlite")]
    Sqlite,
}

/// What stands in a column.
#[derive(Clone, Debug)]
pub(crate) enum Cell<'c> {
    Nothing,
    Text(Cow<'c, str>),
    /// Some texts; none of them is as nothing where a column has one text.
    Texts(Vec<String>),
    Number(i64),
    /// In hexadecimal, where the form has no bytes.
    Bytes(&'c [u8]),
    /// Bytes as far as a log shows them: where a column has bytes, all or none.
    Known(&'c Known<'c>),
    Lsn(Lsn),
    /// In seconds since 1970.
    Time(i64),
}

impl<'c> Cell<'c> {
    pub(crate) fn text(text: Option<impl Into<Cow<'c, str>>>) -> Cell<'c> {
        text.map_or(Cell::Nothing, |text| Cell::Text(text.into()))
    }

    pub(crate) fn number(number: Option<impl Into<i64>>) -> Cell<'c> {
        number.map_or(Cell::Nothing, |number| Cell::Number(number.into()))
    }

    pub(crate) fn bytes(bytes: Option<&'c [u8]>) -> Cell<'c> {
        bytes.map_or(Cell::Nothing, Cell::Bytes)
    }

    pub(crate) fn known(known: Option<&'c Known<'c>>) -> Cell<'c> {
        known.map_or(Cell::Nothing, Cell::Known)
    }

    /// Bytes as text, if they are UTF-8 without control characters.
    pub(crate) fn text_of(bytes: Option<&'c [u8]>) -> Cell<'c> {
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        Cell::text(text.filter(|text| !text.chars().any(char::is_control)))
    }

    /// What stands in a column that has no more than texts, numbers and bytes.
    fn plain(&self) -> Plain<'_> {
        match self {
            Cell::Nothing => Plain::Nothing,
            Cell::Text(text) => Plain::Text(Cow::Borrowed(text)),
            Cell::Texts(texts) if texts.is_empty() => Plain::Nothing,
            Cell::Texts(texts) => Plain::Text(texts.join("; ").into()),
            Cell::Number(number) => Plain::Number(*number),
            Cell::Bytes(bytes) => Plain::Bytes(bytes),
            Cell::Known(known) => known.bytes().map_or(Plain::Nothing, Plain::Bytes),
            Cell::Lsn(lsn) => Plain::Text(format!("{}/{}", lsn.file, lsn.offset).into()),
            Cell::Time(seconds) => match Timestamp::from_second(*seconds) {
                Ok(time) => Plain::Text(time.to_string().into()),
                Err(_) => Plain::Number(*seconds),
            },
        }
    }
}

/// What a field of CSV or SQLite holds.
enum Plain<'c> {
    Nothing,
    Text(Cow<'c, str>),
    Number(i64),
    Bytes(&'c [u8]),
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Nothing => serializer.serialize_none(),
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Texts(texts) => texts.serialize(serializer),
            Cell::Number(number) => serializer.serialize_i64(*number),
            Cell::Bytes(bytes) => Bytes(*bytes).serialize(serializer),
            Cell::Known(known) => Content::of(known).serialize(serializer),
            Cell::Lsn(lsn) => json::Lsn::from(*lsn).serialize(serializer),
            Cell::Time(seconds) => Time::of_seconds(*seconds).serialize(serializer),
        }
    }
}

/// What a table is of: its name, what a row of it is called, and the names of its columns.
#[derive(Debug)]
pub(crate) struct Heading {
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code))] // other forms have no name
    pub(crate) table: &'static str,
    pub(crate) row: &'static str,
    pub(crate) columns: &'static [&'static str],
}

/// A table that is being written: a file has its name when it is whole.
pub(crate) struct Table {
    heading: &'static Heading,
    to: To,
    /// Whether the names of the columns stand there, where they are a line.
    headed: bool,
}

enum To {
    Csv(Box<csv::Writer<Output>>),
    Jsonl(Output),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Database),
}

impl Table {
    /// Begins a table: never on one of its inputs.
    pub(crate) fn open(
        form: Form,
        heading: &'static Heading,
        to: Option<&Path>,
        inputs: &[impl AsRef<Path>],
    ) -> Result<Table, Failure> {
        let to = match form {
            Form::Csv => To::Csv(Box::new(csv::Writer::from_writer(Output::of_all(to, inputs)?))),
            Form::Jsonl => To::Jsonl(Output::of_all(to, inputs)?),
            #[cfg(feature = "sqlite")]
            Form::Sqlite => To::Sqlite(sqlite::Database::open(heading, to, inputs)?),
        };
        Ok(Table { heading, to, headed: false })
    }

    /// Whether a terminal shows it.
    pub(crate) fn is_on_terminal(&self) -> bool {
        match &self.to {
            To::Csv(csv) => csv.get_ref().terminal,
            To::Jsonl(out) => out.terminal,
            #[cfg(feature = "sqlite")]
            To::Sqlite(_) => false,
        }
    }

    /// Writes a row, with a cell for each column.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), Failure> {
        self.head()?;
        match &mut self.to {
            To::Csv(csv) => {
                for cell in cells {
                    let field = match cell.plain() {
                        Plain::Nothing => Cow::Borrowed(""),
                        Plain::Text(text) => text,
                        Plain::Number(number) => number.to_string().into(),
                        Plain::Bytes(bytes) => Hex(bytes).to_string().into(),
                    };
                    csv.write_field(field.as_bytes()).map_err(of_csv)?;
                }
                csv.write_record(None::<&[u8]>).map_err(of_csv)
            }
            To::Jsonl(out) => {
                let row = Row { columns: self.heading.columns, cells };
                Ok(json::line(self.heading.row, &row, out)?)
            }
            #[cfg(feature = "sqlite")]
            To::Sqlite(database) => database.row(cells),
        }
    }

    /// Writes the names of the columns, once.
    fn head(&mut self) -> Result<(), Failure> {
        let headed = std::mem::replace(&mut self.headed, true);
        match &mut self.to {
            To::Csv(csv) if !headed => csv.write_record(self.heading.columns).map_err(of_csv),
            _ => Ok(()),
        }
    }

    /// Ends the table: only now has a file its name.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.head()?;
        match self.to {
            To::Csv(csv) => {
                let out = csv.into_inner().map_err(|error| error.into_error())?;
                out.finish()
            }
            To::Jsonl(mut out) => {
                out.flush()?;
                out.finish()
            }
            #[cfg(feature = "sqlite")]
            To::Sqlite(database) => database.finish(),
        }
    }
}

/// What keeps CSV from being written.
fn of_csv(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => Failure::Output(format!("cannot write: {other:?}").into()),
    }
}

/// A row as an object.
struct Row<'r> {
    columns: &'static [&'static str],
    cells: &'r [Cell<'r>],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, cell) in self.columns.iter().zip(self.cells) {
            map.serialize_entry(column, cell)?;
        }
        map.end()
    }
}
