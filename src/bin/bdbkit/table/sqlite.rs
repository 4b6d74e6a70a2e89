//! A table of SQLite, in a file that has its name when it is whole.

use std::path::Path;

use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::{Cell, Heading, Plain};
use crate::failure::Failure;
use crate::input::real;
use crate::output::{Fresh, is_same};

/// A database with one table.
pub(super) struct Database {
    connection: Connection,
    insert: String,
    file: Fresh,
}

impl Database {
    /// Begins one: the file itself has no name, and what it replaces stays until then.
    pub(super) fn open(
        heading: &Heading,
        to: Option<&Path>,
        inputs: &[impl AsRef<Path>],
    ) -> Result<Database, Failure> {
        let Some(path) = to else {
            let advice = "--format sqlite makes a file: name it with -o";
            return Err(Failure::Usage(advice.into()));
        };
        let input = inputs.iter().map(AsRef::as_ref).find(|input| is_same(path, real(input)));
        let file = Fresh::new(path, input.unwrap_or(Path::new("")), true)?;
        let connection = Connection::open(file.path()).map_err(failure)?;
        // Whoever is stopped leaves no name: there is nothing to go back to.
        connection
            .execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE",
            )
            .map_err(failure)?;
        let columns = heading.columns.join(", ");
        let table = format!("CREATE TABLE {} ({columns}); BEGIN", heading.table);
        connection.execute_batch(&table).map_err(failure)?;
        let places = vec!["?"; heading.columns.len()].join(", ");
        let insert = format!("INSERT INTO {} VALUES ({places})", heading.table);
        Ok(Database { connection, insert, file })
    }

    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(&self.insert).map_err(failure)?;
        insert.execute(params_from_iter(cells)).map(drop).map_err(failure)
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        self.connection.execute_batch("COMMIT").map_err(failure)?;
        self.connection.close().map_err(|(_, error)| failure(error))?;
        self.file.publish(true)
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.plain() {
            Plain::Nothing => ToSqlOutput::Borrowed(ValueRef::Null),
            Plain::Text(text) => ToSqlOutput::Owned(Value::Text(text.into_owned())),
            Plain::Number(number) => ToSqlOutput::Owned(Value::Integer(number)),
            Plain::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

fn failure(error: rusqlite::Error) -> Failure {
    Failure::Output(format!("cannot write: {error}").into())
}
